package sshx_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// jumpVia returns a request for a target through one in-process jump host.
func jumpVia(t testing.TB, target *sshtest.Server, address string, forward func(ssh.Conn, string) (net.Conn, error)) pam.ConnectRequest {
	t.Helper()
	gate, gateAddress := server(t, sshtest.Config{Forward: forward, Passwords: map[string]string{"gate": "gate-password"}})
	hop := request(gateAddress, "gate", gate.HostKey(), fields{pam.FieldPassword: "gate-password"})
	hop.Asset.ID = "gate"
	r := request(address, "demo", target.HostKey(), demoVault)
	r.Via = []pam.Hop{{Asset: hop.Asset, Field: hop.Field}}
	return r
}

func dialTCP(_ ssh.Conn, address string) (net.Conn, error) { return net.Dial("tcp", address) }

// S16: a jump host gets nothing from us but one channel, whatever it asks for.
func TestSSH_S16_HostileJumpHost(t *testing.T) {
	srv, addr := server(t, sshtest.Config{Handler: lines})
	var mu sync.Mutex
	var granted []string
	asked := make(chan struct{})
	r := jumpVia(t, srv, addr, func(c ssh.Conn, address string) (net.Conn, error) {
		go func() {
			defer close(asked)
			note := func(what string) {
				mu.Lock()
				defer mu.Unlock()
				granted = append(granted, what)
			}
			for _, typ := range []string{"session", "x11", "auth-agent@openssh.com", "forwarded-tcpip", "direct-tcpip"} {
				if _, _, err := c.OpenChannel(typ, nil); err == nil {
					note(typ)
				}
			}
			for range 1000 {
				_, _, _ = c.SendRequest("hostkeys-00@openssh.com", false, []byte("flood"))
			}
			if ok, _, err := c.SendRequest("tcpip-forward", true, nil); ok || err != nil {
				note(fmt.Sprint("tcpip-forward: ", ok, err))
			}
		}()
		return dialTCP(c, address)
	})
	l := run(t, connect(t, newProtocol(t, sshx.Config{}), r), newSink())
	l.sink.wait(t, "ready")
	select {
	case <-asked:
	case <-time.After(patience):
		t.Fatal("the jump host's questions were not answered")
	}
	l.keys("exit 4\r")
	if end := l.endedWith(pam.EndRemoteLogoff); end.Status == nil || *end.Status != 4 {
		t.Errorf("status = %v, want 4", end.Status)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(granted) > 0 {
		t.Errorf("the jump host was granted %q", granted)
	}
}

// S05: a jump host that leads somewhere else, or answers itself, does not learn the target's secrets.
func TestSSH_S05_JumpHostCannotPlayTheTarget(t *testing.T) {
	srv, addr := server(t, sshtest.Config{Handler: lines})
	impostor, impostorAddr := server(t, sshtest.Config{Handler: lines})
	r := jumpVia(t, srv, addr, func(c ssh.Conn, _ string) (net.Conn, error) { return dialTCP(c, impostorAddr) })
	var asked []string
	r.Field = func(_ context.Context, name string) (pam.Secret, error) {
		asked = append(asked, name)
		return pam.NewSecret(canary), nil
	}
	_, err := newProtocol(t, sshx.Config{}).Connect(context.Background(), r)
	wantCode(t, err, pam.CodeHostKeyMismatch)
	if strings.Contains(err.Error(), "jump host") {
		t.Errorf("%v blames the jump host's own key", err)
	}
	if a := impostor.Attempts(); len(asked) > 0 || len(a) > 0 {
		t.Errorf("the vault was asked for %q, the impostor saw %+v", asked, a)
	}
}

func TestSSH_JumpHostRefusesOrHangs(t *testing.T) {
	srv, addr := server(t, sshtest.Config{Handler: lines})
	r := jumpVia(t, srv, addr, func(ssh.Conn, string) (net.Conn, error) { return nil, errors.New("no \x1b[31mroute") })
	_, err := newProtocol(t, sshx.Config{}).Connect(context.Background(), r)
	wantCode(t, err, pam.CodeTargetUnreachable)
	if !strings.Contains(err.Error(), `jump host "gate"`) || !strings.Contains(err.Error(), "no [31mroute") {
		t.Errorf("Connect = %q, want the jump host's name and its words without control characters", err)
	}
	hang := make(chan struct{})
	defer close(hang)
	r = jumpVia(t, srv, addr, func(ssh.Conn, string) (net.Conn, error) {
		<-hang
		return nil, errors.New("at last")
	})
	_, err = newProtocol(t, sshx.Config{HandshakeTimeout: time.Second}).Connect(context.Background(), r)
	wantCode(t, err, pam.CodeTargetUnreachable)
}
