package edge

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkRTT is the floor of an echo: one byte there and back over loopback, bare and as a message.
func BenchmarkRTT(b *testing.B) {
	b.Run("tcp", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			buf := make([]byte, 16)
			for {
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				if _, err := c.Write(buf[:n]); err != nil {
					return
				}
			}
		}()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		buf := make([]byte, 1)
		for b.Loop() {
			if _, err := c.Write(buf); err != nil {
				b.Fatal(err)
			}
			if _, err := c.Read(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("websocket", func(b *testing.B) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, _, err := Accept(w, r, Options{Subprotocol: "p", ReadLimit: 100})
			if err != nil {
				return
			}
			defer c.Abort()
			for {
				m, err := c.Read(b.Context())
				if err != nil {
					return
				}
				if err := c.Write(b.Context(), m); err != nil {
					return
				}
			}
		}))
		defer srv.Close()
		c, _, err := Dial(b.Context(), "ws"+srv.URL[4:], "p", nil)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Abort()
		msg := []byte{1}
		for b.Loop() {
			if err := c.Write(b.Context(), msg); err != nil {
				b.Fatal(err)
			}
			if _, err := c.Read(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
