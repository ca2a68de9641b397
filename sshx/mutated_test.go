package sshx_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// quick lets a session give up soon: most of what is changed ends in silence.
var quick = sshx.Config{
	HandshakeTimeout: 3 * time.Second, FileTimeout: time.Second, KeepAliveInterval: time.Second, KeepAliveTimeout: time.Second,
}

// mutated counts what became of sessions.
type mutated struct{ noSession, noFiles, filesBroke, ended, whole atomic.Int64 }

// run has n sessions, a few at a time. one has a session by its number.
func (m *mutated) run(t *testing.T, n int, one func(t *testing.T, i int)) {
	t.Helper()
	pamtest.NoLeaks(t)
	boundHeap(t, 128<<20)
	var wg sync.WaitGroup
	next := make(chan int)
	for range 4 {
		wg.Go(func() {
			for i := range next {
				done := make(chan struct{})
				go func() {
					defer close(done)
					one(t, i)
				}()
				select {
				case <-done:
				case <-time.After(2 * time.Minute): // every wait in a session has a deadline of seconds
					t.Errorf("session %d hangs", i)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	t.Logf("%d sessions: %d did not begin, %d ended early, %d had no files, %d lost them, %d saw nothing of it", n,
		m.noSession.Load(), m.ended.Load(), m.noFiles.Load(), m.filesBroke.Load(), m.whole.Load())
	if m.whole.Load() == int64(n) {
		t.Error("nothing bites")
	}
}

// session does a little of everything. Whatever the other side has become, each error has its type.
func (m *mutated) session(t *testing.T, p *sshx.Protocol, r pam.ConnectRequest, dir string) {
	ctx, cancel := context.WithTimeout(bg, time.Minute)
	defer cancel()
	c, err := p.Connect(ctx, r)
	if err != nil {
		var te *pam.TargetError
		if !errors.As(err, &te) || ctx.Err() != nil {
			t.Errorf("Connect = %v", err)
		}
		inert(t, "the error", err.Error())
		m.noSession.Add(1)
		return
	}
	end := make(chan error, 1)
	go func() { end <- c.Run(ctx, &sink{changed: make(chan struct{}), discard: true}) }()
	_ = c.Input(ctx, pam.Input{Kind: pam.InputKey, Data: []byte("echo x\r")})
	_ = c.(pam.Resizer).Resize(ctx, pam.Size{Cols: 100, Rows: 30})
	touched := m.files(ctx, t, c, dir)
	select {
	case err = <-end:
		m.ended.Add(1)
		var e *pam.End
		if !errors.As(err, &e) {
			t.Errorf("Run = %v", err)
			break
		}
		inert(t, "the end", e.Error())
		inert(t, "its text", e.Text)
		touched = true
	default:
	}
	if err := c.Close(ctx); err != nil {
		t.Errorf("Close = %v", err)
	}
	if err == nil {
		var e *pam.End
		if err = <-end; !errors.Is(err, net.ErrClosed) && !errors.As(err, &e) {
			t.Errorf("Run = %v after Close", err)
		}
	}
	if ctx.Err() != nil {
		t.Error("a session took a minute")
	}
	if !touched {
		m.whole.Add(1)
	}
}

// files uses the files of a session and reports whether something was wrong.
func (m *mutated) files(ctx context.Context, t *testing.T, c pam.Conn, dir string) (wrong bool) {
	check := func(what string, err error) bool {
		if err == nil || err == io.EOF {
			return true
		}
		var fe *pam.FileError
		if !errors.As(err, &fe) {
			t.Errorf("%s = %v", what, err)
		}
		inert(t, what, err.Error())
		return false
	}
	x, err := c.(pam.Files).Files(ctx)
	if !check("Files", err) {
		m.noFiles.Add(1)
		return true
	}
	ok := true
	_, err = x.Home(ctx)
	ok = check("Home", err) && ok
	l, err := x.List(ctx, dir)
	ok = check("List", err) && ok
	for _, f := range l.Files {
		inert(t, "a name", f.Name)
		inert(t, "a link", f.Link)
		if f.Size < 0 {
			t.Errorf("size %d", f.Size)
		}
	}
	name := dir + "/m"
	if dir == "/" {
		name = "/m"
	}
	f, err := x.Open(ctx, name, pam.OpenOverwrite)
	if ok = check("Open", err) && ok; err == nil {
		p := make([]byte, 150_000)
		_, err = f.WriteAt(ctx, p, 0)
		ok = check("WriteAt", err) && ok
		_, err = f.Stat(ctx)
		ok = check("Stat", err) && ok
		ok = check("Close", f.Close(ctx)) && ok
		if f, err = x.Open(ctx, name, pam.OpenRead); err == nil {
			n, err := f.ReadAt(ctx, p, 0)
			ok = check("ReadAt", err) && ok
			if n < 0 || n > len(p) {
				t.Errorf("ReadAt = %d", n)
			}
		}
		ok = check("Open", err) && ok
	}
	ok = check("Remove", x.Remove(ctx, name)) && ok
	if err := x.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if !ok {
		m.filesBroke.Add(1)
	}
	return !ok
}

// spread is different for each session, so that changes come early in some and late in others.
func spread(i int) int { return 1 + i%17*3 }

// S16: a real sshd behind a line that changes bytes: the handshake in clear, and then what the MAC must find.
func TestOpenSSH_S16_S28_SoakMutatedLine(t *testing.T) {
	s := sshtest.StartOpenSSH(t)
	dir := t.TempDir()
	line := pamtest.NewMutatingLink(t, s.Address, func(conn int) (up, down *pamtest.Mutator) {
		down = pamtest.NewMutator(uint64(conn), spread(conn))
		if conn%3 == 0 {
			up = pamtest.NewMutator(uint64(conn)+1<<32, 2*spread(conn))
		}
		return up, down
	})
	p := newProtocol(t, quick)
	var m mutated
	m.run(t, 4*pamtest.Rounds(t, 5), func(t *testing.T, _ int) {
		m.session(t, p, request(line.Addr(), s.User, s.HostKey, fields{pam.FieldPrivateKey: s.PrivateKey}), dir)
	})
}

// S16: packets that decrypt well and hold nonsense.
func TestHostile_S16_S28_SoakMutatedPackets(t *testing.T) {
	var kinds []sshtest.Hostile
	for _, name := range []string{"polite", "request-flood", "opens-channels", "status-lies", "strange-requests"} {
		kinds = append(kinds, hostile(t, name))
	}
	var m mutated
	m.run(t, 3*pamtest.Rounds(t, 5), func(t *testing.T, i int) {
		srv, err := sshtest.NewHostile(kinds[i%len(kinds)])
		if err != nil {
			t.Error(err)
			return
		}
		srv.Mutate(pamtest.NewMutator(uint64(i), spread(i)).Mutate)
		served := make(chan struct{})
		cfg := quick
		cfg.Dialer = dialFunc(func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer close(served)
				srv.ServeConn(theirs)
			}()
			return ours, nil
		})
		p, err := sshx.New(cfg)
		if err != nil {
			t.Error(err)
			return
		}
		m.session(t, p, request("target:22", "demo", srv.HostKey(), demoVault), "/")
		srv.Close()
		<-served
	})
}

// S17: answers of a file service that hold nonsense.
func TestHostileSFTP_S17_S28_SoakMutatedAnswers(t *testing.T) {
	tree := sshtest.NewMemSFTP()
	var count atomic.Int64
	srv, addr := server(t, sshtest.Config{Handler: lines, SFTP: func(s *sshtest.Session) int {
		i := int(count.Add(1))
		return sshtest.FilterSFTP(tree, nil, pamtest.NewMutator(uint64(i), spread(i)).Mutate)(s)
	}})
	p := newProtocol(t, quick)
	var m mutated
	m.run(t, 3*pamtest.Rounds(t, 5), func(t *testing.T, _ int) {
		m.session(t, p, request(addr, "demo", srv.HostKey(), demoVault), "/")
	})
	if n := m.noSession.Load() + m.ended.Load(); n > 0 {
		t.Errorf("%d sessions fell with their files", n)
	}
}
