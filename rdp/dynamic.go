package rdp

import (
	"errors"

	"github.com/sallyport/sallyport/rdp/internal/channel"
	"github.com/sallyport/sallyport/rdp/internal/channel/drdynvc"
)

const dynamicChannel = "drdynvc"

// dynamics is the static channel that carries the dynamic ones. Its mu guards all of them.
type dynamics struct {
	*static
	client    *drdynvc.Client
	listeners map[string]drdynvc.Listener
	services  []*dynamic
}

// dynamic is a service on a dynamic channel.
type dynamic struct {
	all *dynamics

	// Guarded by static.mu.
	id   uint32
	open bool
	// after looks at what a message has changed, as static.after does.
	after func() Update
}

func newDynamics(add adder) *dynamics {
	d := &dynamics{listeners: map[string]drdynvc.Listener{}}
	d.client = drdynvc.New(d.listeners)
	d.static = add(dynamicChannel, drdynvc.MaxMessage, false, d.client)
	d.static.after = d.look
	return d
}

// listen makes a service on the channel of that name. open returns what speaks on a new one; the last one that the server opens counts.
func (d *dynamics) listen(name string, most int, open func() channel.Processor) *dynamic {
	s := &dynamic{all: d}
	d.services = append(d.services, s)
	d.listeners[name] = drdynvc.Listener{MaxMessage: most, Open: func(id uint32) channel.Processor {
		s.id, s.open = id, true
		return &listened{open(), func() { s.open = s.open && s.id != id }}
	}}
	return s
}

// listened is a Processor whose end is told.
type listened struct {
	channel.Processor
	closed func()
}

func (l *listened) Closed() { l.closed() }

// look hands out what a message has brought: it was for one channel.
func (d *dynamics) look() Update {
	for _, s := range d.services {
		if s.after == nil {
			continue
		}
		if u := s.after(); u != nil {
			return u
		}
	}
	return nil
}

// do calls f, which says what is to be sent, in order with everything else on the channel.
func (s *dynamic) do(f func() ([][]byte, error)) error {
	return s.all.static.do(func() ([][]byte, error) {
		if !s.open {
			return nil, ErrNotOffered
		}
		messages, err := f()
		out, cut := s.all.client.Send(s.id, messages...)
		return out, errors.Join(cut, err)
	})
}
