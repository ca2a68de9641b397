package sshx_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// lines answers each line typed: "exit N", "kill", "size", or an echo.
func lines(s *sshtest.Session) int {
	fmt.Fprintf(s, "ready term=%s cmd=%q lang=%s\r\n", s.Term, s.Command, s.Env()["LANG"])
	r := bufio.NewReader(s)
	for {
		line, err := r.ReadString('\r')
		if err != nil {
			return 0
		}
		var n int
		switch line = line[:len(line)-1]; {
		case line == "kill":
			s.ExitSignal("KILL", "out of \x1b[31mmemory")
			return 0
		case line == "size":
			w := s.Window()
			for w.Cols == 80 { // requests and input have no order
				<-s.WindowChanged()
				w = s.Window()
			}
			fmt.Fprintf(s, "%dx%d\r\n", w.Cols, w.Rows)
		default:
			if _, err := fmt.Sscanf(line, "exit %d", &n); err == nil {
				return n
			}
			fmt.Fprintf(s, "got %q\r\n", line)
		}
	}
}

func TestSSH_RunInputResizeExit(t *testing.T) {
	srv, addr := server(t, sshtest.Config{Handler: lines})
	r := request(addr, "demo", srv.HostKey(), demoVault)
	r.Params = pam.Params{sshx.ParamLocale: "de_DE.UTF-8", sshx.ParamTerm: "vt100"}
	l := run(t, connect(t, newProtocol(t, sshx.Config{}), r), newSink())
	l.sink.wait(t, `ready term=vt100 cmd="" lang=de_DE.UTF-8`)
	l.keys("hällo\r")
	l.sink.wait(t, `got "hällo"`)
	if err := l.conn.(pam.Resizer).Resize(context.Background(), pam.Size{Cols: 132, Rows: 50}); err != nil {
		t.Fatal(err)
	}
	l.keys("size\r")
	l.sink.wait(t, "132x50")
	l.keys("exit 7\r")
	end := l.endedWith(pam.EndRemoteLogoff)
	if end.Status == nil || *end.Status != 7 {
		t.Errorf("status = %v, want 7", end.Status)
	}
}

func TestSSH_ExitSignal(t *testing.T) {
	srv, addr := server(t, sshtest.Config{Handler: lines})
	l := run(t, connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault)), newSink())
	l.keys("kill\r")
	end := l.endedWith(pam.EndRemoteLogoff)
	if end.Signal != "KILL" || end.Text != "out of [31mmemory" || end.Status != nil {
		t.Errorf("end = %+v, want signal KILL with a text without control characters", end)
	}
}

func TestSSH_ChannelClosedWithoutStatus(t *testing.T) {
	srv, addr := server(t, sshtest.Config{Handler: func(s *sshtest.Session) int {
		s.CloseSilently()
		return 0
	}})
	l := run(t, connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault)), newSink())
	if end := l.endedWith(pam.EndRemoteLogoff); end.Status != nil {
		t.Errorf("status = %d, want none", *end.Status)
	}
}

func TestSSH_ConnectionLost(t *testing.T) {
	srv, addr := server(t, sshtest.Config{Handler: lines})
	l := run(t, connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault)), newSink())
	l.sink.wait(t, "ready")
	if n := srv.Drop(); n != 1 {
		t.Fatalf("dropped %d connections, want 1", n)
	}
	if end := l.endedWith(pam.EndTargetError); end.Code != pam.CodeTargetLost {
		t.Errorf("code = %s, want %s", end.Code, pam.CodeTargetLost)
	}
}

func TestSSH_CloseWhileEverythingWaits(t *testing.T) {
	// The target sends without end and reads nothing; the sink is stuck; Input is stuck.
	srv, addr := server(t, sshtest.Config{Handler: func(s *sshtest.Session) int {
		for block := make([]byte, 32<<10); ; {
			if _, err := s.Write(block); err != nil {
				return 0
			}
		}
	}})
	c := connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault))
	stuck := make(chan struct{})
	runEnd, inputEnd := make(chan error, 1), make(chan error, 1)
	go func() {
		first := true
		runEnd <- c.Run(context.Background(), emitFunc(func(ctx context.Context, _ pam.Frame) error {
			if first {
				first = false
				close(stuck)
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}))
	}()
	<-stuck
	go func() {
		data := make([]byte, 64<<10)
		for {
			if err := c.Input(context.Background(), pam.Input{Kind: pam.InputKey, Data: data}); err != nil {
				inputEnd <- err
				return
			}
		}
	}()
	closeSoon(t, c)
	for name, ch := range map[string]chan error{"Run": runEnd, "Input": inputEnd} {
		if err := <-ch; !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.EOF) {
			t.Errorf("%s = %v, want net.ErrClosed", name, err)
		}
	}
}

type emitFunc func(ctx context.Context, f pam.Frame) error

func (f emitFunc) Emit(ctx context.Context, fr pam.Frame) error { return f(ctx, fr) }
