package pam

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sallyport/sallyport/pam/internal/edge"
	"github.com/sallyport/sallyport/pam/internal/frame"
)

// ticketBytes is the entropy of a ticket: 256 bits.
const ticketBytes = 32

// newTicket makes a ticket for one attach and stores its hash. The text is for the response alone.
func (b *Broker) newTicket(ctx context.Context, t Ticket) (string, error) {
	text, err := b.randomText(ticketBytes)
	if err != nil {
		return "", err
	}
	now := b.cfg.Now()
	if b.purgeDue(now) { // tickets that nobody redeemed must not gather in the store
		if err := b.cfg.Store.DropTickets(ctx, TicketFilter{ExpiredAt: now}); err != nil {
			return "", fmt.Errorf("dropping expired tickets: %w", err)
		}
	}
	t.Expires = now.Add(b.cfg.Limits.Ticket)
	if err := b.cfg.Store.PutTicket(ctx, sha256.Sum256([]byte(text)), t); err != nil {
		return "", fmt.Errorf("storing the ticket: %w", err)
	}
	b.met.tickets.Inc(1)
	return text, nil
}

// purgeDue reports whether expired tickets should be dropped: once per life of a ticket.
func (b *Broker) purgeDue(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.purged) < b.cfg.Limits.Ticket {
		return false
	}
	b.purged = now
	return true
}

// redeem takes a ticket: whatever happens next, nobody else will get it (S07).
func (b *Broker) redeem(ctx context.Context, text string) (Ticket, error) {
	t, err := b.cfg.Store.TakeTicket(ctx, sha256.Sum256([]byte(text)))
	if err == nil {
		err = b.lives(t, b.cfg.Limits.Ticket)
	}
	if err != nil {
		b.met.badTickets.Inc(1)
		return Ticket{}, err
	}
	b.met.redeemed.Inc(1)
	return t, nil
}

// clockAllowance is how far the clocks of gateways that share a store may be apart.
const clockAllowance = 30 * time.Second

// lives says whether a ticket is still good that was for so long. Where the store keeps a time of day alone, a clock that was set back
// would lengthen the ticket's life by as much: one that has longer to live than it was given is refused too (S38).
func (b *Broker) lives(t Ticket, life time.Duration) error {
	switch left := t.Expires.Sub(b.cfg.Now()); {
	case left <= 0:
		return errors.New("ticket expired")
	case left > life+clockAllowance:
		return fmt.Errorf("ticket lives for another %v, at most %v: the clock was set back", left, life)
	}
	return nil
}

// randomText returns n random bytes as URL-safe text.
func (b *Broker) randomText(n int) (string, error) {
	raw := make([]byte, n)
	if _, err := io.ReadFull(b.random, raw); err != nil {
		return "", fmt.Errorf("random source: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// hello is the payload of the first frame of a socket.
type hello struct {
	Ticket string `json:"ticket"`
	Cols   int    `json:"cols"`
	Rows   int    `json:"rows"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

func parseHello(msg []byte) (hello, error) {
	frames, err := frame.SplitClient(msg)
	if err != nil {
		return hello{}, err
	}
	if len(frames) != 1 || frames[0].Kind != frame.Hello {
		return hello{}, fmt.Errorf("%w: the first message must be one hello", frame.ErrViolation)
	}
	var h hello
	if err := decodeStrict(frames[0].Payload, &h); err != nil {
		return hello{}, fmt.Errorf("%w: hello: %w", frame.ErrViolation, err)
	}
	if size := h.size(); !size.Valid() {
		return hello{}, fmt.Errorf("%w: hello: size %+v", frame.ErrViolation, size)
	}
	return h, nil
}

func (h hello) size() Size { return Size{Cols: h.Cols, Rows: h.Rows, Width: h.Width, Height: h.Height} }

// attach makes v the newest page of its participant: an older one is told that it was replaced (C2). It returns
// why it cannot.
func (s *liveSession) attach(v *viewer, size Size) *endMessage {
	s.mu.Lock()
	if s.end != nil {
		m := endMessage{Code: CodeSessionEnded, Reason: s.end.Reason}
		s.mu.Unlock()
		return &m
	}
	if v.p.left || (v.p != s.owner && !s.running) {
		s.mu.Unlock()
		return &endMessage{Code: CodeRevoked}
	}
	s.b.wg.Add(1) // for serveViewer; before the session can end, so before Shutdown may wait
	old := v.p.viewer
	v.p.viewer = v
	s.viewers[v] = struct{}{}
	first := false
	if v.p == s.owner {
		if s.away != nil {
			s.away.Stop()
		}
		if s.state == StateReconnecting {
			s.state = StateActive
		}
		if first = !s.running; first {
			s.size = size
		}
	} else {
		v.p.away.Stop()
	}
	conn := s.conn
	late := conn != nil && v.attachOutput(conn)
	s.touchViewers()
	s.mu.Unlock()

	if old != nil {
		old.detach() // it reads no more and slows nobody
		old.close(endMessage{Code: CodeOpenedElsewhere})
		s.gone(v.p)
	}
	s.look()
	if first {
		s.start()
		return nil
	}
	v.enqueue(0, func() error {
		if _, err := s.append(EntryJoin, v.p.id, v.p.entry()); err != nil {
			s.recordingFailed(err)
			return err
		}
		if v.p == s.owner {
			// The picture is made after the target knows the page's size.
			if err := v.resize(v.ctx, size); err != nil {
				return err
			}
		}
		if late {
			if err := v.resume(v.ctx, conn.(KeyFramer)); err != nil {
				s.log.Warn("no key frame", "err", err)
			}
		}
		return nil
	})
	return nil
}

// detach takes v out of the session. When no newer page of its participant is there, the reconnect window begins.
func (s *liveSession) detach(v *viewer) {
	v.detach()
	s.mu.Lock()
	delete(s.viewers, v)
	if v.p.viewer != v {
		s.mu.Unlock()
		return
	}
	v.p.viewer = nil
	live := s.end == nil
	switch {
	case !live:
	case v.p == s.owner:
		s.startAway()
	default:
		s.expect(v.p, s.b.cfg.Limits.Reconnect)
	}
	s.touchViewers()
	s.mu.Unlock()
	if live {
		s.gone(v.p)
		s.look()
		s.noteLeave(v.p)
	}
}

// startAway begins the reconnect window. The caller holds mu.
func (s *liveSession) startAway() {
	if s.state == StateActive {
		s.state = StateReconnecting
	}
	if s.away != nil {
		s.away.Stop()
	}
	s.away = time.AfterFunc(s.b.cfg.Limits.Reconnect, func() {
		s.mu.Lock()
		back := s.owner.viewer != nil
		s.mu.Unlock()
		if !back {
			s.finish(&End{Reason: EndNetworkLost})
		}
	})
}

// viewerState is the payload of a state frame.
type viewerState struct {
	Session         SessionID             `json:"session"`
	Participant     ParticipantID         `json:"participant"`
	Mode            Mode                  `json:"mode"`
	Asset           assetView             `json:"asset"`
	State           State                 `json:"state"`
	Step            string                `json:"step,omitempty"`
	Recorded        bool                  `json:"recorded"`
	Ends            *endingView           `json:"ends,omitempty"`
	Expires         *expiryView           `json:"expires,omitempty"`
	Capabilities    map[Declaration]Value `json:"capabilities"`
	People          []personView          `json:"people"`
	Params          Params                `json:"params"`
	Started         string                `json:"started"`
	Now             string                `json:"now"`
	Window          int                   `json:"window"`
	Ack             int                   `json:"ack"`
	ReconnectWindow int                   `json:"reconnect_window"`
	Gateway         string                `json:"gateway,omitempty"`
}

type personView struct {
	Name string `json:"name"`
	Mode Mode   `json:"mode"`
	Self bool   `json:"self,omitempty"`
	Away bool   `json:"away,omitempty"` // no page of that person is attached
}

// ackEvery is how many consumed bytes a page acknowledges at a time.
const ackEvery = 64 << 10

// stateFor is the session as one participant sees it.
func (s *liveSession) stateFor(p *participant) viewerState {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := viewerState{
		Session: s.id, Participant: p.id, Mode: p.mode, Asset: s.b.assetView(s.asset), State: s.state, Step: s.step,
		Recorded: s.record, Capabilities: p.caps.Load().view(), Params: s.params, Ends: s.warning.view(), Expires: s.expiry(p),
		Started: stamp(s.created), Now: stamp(s.b.cfg.Now()),
		Window: s.b.cfg.Limits.Window, Ack: ackEvery, ReconnectWindow: int(s.b.cfg.Limits.Reconnect / time.Second),
		Gateway: s.b.cfg.Gateway,
	}
	if s.state == StateCompleted { // the end frame says the rest
		v.State = StateEnding
	}
	for _, o := range s.everyone() {
		v.People = append(v.People, personView{Name: o.name, Mode: o.mode, Self: o == p, Away: o.viewer == nil})
	}
	return v
}

// readLoop takes messages until the socket ends, and returns what the page is to be told, if anything.
func (v *viewer) readLoop() *endMessage {
	for {
		msg, err := v.conn.Read(v.ctx)
		if err != nil {
			if edge.IsViolation(err) {
				return &endMessage{Code: CodeProtocolViolation}
			}
			return nil
		}
		frames, err := frame.SplitClient(msg)
		for _, f := range frames {
			if err = v.dispatch(f); err != nil {
				break
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, errLeft):
			return &endMessage{Code: CodeUserDisconnect}
		case errors.Is(err, frame.ErrViolation):
			v.s.log.Warn("viewer broke the protocol", "participant", v.p.id, "err", err)
			return &endMessage{Code: CodeProtocolViolation}
		default:
			return nil
		}
	}
}

// decodeStrict reads exactly one JSON value without unknown members.
func decodeStrict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}
