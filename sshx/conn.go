package sshx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx/internal/vt"
)

// NoticeEnvRefused is the code of the notice that the target did not take an environment variable; its text is
// the variable's name.
const NoticeEnvRefused = "env_refused"

const (
	closeGrace = time.Second     // for an orderly Close
	exitGrace  = 5 * time.Second // between the shell's exit and the end of its channel
	maxText    = 1024            // bytes of the target's own words that are passed on
)

// errClosed is what Run and Input return after Close.
var errClosed = fmt.Errorf("sshx: %w", net.ErrClosed)

// conn is one shell on one target. It implements pam.Conn, pam.Resizer, pam.Paster and pam.KeyFramer.
type conn struct {
	t       *transport
	ssh     ssh.Conn
	log     *slog.Logger
	ch      ssh.Channel
	notices []pam.Notice // emitted first by Run
	screen  *vt.Tracker  // counts what is emitted, and follows the output
	echo    echo
	files   files
	via     []*hop // the jump hosts on the way, the first one first

	attached chan (<-chan *ssh.Request) // hands the channel's requests to serve
	chClosed chan struct{}              // the channel's requests are over: it is closed, or the connection is
	served   chan struct{}              // serve has returned
	drained  chan struct{}              // the stderr reader has returned; nil until attach

	life    context.Context // ends with Close
	endLife context.CancelCauseFunc
	running atomic.Bool
	busy    atomic.Bool // Run is in Emit: the target waits for us

	brokeFirst atomic.Bool // the socket failed before the channel was closed; set before chClosed

	mu        sync.Mutex // guards what follows
	exit      *pam.End   // what exit-status or exit-signal said
	linger    *time.Timer
	keepAlive *keepAlive
	closed    bool
	done      chan struct{} // Close is through
}

var (
	_ pam.Conn      = (*conn)(nil)
	_ pam.Resizer   = (*conn)(nil)
	_ pam.Paster    = (*conn)(nil)
	_ pam.KeyFramer = (*conn)(nil)
)

func newConn(t *transport, sc ssh.Conn, via []*hop, r pam.ConnectRequest) *conn {
	c := &conn{
		t: t, ssh: sc, via: via, log: r.Log,
		screen:   vt.NewTracker(r.Size.Cols, r.Size.Rows),
		attached: make(chan (<-chan *ssh.Request), 1),
		chClosed: make(chan struct{}),
		served:   make(chan struct{}),
		done:     make(chan struct{}),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.life, c.endLife = context.WithCancelCause(context.Background())
	return c
}

// serve starts the goroutine that answers the target until the connection ends. Everything the target asks for
// is refused: we are a client of one shell (S16).
func (c *conn) serve(chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request) {
	go func() {
		defer close(c.served)
		serve(chans, reqs, c.attached, c.request, func() {
			c.brokeFirst.Store(c.t.failed.Load())
			close(c.chClosed)
		})
	}()
}

// serve answers the other side until the connection ends. Whatever it asks for is refused. The requests of our own
// channel, once there is one, go to request; over is called when they end.
func serve(chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request, opened <-chan (<-chan *ssh.Request), request func(*ssh.Request), over func()) {
	var own <-chan *ssh.Request
	for chans != nil || reqs != nil || own != nil {
		select {
		case nc, ok := <-chans:
			if !ok {
				chans = nil
				continue
			}
			_ = nc.Reject(ssh.Prohibited, "")
		case r, ok := <-reqs:
			if !ok {
				reqs = nil
				continue
			}
			refuseRequest(r)
		case own = <-opened:
		case r, ok := <-own:
			if !ok {
				own = nil
				over()
				continue
			}
			request(r)
		}
	}
}

func refuseRequest(r *ssh.Request) {
	if r.WantReply {
		_ = r.Reply(false, nil)
	}
}

func (c *conn) attach(ch ssh.Channel, reqs <-chan *ssh.Request) {
	c.ch = ch
	c.attached <- reqs
	c.drained = make(chan struct{})
	go func() {
		// A PTY merges both streams; what a target sends as stderr all the same must not fill the window.
		defer close(c.drained)
		buf := make([]byte, 512)
		for stderr := ch.Stderr(); ; {
			if n, err := stderr.Read(buf); n == 0 && err != nil {
				return
			}
		}
	}()
}

// wait returns when the connection's goroutines are gone. The transport must be cut.
func (c *conn) wait() {
	<-c.served
	if c.drained != nil {
		<-c.drained
	}
	c.files.wait()
	waitHops(c.via)
}

func (c *conn) ping() error { return ping(c.ssh) }

func ping(sc ssh.Conn) error {
	_, _, err := sc.SendRequest("keepalive@openssh.com", true, nil)
	return err
}

// request takes a request of the target on the shell's channel.
func (c *conn) request(r *ssh.Request) {
	switch r.Type {
	case "exit-status":
		var m exitStatusMsg
		if ssh.Unmarshal(r.Payload, &m) == nil {
			// The number is the target's and may be anything; shells stay within a byte.
			status := int(m.Status)
			c.exited(&pam.End{Reason: pam.EndRemoteLogoff, Status: &status})
		}
	case "exit-signal":
		var m exitSignalMsg
		if ssh.Unmarshal(r.Payload, &m) == nil {
			c.exited(&pam.End{Reason: pam.EndRemoteLogoff, Signal: plainText(m.Signal, 32), Text: plainText(m.Error, maxText)})
		}
	}
	refuseRequest(r)
}

// exited notes how the shell ended. The first word counts.
func (c *conn) exited(end *pam.End) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exit != nil || c.closed {
		return
	}
	c.exit = end
	// A target that says so and then never closes the channel is not waited for. As long as output flows, or
	// our own readers hold it back, there may be more.
	seen := c.t.reads.Load()
	c.linger = time.AfterFunc(exitGrace, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.closed {
			return
		}
		if now := c.t.reads.Load(); now != seen || c.busy.Load() {
			seen = now
			c.linger.Reset(exitGrace)
			return
		}
		c.t.cut(errors.New("the shell has ended but its channel has not"))
	})
}

// Run emits the target's output until it ends. It returns a [*pam.End], ctx's cause, the sink's error, or after
// Close an error matching [net.ErrClosed].
func (c *conn) Run(ctx context.Context, out pam.Sink) error {
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("sshx: Run was called before")
	}
	// The library's Read knows no context. The session's end is the connection's end.
	defer context.AfterFunc(ctx, func() { c.t.cut(context.Cause(ctx)) })()
	emitCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.life, func() { cancel(context.Cause(c.life)) })()

	if err := c.pump(emitCtx, out); err != nil {
		if cause := c.over(emitCtx); cause != nil {
			return cause
		}
		return err
	}
	return c.end(emitCtx)
}

// over is why there is no end to tell of: Close was called, which ctx may hear of a little later, or ctx has ended.
func (c *conn) over(ctx context.Context) error {
	if cause := context.Cause(c.life); cause != nil {
		return cause
	}
	return context.Cause(ctx)
}

// pump emits until the channel has no more to read. It returns an error of the sink only.
func (c *conn) pump(ctx context.Context, out pam.Sink) error {
	for _, n := range c.notices {
		if err := c.emitNotice(ctx, out, n); err != nil {
			return err
		}
	}
	var a arena
	for {
		n, err := c.ch.Read(a.space())
		if n == 0 && err != nil {
			return nil
		}
		if n == 0 {
			continue
		}
		if err := c.emitOutput(ctx, out, a.take(n)); err != nil {
			return err
		}
	}
}

// end finds out how the session ended after its output has.
func (c *conn) end(ctx context.Context) error {
	// Exit status and close may follow the end of output.
	grace := time.NewTimer(exitGrace)
	defer grace.Stop()
	silent := false
	select {
	case <-c.chClosed:
	case <-c.served:
	case <-grace.C:
		silent = true // the target has ended its output and leaves it at that
	case <-ctx.Done():
	}
	if cause := c.over(ctx); cause != nil {
		return cause
	}
	c.mu.Lock()
	exit := c.exit
	c.mu.Unlock()
	if exit != nil {
		return exit
	}
	if silent || c.orderly() {
		return &pam.End{Reason: pam.EndRemoteLogoff}
	}
	err := whyOver(c.ssh, libraryGrace)
	if cause := c.t.reason(); cause != nil {
		err = cause
	}
	return &pam.End{Reason: pam.EndTargetError, Code: pam.CodeTargetLost, Err: fmt.Errorf("sshx: %w", brief(err))}
}

// orderly reports whether the target itself closed the channel, without a word about how the shell ended, as
// some devices do. The library closes channels by itself when the connection is over, so that a closed channel
// alone proves nothing.
func (c *conn) orderly() bool {
	if c.brokeFirst.Load() {
		return false
	}
	// The socket was whole when the channel was closed: by the target, or after it broke the protocol.
	defer time.AfterFunc(exitGrace, func() { c.t.cut(errSilent) }).Stop()
	if c.ping() == nil {
		return true
	}
	err := whyOver(c.ssh, exitGrace+libraryGrace)
	return errors.Is(err, errPeerClosed) || errors.Is(c.t.reason(), errSilent)
}

var errSilent = errors.New("the target does not answer after the end of the shell")

// Input types at the target. Only InputKey means something to a terminal: mouse reports are key bytes too. The
// write blocks while the target takes nothing; ctx's end then cuts the connection, because half a write
// cannot be taken back.
func (c *conn) Input(ctx context.Context, in pam.Input) error {
	if in.Kind != pam.InputKey {
		return fmt.Errorf("sshx: input of kind %d is not for a terminal", in.Kind)
	}
	c.echo.typed(in.Participant, in.Data)
	return c.write(ctx, in.Data)
}

// Paste types text from a clipboard. Control characters other than tabs and line ends are left out, so that the
// text cannot act; line ends become what Enter sends.
func (c *conn) Paste(ctx context.Context, p pam.Paste) error {
	return c.write(ctx, pasteBytes(p.Text, p.Bracketed))
}

func (c *conn) write(ctx context.Context, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	defer context.AfterFunc(ctx, func() { c.t.cut(context.Cause(ctx)) })()
	if _, err := c.ch.Write(data); err != nil {
		if c.life.Err() != nil {
			return errClosed
		}
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return fmt.Errorf("sshx: input: %w", err)
	}
	return nil
}

// Resize tells the target a new size of the terminal.
func (c *conn) Resize(ctx context.Context, s pam.Size) error {
	if !s.Valid() {
		return fmt.Errorf("sshx: size %dx%d is out of range", s.Cols, s.Rows)
	}
	defer context.AfterFunc(ctx, func() { c.t.cut(context.Cause(ctx)) })()
	_, err := c.ch.SendRequest("window-change", false, ssh.Marshal(windowChange{
		uint32(s.Cols), uint32(s.Rows), uint32(s.Width), uint32(s.Height),
	}))
	if err != nil {
		return fmt.Errorf("sshx: resize: %w", err)
	}
	c.screen.Resize(s.Cols, s.Rows)
	return nil
}

// Close ends the session: it closes the channel, which makes the target hang up the shell, waits for the answer
// for at most 1 s or until ctx ends, and closes the connection. It is idempotent, and returns when every
// goroutine of the connection is gone.
func (c *conn) Close(ctx context.Context) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		<-c.done
		return nil
	}
	c.closed = true
	keepAlive := c.keepAlive
	if c.linger != nil {
		c.linger.Stop()
	}
	c.mu.Unlock()
	defer close(c.done)

	c.endLife(errClosed)
	c.files.end()
	// ch.Close writes, and a write can hang: both ways out lead through cut.
	defer time.AfterFunc(closeGrace, func() { c.t.cut(errClosed) }).Stop()
	stop := context.AfterFunc(ctx, func() { c.t.cut(errClosed) })
	defer stop()
	_ = c.ch.Close()
	select {
	case <-c.chClosed:
	case <-c.served:
	case <-c.t.done:
	}
	c.t.cut(errClosed)
	if keepAlive != nil {
		keepAlive.stop()
	}
	c.wait()
	c.screen.Close()
	return nil
}

// plainText makes a short printable text of the target's words (S08).
func plainText(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// briefError is an error of the SSH library, which may quote the target at any length.
type briefError struct{ error }

// brief bounds the text of err and makes it plain.
func brief(err error) error {
	if err == nil {
		return nil
	}
	return briefError{err}
}

func (e briefError) Error() string { return plainText(e.error.Error(), maxText) }
func (e briefError) Unwrap() error { return e.error }
