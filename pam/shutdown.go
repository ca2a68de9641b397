package pam

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ShutdownError says what Shutdown could not bring to an orderly end.
type ShutdownError struct {
	Unfinished []SessionID // were not completed in time; their recordings are sealed at the next start (R7)
	Unsealed   []string    // recordings that could not be sealed, by their paths
	// Unwritten have ended, but store or event sink did not take that: Recover finds them at the next start. What was not
	// told to the sink is in the log alone.
	Unwritten []SessionID
	Err       error // why the wait ended, if it did
}

// Error lists the sessions and recordings.
func (e *ShutdownError) Error() string {
	var parts []string
	if len(e.Unfinished) > 0 {
		parts = append(parts, fmt.Sprintf("%d sessions are not finished: %v", len(e.Unfinished), e.Unfinished))
	}
	if len(e.Unsealed) > 0 {
		parts = append(parts, fmt.Sprintf("%d recordings are not sealed: %q", len(e.Unsealed), e.Unsealed))
	}
	if len(e.Unwritten) > 0 {
		parts = append(parts, fmt.Sprintf("the ends of %d sessions are not written down: %v", len(e.Unwritten), e.Unwritten))
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return "pam: shutdown: " + strings.Join(parts, "; ")
}

// Unwrap returns why the wait ended.
func (e *ShutdownError) Unwrap() error { return e.Err }

// Shutdown drains the broker (S37). New sessions are refused from now on, and those in live ones are told when they will
// end; they may go on for Limits.Drain, though never so long that no time is left before ctx ends. Then every session ends
// with gateway_shutdown, and Shutdown waits until all recordings are sealed. Cancelling ctx cuts the drain short; what
// sessions still need to end in order is waited for all the same, for at most Limits.CloseTimeout.
//
// The error is a *ShutdownError. A second call waits like the first; both may be made at once.
func (b *Broker) Shutdown(ctx context.Context) error {
	b.mu.Lock()
	b.closing.Store(true)
	b.mu.Unlock()
	sessions := b.all()
	b.drain(ctx, sessions)
	for _, s := range b.all() { // one more may have been created while the flag was set
		s.finish(&End{Reason: EndGatewayShutdown})
	}
	last, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() {
		grace := time.AfterFunc(b.cfg.Limits.CloseTimeout, func() { cancel(context.Cause(ctx)) })
		context.AfterFunc(last, func() { grace.Stop() })
	})
	defer stop()

	fault := &ShutdownError{}
	for _, s := range sessions {
		select {
		case <-s.done:
		case <-last.Done():
			fault.Unfinished = append(fault.Unfinished, s.id)
		}
	}
	b.cancel(ErrClosed)
	all := make(chan struct{})
	go func() { b.wg.Wait(); close(all) }()
	select {
	case <-all:
	case <-last.Done():
		fault.Err = context.Cause(last)
	}
	b.settle(last)
	b.met.sampler.follow(nil)
	if err := b.audit.settle(last); err != nil && fault.Err == nil {
		fault.Err = err
	}
	b.mu.Lock()
	fault.Unsealed = append(fault.Unsealed, b.unsealed...)
	fault.Unwritten = slices.Sorted(maps.Keys(b.unsettled))
	b.mu.Unlock()
	if len(fault.Unfinished) > 0 || len(fault.Unwritten) > 0 || len(fault.Unsealed) > 0 || fault.Err != nil {
		return fault
	}
	return nil
}

// retryElsewhere is when to try again at a gateway that shuts down: by then a load balancer has noticed.
const retryElsewhere = 10 * time.Second

// shuttingDown is the answer to what would start something new.
func shuttingDown() *Refusal { return &Refusal{Code: CodeShuttingDown, Retry: retryElsewhere} }

// drain lets sessions go on for a while: until all have ended by themselves, the time is up, or ctx ends.
func (b *Broker) drain(ctx context.Context, sessions []*liveSession) {
	left := b.cfg.Limits.Drain
	if deadline, ok := ctx.Deadline(); ok {
		// Connection, recording and store each have CloseTimeout for their last step.
		left = min(left, time.Until(deadline)-3*b.cfg.Limits.CloseTimeout)
	}
	if left <= 0 || len(sessions) == 0 {
		return
	}
	end := ending{reason: EndGatewayShutdown, code: CodeGatewayShutdown, at: b.cfg.Now().Add(left)}
	for _, s := range sessions {
		s.warn(end)
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	for _, s := range sessions {
		select {
		case <-s.done:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// warn tells a session's people of an end that nothing takes back.
func (s *liveSession) warn(e ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end == nil {
		s.warning = &e
		s.touchViewers()
	}
}

// Health is a summary for readiness checks and load balancers.
type Health struct {
	Live    int           `json:"live"`    // sessions that are not completed
	States  map[State]int `json:"states"`  // the same by state; states without any are left out
	Viewers int           `json:"viewers"` // attached pages
	Closing bool          `json:"closing"` // Shutdown was called: send new users elsewhere
	// AuditFailing says that the last event was not taken: nothing new can be started until one is.
	AuditFailing bool `json:"audit_failing"`
}

// Ready reports whether new sessions can be started here.
func (h Health) Ready() bool { return !h.Closing && !h.AuditFailing }

// Health returns the present state of the broker.
func (b *Broker) Health() Health {
	h := Health{
		States: map[State]int{}, Viewers: int(b.viewerCount.Load()), Closing: b.closing.Load(), AuditFailing: b.audit.failing.Load(),
	}
	for _, s := range b.all() {
		h.Live++
		h.States[s.snapshot().State]++
	}
	return h
}
