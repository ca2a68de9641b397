package pamtest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// ErrConnClosed is what a Conn's calls return once it is closed or has ended.
var ErrConnClosed = errors.New("pamtest: the connection is closed")

// Conn is the connection of a Protocol. The test is its target: it says what is emitted and how it ends, and
// reads what came in. Safe for concurrent use.
type Conn struct {
	Request pam.ConnectRequest // as the broker gave it

	faults *Faults
	emit   chan emission
	ended  chan struct{} // closed by End
	closed chan struct{} // closed by Close
	gone   chan struct{} // closed when Run has returned

	mu       sync.Mutex // guards all below
	end      error
	isEnded  bool
	isClosed bool
	running  bool
	isGone   bool
	emitted  uint64
	key      []byte
	inputs   []pam.Input
	pastes   []pam.Paste
	sizes    []pam.Size
	wake     chan struct{} // closed and replaced whenever something above changes
}

type emission struct {
	frame pam.Frame
	done  chan error // gets what the sink said
}

var (
	_ pam.Conn      = (*Conn)(nil)
	_ pam.Resizer   = (*Conn)(nil)
	_ pam.Paster    = (*Conn)(nil)
	_ pam.KeyFramer = (*Conn)(nil)
	_ pam.Pacer     = (*Conn)(nil)
)

func newConn(faults *Faults, r pam.ConnectRequest) *Conn {
	return &Conn{
		Request: r,
		faults:  faults,
		emit:    make(chan emission),
		ended:   make(chan struct{}),
		closed:  make(chan struct{}),
		gone:    make(chan struct{}),
	}
}

// Emit makes the target say f. It returns when the broker's sink has taken it, with what the sink answered: while
// the sink holds back, so does Emit.
func (c *Conn) Emit(ctx context.Context, f pam.Frame) error {
	e := emission{frame: f, done: make(chan error, 1)}
	select {
	case c.emit <- e:
	case <-c.ended:
		return ErrConnClosed
	case <-c.closed:
		return ErrConnClosed
	case <-c.gone:
		return ErrConnClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-e.done:
		return err
	case <-c.gone:
		select { // Run may have answered and then returned
		case err := <-e.done:
			return err
		default:
			return ErrConnClosed
		}
	case <-ctx.Done(): // the sink may still take it
		return context.Cause(ctx)
	}
}

// Output is Emit of terminal bytes.
func (c *Conn) Output(ctx context.Context, text string) error {
	return c.Emit(ctx, pam.Frame{Kind: pam.FrameOutput, Payload: []byte(text)})
}

// End makes Run return err; the first call counts. Run's contract wants an *pam.End, but a broker must survive
// anything, nil included.
func (c *Conn) End(err error) {
	c.update(func() {
		if !c.isEnded {
			c.isEnded, c.end = true, err
			close(c.ended)
		}
	})
}

// Closed is closed when the broker has called Close.
func (c *Conn) Closed() <-chan struct{} { return c.closed }

// Gone is closed when Run has returned.
func (c *Conn) Gone() <-chan struct{} { return c.gone }

// Run implements pam.Conn.
func (c *Conn) Run(ctx context.Context, out pam.Sink) error {
	c.mu.Lock()
	if c.running {
		c.mu.Unlock()
		return errors.New("pamtest: Run was called twice")
	}
	c.running = true
	c.mu.Unlock()
	defer c.update(func() { c.isGone = true; close(c.gone) })
	if err := c.faults.enter(ctx, "Run"); err != nil {
		return err
	}
	for {
		select {
		case e := <-c.emit:
			if e.frame.Kind == pam.FrameOutput {
				c.update(func() { c.key = append(c.key, e.frame.Payload...) })
			}
			// Counted before the sink has it: KeyFrame promises "emitted, or about to be".
			c.update(func() { c.emitted++ })
			err := out.Emit(ctx, e.frame)
			e.done <- err
			if err != nil {
				return err
			}
		case <-c.ended:
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.end
		case <-c.closed:
			return ErrConnClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Input implements pam.Conn.
func (c *Conn) Input(ctx context.Context, in pam.Input) error {
	in.Data = bytes.Clone(in.Data)
	return c.take(ctx, "Input", func() { c.inputs = append(c.inputs, in) })
}

// Close implements pam.Conn.
func (c *Conn) Close(ctx context.Context) error {
	c.update(func() {
		if !c.isClosed {
			c.isClosed = true
			close(c.closed)
		}
	})
	return c.faults.enter(ctx, "Close")
}

// Resize implements pam.Resizer.
func (c *Conn) Resize(ctx context.Context, s pam.Size) error {
	return c.take(ctx, "Resize", func() { c.sizes = append(c.sizes, s) })
}

// Paste implements pam.Paster.
func (c *Conn) Paste(ctx context.Context, p pam.Paste) error {
	return c.take(ctx, "Paste", func() { c.pastes = append(c.pastes, p) })
}

// KeyFrame implements pam.KeyFramer: its picture is all output so far, in one frame.
func (c *Conn) KeyFrame(ctx context.Context) ([]pam.Frame, uint64, error) {
	if err := c.faults.enter(ctx, "KeyFrame"); err != nil {
		return nil, 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f := pam.Frame{Kind: pam.FrameOutput, Flags: pam.FlagKey, Payload: bytes.Clone(c.key)}
	return []pam.Frame{f}, c.emitted, nil
}

// SelfPaced implements pam.Pacer.
func (c *Conn) SelfPaced() bool { return true }

// Inputs returns what came in so far, in order.
func (c *Conn) Inputs() []pam.Input { return snapshot(c, &c.inputs) }

// Typed returns the data of all keyboard input so far, in order.
func (c *Conn) Typed() string {
	var b []byte
	for _, in := range c.Inputs() {
		if in.Kind == pam.InputKey {
			b = append(b, in.Data...)
		}
	}
	return string(b)
}

// Pastes returns what was pasted so far.
func (c *Conn) Pastes() []pam.Paste { return snapshot(c, &c.pastes) }

// Sizes returns the sizes asked for so far.
func (c *Conn) Sizes() []pam.Size { return snapshot(c, &c.sizes) }

// Await returns nil as soon as ok does, which is asked again whenever something reached the connection, or ctx's
// cause. It may use the other methods of c.
func (c *Conn) Await(ctx context.Context, ok func(*Conn) bool) error {
	for {
		c.mu.Lock()
		if c.wake == nil {
			c.wake = make(chan struct{})
		}
		wake := c.wake
		c.mu.Unlock()
		if ok(c) {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// take runs the fault of method and then note, unless the connection is over.
func (c *Conn) take(ctx context.Context, method string, note func()) error {
	if err := c.faults.enter(ctx, method); err != nil {
		return err
	}
	c.mu.Lock()
	over := c.isClosed || c.isGone
	c.mu.Unlock()
	if over {
		return ErrConnClosed
	}
	c.update(note)
	return nil
}

func (c *Conn) update(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	if c.wake != nil {
		close(c.wake)
		c.wake = nil
	}
}

func snapshot[T any](c *Conn, list *[]T) []T {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(*list)
}
