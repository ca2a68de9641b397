package pam_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// TestSoak_S29_HalfOpen: while connections from many addresses stop at every stage before a ticket (in the header, in a
// body, after the upgrade), a session goes on, its page may come back, and at the end nothing is left of them.
func TestSoak_S29_HalfOpen(t *testing.T) {
	flood := 25 * pamtest.Rounds(t, 12) // `make soak` with its 200 rounds: 5,000
	r := newRig(t, behindProxy, func(c *pam.Config) { c.Limits.FirstMessage = time.Second })
	id, pg, target := r.begin()
	addr := r.server.Listener.Addr().String()
	upgraded, refused := 0, 0
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	for n := range flood {
		switch n % 3 {
		case 0, 1:
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, c)
			text := "POST /deep/pam/api/asset/server-1/sessions HTTP/1.1\r\nHost: " + addr + "\r\n"
			if n%3 == 1 {
				text += "Origin: " + r.server.URL + "\r\nX-User: mallory\r\nX-Login: m\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{"
			}
			if _, err := c.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		case 2:
			nobody := r.person("", "").from(fmt.Sprintf("198.51.%d.%d", 1+n>>8&0x3f, n&0xff))
			c, resp := nobody.rawSocket(t, id)
			open = append(open, c)
			if resp.StatusCode == http.StatusSwitchingProtocols {
				upgraded++
			} else {
				refused++
			}
		}
		if n%25 == 0 {
			pg.key("k")
			want := strings.Repeat("k", n/25+1)
			if err := target.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == want }); err != nil {
				t.Fatalf("with %d connections: typed %d of %d keys: %v", len(open), len(target.Typed()), len(want), err)
			}
			r.say(target, fmt.Sprintf("<%d>", n))
			pg.awaitOutput(fmt.Sprintf("<%d>", n))
		}
	}
	if upgraded == 0 {
		t.Error("no socket was half open")
	}
	t.Logf("%d connections, %d upgraded, %d refused", len(open), upgraded, refused)
	back := r.alice().attach(id)
	back.awaitState("active")
	for _, c := range open {
		_ = c.Close()
	}
}
