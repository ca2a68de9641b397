package pamtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/edge"
	"github.com/sallyport/sallyport/pam/internal/frame"
)

// ErrPageClosed is what Await returns when the socket ended before what was awaited came true.
var ErrPageClosed = errors.New("pamtest: the page's socket is closed")

// Page is one attached page. Its methods are safe for concurrent use.
type Page struct {
	conn   *edge.Conn
	o      PageOptions
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	acks sync.Mutex // held from reading the total to sending it: an acknowledgement may not go back. Taken before mu

	mu      sync.Mutex // guards all below
	moved   chan struct{}
	out     bytes.Buffer // since the last key frame
	keys    int
	counted uint64 // payload bytes received that count
	acked   uint64
	deaf    bool
	state   map[string]any
	notices []pam.Notice
	end     map[string]any
	reason  string // of the close message
	err     error  // a broken message of the gateway
}

func newPage(conn *edge.Conn, o PageOptions) *Page {
	ctx, cancel := context.WithCancel(context.Background())
	return &Page{conn: conn, o: o, ctx: ctx, cancel: cancel, done: make(chan struct{}), moved: make(chan struct{}), deaf: o.Deaf}
}

// ackAfter is how long the last bytes wait for their acknowledgement, and ackEvery how many bytes force one.
const (
	ackAfter = 50 * time.Millisecond
	ackEvery = 64 << 10
)

func (p *Page) read() {
	defer close(p.done)
	late := time.AfterFunc(time.Hour, p.acknowledge)
	defer late.Stop()
	for {
		msg, err := p.conn.Read(p.ctx)
		if err != nil {
			reason, _ := edge.CloseReason(err)
			p.change(func() { p.reason = reason })
			return
		}
		frames, err := frame.SplitGateway(msg)
		if err != nil {
			p.change(func() { p.err = err })
			p.conn.Abort()
			return
		}
		var due bool
		p.change(func() {
			for _, f := range frames {
				p.take(f)
			}
			due = p.counted-p.acked >= ackEvery
		})
		if due {
			p.acknowledge()
		} else {
			late.Reset(ackAfter)
		}
	}
}

func (p *Page) take(f frame.Frame) {
	if f.Kind.Counted() {
		p.counted += uint64(len(f.Payload))
	}
	switch f.Kind {
	case frame.State:
		p.state = map[string]any{}
		p.err = errors.Join(p.err, json.Unmarshal(f.Payload, &p.state))
	case frame.End:
		p.end = map[string]any{}
		p.err = errors.Join(p.err, json.Unmarshal(f.Payload, &p.end))
	case frame.Notice:
		var n pam.Notice
		p.err = errors.Join(p.err, json.Unmarshal(f.Payload, &n))
		p.notices = append(p.notices, n)
	case frame.Screen, frame.Cursor, frame.Clipboard, frame.Audio:
		if p.o.Frame != nil {
			p.o.Frame(pam.Frame{Kind: pam.FrameKind(f.Kind), Flags: pam.FrameFlags(f.Flags), Payload: bytes.Clone(f.Payload)})
		}
	case frame.Output:
		key := f.Flags&frame.FlagKey != 0
		if key {
			p.keys++
			p.out.Reset()
		}
		if p.o.Output != nil {
			p.o.Output(f.Payload, key)
			return
		}
		p.out.Write(f.Payload)
	}
}

func (p *Page) acknowledge() {
	p.acks.Lock()
	defer p.acks.Unlock()
	p.mu.Lock()
	total := p.counted
	if p.deaf || total == p.acked {
		p.mu.Unlock()
		return
	}
	p.acked = total
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	_ = p.send(ctx, frame.Frame{Kind: frame.Ack, Payload: frame.AppendAck(nil, total)})
}

func (p *Page) change(f func()) {
	p.mu.Lock()
	f()
	close(p.moved)
	p.moved = make(chan struct{})
	p.mu.Unlock()
}

func (p *Page) send(ctx context.Context, f frame.Frame) error {
	return p.conn.Write(ctx, frame.Append(nil, f))
}

// SetDeaf makes the page stop (true) or resume acknowledging.
func (p *Page) SetDeaf(deaf bool) {
	p.mu.Lock()
	p.deaf = deaf
	p.mu.Unlock()
	p.acknowledge()
}

// Key types text.
func (p *Page) Key(ctx context.Context, text string) error {
	return p.send(ctx, frame.Frame{Kind: frame.Key, Payload: []byte(text)})
}

// Events sends events of a desktop's keyboard or mouse.
func (p *Page) Events(ctx context.Context, k pam.InputKind, events []byte) error {
	kind := frame.Key
	if k == pam.InputPointer {
		kind = frame.Pointer
	}
	return p.send(ctx, frame.Frame{Kind: kind, Payload: events})
}

// SetVisible tells whether the page can be seen.
func (p *Page) SetVisible(ctx context.Context, visible bool) error {
	return p.tell(ctx, frame.Visible, visible)
}

// SetListens tells whether the page plays sound. None comes to one that has not said so.
func (p *Page) SetListens(ctx context.Context, listens bool) error {
	return p.tell(ctx, frame.Listen, listens)
}

func (p *Page) tell(ctx context.Context, k frame.Kind, yes bool) error {
	b := []byte{0}
	if yes {
		b[0] = 1
	}
	return p.send(ctx, frame.Frame{Kind: k, Payload: b})
}

// Paste pastes text, bracketed if the terminal has that on.
func (p *Page) Paste(ctx context.Context, text string, bracketed bool) error {
	f := frame.Frame{Kind: frame.Paste, Payload: []byte(text)}
	if bracketed {
		f.Flags = frame.FlagBracketed
	}
	return p.send(ctx, f)
}

// Resize tells the page's size in cells.
func (p *Page) Resize(ctx context.Context, cols, rows int) error {
	return p.send(ctx, frame.Frame{Kind: frame.Resize, Payload: frame.AppendResize(nil, frame.Size{Cols: uint16(cols), Rows: uint16(rows)})})
}

// Disconnect asks the gateway to end the session.
func (p *Page) Disconnect(ctx context.Context) error {
	return p.send(ctx, frame.Frame{Kind: frame.Disconnect})
}

// Close drops the socket without a word, as a lost network does, and waits for the page's goroutine.
func (p *Page) Close() {
	p.cancel()
	p.conn.Abort()
	<-p.done
}

// Gone is closed when the socket has ended.
func (p *Page) Gone() <-chan struct{} { return p.done }

// Await waits until ok holds, which is asked again whenever something came in, or returns why it will not.
func (p *Page) Await(ctx context.Context, ok func(PageView) bool) error {
	for {
		p.mu.Lock()
		good, moved, err := ok(p.view()), p.moved, p.err
		p.mu.Unlock()
		switch {
		case good:
			return nil
		case err != nil:
			return err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("%w; the page shows %v", context.Cause(ctx), p.View())
		case <-p.done:
			if v := p.View(); !ok(v) {
				return fmt.Errorf("%w; it shows %v", ErrPageClosed, v)
			}
			return nil
		}
	}
}

// AwaitOutput waits until the terminal bytes since the last key frame contain text.
func (p *Page) AwaitOutput(ctx context.Context, text string) error {
	return p.Await(ctx, func(v PageView) bool { return bytes.Contains(v.Output, []byte(text)) })
}

// AwaitEnd waits for the end frame and returns its code.
func (p *Page) AwaitEnd(ctx context.Context) (pam.Code, error) {
	err := p.Await(ctx, func(v PageView) bool { return v.End != nil })
	return p.View().Code(), err
}

// PageView is what a page shows. Output is valid inside Await's function only; View returns a copy.
type PageView struct {
	Output  []byte // terminal bytes since the last key frame; empty where PageOptions.Output takes them
	Keys    int    // key frames so far
	Counted uint64 // payload bytes received
	State   map[string]any
	Notices []pam.Notice
	End     map[string]any
	Closed  string // reason text of the close message
}

// Code returns the code of the end frame.
func (v PageView) Code() pam.Code {
	c, _ := v.End["code"].(string)
	return pam.Code(c)
}

// String shows the gist of a view.
func (v PageView) String() string {
	out := v.Output
	if len(out) > 300 {
		out = out[len(out)-300:]
	}
	return fmt.Sprintf("state %v, end %v, close reason %q, %d bytes, output …%q", v.State["state"], v.End, v.Closed, v.Counted, out)
}

func (p *Page) view() PageView {
	return PageView{Output: p.out.Bytes(), Keys: p.keys, Counted: p.counted, State: p.state, Notices: p.notices, End: p.end, Closed: p.reason}
}

// View returns a copy of what the page shows.
func (p *Page) View() PageView {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.view()
	v.Output, v.State, v.Notices, v.End = bytes.Clone(v.Output), maps.Clone(v.State), slices.Clone(v.Notices), maps.Clone(v.End)
	return v
}
