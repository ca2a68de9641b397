package pam_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// mailer is a Notifier that notes what it is told, and fails at will.
type mailer struct {
	news  chan string
	fault func() error
}

func (m mailer) Notify(_ context.Context, r pam.AccessRequest, level int) error {
	m.news <- fmt.Sprintf("%s %s %d", r.User, r.State, level)
	return m.fault()
}

// TestNotify_S49_EachStep: the host hears of each step, in order, and a Notifier that fails or panics holds nothing up.
func TestNotify_S49_EachStep(t *testing.T) {
	for name, fault := range map[string]func() error{
		"works": func() error { return nil }, "fails": func() error { return errors.New("no mail today") }, "panics": func() error { panic("mail") },
	} {
		t.Run(name, func(t *testing.T) {
			m := mailer{make(chan string, 10), fault}
			r := newRig(t, func(c *pam.Config) { c.Notifier = m })
			r.needsApproval(twoLevels())
			a := r.alice().ask(hour)
			a.approved()
			a.must(200, "give back")(r.alice().call("POST", "api/request/"+a.id+"/withdraw", map[string]any{}))
			var got []string
			for range 4 {
				got = append(got, <-m.news)
			}
			if want := []string{"alice pending 0", "alice pending 1", "alice approved 2", "alice completed 2"}; !slices.Equal(got, want) {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
}

// TestRequest_S49_Expired: what nobody decides about is closed in the store by whoever looks next, once, and the host hears of it.
func TestRequest_S49_Expired(t *testing.T) {
	var offset atomic.Int64
	m := mailer{make(chan string, 10), func() error { return nil }}
	r := newRig(t, func(c *pam.Config) {
		c.Now, c.Notifier = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }, m
	})
	r.needsApproval(twoLevels())
	r.alice().ask(hour)
	r.alice().ask(hour)
	offset.Store(int64(25 * time.Hour))
	for range 2 {
		if st, got := r.alice().tryStart(); st != 403 || got != pam.CodeRequestRequired {
			t.Errorf("%d %s", st, got)
		}
	}
	list, err := r.store.Requests(r.ctx, pam.RequestFilter{Open: true})
	if err != nil || len(list) != 0 {
		t.Errorf("open in the store: %+v, %v", list, err)
	}
	for _, want := range []string{"alice pending 0", "alice pending 0", "alice expired 0", "alice expired 0"} {
		if got := <-m.news; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	if len(m.news) != 0 {
		t.Errorf("told more: %q", <-m.news)
	}
}
