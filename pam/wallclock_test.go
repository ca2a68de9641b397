package pam_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// setClock is a time of day that runs like the machine's and can be set, without the monotonic reading that would hide that.
type setClock struct {
	by   atomic.Int64
	zone atomic.Pointer[time.Location]
}

func (c *setClock) Now() time.Time {
	now := time.Now().Round(0).Add(time.Duration(c.by.Load()))
	if z := c.zone.Load(); z != nil {
		now = now.In(z)
	}
	return now
}

func (c *setClock) set(by time.Duration) { c.by.Store(int64(by)) }

// clockEvents returns the places of entries about the clock, and what they say.
func clockEvents(t *testing.T, entries []pam.Entry) (at []int, events []pam.SessionEvent) {
	t.Helper()
	for i, e := range entries {
		if e.Kind != pam.EntryEvent {
			continue
		}
		var ev pam.SessionEvent
		if err := json.Unmarshal(e.Data, &ev); err != nil {
			t.Fatal(err)
		}
		if ev.Type == pam.EventClock {
			at, events = append(at, i), append(events, ev)
		}
	}
	return at, events
}

// TestClock_S38_StepIsInTheRecording: a time of day that is set while a session is recorded moves no entry, and stands in the recording between
// what came before and what came after. A change to or from daylight saving time is none: it changes how a time is written, not the time.
func TestClock_S38_StepIsInTheRecording(t *testing.T) {
	for _, tc := range []struct {
		name string
		step time.Duration
		zone *time.Location
		want int // entries
	}{
		{name: "NTP sets it back", step: -90 * time.Minute, want: 1},
		{name: "NTP sets it forward", step: 5 * time.Minute, want: 1},
		{name: "the machine was paused", step: 30 * time.Hour, want: 1}, // the monotonic clock stood still with it
		{name: "daylight saving time", zone: time.FixedZone("CEST", 2*3600)},
		{name: "less than a step", step: 20 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clk := &setClock{}
			clk.zone.Store(time.FixedZone("CET", 3600))
			r := newRig(t, func(c *pam.Config) { c.Now, c.Limits.MaxDuration = clk.Now, 100*time.Hour })
			r.recorded()
			id, pg, c := r.begin()
			r.say(c, "before\n")
			pg.awaitOutput("before")
			clk.set(tc.step)
			if tc.zone != nil {
				clk.zone.Store(tc.zone)
			}
			r.say(c, "after\n")
			pg.awaitOutput("after")
			if err := r.broker.Terminate(r.ctx, admin, id, ""); err != nil {
				t.Fatal(err)
			}
			info := r.completed(id)
			if !strings.HasPrefix(string(info.Reason), string(pam.EndTerminated)) {
				t.Errorf("end %v", info.Reason)
			}

			rec, err := r.recorder.Recording(r.ctx, 1)
			if err != nil {
				t.Fatal(err)
			}
			entries := rec.Entries()
			places, events := clockEvents(t, entries)
			if len(places) != tc.want {
				t.Fatalf("%d entries about the clock, want %d: %+v", len(places), tc.want, events)
			}
			last := time.Duration(-1)
			before, after := -1, -1
			for i, e := range entries {
				if e.At < last || e.At > patience {
					t.Errorf("entry %d at %v after one at %v", i, e.At, last)
				}
				last = e.At
				switch string(e.Data) {
				case "before\n":
					before = i
				case "after\n":
					after = i
				}
			}
			if end := rec.End(); end == nil || end.At < last || end.At > patience {
				t.Errorf("end %+v after %v", end, last)
			}
			if tc.want == 0 {
				return
			}
			if before >= places[0] || places[0] != after-1 {
				t.Errorf("the clock is spoken of at %d, between %d and %d", places[0], before, after)
			}
			ev := events[0]
			wall, err := time.Parse(time.RFC3339Nano, ev.Wall)
			if err != nil {
				t.Fatal(err)
			}
			if off := time.Duration(ev.Step)*time.Millisecond - tc.step; off.Abs() > time.Second {
				t.Errorf("step of %d ms, want about %v", ev.Step, tc.step)
			}
			// The anchor, the monotonic offset and the step together are the time of day.
			told := rec.Meta.Started.Add(entries[places[0]].At + time.Duration(ev.Step)*time.Millisecond)
			if off := wall.Sub(told); off.Abs() > time.Second {
				t.Errorf("says %v, by its own count it is %v", wall, told)
			}
		})
	}
}

// TestClock_S38_StepOfAQuietSession: where nothing happens the next sweep writes the step down, and a second sweep does not repeat it.
func TestClock_S38_StepOfAQuietSession(t *testing.T) {
	clk := &setClock{}
	changed := make(chan struct{}, 1)
	r := newRig(t, func(c *pam.Config) {
		c.Now, c.Limits.Review = clk.Now, 10*time.Millisecond
		c.Policy = sweeps{c.Policy, changed}
	})
	r.recorded()
	r.begin()
	clk.set(-time.Hour)
	for range 3 { // each sweep asks the policy after it has looked at the clock
		select {
		case <-changed:
		case <-r.ctx.Done():
			t.Fatal("no sweep")
		}
	}
	rec, err := r.recorder.Recording(r.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, events := clockEvents(t, rec.Entries()); len(events) != 1 {
		t.Errorf("entries about the clock: %+v, want one", events)
	}
}

// sweeps tells of each question to a policy.
type sweeps struct {
	pam.Policy
	asked chan struct{}
}

func (s sweeps) Grants(ctx context.Context, q pam.Query) (pam.Grants, error) {
	select {
	case s.asked <- struct{}{}:
	default:
	}
	return s.Policy.Grants(ctx, q)
}

// TestClock_S38_TicketLivesNoLonger: a store keeps the time of day at which a ticket ends. A clock that is set back must not lengthen its life.
func TestClock_S38_TicketLivesNoLonger(t *testing.T) {
	for _, tc := range []struct {
		name string
		step time.Duration
		want pam.Code
	}{
		{"set back by an hour", -time.Hour, pam.CodeTicketInvalid},
		{"as far back as clocks of gateways may differ", -30 * time.Second, ""},
		{"a little further", -31 * time.Second, pam.CodeTicketInvalid},
		{"set forward", time.Hour, pam.CodeTicketInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clk := newClock()
			r := newRig(t, func(c *pam.Config) { c.Now = clk.Now })
			p := r.alice()
			id := p.start()
			ticket := p.ticket(id)
			clk.add(tc.step)
			pg := p.attachWith(id, ticket)
			if tc.want == "" {
				pg.awaitState("active")
				return
			}
			if got := pg.awaitClose(); got != string(tc.want) {
				t.Errorf("closed %q, want %q", got, tc.want)
			}
			p.attach(id).awaitState("active") // a new ticket is good by the new clock
		})
	}
}

// TestClock_S38_EventsKeepTheirOrder: audit events of a gateway whose clock is set back are in order by their numbers, over a restart too.
func TestClock_S38_EventsKeepTheirOrder(t *testing.T) {
	clk := &setClock{}
	store, events := pam.NewMemoryStore(), &numbered{}
	for range 3 {
		b, _ := deskBroker(t, store, events, func(c *pam.Config) { c.Now = clk.Now })
		startDesk(t, b)
		clk.by.Add(-int64(time.Hour))
		startDesk(t, b)
		if err := b.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		clk.by.Add(-int64(time.Hour))
	}
	all := events.Events()
	checkSequence(t, all)
	back := 0
	for i := 1; i < len(all); i++ {
		if all[i].At.Before(all[i-1].At) {
			back++
		}
	}
	if back < 3 {
		t.Errorf("the times of %d events go back, want some: each says the time of day as it was", back)
	}
}

// TestClock_S38_CrashBeforeTheClockWasSetBack: a session that a crash has left is completed though it was created in what is the future now.
func TestClock_S38_CrashBeforeTheClockWasSetBack(t *testing.T) {
	clk := &setClock{}
	store, events := pam.NewMemoryStore(), &numbered{}
	left := pam.SessionInfo{
		ID: "left", Gateway: "gw-1", User: "alice", Asset: asset1, State: pam.StateActive, LoginID: "l", Created: clk.Now(),
	}
	if err := store.PutSession(t.Context(), left); err != nil {
		t.Fatal(err)
	}
	clk.set(-time.Hour)
	b, _ := deskBroker(t, store, events, func(c *pam.Config) { c.Now = clk.Now })
	mine := startDesk(t, b)
	if n, err := b.Recover(t.Context()); n != 1 || err != nil {
		t.Errorf("Recover = %d, %v; want 1", n, err)
	}
	if st := storedState(t, store, "left"); st != pam.StateCompleted {
		t.Errorf("what the crash has left is %s", st)
	}
	if st := storedState(t, store, mine); st == pam.StateCompleted {
		t.Error("the session that runs was completed")
	}
	if err := b.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestClock_S38_RequestedSessionExpires: the 30 s in which a session must be attached go by the monotonic clock, whatever the time of day does.
func TestClock_S38_RequestedSessionExpires(t *testing.T) {
	for _, step := range []time.Duration{-time.Hour, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			clk := &setClock{}
			store := pam.NewMemoryStore()
			b, _ := deskBroker(t, store, &pamtest.EventSink{}, func(c *pam.Config) {
				c.Now, c.Log = clk.Now, slog.New(slog.DiscardHandler)
			})
			defer func() { _ = b.Shutdown(context.Background()) }()
			id := startDesk(t, b)
			clk.set(step)
			time.Sleep(29 * time.Second)
			synctest.Wait()
			if st := storedState(t, store, id); st != pam.StateRequested {
				t.Errorf("by %v: %s after 29 s", step, st)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if st := storedState(t, store, id); st != pam.StateCompleted {
				t.Errorf("by %v: %s after 30 s", step, st)
			}
		})
	}
}
