package rdptest_test

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/codec"
	"github.com/sallyport/sallyport/rdp/internal/connect"
	"github.com/sallyport/sallyport/rdp/internal/credssp"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/wire"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// patience is how long a test waits for what must come: it is there to end a hung test, not to measure.
const patience = 2 * time.Minute

const password = "Rdp-Test-123"

// client is the least of an RDP client: the connector on a connection, and raw bitmaps drawn into a picture.
type client struct {
	t     *testing.T
	conn  net.Conn
	r     *bufio.Reader
	res   *connect.Result
	pic   codec.Target
	drawn int // pixels
}

func clientConfig(protocols pdu.Protocols, depth uint16) connect.Config {
	return connect.Config{
		Protocols: protocols, Target: "rdptest", Now: time.Now, Random: rand.Reader,
		Info:     pdu.ClientInfo{User: "anna", Password: password, Flags: pdu.InfoMouse},
		Core:     pdu.ClientCore{Version: pdu.Version10, Width: 800, Height: 600, Depth: 24},
		Channels: []pdu.ChannelDef{{Name: "cliprdr"}, {Name: "drdynvc"}},
		Caps:     pdu.ClientCaps{Depth: depth, MaxRequest: 1 << 20, FastPathOutput: true},
	}
}

// dial goes through the sequence on one end of a pipe.
func dial(t *testing.T, s *rdptest.Server, cfg connect.Config) (*client, error) {
	t.Helper()
	near, far := net.Pipe()
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.ServeConn(far) }()
	t.Cleanup(func() { near.Close(); <-ended })
	if err := near.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return handshake(t, near, cfg)
}

func handshake(t *testing.T, conn net.Conn, cfg connect.Config) (*client, error) {
	t.Helper()
	q, err := connect.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: conn, r: bufio.NewReader(conn)}
	for {
		var in []byte
		switch q.Need() {
		case connect.NeedDone:
			c.res = q.Result()
			c.pic, err = codec.NewTarget(c.res.Activation.Width, c.res.Activation.Height)
			return c, err
		case connect.NeedFrame:
			in, err = c.unit(pdu.FrameSize)
		case connect.NeedTLS:
			// The test's own server: what is checked is the sequence.
			tc := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
				return pinned(q, s.PeerCertificates)
			}})
			if err = tc.Handshake(); err == nil {
				c.conn, c.r = tc, bufio.NewReader(tc)
			}
		case connect.NeedToken:
			in, err = c.unit(credssp.RequestSize)
		case connect.NeedEarly:
			in = make([]byte, 4)
			_, err = io.ReadFull(c.r, in)
		}
		if err != nil {
			return nil, err
		}
		out, err := q.Step(in)
		if err != nil {
			return nil, err
		}
		if len(out) > 0 {
			if _, err := c.conn.Write(out); err != nil {
				return nil, err
			}
		}
	}
}

func pinned(q *connect.Connector, chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return fmt.Errorf("no certificate")
	}
	q.Secured(chain[0])
	return nil
}

func (c *client) unit(size func([]byte) (int, error)) ([]byte, error) {
	for n := 2; ; n++ {
		head, err := c.r.Peek(n)
		if err != nil {
			return nil, err
		}
		whole, err := size(head)
		if err != nil {
			return nil, err
		}
		if whole > 0 {
			b := make([]byte, whole)
			_, err := io.ReadFull(c.r, b)
			return b, err
		}
	}
}

// hear takes one unit, and reports whether it was an update.
func (c *client) hear() bool {
	c.t.Helper()
	b, err := c.unit(pdu.FrameSize)
	if err != nil {
		c.t.Fatal(err)
	}
	if pdu.IsFastPath(b) {
		r := wire.NewReader(b)
		r.Skip("header", 3)
		kind := r.U8("updateHeader")
		body := r.Bytes("update", int(r.U16LE("size")))
		if err := r.Close("fast-path"); err != nil || kind != 1 {
			c.t.Fatalf("update %#x: %v", kind, err)
		}
		c.draw(body)
		return true
	}
	payload, err := pdu.DataPayload(b)
	if err != nil {
		c.t.Fatal(err)
	}
	var m pdu.MCS
	if err := m.UnmarshalBinary(payload); err != nil {
		c.t.Fatal(err)
	}
	s, _, err := pdu.TakeShareControl(m.Data)
	if err != nil {
		c.t.Fatal(err)
	}
	var d pdu.Data
	if s.Kind != pdu.ShareData || d.UnmarshalBinary(s.Body) != nil || d.Kind != pdu.DataUpdate {
		return false
	}
	c.draw(d.Body)
	return true
}

func (c *client) draw(body []byte) {
	c.t.Helper()
	r := wire.NewReader(body)
	r.Want("updateType", uint64(r.U16LE("updateType")), 1)
	for range int(r.U16LE("numberRectangles")) {
		var v [9]int
		for i := range v {
			v[i] = int(r.U16LE("field"))
		}
		data := r.Bytes("bitmapDataStream", v[8])
		t, err := codec.NewTarget(v[4], v[5])
		if err != nil {
			c.t.Fatal(err)
		}
		if err := codec.DecodeRaw(t, codec.Depth(v[6]), nil, data, true); err != nil {
			c.t.Fatal(err)
		}
		if v[2] >= c.pic.W || v[3] >= c.pic.H || v[2] < v[0] || v[3] < v[1] {
			c.t.Fatalf("rectangle %v on a desktop of %dx%d", v[:4], c.pic.W, c.pic.H)
		}
		c.drawn += (v[2] - v[0] + 1) * (v[3] - v[1] + 1)
		for y := v[1]; y <= v[3]; y++ {
			copy(c.pic.Pix[y*c.pic.Stride+v[0]*4:][:(v[2]-v[0]+1)*4], t.Pix[(y-v[1])*t.Stride:])
		}
	}
	if err := r.Close("bitmap update"); err != nil {
		c.t.Fatal(err)
	}
}
