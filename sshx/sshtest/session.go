package sshtest

import (
	"context"
	"io"
	"maps"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Window is the size of a terminal in character cells.
type Window struct{ Cols, Rows int }

// Session is one session channel after its shell or subsystem was asked for. Reads and writes are raw: no line discipline
// lies between.
type Session struct {
	User    string
	Term    string // "": no PTY
	Command string // of an exec request; "": a shell
	Modes   string // encoded terminal modes of the pty-req

	ctx     context.Context
	ch      ssh.Channel
	stream  io.ReadWriter // the channel, or what lies before it
	conn    ssh.Conn
	wg      *sync.WaitGroup
	changes chan struct{} // 1: the window has changed

	mu     sync.Mutex // guards what follows
	env    map[string]string
	window Window
	signal string
	text   string
}

var _ io.ReadWriter = (*Session)(nil)

// Read reads what the client typed.
func (s *Session) Read(b []byte) (int, error) { return s.stream.Read(b) }

// Write shows b to the client. It blocks while the client takes nothing.
func (s *Session) Write(b []byte) (int, error) { return s.stream.Write(b) }

// Stderr is the channel's second stream, which a server with a PTY does not use.
func (s *Session) Stderr() io.Writer { return s.ch.Stderr() }

// Context ends with the session.
func (s *Session) Context() context.Context { return s.ctx }

// Conn is the connection, for a server that wants something of its client.
func (s *Session) Conn() ssh.Conn { return s.conn }

// Go runs f in a goroutine that the server waits for. A Read in it ends when the handler has returned.
func (s *Session) Go(f func()) { s.wg.Go(f) }

// Env returns the accepted environment.
func (s *Session) Env() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.env)
}

// Window returns the present size of the client's terminal.
func (s *Session) Window() Window {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.window
}

// WindowChanged is readable after the size has changed; several changes may be one.
func (s *Session) WindowChanged() <-chan struct{} { return s.changes }

// ExitSignal makes the session end by a signal ("KILL", without SIG) instead of a status.
func (s *Session) ExitSignal(signal, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signal, s.text = signal, text
}

// CloseSilently closes the channel with no word about how the session ended, as some devices do.
func (s *Session) CloseSilently() { _ = s.ch.Close() }

// over returns the session with another stream.
func (s *Session) over(stream io.ReadWriter) *Session {
	return &Session{
		User: s.User, Term: s.Term, Command: s.Command, Modes: s.Modes,
		ctx: s.ctx, ch: s.ch, stream: stream, conn: s.conn, wg: s.wg, changes: s.changes, env: s.Env(), window: s.Window(),
	}
}

// session serves one channel: requests until a shell is asked for, then the handler beside further requests.
func (s *Server) session(ctx context.Context, sc *ssh.ServerConn, ch ssh.Channel, reqs <-chan *ssh.Request) {
	defer ch.Close()
	ctx, cancel := context.WithCancel(ctx)
	var handler sync.WaitGroup
	sess := &Session{User: sc.User(), ctx: ctx, ch: ch, stream: ch, conn: sc, wg: &handler, changes: make(chan struct{}, 1), env: make(map[string]string)}
	defer handler.Wait()
	defer cancel()
	run := s.cfg.Handler
	started := false
	for r := range reqs {
		ok := false
		switch r.Type {
		case "pty-req":
			var m struct {
				Term                      string
				Cols, Rows, Width, Height uint32
				Modes                     string
			}
			if ok = !s.cfg.RefusePTY && !started && ssh.Unmarshal(r.Payload, &m) == nil; ok {
				sess.Term, sess.Modes = m.Term, m.Modes
				sess.resize(m.Cols, m.Rows)
			}
		case "env":
			var m struct{ Name, Value string }
			if ok = !s.cfg.RefuseEnv && ssh.Unmarshal(r.Payload, &m) == nil && len(sess.env) < 64; ok {
				sess.mu.Lock()
				sess.env[m.Name] = m.Value
				sess.mu.Unlock()
			}
		case "window-change":
			var m struct{ Cols, Rows, Width, Height uint32 }
			if ok = ssh.Unmarshal(r.Payload, &m) == nil; ok {
				sess.resize(m.Cols, m.Rows)
			}
		case "subsystem":
			var m struct{ Name string }
			if ok = ssh.Unmarshal(r.Payload, &m) == nil && m.Name == "sftp" && !s.cfg.RefuseSFTP && !started; ok {
				started, run = true, s.cfg.SFTP
			}
		case "shell", "exec":
			if r.Type == "exec" {
				var m struct{ Command string }
				if ssh.Unmarshal(r.Payload, &m) != nil {
					break
				}
				sess.Command = m.Command
			}
			if ok = !s.cfg.RefuseShell && !started; ok {
				started = true
			}
		}
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
		if ok && (r.Type == "shell" || r.Type == "exec" || r.Type == "subsystem") {
			handler.Go(func() {
				defer cancel()
				sess.finish(run(sess))
			})
		}
	}
}

func (s *Session) resize(cols, rows uint32) {
	const limit = 1000
	s.mu.Lock()
	s.window = Window{Cols: int(min(max(cols, 1), limit)), Rows: int(min(max(rows, 1), limit))}
	s.mu.Unlock()
	select {
	case s.changes <- struct{}{}:
	default:
	}
}

// finish says how the handler ended and closes the channel.
func (s *Session) finish(status int) {
	s.mu.Lock()
	signal, text := s.signal, s.text
	s.mu.Unlock()
	if signal != "" {
		_, _ = s.ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Signal string
			Core   bool
			Text   string
			Lang   string
		}{signal, false, text, ""}))
	} else {
		_, _ = s.ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
	}
	_ = s.ch.CloseWrite()
	_ = s.ch.Close()
}
