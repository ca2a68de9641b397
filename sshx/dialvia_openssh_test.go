//go:build unix

package sshx_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx"
)

// echoServer says again what it hears.
func echoServer(t *testing.T) string {
	t.Helper()
	var a pamtest.Acceptor
	t.Cleanup(a.Close)
	addr, err := a.Listen(func(c net.Conn) {
		defer c.Close()
		_, _ = io.Copy(c, c)
	})
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func TestOpenSSH_DialVia(t *testing.T) {
	c := newChain(t)
	p := newProtocol(t, sshx.Config{})
	r := c.request()
	r.Asset, r.Field = pam.Asset{ID: "desk", Type: pam.AssetType{Protocol: "rdp"}}, nil // what is behind the hosts is not asked
	ctx, cancel := context.WithCancel(bg)
	conn, err := p.DialVia(ctx, r, echoServer(t))
	must(t, err)
	cancel() // what ctx ends after the dialling is nothing
	defer conn.Close()

	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	wrote := make(chan error, 1)
	go func() {
		_, err := conn.Write(sent)
		wrote <- err
	}()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("a mebibyte did not come back whole: %v", err)
	}
	must(t, <-wrote)

	must(t, conn.SetReadDeadline(time.Unix(1, 0)))
	if _, err := conn.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read past its deadline = %v", err)
	}
	must(t, conn.SetReadDeadline(time.Time{}))
	_, err = conn.Write([]byte("still there"))
	must(t, err)
	if _, err := io.ReadFull(conn, got[:11]); err != nil || string(got[:11]) != "still there" {
		t.Errorf("after a deadline: %q, %v", got[:11], err)
	}
	closed := make(chan error, 1)
	go func() { closed <- conn.Close() }()
	must(t, soon(t, "Close", closed))
	if _, err := conn.Read(got); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read after Close = %v", err)
	}
}

// The end of a jump host says which one it was; the end of what is behind it is an end like any other.
func TestOpenSSH_DialViaEnds(t *testing.T) {
	c := newChain(t)
	p := newProtocol(t, sshx.Config{})
	conn, err := p.DialVia(bg, c.request(), echoServer(t))
	must(t, err)
	defer conn.Close()
	if n, err := c.hops[0].Signal(syscall.SIGKILL); n != 1 || err != nil {
		t.Fatalf("killed %d, %v", n, err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), `jump host "outer"`) {
		t.Errorf("Read = %v, want the name of the jump host that is gone", err)
	}

	var a pamtest.Acceptor
	t.Cleanup(a.Close)
	addr, err := a.Listen(func(c net.Conn) {
		_, _ = io.WriteString(c, "bye")
		_ = c.Close()
	})
	must(t, err)
	conn, err = p.DialVia(bg, c.request(), addr)
	must(t, err)
	defer conn.Close()
	if b, err := io.ReadAll(conn); string(b) != "bye" || err != nil {
		t.Errorf("ReadAll = %q, %v", b, err)
	}
}

func TestOpenSSH_DialViaRefuses(t *testing.T) {
	c := newChain(t)
	p := newProtocol(t, sshx.Config{})
	for name, tc := range map[string]struct {
		change  func(*pam.ConnectRequest)
		address string
		code    pam.Code
		says    string
	}{
		"no jump host":         {func(r *pam.ConnectRequest) { r.Via = nil }, "10.0.0.1:3389", pam.CodeInternal, "without a jump host"},
		"no port":              {func(*pam.ConnectRequest) {}, "10.0.0.1", pam.CodeTargetConfig, "port"},
		"a desktop in its way": {func(r *pam.ConnectRequest) { r.Via[0].Asset.Type.Protocol = "rdp" }, "10.0.0.1:3389", pam.CodeTargetConfig, `jump host "outer"`},
		"nothing there":        {func(*pam.ConnectRequest) {}, "127.0.0.1:1", pam.CodeTargetUnreachable, `jump host "inner": to 127.0.0.1:1`},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.request()
			tc.change(&r)
			_, err := p.DialVia(bg, r, tc.address)
			wantCode(t, err, tc.code)
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v does not say %q", err, tc.says)
			}
		})
	}
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if _, err := p.DialVia(ctx, c.request(), "127.0.0.1:1"); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}
