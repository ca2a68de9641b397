package pam

import (
	"context"
	"fmt"
)

// Recover completes, with the reason gateway_crash, the sessions that the store says are live on this gateway
// (Config.Gateway) and that are not: a crash has left them. Call it after New, before requests are served. Sessions of other
// gateways are left alone, so brokers that share a store need names of their own that outlive a restart. What a recording of
// such a session holds is sealed by the recorder's own adopter.
//
// It returns how many it completed. After an error the rest is still there for another call.
func (b *Broker) Recover(ctx context.Context) (completed int, err error) {
	f := SessionFilter{Public: StateActive.Public(), Limit: 1000}
	for {
		list, err := b.cfg.Store.Sessions(ctx, f)
		if err != nil {
			return completed, fmt.Errorf("pam: recover: %w", err)
		}
		for _, info := range list {
			if !b.orphan(info) {
				continue
			}
			if err := b.completeOrphan(ctx, info); err != nil {
				return completed, fmt.Errorf("pam: recover: session %s: %w", info.ID, err)
			}
			completed++
		}
		if len(list) < f.Limit {
			return completed, nil
		}
		last := list[len(list)-1]
		f.Before, f.BeforeID = last.Created, last.ID
	}
}

// orphan reports whether a session that the store says is live has nobody who runs it.
func (b *Broker) orphan(info SessionInfo) bool {
	if info.Gateway != b.cfg.Gateway {
		return false
	}
	// A start that is under way is in the store already. What was created in the future is none: the clock was set back over the crash (S38).
	if !info.Created.Before(b.born) && !info.Created.After(b.cfg.Now()) {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	_, unsettled := b.unsettled[info.ID]
	return b.live[info.ID] == nil && !unsettled
}

// completeOrphan writes the event before the record: if only one of them can be written the next call finds the session
// again, and the event twice is better than never.
func (b *Broker) completeOrphan(ctx context.Context, info SessionInfo) error {
	now := b.cfg.Now()
	info.State, info.Reason, info.Code = StateCompleted, EndGatewayCrash, CodeGatewayCrash
	info.Updated, info.Completed = now, now
	event := info.completeEvent()
	event.Detail = "found at a start of the gateway; the true time of the end is not known"
	if err := b.audit.write(ctx, event); err != nil {
		return err
	}
	if err := b.cfg.Store.PutSession(ctx, info); err != nil {
		return err
	}
	b.met.ended(EndGatewayCrash)
	b.cfg.Log.Warn("session completed that a crash has left", "session", info.ID, "asset", info.Asset, "user", info.User)
	return nil
}

// completeEvent says that the session has ended as its record tells.
func (i SessionInfo) completeEvent() Event {
	return Event{
		At: i.Completed, Verb: CompleteSession, User: i.User, Login: i.LoginID, Asset: i.Asset, Session: i.ID, Request: i.Request, Reason: i.Reason, Code: i.Code,
	}
}
