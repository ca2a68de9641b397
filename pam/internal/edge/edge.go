// Package edge is the WebSocket side of the broker: it upgrades requests, moves whole binary messages under limits
// and deadlines, and closes with a code. It is the only package that imports the WebSocket library, and no
// type of that library leaves it: nhooyr.io/websocket lives on as github.com/coder/websocket with the same API,
// and this import is the one line to change.
package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"nhooyr.io/websocket"
)

// CloseCode is the WebSocket close code of every close that the gateway means; the reason text says why.
const CloseCode = 4000

// ErrNotBinary tells that a peer sent a text message.
var ErrNotBinary = errors.New("edge: text message; the protocol is binary")

// ErrTooLarge tells that a peer sent a message beyond the limit.
var ErrTooLarge = errors.New("edge: message too large")

// ErrNoHijack tells that some middleware of the host hides the connection.
var ErrNoHijack = errors.New("edge: response writer cannot be hijacked")

// Options of Accept.
type Options struct {
	Subprotocol string
	Origins     []string // exact; the caller has checked them, the library checks once more
	ReadLimit   int      // bytes of a message, until SetLimit
}

// Conn is one WebSocket. Read is for one goroutine; Write for one; Ping and Close for any.
type Conn struct {
	ws    *websocket.Conn
	buf   []byte
	limit int           // bytes of a message that is read
	net   *oneCloseConn // nil for a client
}

// SetLimit bounds the messages that come from now on. Nobody may be in Read.
func (c *Conn) SetLimit(bytes int) { c.limit = bytes }

// keepBuffer is the largest read buffer that an idle connection keeps.
const keepBuffer = 4 << 10

// Accept upgrades r. It answers w itself on every error. offered is false when the client did not offer the
// subprotocol: the connection is open, so that it can be closed with a code that the page understands.
func Accept(w http.ResponseWriter, r *http.Request, o Options) (c *Conn, offered bool, err error) {
	hw, err := hijackable(w)
	if err != nil {
		http.Error(w, "websocket unavailable", http.StatusInternalServerError)
		return nil, false, err
	}
	protocols := []string{o.Subprotocol}
	offers := offeredProtocols(r)
	if offered = slices.Contains(offers, o.Subprotocol); !offered {
		// A browser gives up without a word when the answer names none of its subprotocols.
		protocols = offers
	}
	once := &closeOnce{ResponseWriter: hw}
	ws, err := websocket.Accept(once, r, &websocket.AcceptOptions{
		Subprotocols:    protocols,
		OriginPatterns:  originPatterns(o.Origins),
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, false, fmt.Errorf("edge: %w", err)
	}
	ws.SetReadLimit(-1) // Read keeps the limit: the library would close with a code of its own
	return &Conn{ws: ws, limit: o.ReadLimit, net: once.conn}, offered, nil
}

// Read returns the next message. The slice is valid until the next Read. After an error the connection is of no use
// but to be closed; IsViolation tells whether the peer is to blame.
func (c *Conn) Read(ctx context.Context) ([]byte, error) {
	if cap(c.buf) > keepBuffer {
		c.buf = nil
	}
	typ, r, err := c.ws.Reader(ctx)
	if err != nil {
		return nil, err
	}
	if typ != websocket.MessageBinary {
		return nil, ErrNotBinary
	}
	b := c.buf[:0]
	for {
		if len(b) == cap(b) {
			b = slices.Grow(b, max(512, len(b)))
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if len(b) > c.limit {
			return nil, ErrTooLarge
		}
		if err != nil {
			c.buf = b
			if err == io.EOF {
				return b, nil
			}
			return nil, err
		}
	}
}

// Write sends one message made of all parts.
func (c *Conn) Write(ctx context.Context, msg []byte) error {
	if c.net != nil {
		c.net.whole.msg.Store(&msg)
		defer c.net.whole.msg.Store(nil)
	}
	return c.ws.Write(ctx, websocket.MessageBinary, msg)
}

// IsViolation reports whether an error of Read says that the peer broke the rules of this package.
func IsViolation(err error) bool {
	return errors.Is(err, ErrNotBinary) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrFlood)
}

// Ping sends a ping and waits for its pong. Somebody must be in Read.
func (c *Conn) Ping(ctx context.Context) error { return c.ws.Ping(ctx) }

// Close sends a close message with the reason and waits a few seconds for the peer's.
func (c *Conn) Close(reason string) {
	if c.net != nil {
		c.net.closing.Store(true)
	}
	_ = c.ws.Close(CloseCode, reason)
}

// Abort drops the connection at once.
func (c *Conn) Abort() { _ = c.ws.CloseNow() }

// hijackable walks the wrappers that middleware puts around a response writer to the one that can be hijacked.
func hijackable(w http.ResponseWriter) (http.ResponseWriter, error) {
	outer := w
	for {
		if _, ok := w.(http.Hijacker); ok {
			return w, nil
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil, fmt.Errorf("%w: %T (inside %T) implements neither http.Hijacker nor Unwrap() http.ResponseWriter; "+
				"give the wrapper of that middleware an Unwrap method, or mount the broker outside it", ErrNoHijack, w, outer)
		}
		w = u.Unwrap()
	}
}

func offeredProtocols(r *http.Request) []string {
	var out []string
	for _, h := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(h, ",") {
			if p = strings.TrimSpace(p); p != "" {
				out = append(out, p)
			}
		}
	}
	return out
}

// originPatterns turns origins into the library's patterns over hosts. The pattern language is that of
// path.Match, where an IPv6 literal's bracket would open a class.
func originPatterns(origins []string) []string {
	var out []string
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil {
			continue
		}
		out = append(out, strings.NewReplacer(`\`, `\\`, `[`, `\[`, `*`, `\*`, `?`, `\?`).Replace(u.Host))
	}
	return out
}
