package sshx_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// counted is a sink that remembers every frame with its number and can stop in one.
type counted struct {
	mu     sync.Mutex
	frames []pam.Frame
	gate   chan struct{} // closed: go on
	inside chan struct{} // one value per Emit
}

func (s *counted) Emit(_ context.Context, f pam.Frame) error {
	s.mu.Lock()
	s.frames = append(s.frames, f)
	s.mu.Unlock()
	s.inside <- struct{}{}
	<-s.gate
	return nil
}

// C2, J4: a key frame taken while Emit waits counts the frame that is being emitted, and has it.
func TestSSH_C2_KeyFrameCountsTheFrameUnderWay(t *testing.T) {
	srv, addr := server(t, sshtest.Config{Handler: func(s *sshtest.Session) int {
		fmt.Fprint(s, "\x1b]2;title\x07hello \x1b[1mworld\x1b[0m")
		_, _ = bufio.NewReader(s).ReadByte()
		return 0
	}})
	c := connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault))
	s := &counted{gate: make(chan struct{}), inside: make(chan struct{}, 100)}
	end := make(chan error, 1)
	go func() { end <- c.Run(context.Background(), s) }()
	kf := c.(pam.KeyFramer)
	for {
		<-s.inside
		frames, n, err := kf.KeyFrame(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		emitted := len(s.frames)
		s.mu.Unlock()
		if n != uint64(emitted) {
			t.Fatalf("n = %d, want %d", n, emitted)
		}
		if frames[0].Flags&pam.FlagKey == 0 || frames[0].Kind != pam.FrameOutput {
			t.Errorf("first frame = %+v", frames[0])
		}
		text := join(frames)
		if strings.Contains(text, "world") {
			if !strings.Contains(text, "\x1b]2;title\a") || !strings.Contains(text, "hello \x1b[0;1mworld") {
				t.Errorf("key frame = %q", text)
			}
			break
		}
		s.gate <- struct{}{}
	}
	close(s.gate)
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
	<-end
}

func join(frames []pam.Frame) string {
	var b bytes.Buffer
	for _, f := range frames {
		b.Write(f.Payload)
	}
	return b.String()
}

func TestSSH_S43_KeysAreFramesOfTheirOwn(t *testing.T) {
	srv, addr := server(t, sshtest.Config{}) // the demo shell
	l := run(t, connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault)), newSink())
	l.sink.wait(t, "$ ")
	l.keys("echo seen\r")
	l.sink.wait(t, "\nseen\r\n")
	l.keys("passwd\r")
	l.sink.wait(t, "New password: ")
	l.keys("unseen-canary\r")
	l.sink.wait(t, "13 characters")
	l.keys("exit\r")
	l.endedWith(pam.EndRemoteLogoff)
	keys := l.sink.keys()
	if !strings.Contains(keys, "echo seen\r") || strings.Contains(keys, "canary") {
		t.Errorf("keys = %q", keys)
	}
	_, n, err := l.conn.(pam.KeyFramer).KeyFrame(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	l.sink.mu.Lock()
	defer l.sink.mu.Unlock()
	if n != uint64(len(l.sink.frames)) {
		t.Errorf("n = %d after %d frames", n, len(l.sink.frames))
	}
}

func TestSSH_Paste(t *testing.T) {
	srv, addr := server(t, sshtest.Config{Handler: lines})
	l := run(t, connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault)), newSink())
	paste := l.conn.(pam.Paster)
	if err := paste.Paste(context.Background(), pam.Paste{Text: "a\x1b[201~b\n", Bracketed: true}); err != nil {
		t.Fatal(err)
	}
	l.sink.wait(t, `got "\x1b[200~a[201~b"`)
}
