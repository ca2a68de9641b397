package pamtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/edge"
	"github.com/sallyport/sallyport/pam/internal/frame"
)

// Browser speaks to a mounted broker as the web client does, for tests and benchmarks in Go. It signs its
// requests with Header, so that the host under test knows who it is.
type Browser struct {
	Base   string       // where the broker is mounted, for example "http://127.0.0.1:8080/pam"
	Header http.Header  // sent with every request and socket: a cookie, an Origin
	Client *http.Client // nil means http.DefaultClient
}

// APIError is an error answer of the broker.
type APIError struct {
	Status int
	Code   pam.Code
	Field  string
	Body   string
}

// Error describes the answer.
func (e *APIError) Error() string {
	return fmt.Sprintf("pamtest: answer %d, code %q, field %q: %s", e.Status, e.Code, e.Field, e.Body)
}

// Call makes one request. A body that is not nil is sent as JSON; into, if not nil, takes the answer. An answer
// other than 2xx is an *APIError.
func (b *Browser) Call(ctx context.Context, method, path string, body, into any) error {
	var rd io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		rd = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, b.Base+"/"+path, rd)
	if err != nil {
		return err
	}
	req.Header = b.Header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	client := b.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		var e struct {
			Error struct {
				Code  pam.Code `json:"code"`
				Field string   `json:"field"`
			} `json:"error"`
		}
		_ = json.Unmarshal(raw, &e) // an answer that is no JSON has no code
		return &APIError{Status: resp.StatusCode, Code: e.Error.Code, Field: e.Error.Field, Body: string(raw)}
	}
	if into == nil || len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, into)
}

// Start starts a session on an asset.
func (b *Browser) Start(ctx context.Context, asset pam.AssetID, params pam.Params) (pam.SessionID, error) {
	var out struct {
		ID pam.SessionID `json:"id"`
	}
	err := b.Call(ctx, "POST", "api/asset/"+url.PathEscape(string(asset))+"/sessions", map[string]any{"params": params}, &out)
	return out.ID, err
}

// Join takes a place in somebody else's session, which is attached like one's own.
func (b *Browser) Join(ctx context.Context, id pam.SessionID, mode pam.Mode) error {
	return b.Call(ctx, "POST", "api/session/"+url.PathEscape(string(id))+"/join", map[string]any{"mode": mode}, nil)
}

// Ticket asks for an attach ticket.
func (b *Browser) Ticket(ctx context.Context, id pam.SessionID) (string, error) {
	var out struct {
		Ticket string `json:"ticket"`
	}
	err := b.Call(ctx, "POST", "api/session/"+url.PathEscape(string(id))+"/attach", struct{}{}, &out)
	return out.Ticket, err
}

// PageOptions say how a page behaves. The zero value is a good page of 80x24 that keeps what it was shown.
type PageOptions struct {
	Cols, Rows int
	// Ticket to send; empty: the page asks for one.
	Ticket string
	// Output takes the terminal bytes instead of the page's own buffer; called from the page's goroutine.
	Output func(p []byte, key bool)
	// Frame takes pictures, cursors, texts of the clipboard and sound; called from the page's goroutine.
	Frame func(f pam.Frame)
	// Width and Height are the page's size in pixels.
	Width, Height int
	// Deaf pages never acknowledge.
	Deaf bool
}

// Attach opens a page on a session: a ticket, a socket, the hello. The page's goroutine ends with Close or with
// the socket.
func (b *Browser) Attach(ctx context.Context, id pam.SessionID, o PageOptions) (*Page, error) {
	if o.Cols == 0 || o.Rows == 0 {
		o.Cols, o.Rows = 80, 24
	}
	if o.Ticket == "" {
		t, err := b.Ticket(ctx, id)
		if err != nil {
			return nil, err
		}
		o.Ticket = t
	}
	u := "ws" + strings.TrimPrefix(b.Base, "http") + "/api/session/" + url.PathEscape(string(id)) + "/socket"
	conn, _, err := edge.Dial(ctx, u, frame.Subprotocol, b.Header)
	if err != nil {
		return nil, err
	}
	hello, err := json.Marshal(map[string]any{"ticket": o.Ticket, "cols": o.Cols, "rows": o.Rows, "width": o.Width, "height": o.Height})
	if err != nil {
		return nil, err
	}
	p := newPage(conn, o)
	if err := p.send(ctx, frame.Frame{Kind: frame.Hello, Payload: hello}); err != nil {
		conn.Abort()
		return nil, err
	}
	go p.read()
	return p, nil
}
