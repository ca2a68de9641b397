package drdynvc

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/channel"
)

// ErrClosed says that a channel is not open.
var ErrClosed = errors.New("the dynamic channel is not open")

// Limits.
const (
	// MaxMessage is the greatest message of the static channel: a PDU has at most 1600 bytes.
	MaxMessage = 16 << 10
	// DefaultMaxMessage is the greatest message of a dynamic channel whose Listener has no limit of its own.
	DefaultMaxMessage = 1 << 20
	maxChannels       = 64
	maxVersion        = 2 // version 3 adds compressed data and moving channels to other transports, which are for servers to have
)

// Listener is what waits for channels of a name.
type Listener struct {
	// Open returns what speaks on a new channel, nil if it is refused. It may be called again, while a channel of that name is open
	// too. A Processor may also be an Opener or a Closer.
	Open func(id uint32) channel.Processor
	// MaxMessage is the greatest message that the server may send, in bytes. Zero means DefaultMaxMessage.
	MaxMessage int
}

// Opener is a Processor that speaks first: Opened returns what.
type Opener interface{ Opened() [][]byte }

// Closer is a Processor that wants to know when its channel is gone. It is not called when the whole connection ends.
type Closer interface{ Closed() }

// Client is the client's side.
type Client struct {
	listeners map[string]Listener
	open      map[uint32]*dynamic
	version   uint16 // agreed on; 0: not yet
}

// dynamic is an open channel.
type dynamic struct {
	proc  channel.Processor
	most  int
	buf   []byte
	total int // of the message that has begun; 0: none has
}

var _ channel.Processor = (*Client)(nil)

// New returns the client's side, which waits for the server.
func New(listeners map[string]Listener) *Client {
	return &Client{listeners: listeners, open: map[uint32]*dynamic{}}
}

// Receive takes a message of the static channel: one PDU.
func (c *Client) Receive(b []byte) ([][]byte, error) {
	var p PDU
	if err := p.UnmarshalBinary(b); err != nil {
		return nil, err
	}
	if p.Command != CommandCapabilities && c.version == 0 {
		// Some servers open channels at once; they are of the first version.
		c.version = 1
	}
	switch p.Command {
	case CommandCapabilities:
		if p.Version == 0 {
			return nil, errors.New("dynamic channel capabilities: version 0")
		}
		c.version = min(p.Version, maxVersion)
		return one(PDU{Command: CommandCapabilities, Response: true, Version: c.version}), nil
	case CommandCreate:
		return c.create(&p)
	case CommandDataFirst, CommandData:
		return c.data(&p)
	case CommandClose:
		ch := c.open[p.Channel]
		if ch == nil {
			return nil, nil
		}
		delete(c.open, p.Channel)
		if closer, ok := ch.proc.(Closer); ok {
			closer.Closed()
		}
		return one(PDU{Command: CommandClose, Channel: p.Channel}), nil
	case CommandDataFirstCompressed, CommandDataCompressed, CommandSoftSyncRequest:
		return nil, fmt.Errorf("dynamic channel PDU of command %d, which needs version 3: agreed on was %d", p.Command, c.version)
	}
	return nil, fmt.Errorf("dynamic channel PDU of unknown command %d", p.Command)
}

// create opens a channel, or refuses it (2.2.2.1).
func (c *Client) create(p *PDU) ([][]byte, error) {
	answer := PDU{Command: CommandCreate, Response: true, Channel: p.Channel, Status: StatusNoListener}
	if c.open[p.Channel] != nil {
		return nil, fmt.Errorf("create request: channel %d is open already", p.Channel)
	}
	l := c.listeners[p.Name]
	if l.Open == nil || len(c.open) == maxChannels {
		return one(answer), nil
	}
	proc := l.Open(p.Channel)
	if proc == nil {
		return one(answer), nil
	}
	ch := &dynamic{proc: proc, most: l.MaxMessage}
	if ch.most <= 0 {
		ch.most = DefaultMaxMessage
	}
	c.open[p.Channel] = ch
	answer.Status = StatusOK
	out := one(answer)
	if o, ok := proc.(Opener); ok {
		out = append(out, cut(p.Channel, o.Opened())...)
	}
	return out, nil
}

// data joins a message. Memory grows with what has come, not with what was announced.
func (c *Client) data(p *PDU) ([][]byte, error) {
	ch := c.open[p.Channel]
	if ch == nil {
		return nil, nil // closed meanwhile, or refused
	}
	message := p.Data
	switch {
	case p.Command == CommandDataFirst && ch.total > 0:
		return nil, fmt.Errorf("dynamic channel %d: a message begins after %d bytes of %d of another", p.Channel, len(ch.buf), ch.total)
	case p.Command == CommandDataFirst && uint64(p.Length) > uint64(ch.most):
		return nil, fmt.Errorf("dynamic channel %d: a message of %d bytes, at most %d are taken", p.Channel, p.Length, ch.most)
	case p.Command == CommandDataFirst:
		ch.total, ch.buf = int(p.Length), ch.buf[:0]
	}
	if p.Command == CommandDataFirst && ch.total == 0 && len(p.Data) > 0 || ch.total > 0 && len(p.Data) > ch.total-len(ch.buf) {
		return nil, fmt.Errorf("dynamic channel %d: %d bytes after %d of a message of %d", p.Channel, len(p.Data), len(ch.buf), ch.total)
	}
	switch {
	case ch.total == 0 && len(message) > ch.most:
		return nil, fmt.Errorf("dynamic channel %d: a message of %d bytes, at most %d are taken", p.Channel, len(message), ch.most)
	case ch.total > 0 && len(ch.buf)+len(message) < ch.total:
		ch.buf = append(ch.buf, message...)
		return nil, nil
	case ch.total > 0 && len(ch.buf) > 0:
		ch.buf = append(ch.buf, message...)
		message = ch.buf
	}
	ch.total = 0
	replies, err := ch.proc.Receive(message)
	if cap(ch.buf) > maxKept {
		ch.buf = nil // one long message is no reason to keep so much
	} else {
		ch.buf = ch.buf[:0]
	}
	if err != nil {
		return nil, fmt.Errorf("dynamic channel %d: %w", p.Channel, err)
	}
	return cut(p.Channel, replies), nil
}

const maxKept = 256 << 10

// Send returns messages of an open channel as they go over the static one.
func (c *Client) Send(id uint32, messages ...[]byte) ([][]byte, error) {
	if c.open[id] == nil {
		return nil, ErrClosed
	}
	return cut(id, messages), nil
}

func cut(id uint32, messages [][]byte) (out [][]byte) {
	for _, m := range messages {
		out = append(out, Cut(id, m)...)
	}
	return out
}

func one(p PDU) [][]byte {
	b, _ := p.AppendBinary(nil) // the PDUs of this file have no error
	return [][]byte{b}
}
