package rdp

import (
	"errors"
	"fmt"
	"sync"

	"github.com/sallyport/sallyport/rdp/internal/channel"
	"github.com/sallyport/sallyport/rdp/internal/channel/rdpsnd"
	"github.com/sallyport/sallyport/rdp/internal/connect"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// Errors of services that the server offers or not. Those of a service that was not asked for in the Config are ErrNotConfigured.
var (
	ErrNotConfigured = errors.New("rdp: the Config does not ask for this service")
	ErrNotOffered    = errors.New("rdp: the server does not offer this service")
)

// static is one static virtual channel of a Client.
type static struct {
	name   string
	id     pdu.ChannelID
	show   bool // it was joined with ChannelShowProtocol
	client *Client
	joiner channel.Joiner // of Next

	mu   sync.Mutex // guards proc, and keeps what it says in order on its way to the writer, which never waits
	proc channel.Processor
	// after looks, under mu, at what a message has changed. Its update may be nil. Nil: nothing but answers comes of messages.
	after func() Update
}

// open makes the channels that the Config asks for and the server has.
func (c *Client) open(res *connect.Result) {
	add := func(name string, most int, skip bool, proc channel.Processor) *static {
		s := &static{name: name, id: res.Channels[name], show: showProtocol(name), client: c, proc: proc}
		s.joiner = channel.Joiner{Max: most, Skip: skip, Bulk: c.stage.bulk}
		if s.id != 0 {
			c.stage.statics[s.id] = s
		}
		return s
	}
	if c.cfg.Clipboard != nil {
		c.clipboard = newClipboard(c, add)
	}
	if c.cfg.Drive != nil {
		c.drive = newDriveService(c, add)
	}
	if c.cfg.dynamic() {
		d := newDynamics(add)
		if c.cfg.Resize {
			c.display = newDisplay(d)
		}
		if c.cfg.Audio != nil {
			c.audio = newAudio(c, add, d)
		}
	}
}

// dynamic says whether the Config asks for a service on a dynamic channel.
func (c *Config) dynamic() bool { return c.Resize || c.Audio != nil }

// showProtocol says whether the header of chunks is for whoever is at the server's end. With the clipboard it always was.
func showProtocol(name string) bool { return name == clipboardChannel }

// channels are the static channels that a Config asks for.
func (c *Config) channels() (defs []pdu.ChannelDef) {
	add := func(name string) {
		def := pdu.ChannelDef{Name: name, Options: pdu.ChannelInitialized}
		if showProtocol(name) {
			def.Options |= pdu.ChannelShowProtocol
		}
		defs = append(defs, def)
	}
	if c.Clipboard != nil {
		add(clipboardChannel)
	}
	if c.Drive != nil || c.Audio != nil {
		add(driveChannel)
	}
	if c.Audio != nil {
		add(rdpsnd.Name)
	}
	if c.dynamic() {
		add(dynamicChannel)
	}
	return defs
}

// adder makes a channel: its name, the greatest message, whether longer ones are left out, and what speaks on it.
type adder func(name string, most int, skip bool, proc channel.Processor) *static

// receive takes a chunk that the server has sent.
func (s *static) receive(chunk []byte) (Update, error) {
	skipped := s.joiner.Skipped
	message, done, err := s.joiner.Join(chunk)
	if err != nil {
		return nil, fmt.Errorf("channel %s: %w", s.name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.joiner.Skipped > skipped {
		if p, ok := s.proc.(interface{ Skipped() }); ok {
			p.Skipped()
		}
	} else if !done {
		return nil, nil
	}
	if done {
		replies, err := s.proc.Receive(message)
		if err != nil {
			return nil, fmt.Errorf("channel %s: %w", s.name, err)
		}
		if err := s.send(replies); err != nil {
			return nil, err
		}
	}
	if s.after == nil {
		return nil, nil
	}
	return s.after(), nil
}

// do calls f, which says what is to be sent, in order with everything else on the channel.
func (s *static) do(f func() ([][]byte, error)) error {
	if s.id == 0 {
		return ErrNotOffered
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	messages, err := f()
	return errors.Join(s.send(messages), err)
}

// send queues messages; mu is held.
func (s *static) send(messages [][]byte) error {
	for _, m := range messages {
		b, err := s.units(m)
		if err != nil {
			return err
		}
		if err := s.client.w.send(b); err != nil {
			return err
		}
	}
	return nil
}

// sendLater queues messages that may be long, and waits until there is room for each. It is not for the goroutine of Next: a server that
// waits for us to read must not wait for us to send.
func (s *static) sendLater(messages [][]byte) error {
	for _, m := range messages {
		b, err := s.units(m)
		if err != nil {
			return err
		}
		if err := s.client.w.sendLater(b); err != nil {
			return err
		}
	}
	return nil
}

// units is a message as TPKTs.
func (s *static) units(message []byte) (out []byte, err error) {
	c := s.client
	err = channel.Chunks(message, s.show, func(chunk []byte) error {
		m, err := (&pdu.MCS{Kind: pdu.MCSSendDataRequest, User: c.stage.user, Channel: s.id, Data: chunk}).AppendBinary(nil)
		if err == nil {
			out, err = pdu.AppendData(out, m)
		}
		return err
	})
	return out, err
}
