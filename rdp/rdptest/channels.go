package rdptest

import (
	"github.com/sallyport/sallyport/rdp/internal/channel"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// static is a static virtual channel of a client (2.2.6). What is heard belongs to the goroutine that reads.
type static struct {
	id     pdu.ChannelID
	joiner channel.Joiner
	hear   func(message []byte) error
}

// openStatic opens the channel of that name, whose messages have at most that many bytes. It returns nil if the client has none.
func (c *Session) openStatic(name string, most int, hear func(message []byte) error) *static {
	for i, def := range c.client.Channels {
		if def.Name == name {
			s := &static{id: firstChannel + pdu.ChannelID(i), joiner: channel.Joiner{Max: most}, hear: hear}
			if c.statics == nil {
				c.statics = map[pdu.ChannelID]*static{}
			}
			c.statics[s.id] = s
			return s
		}
	}
	return nil
}

// say sends a message.
func (c *Session) say(s *static, message []byte, show bool) error {
	return channel.Chunks(message, show, func(chunk []byte) error { return c.indicate(s.id, chunk) })
}

// hearStatic takes a chunk of a channel that is open.
func (c *Session) hearStatic(s *static, chunk []byte) error {
	m, done, err := s.joiner.Join(chunk)
	if err != nil || !done {
		return err
	}
	return s.hear(m)
}
