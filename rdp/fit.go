package rdp

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sallyport/sallyport/pam"
)

const (
	// fitPatience is how long a target may take to offer display control, as some do only after the sign-in, before another size is had by
	// another connection.
	fitPatience = 10 * time.Second
	fitRetry    = time.Second
)

// fit gives the desktop the size of the owner's page: by display control, or by connecting anew.
type fit struct {
	fixed bool // the size never changes

	mu     sync.Mutex // guards what follows
	client *Client
	giveUp func()    // ends the connection for another one
	since  time.Time // when the connection came about
	want   [2]int
	again  bool   // the connection was given up
	one    bool   // another connection brought no other size: the target has but one
	asked  [2]int // what display control was asked for and has not brought
	retry  *time.Timer
	over   bool
}

// Resize asks the target for a desktop of the size of the owner's page, unless the parameters have fixed it.
func (c *conn) Resize(_ context.Context, s pam.Size) error {
	f := &c.fit
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fixed || s.Width == 0 || s.Height == 0 {
		return nil
	}
	w, h := desktopSize(s.Width, s.Height)
	f.want = [2]int{w, h}
	return f.apply()
}

// apply asks for the size that is wanted; mu is held.
func (f *fit) apply() error {
	if f.retry != nil {
		f.retry.Stop()
		f.retry = nil
	}
	if f.client == nil || f.over {
		return nil
	}
	if w, h := f.client.Size(); f.want == [2]int{w, h} {
		f.asked = [2]int{}
		return nil
	}
	if f.asked == f.want { // it was asked for, and nothing has come
		f.anotherConnection()
		return nil
	}
	err := f.client.Resize(f.want[0], f.want[1], f.client.cfg.Scale)
	switch {
	case err == nil:
		f.asked = f.want
		f.later(fitPatience)
	case errors.Is(err, ErrNotOffered) && time.Since(f.since) < fitPatience:
		f.later(fitRetry)
		return nil
	case errors.Is(err, ErrNotOffered):
		f.anotherConnection()
		return nil
	}
	return err
}

// later applies once more; mu is held.
func (f *fit) later(in time.Duration) {
	f.retry = time.AfterFunc(in, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		_ = f.apply()
	})
}

// anotherConnection gives the connection up; mu is held.
func (f *fit) anotherConnection() {
	if !f.one && !f.again {
		f.again = true
		f.giveUp()
	}
}

// resized takes down that the target has made the desktop anew: what size it has then is the target's choice.
func (f *fit) resized() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = [2]int{}
	if f.retry != nil {
		f.retry.Stop()
		f.retry = nil
	}
}

// connected takes over a connection.
func (f *fit) connected(client *Client, giveUp func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w, h := client.Size(); f.again && f.want != [2]int{w, h} {
		f.one = true
	}
	f.client, f.giveUp, f.since, f.again, f.asked = client, giveUp, time.Now(), false, [2]int{}
}

// anew says whether the connection was given up for another size.
func (f *fit) anew() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.again
}

func (f *fit) size() [2]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.want
}

func (f *fit) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	if f.retry != nil {
		f.retry.Stop()
	}
}
