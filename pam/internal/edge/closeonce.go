package edge

import (
	"bufio"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// The library answers the peer's close frame with one of its own even if ours has been sent, and browsers complain
// about the second. Its connection is therefore wrapped: once we are closing, the close frame passes and nothing
// after it.

// closeOnce is a response writer whose hijacked connection sends one close frame and watches what it reads.
type closeOnce struct {
	http.ResponseWriter
	conn *oneCloseConn // set by Hijack
}

// Hijack implements http.Hijacker over the writer that hijackable found.
func (c *closeOnce) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, brw, err := c.ResponseWriter.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, err
	}
	c.conn = &oneCloseConn{Conn: conn, in: newWatch()}
	brw.Writer.Reset(c.conn)
	early, err := brw.Reader.Peek(brw.Reader.Buffered()) // frames that came with the request
	if err == nil {
		err = c.conn.in.feed(early, time.Now())
	}
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	return c.conn, brw, nil
}

// oneCloseConn drops what is written after the close frame, watches what is read, and writes whole messages at once.
type oneCloseConn struct {
	net.Conn
	in      *watch
	whole   whole
	closing atomic.Bool // Close was called: the next frame of that kind is the last
	closed  atomic.Bool
}

// finClose is the first byte of a close frame: FIN and opcode 8 (RFC 6455, section 5.2). Control frames are flushed
// one by one, and no data is written while closing, so it stands at the start of a write.
const finClose = 0x88

func (c *oneCloseConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if bad := c.in.feed(p[:n], time.Now()); bad != nil {
		return 0, bad
	}
	return n, err
}

func (c *oneCloseConn) Write(p []byte) (int, error) {
	if c.closing.Load() {
		if c.closed.Load() {
			return len(p), nil
		}
		if len(p) > 0 && p[0] == finClose {
			c.closed.Store(true)
		}
	}
	return c.whole.write(c.Conn, p)
}
