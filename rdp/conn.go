package rdp

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp/internal/screen"
)

// conn is one desktop on one target. It implements pam.Conn, pam.Resizer, pam.Paster, pam.KeyFramer, pam.Follower, pam.Pacer, pam.Watched and pam.Files.
//
// Run has a reader, which takes what the target says and never waits for a viewer, and an emitter, which passes it on in bursts: whatever has
// come while the last one was on its way. The connection below may be replaced by another one to the same session of the target.
type conn struct {
	way *way
	log *slog.Logger
	out *outbox

	life    context.Context // ends with Close
	endLife context.CancelCauseFunc
	running atomic.Bool
	tasks   sync.WaitGroup // goroutines of Run

	board board // what has been emitted
	held  held  // what people hold down
	fit   fit   // the size that is wanted
	pace  pace  // frames that the target wants to hear of

	copied chan struct{} // the session's clipboard has a text; capacity 1

	mu     sync.Mutex // guards client
	client *Client
}

var (
	_ pam.Conn      = (*conn)(nil)
	_ pam.Resizer   = (*conn)(nil)
	_ pam.Paster    = (*conn)(nil)
	_ pam.KeyFramer = (*conn)(nil)
	_ pam.Follower  = (*conn)(nil)
	_ pam.Pacer     = (*conn)(nil)
	_ pam.Watched   = (*conn)(nil)
	_ pam.Files     = (*conn)(nil)
)

func newConn(w *way, client *Client, l launch, size [2]int, log *slog.Logger) *conn {
	c := &conn{way: w, client: client, log: log, out: newOutbox(), copied: make(chan struct{}, 1)}
	c.life, c.endLife = context.WithCancelCause(context.Background())
	c.board.Board = screen.NewBoard()
	c.fit.fixed, c.fit.want = l.fixed != [2]int{}, size
	return c
}

// SelfPaced reports that viewers never slow the target: RDP is always read, since clipboard, sound and input would stop with the picture.
func (c *conn) SelfPaced() bool { return true }

// connection is the present one.
func (c *conn) connection() *Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.client
}

// Run emits what the target shows until it ends. It returns a [*pam.End], ctx's cause, the sink's error, or after Close an error matching
// [net.ErrClosed].
func (c *conn) Run(ctx context.Context, out pam.Sink) error {
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("rdp: Run was called before")
	}
	run, cancel := context.WithCancelCause(ctx)
	defer c.tasks.Wait()
	defer cancel(nil)
	defer context.AfterFunc(c.life, func() { cancel(context.Cause(c.life)) })()
	defer c.pace.stop()
	defer c.fit.stop()

	c.tasks.Go(func() { c.out.close(c.read(run)) })
	if c.way.cfg.Clipboard != nil {
		c.tasks.Go(func() { c.fetchTexts(run) })
	}
	for {
		o, err := c.out.take(run)
		if err == nil {
			err = c.emit(run, out, o)
		}
		if err == nil {
			continue
		}
		if cause := over(run, err); cause != nil {
			return cause
		}
		var failed *sinkError
		if errors.As(err, &failed) {
			return failed.error
		}
		return endOf(err)
	}
}

// sinkError is an error of the sink: it says nothing about the target.
type sinkError struct{ error }

// Close hangs up. The session of the target goes on: it can be disconnected, but not signed out.
func (c *conn) Close(context.Context) error {
	c.endLife(errClosed)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.client.Close() // within a second
}
