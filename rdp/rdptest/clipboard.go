package rdptest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sallyport/sallyport/rdp/internal/channel/cliprdr"
)

// Errors of a session's clipboard.
var (
	ErrNoClipboard = errors.New("rdptest: the client has no clipboard")
	ErrRefused     = errors.New("rdptest: the client did not hand over its text")
)

// maxClipboard is the greatest message of a client's clipboard, in bytes.
const maxClipboard = 4 << 20

// clipboard is the server's side of the clipboard ([MS-RDPECLIP]).
type clipboard struct {
	channel *static // nil: there is none

	mu      sync.Mutex // guards what follows; held while a message is sent, so that they go out in the order of what they say
	long    bool       // both sides take long names of formats
	ready   bool       // the client has said what it has
	text    *string    // of the session; nil: what is copied is the client's, or nothing
	format  uint32     // of the client's text; 0: it has none
	asked   []question // for the client's text, and not answered yet
	changed chan struct{}
}

// question is one request for the client's text.
type question struct {
	format uint32
	answer func(text string, ok bool)
}

// openClipboard begins with a client that has the channel (1.3.2.1).
func (c *Session) openClipboard() error {
	b := &c.clipboard
	b.changed = make(chan struct{})
	if b.channel = c.openStatic("cliprdr", maxClipboard, c.hearClipboard); b.channel == nil {
		return nil
	}
	return errors.Join(c.sayClipboard(cliprdr.Capabilities(cliprdr.CapLongNames)), c.sayClipboard(cliprdr.MonitorReady()))
}

func (c *Session) sayClipboard(m []byte) error { return c.say(c.clipboard.channel, m, true) }

// Copy puts a text into the session's clipboard, as somebody does who copies it in the session: the client is told, and gets it when it asks.
func (c *Session) Copy(text string) error {
	b := &c.clipboard
	if b.channel == nil {
		return ErrNoClipboard
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text, b.format = &text, 0
	if !b.ready {
		return nil // said when the client is
	}
	return c.sayClipboard(cliprdr.FormatList([]cliprdr.Format{{ID: cliprdr.FormatUnicode}}, b.long))
}

// Paste fetches the client's text, and waits until it has one. With ErrRefused the client did not give it.
func (c *Session) Paste(ctx context.Context) (string, error) {
	b := &c.clipboard
	if b.channel == nil {
		return "", ErrNoClipboard
	}
	type answer struct {
		text string
		ok   bool
	}
	got := make(chan answer, 1)
	for {
		b.mu.Lock()
		asked, err := c.ask(func(text string, ok bool) { got <- answer{text, ok} })
		changed := b.changed
		b.mu.Unlock()
		if err != nil {
			return "", err
		}
		if asked {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", fmt.Errorf("rdptest: the client's clipboard has no text: %w", context.Cause(ctx))
		}
	}
	select {
	case a := <-got:
		if !a.ok {
			return "", ErrRefused
		}
		return a.text, nil
	case <-ctx.Done():
		return "", fmt.Errorf("rdptest: the client's text does not come: %w", context.Cause(ctx))
	}
}

// ask asks the client for its text, if it has one. c.clipboard.mu is held.
func (c *Session) ask(answer func(text string, ok bool)) (asked bool, err error) {
	b := &c.clipboard
	if b.format == 0 {
		return false, nil
	}
	b.asked = append(b.asked, question{b.format, answer})
	return true, c.sayClipboard(cliprdr.FormatDataRequest(b.format))
}

// hearClipboard takes a message of the client.
func (c *Session) hearClipboard(m []byte) error {
	var p cliprdr.PDU
	if err := p.UnmarshalBinary(m); err != nil {
		return err
	}
	b := &c.clipboard
	b.mu.Lock()
	defer b.mu.Unlock()
	switch p.Type {
	case cliprdr.TypeCapabilities:
		flags, err := cliprdr.TakeCapabilities(p.Body)
		b.long = flags&cliprdr.CapLongNames != 0
		return err
	case cliprdr.TypeFormatList:
		return c.hearFormats(&p)
	case cliprdr.TypeFormatDataRequest:
		format, err := cliprdr.TakeFormatDataRequest(p.Body)
		if err != nil {
			return err
		}
		if b.text == nil || format != cliprdr.FormatUnicode {
			return c.sayClipboard(cliprdr.FormatDataResponse(false, nil))
		}
		return c.sayClipboard(cliprdr.FormatDataResponse(true, cliprdr.EncodeText(format, *b.text)))
	case cliprdr.TypeFormatDataResponse:
		if len(b.asked) == 0 {
			return errors.New("rdptest: the client answers what it was not asked")
		}
		q := b.asked[0]
		b.asked = b.asked[1:]
		ok := p.Flags&cliprdr.FlagOK != 0
		text := ""
		if ok {
			text = cliprdr.DecodeText(q.format, p.Body)
		}
		q.answer(text, ok)
	}
	return nil
}

// hearFormats takes a list of what the client has copied. The first one comes when the client is ready, and is answered by what the session
// has. c.clipboard.mu is held.
func (c *Session) hearFormats(p *cliprdr.PDU) error {
	b := &c.clipboard
	formats, err := cliprdr.TakeFormatList(p.Body, p.Flags, b.long)
	if err != nil {
		return err
	}
	b.format = 0
	for _, f := range formats {
		if f.ID == cliprdr.FormatUnicode || f.ID == cliprdr.FormatText && b.format == 0 {
			b.format = f.ID
		}
	}
	if b.format != 0 {
		b.text = nil // the clipboard is the client's now
	}
	close(b.changed)
	b.changed = make(chan struct{})
	err = c.sayClipboard(cliprdr.FormatListResponse(true))
	if !b.ready && b.text != nil {
		err = errors.Join(err, c.sayClipboard(cliprdr.FormatList([]cliprdr.Format{{ID: cliprdr.FormatUnicode}}, b.long)))
	}
	b.ready = true
	return err
}

// pressed does what a desktop's keys for the clipboard are for: Ctrl+C copies what was typed, Ctrl+V types what the client has copied.
func (c *Session) pressed(s shortcut) error {
	b := &c.clipboard
	switch {
	case b.channel == nil:
		return nil
	case s == shortcutCopy:
		return c.Copy(c.desktop.Text())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.text != nil {
		c.desktop.insert(*b.text)
		return nil
	}
	_, err := c.ask(func(text string, ok bool) {
		if ok {
			c.desktop.insert(text)
		}
	})
	return err
}
