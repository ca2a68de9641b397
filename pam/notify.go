package pam

import (
	"context"
	"fmt"
	"runtime/debug"
)

// Notifier is told of access requests that were made or have changed, so that the host can write to those who have to decide,
// or who wait. What it sends must not decide anything by being opened: decisions are POST requests (S49).
type Notifier interface {
	// Notify gets a request as it is now. While it is pending, those who approve at level (counted from 0) have to decide; the
	// policy knows who they are. Calls come one at a time, in the order of changes as far as this gateway made them. An error is
	// logged, and nothing else comes of it.
	Notify(ctx context.Context, r AccessRequest, level int) error
}

// maxNews bounds what waits for a Notifier that is slow; beyond it news is lost, which the log says.
const maxNews = 1000

// news is one step of a request.
type news struct {
	request AccessRequest
	level   int
}

// tellOf hands a request to the host's Notifier. It never waits.
func (b *Broker) tellOf(r AccessRequest, level int) {
	if b.cfg.Notifier == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing.Load() {
		return
	}
	if len(b.news) >= maxNews {
		b.cfg.Log.Error("news of an access request is lost: too much waits for the Notifier", "request", r.ID)
		return
	}
	b.news = append(b.news, news{r.clone(), level})
	if !b.telling {
		b.telling = true
		b.wg.Go(b.tellAll)
	}
}

// tellAll runs while there is news.
func (b *Broker) tellAll() {
	for {
		b.mu.Lock()
		if len(b.news) == 0 || b.base.Err() != nil {
			b.news, b.telling = nil, false
			b.mu.Unlock()
			return
		}
		n := b.news[0]
		b.news = b.news[1:]
		b.mu.Unlock()
		if err := b.notify(n); err != nil {
			b.cfg.Log.Error("the Notifier failed", "request", n.request.ID, "err", err)
		}
	}
}

// notify calls the Notifier, with a time limit and without its panics.
func (b *Broker) notify(n news) (err error) {
	ctx, cancel := context.WithTimeout(b.base, b.cfg.Limits.Audit)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			b.met.panics.Inc(1)
			b.cfg.Log.Error("panic contained", "where", "Notifier", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return b.cfg.Notifier.Notify(ctx, n.request, n.level)
}
