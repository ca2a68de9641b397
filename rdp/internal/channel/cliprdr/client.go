package cliprdr

import (
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/channel"
)

// Errors of a transfer. None of them ends the channel.
var (
	ErrDenied   = errors.New("the clipboard may not pass in this direction")
	ErrNotReady = errors.New("the server has not opened the clipboard")
	ErrNoText   = errors.New("there is no text on the server's clipboard")
	ErrBusy     = errors.New("another transfer is not finished")
	ErrRefused  = errors.New("the server refused to hand over its clipboard")
	ErrTooLarge = errors.New("the text is longer than allowed")
)

// Limits.
const (
	DefaultMaxText = 1 << 20 // bytes of UTF-8
	maxWanted      = 8       // requests of the server that wait for an answer
	listBurst      = 64      // format lists that may come at once
	listInterval   = 50 * time.Millisecond
)

// Config says what may pass.
type Config struct {
	ToServer, FromServer bool
	MaxText              int              // of one text, in bytes of UTF-8, both ways; zero means DefaultMaxText
	Now                  func() time.Time // nil means time.Now
}

// Client is the client's side.
type Client struct {
	cfg    Config
	ready  bool // the server is
	long   bool // both sides take long names
	caps   bool // the server has sent its capabilities
	offers bool // the host has text
	wanted []uint32

	format    uint32 // text that the server offers, 0: none
	asked     uint32 // format that was asked for and has not come
	abandoned bool   // nobody waits for it any more
	changed   bool
	received  *Text
	tokens    int // format lists that are left
	refilled  time.Time
}

// Text is the end of a request: Err says why there is none.
type Text struct {
	Text string
	Err  error
}

var _ channel.Processor = (*Client)(nil)

// New returns the client's side, which waits for the server.
func New(cfg Config) *Client {
	if cfg.MaxText <= 0 {
		cfg.MaxText = DefaultMaxText
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Client{cfg: cfg, tokens: listBurst, refilled: cfg.Now()}
}

// MaxMessage is the greatest message that matters. Longer ones are to be left out, and told by Skipped.
func (c *Client) MaxMessage() int {
	const most = 1 << 30
	return 64<<10 + min(4*c.cfg.MaxText, most) // a byte of UTF-8 is at most two of UTF-16, a line end twice that
}

// Receive takes a message of the server.
func (c *Client) Receive(b []byte) ([][]byte, error) {
	var p PDU
	if err := p.UnmarshalBinary(b); err != nil {
		return nil, err
	}
	switch p.Type {
	case TypeCapabilities:
		flags, err := TakeCapabilities(p.Body)
		c.caps, c.long = true, flags&CapLongNames != 0
		return nil, err
	case TypeMonitorReady:
		c.ready = true
		var out [][]byte
		if c.caps { // an old server without them would not know what ours are
			out = append(out, Capabilities(CapLongNames))
		}
		return append(out, c.list()), nil
	case TypeFormatList:
		return c.takeList(&p)
	case TypeFormatDataRequest:
		return c.takeRequest(p.Body)
	case TypeFormatDataResponse:
		c.takeData(&p)
		return nil, nil
	case TypeFileContentsRequest:
		if len(p.Body) < 4 {
			return nil, fmt.Errorf("file contents request of %d bytes", len(p.Body))
		}
		// No file was ever offered (S19).
		return [][]byte{message(TypeFileContentsResponse, FlagFail, p.Body[:4:4])}, nil
	case TypeFormatListResponse, TypeTempDirectory, TypeFileContentsResponse, TypeLock, TypeUnlock:
		return nil, nil
	}
	return nil, nil // of a newer version
}

// list is our format list. An empty one is said too: it makes the server drop what it had from us.
func (c *Client) list() []byte {
	var formats []Format
	if c.offers && c.cfg.ToServer {
		formats = []Format{{ID: FormatUnicode}, {ID: FormatText}}
	}
	return FormatList(formats, c.long)
}

// takeList takes the server's format list. More of them than a person makes are refused (S20): the last one may then be missing.
func (c *Client) takeList(p *PDU) ([][]byte, error) {
	if !c.take() {
		c.setFormat(0)
		return [][]byte{FormatListResponse(false)}, nil
	}
	formats, err := TakeFormatList(p.Body, p.Flags, c.long)
	if err != nil {
		return nil, err
	}
	var text uint32
	for _, f := range formats {
		if f.ID == FormatUnicode || f.ID == FormatText && text == 0 {
			text = f.ID
		}
	}
	if !c.cfg.FromServer {
		text = 0
	}
	c.setFormat(text)
	return [][]byte{FormatListResponse(true)}, nil
}

func (c *Client) setFormat(text uint32) {
	// A list with text is news even after a list with text: it is another one.
	c.changed = c.changed || text != 0 || c.format != 0
	c.format = text
	if c.abandoned {
		c.asked = 0
	}
	if c.cfg.FromServer {
		c.offers = c.offers && text == 0 // the clipboard of the session is the session's again
	}
}

// take takes one of the format lists that the server may send.
func (c *Client) take() bool {
	now := c.cfg.Now()
	if n := int(min(now.Sub(c.refilled)/listInterval, listBurst)); n > 0 {
		c.tokens, c.refilled = min(c.tokens+n, listBurst), now
	}
	if c.tokens == 0 {
		return false
	}
	c.tokens--
	return true
}

// takeRequest takes a request for what was offered, and nothing else (S20).
func (c *Client) takeRequest(body []byte) ([][]byte, error) {
	format, err := TakeFormatDataRequest(body)
	if err != nil {
		return nil, err
	}
	known := format == FormatUnicode || format == FormatText
	if !c.cfg.ToServer || !c.offers || !known {
		if len(c.wanted) == 0 {
			return [][]byte{FormatDataResponse(false, nil)}, nil
		}
		format = 0 // answers keep the order of requests
	}
	if len(c.wanted) == maxWanted {
		return nil, fmt.Errorf("format data request: %d are not answered yet", maxWanted)
	}
	c.wanted = append(c.wanted, format)
	return nil, nil
}

// takeData takes what was asked for.
func (c *Client) takeData(p *PDU) {
	format := c.asked
	if format == 0 {
		return // nothing was: its text goes nowhere
	}
	c.asked = 0
	if p.Flags&FlagOK == 0 {
		c.received = &Text{Err: ErrRefused}
		return
	}
	text := DecodeText(format, p.Body)
	if len(text) > c.cfg.MaxText {
		c.received = &Text{Err: ErrTooLarge}
		return
	}
	c.received = &Text{Text: text}
}

// Skipped says that a message was longer than MaxMessage, and left out.
func (c *Client) Skipped() {
	if c.asked != 0 {
		c.asked, c.received = 0, &Text{Err: ErrTooLarge}
	}
}

// Offer tells the server that the host has text, or has none any more.
func (c *Client) Offer(has bool) ([][]byte, error) {
	if !c.cfg.ToServer {
		return nil, ErrDenied
	}
	c.offers = has
	if !c.ready {
		return nil, nil // said when the server is
	}
	return [][]byte{c.list()}, nil
}

// Wanted reports whether the server waits for text. Provide answers.
func (c *Client) Wanted() bool { return len(c.wanted) > 0 }

// Provide answers the first request of the server with text, or refuses it with ok false. A text that is too long is refused, with
// ErrTooLarge.
func (c *Client) Provide(text string, ok bool) ([][]byte, error) {
	if len(c.wanted) == 0 {
		return nil, nil
	}
	format := c.wanted[0]
	c.wanted = c.wanted[1:]
	var err error
	if ok && len(text) > c.cfg.MaxText {
		err, ok = ErrTooLarge, false
	}
	answer := FormatDataResponse(false, nil)
	if ok && format != 0 {
		answer = FormatDataResponse(true, EncodeText(format, text))
	}
	out := [][]byte{answer}
	for len(c.wanted) > 0 && c.wanted[0] == 0 { // refused already, and in its turn now
		c.wanted, out = c.wanted[1:], append(out, FormatDataResponse(false, nil))
	}
	return out, err
}

// Offered reports whether the server's clipboard has text, and whether it has changed since the last call.
func (c *Client) Offered() (text, changed bool) {
	changed, c.changed = c.changed, false
	return c.format != 0, changed
}

// Request asks for the server's text, which Received returns when it has come.
func (c *Client) Request() ([][]byte, error) {
	switch {
	case !c.cfg.FromServer:
		return nil, ErrDenied
	case !c.ready:
		return nil, ErrNotReady
	case c.asked != 0:
		return nil, ErrBusy
	case c.format == 0:
		return nil, ErrNoText
	}
	c.asked, c.abandoned = c.format, false
	return [][]byte{FormatDataRequest(c.asked)}, nil
}

// Abandon says that nobody waits for the last Request any more. Servers may leave one unanswered, as when what had been copied is gone:
// the next change of the clipboard then makes room for another.
func (c *Client) Abandon() { c.abandoned = true }

// Received returns the end of the last Request, once, or nil.
func (c *Client) Received() *Text {
	t := c.received
	c.received = nil
	return t
}
