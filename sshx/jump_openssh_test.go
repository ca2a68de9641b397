//go:build unix

package sshx_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/dial"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// chain is a target behind two jump hosts, each with a key and a credential of its own.
type chain struct {
	hops   [2]*sshtest.OpenSSH
	target *sshtest.OpenSSH
}

func newChain(t *testing.T) *chain {
	t.Helper()
	c := &chain{target: sshtest.StartOpenSSH(t)}
	for i := range c.hops {
		// No session can be opened on a jump host: the way leads through it all the same.
		c.hops[i] = sshtest.StartOpenSSH(t, "MaxSessions 0", "AllowTcpForwarding local", "PermitTTY no")
	}
	return c
}

func hopTo(s *sshtest.OpenSSH, id pam.AssetID) pam.Hop {
	r := request(s.Address, s.User, s.HostKey, fields{pam.FieldPrivateKey: s.PrivateKey})
	r.Asset.ID = id
	return pam.Hop{Asset: r.Asset, Field: r.Field}
}

func (c *chain) request() pam.ConnectRequest {
	r := request(c.target.Address, c.target.User, c.target.HostKey, fields{pam.FieldPrivateKey: c.target.PrivateKey})
	r.Params[sshx.ParamInitialCommand] = "exec env PS1='ready> ' ENV= sh -i"
	r.Via = []pam.Hop{hopTo(c.hops[0], "outer"), hopTo(c.hops[1], "inner")}
	return r
}

func TestOpenSSH_JumpHosts(t *testing.T) {
	c := newChain(t)
	l := run(t, connect(t, newProtocol(t, sshx.Config{}), c.request()), newSink())
	l.sink.wait(t, "ready> ")
	if err := l.conn.(pam.Resizer).Resize(context.Background(), pam.Size{Cols: 101, Rows: 41}); err != nil {
		t.Fatal(err)
	}
	l.keys("stty size; i=0; while [ $i -lt 20000 ]; do echo 01234567890123456789012345678901234567890123456789 $i; i=$((i+1)); done; exit 5\r")
	if end := l.endedWith(pam.EndRemoteLogoff); end.Status == nil || *end.Status != 5 {
		t.Errorf("status = %v, want 5", end.Status)
	}
	if text := l.sink.text(); !strings.Contains(text, "\r\n41 101\r\n") || strings.Count(text, "01234567890123456789012345678901234567890123456789 ") != 20001 {
		t.Errorf("the output is not whole: %q", tail(text))
	}
	closeSoon(t, l.conn)
	// The gateway met the first jump host alone, the first one the second, and so on.
	for name, s := range map[string]*sshtest.OpenSSH{"outer": c.hops[0], "inner": c.hops[1], "target": c.target} {
		if n := strings.Count(s.Log(), "Accepted publickey"); n != 1 {
			t.Errorf("%s saw %d logins, want 1", name, n)
		}
	}
}

func TestOpenSSH_S05_JumpHostWithAnotherKeySeesNoSecret(t *testing.T) {
	c := newChain(t)
	r := c.request()
	asked := make(map[string]int)
	watch := func(name string, field func(context.Context, string) (pam.Secret, error)) func(context.Context, string) (pam.Secret, error) {
		return func(ctx context.Context, f string) (pam.Secret, error) {
			asked[name]++
			return field(ctx, f)
		}
	}
	r.Field = watch("target", r.Field)
	r.Via[0].Field = watch("outer", r.Via[0].Field)
	r.Via[1].Field = watch("inner", r.Via[1].Field)
	if err := c.hops[1].RotateHostKey(); err != nil {
		t.Fatal(err)
	}
	p := newProtocol(t, sshx.Config{})
	refusedWith(t, p, r, pam.CodeHostKeyMismatch, `jump host "inner"`)
	if asked["outer"] == 0 || asked["inner"] > 0 || asked["target"] > 0 {
		t.Errorf("the vault was asked %v", asked)
	}
	if strings.Contains(c.hops[1].Log(), "publickey") || c.target.Log() != "" {
		t.Errorf("a signature was sent, or the target was reached:\n%s\n%s", c.hops[1].Log(), c.target.Log())
	}
	// Each has its own pins: those of another machine of the way do not count.
	r = c.request()
	r.Via[1].Asset.Attributes[sshx.AttrHostKeys] = c.hops[0].HostKey
	refusedWith(t, p, r, pam.CodeHostKeyMismatch, `jump host "inner"`)
	// And its own credential.
	r = c.request()
	r.Via[1].Field = r.Via[0].Field
	refusedWith(t, p, r, pam.CodeTargetAuthFailed, `jump host "inner"`)
}

func TestOpenSSH_JumpHostFailures(t *testing.T) {
	c := newChain(t)
	p := newProtocol(t, sshx.Config{})
	closed := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}()
	noForward := sshtest.StartOpenSSH(t, "AllowTcpForwarding no")
	for name, tc := range map[string]struct {
		change func(*pam.ConnectRequest)
		code   pam.Code
		says   string
	}{
		"the first does not answer":  {func(r *pam.ConnectRequest) { r.Via[0].Asset.Address = closed }, pam.CodeTargetUnreachable, `jump host "outer": dial`},
		"the second does not answer": {func(r *pam.ConnectRequest) { r.Via[1].Asset.Address = closed }, pam.CodeTargetUnreachable, `jump host "outer": to ` + closed},
		"the target does not answer": {func(r *pam.ConnectRequest) { r.Asset.Address = closed }, pam.CodeTargetUnreachable, `jump host "inner": to ` + closed},
		"forwarding is off":          {func(r *pam.ConnectRequest) { r.Via[1] = hopTo(noForward, "closed") }, pam.CodeTargetConfig, `jump host "closed"`},
		"no account":                 {func(r *pam.ConnectRequest) { r.Via[1].Asset.Account = "" }, pam.CodeTargetConfig, `jump host "inner": the asset has no account`},
		"another protocol":           {func(r *pam.ConnectRequest) { r.Via[0].Asset.Type.Protocol = "rdp" }, pam.CodeTargetConfig, `jump host "outer": an asset of protocol "rdp"`},
		"no secrets":                 {func(r *pam.ConnectRequest) { r.Via[1].Field = nil }, pam.CodeInternal, `jump host "inner"`},
		"too many": {func(r *pam.ConnectRequest) {
			for len(r.Via) <= pam.MaxHops {
				r.Via = append(r.Via, r.Via[0])
			}
		}, pam.CodeTargetConfig, "at most 8"},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.request()
			tc.change(&r)
			refusedWith(t, p, r, tc.code, tc.says)
		})
	}
}

// S30: the check of resolved addresses is for the first dial; names behind a jump host mean what they mean there.
func TestOpenSSH_S30_NamesBehindAJumpHostResolveThere(t *testing.T) {
	c := newChain(t)
	var dialled []string
	p := newProtocol(t, sshx.Config{Dialer: dialFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}), CheckAddr: dial.CheckResolved})
	r := c.request()
	_, port, err := net.SplitHostPort(c.target.Address)
	if err != nil {
		t.Fatal(err)
	}
	r.Asset.Address = "localhost:" + port
	l := run(t, connect(t, p, r), newSink())
	l.sink.wait(t, "ready> ")
	if len(dialled) != 1 || dialled[0] != c.hops[0].Address {
		t.Errorf("dialled %q, want the first jump host alone", dialled)
	}
	closeSoon(t, l.conn)
}

func TestOpenSSH_S35_JumpHostIsKilledOrStopped(t *testing.T) {
	cfg := sshx.Config{KeepAliveInterval: 300 * time.Millisecond, KeepAliveTimeout: 4 * time.Second}
	for i, name := range []string{"outer", "inner"} {
		t.Run(name+" killed", func(t *testing.T) {
			c := newChain(t)
			l := run(t, connect(t, newProtocol(t, cfg), c.request()), newSink())
			l.sink.wait(t, "ready> ")
			if n, err := c.hops[i].Signal(syscall.SIGKILL); n != 1 || err != nil {
				t.Fatalf("killed %d, %v", n, err)
			}
			end := l.endedWith(pam.EndTargetError)
			if end.Code != pam.CodeTargetLost || !strings.Contains(end.Err.Error(), `jump host "`+name+`"`) {
				t.Errorf("end = %v with code %s, want the name of the jump host", end, end.Code)
			}
			closeSoon(t, l.conn)
		})
		t.Run(name+" stopped", func(t *testing.T) {
			c := newChain(t)
			l := run(t, connect(t, newProtocol(t, cfg), c.request()), newSink())
			l.sink.wait(t, "ready> ")
			if n, err := c.hops[i].Signal(syscall.SIGSTOP); n != 1 || err != nil {
				t.Fatalf("stopped %d, %v", n, err)
			}
			end := l.endedWith(pam.EndTargetError)
			if end.Code != pam.CodeTargetLost || !strings.Contains(end.Err.Error(), "no sign of life") {
				t.Errorf("end = %v with code %s", end, end.Code)
			}
			closeSoon(t, l.conn)
		})
		t.Run(name+" stopped, then closed", func(t *testing.T) {
			c := newChain(t)
			l := run(t, connect(t, newProtocol(t, sshx.Config{}), c.request()), newSink())
			l.sink.wait(t, "ready> ")
			if n, err := c.hops[i].Signal(syscall.SIGSTOP); n != 1 || err != nil {
				t.Fatalf("stopped %d, %v", n, err)
			}
			closeSoon(t, l.conn)
			if err := l.ended(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Run = %v, want net.ErrClosed", err)
			}
		})
	}
}

// S16: the whole way is under one deadline, and cancelling frees it at every step.
func TestOpenSSH_S16_JumpHostsCancelled(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts by its backlog and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c := newChain(t)
	p := newProtocol(t, sshx.Config{HandshakeTimeout: 3 * time.Second})
	for name, change := range map[string]func(*pam.ConnectRequest){
		"first":  func(r *pam.ConnectRequest) { r.Via[0].Asset.Address = silent.Addr().String() },
		"second": func(r *pam.ConnectRequest) { r.Via[1].Asset.Address = silent.Addr().String() },
		"target": func(r *pam.ConnectRequest) { r.Asset.Address = silent.Addr().String() },
	} {
		t.Run(name, func(t *testing.T) {
			r := c.request()
			change(&r)
			refusedWith(t, p, r, pam.CodeTargetUnreachable, "in time")
		})
	}
	t.Run("by the caller", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		gone := errors.New("gone")
		r := c.request()
		field := r.Field
		r.Field = func(ctx context.Context, name string) (pam.Secret, error) {
			cancel(gone)
			return field(ctx, name)
		}
		if _, err := p.Connect(ctx, r); !errors.Is(err, gone) {
			t.Errorf("Connect = %v, want the cause", err)
		}
	})
}
