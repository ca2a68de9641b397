package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"nhooyr.io/websocket"
)

// Dial opens a WebSocket as a client, for tests and benchmarks.
func Dial(ctx context.Context, url, subprotocol string, header http.Header) (*Conn, *http.Response, error) {
	o := &websocket.DialOptions{HTTPHeader: header, CompressionMode: websocket.CompressionDisabled}
	if subprotocol != "" {
		o.Subprotocols = []string{subprotocol}
	}
	ws, resp, err := websocket.Dial(ctx, url, o)
	if err != nil {
		return nil, resp, fmt.Errorf("edge: %w", err)
	}
	const limit = 64 << 20
	ws.SetReadLimit(limit)
	return &Conn{ws: ws, limit: limit}, resp, nil
}

// CloseReason returns the reason text of the close message that ended a Read, if that was how it ended.
func CloseReason(err error) (reason string, ok bool) {
	var ce websocket.CloseError
	ok = errors.As(err, &ce)
	return ce.Reason, ok
}
