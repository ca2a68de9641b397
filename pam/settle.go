package pam

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// Endings that store or event sink did not take are kept here and tried again until they are down: first after
// settleFirst, then after twice as long each time, up to settleMost. Shutdown tries once more. What is not down by then is
// found by Recover at the next start.
const (
	settleFirst  = time.Second
	settleMost   = time.Minute
	maxUnsettled = 10_000 // each some hundred bytes
)

// completion is how a session ended, and how far that is written down.
type completion struct {
	info         SessionInfo
	event        Event
	stored, told bool // by the store, to the sink
}

func (c *completion) down() bool { return c.stored && c.told }

// store writes the record, once.
func (b *Broker) store(ctx context.Context, c *completion) {
	if c.stored {
		return
	}
	if err := b.cfg.Store.PutSession(ctx, c.info); err != nil {
		b.cfg.Log.Error("storing an ended session", "session", c.info.ID, "err", err)
		return
	}
	c.stored = true
}

// tell writes the event, once. A sink that took it and said otherwise gets it again: better twice than never.
func (b *Broker) tell(ctx context.Context, c *completion) {
	if c.told {
		return
	}
	if err := b.audit.write(ctx, c.event); err != nil {
		b.cfg.Log.Error("audit event not written", "verb", c.event.Verb, "session", c.info.ID, "err", err)
		return
	}
	c.told = true
}

// abandon writes down the end of a session that came no further than its start event. Whether the store has its record is
// not known, so the record is written too.
func (b *Broker) abandon(ctx context.Context, s *liveSession, started Event, reason EndReason, code Code) {
	now := b.cfg.Now()
	c := completion{info: s.snapshot(), event: started}
	c.info.State, c.info.Reason, c.info.Code, c.info.Updated, c.info.Completed = StateCompleted, reason, code, now, now
	c.event.At, c.event.Verb, c.event.Reason, c.event.Code = now, CompleteSession, reason, code
	ctx = context.WithoutCancel(ctx) // the one who asked may be gone
	b.settleStep(ctx, "Store", &c, b.store)
	b.settleStep(ctx, "EventSink", &c, b.tell)
	b.settleLater(c)
}

// settleLater keeps what is not down and tries it again in the background.
func (b *Broker) settleLater(c completion) {
	if c.down() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.unsettled) >= maxUnsettled {
		b.cfg.Log.Error("the end of a session is lost: too many are waiting to be written", "session", c.info.ID)
		return
	}
	b.unsettled[c.info.ID] = c
	if !b.settling && !b.closing.Load() { // a broker that is closing does it in Shutdown
		b.settling = true
		b.wg.Go(b.settleAll)
	}
}

// settleAll runs while something is not down.
func (b *Broker) settleAll() {
	for wait := settleFirst; ; wait = min(2*wait, settleMost) {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-b.base.Done():
			timer.Stop()
			return
		}
		b.settle(b.base)
		b.mu.Lock()
		if len(b.unsettled) == 0 {
			b.settling = false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
	}
}

// settle tries each waiting end once, but asks neither store nor sink again once it has failed.
func (b *Broker) settle(ctx context.Context) {
	b.mu.Lock()
	list := make([]completion, 0, len(b.unsettled))
	for _, c := range b.unsettled {
		list = append(list, c)
	}
	b.mu.Unlock()
	storeUp, sinkUp := true, true
	for _, c := range list {
		if storeUp {
			storeUp = b.settleStep(ctx, "Store", &c, b.store) && c.stored
		}
		if sinkUp {
			sinkUp = b.settleStep(ctx, "EventSink", &c, b.tell) && c.told
		}
		b.mu.Lock()
		if c.down() {
			delete(b.unsettled, c.info.ID)
		} else {
			b.unsettled[c.info.ID] = c
		}
		b.mu.Unlock()
		if !storeUp && !sinkUp {
			return
		}
	}
}

// settleStep gives a step its own time. It reports whether the step did not panic.
func (b *Broker) settleStep(ctx context.Context, where string, c *completion, step func(context.Context, *completion)) (sane bool) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Limits.CloseTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			b.met.panics.Inc(1)
			b.cfg.Log.Error("panic contained", "where", where, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		}
	}()
	step(ctx, c)
	return true
}

// unsettledInfo returns the record of a session whose end is not down yet.
func (b *Broker) unsettledInfo(id SessionID) (SessionInfo, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.unsettled[id]
	return c.info.clone(), ok
}
