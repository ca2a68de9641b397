package rdp

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/channel/cliprdr"
)

// Errors of the clipboard. None of them ends the connection.
var (
	ErrClipboardDenied  = cliprdr.ErrDenied   // Clipboard does not allow this direction
	ErrClipboardEmpty   = cliprdr.ErrNoText   // the session's clipboard has no text
	ErrClipboardBusy    = cliprdr.ErrBusy     // another text is on its way
	ErrClipboardRefused = cliprdr.ErrRefused  // the server did not hand its text over
	ErrTextTooLong      = cliprdr.ErrTooLarge // longer than Clipboard.MaxText
)

const (
	clipboardChannel = "cliprdr"
	// DefaultProvideTimeout is how long a TextProvider may take.
	DefaultProvideTimeout = 30 * time.Second
)

// Clipboard lets text pass between the host's clipboard and that of the session ([MS-RDPECLIP]). The zero value lets nothing pass.
type Clipboard struct {
	ToSession   bool // texts of OfferText
	FromSession bool // texts for FetchText
	// MaxText is the longest text in bytes of UTF-8, in both directions; longer ones are refused, the connection goes on. Zero means 1 MiB.
	MaxText int
	// ProvideTimeout is how long a TextProvider may take. Zero means DefaultProvideTimeout.
	ProvideTimeout time.Duration
}

// TextProvider hands over the text that was offered, when the session wants it. An error refuses.
type TextProvider func(ctx context.Context) (string, error)

// ClipboardChanged says that the session's clipboard has changed. Text: it has text, which Client.FetchText fetches.
type ClipboardChanged struct{ Text bool }

func (*ClipboardChanged) update() {}

// clipboard is the state of a Client's clipboard.
type clipboard struct {
	*static
	client *cliprdr.Client

	// Guarded by static.mu.
	provider  TextProvider
	providing bool
	waiting   chan cliprdr.Text // of the FetchText that waits
	changed   ClipboardChanged
}

func newClipboard(c *Client, add adder) *clipboard {
	cfg := c.cfg.Clipboard
	p := cliprdr.New(cliprdr.Config{ToServer: cfg.ToSession, FromServer: cfg.FromSession, MaxText: cfg.MaxText})
	b := &clipboard{client: p}
	b.static = add(clipboardChannel, p.MaxMessage(), true, p)
	b.after = b.look
	return b
}

// look hands out what a message of the server has brought.
func (b *clipboard) look() Update {
	if t := b.client.Received(); t != nil && b.waiting != nil {
		b.waiting <- *t // it has room for one
		b.waiting = nil
	}
	if b.client.Wanted() && !b.providing {
		b.providing = true
		b.static.client.spawn(b.provide)
	}
	text, changed := b.client.Offered()
	if !changed {
		return nil
	}
	b.changed = ClipboardChanged{text}
	return &b.changed
}

// provide answers what the server has asked for. The host is asked once for each request, one at a time.
func (b *clipboard) provide(ctx context.Context) {
	for {
		b.mu.Lock()
		provider := b.provider
		if !b.client.Wanted() {
			b.providing = false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		text, err := "", ErrClipboardEmpty
		if provider != nil {
			text, err = b.call(ctx, provider)
		}
		b.mu.Lock()
		answer, _ := b.client.Provide(text, err == nil) // too long: refused
		b.mu.Unlock()
		if b.sendLater(answer) != nil {
			return // the connection ends
		}
	}
}

// call calls the provider with its deadline.
func (b *clipboard) call(ctx context.Context, provider TextProvider) (string, error) {
	timeout := b.static.client.cfg.Clipboard.ProvideTimeout
	if timeout <= 0 {
		timeout = DefaultProvideTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return provider(ctx)
}

// OfferText tells the session that the host's clipboard has text. provider is called, in a goroutine of the Client, each time that the
// session wants it, and not before; its context ends with the Client, and it must not close it. Nil takes the offer back. An offer also ends when something is copied
// in the session, where Clipboard lets that out.
func (c *Client) OfferText(provider TextProvider) error {
	b := c.clipboard
	if b == nil {
		return ErrNotConfigured
	}
	return b.do(func() ([][]byte, error) {
		out, err := b.client.Offer(provider != nil)
		if err == nil {
			b.provider = provider
		}
		return out, err
	})
}

// FetchText fetches the text of the session's clipboard, lines ending with LF. Next must be running meanwhile, in another goroutine. When ctx
// ends first, the text is still on its way, and ErrClipboardBusy is what the next FetchText returns until it has come, or something else
// was copied.
func (c *Client) FetchText(ctx context.Context) (string, error) {
	b := c.clipboard
	if b == nil {
		return "", ErrNotConfigured
	}
	wait := make(chan cliprdr.Text, 1)
	err := b.do(func() ([][]byte, error) {
		out, err := b.client.Request()
		if err == nil {
			b.waiting = wait
		}
		return out, err
	})
	if errors.Is(err, cliprdr.ErrNotReady) {
		err = ErrClipboardEmpty
	}
	if err != nil {
		return "", err
	}
	select {
	case t := <-wait:
		return t.Text, t.Err
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.waiting == wait {
			b.waiting = nil
			b.client.Abandon()
		}
		return "", ctx.Err()
	case <-c.ctx.Done():
		return "", &Error{Code: CodeClosed, Phase: "session", Err: context.Cause(c.ctx)}
	}
}
