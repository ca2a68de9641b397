package pam_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// downStore is a memory store that takes no records while it is down.
type downStore struct {
	pam.Store
	mu   sync.Mutex // guards down
	down bool
}

func (s *downStore) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *downStore) PutSession(ctx context.Context, i pam.SessionInfo) error {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		return errFake
	}
	return s.Store.PutSession(ctx, i)
}

// numbered is an event sink that knows how far it has come, and that can be made to hang without regard to its context.
type numbered struct {
	pamtest.EventSink
	stuck chan struct{} // set: Write takes the event and then waits for its end
}

func (n *numbered) Write(ctx context.Context, e pam.Event) error {
	err := n.EventSink.Write(ctx, e)
	if n.stuck != nil {
		<-n.stuck
	}
	return err
}

func (n *numbered) LastSeq(_ context.Context, gateway string) (last uint64, err error) {
	for _, e := range n.Events() {
		if e.Gateway == gateway {
			last = e.Seq
		}
	}
	return last, nil
}

// deskBroker is a broker without a network, for tests in a bubble of fake time.
func deskBroker(t *testing.T, store pam.Store, events pam.EventSink, change ...func(*pam.Config)) (*pam.Broker, *pamtest.LogBuffer) {
	t.Helper()
	policy := &pamtest.Policy{}
	policy.Set("alice", asset1, pamtest.Permit(pam.RoleViewer, everything...))
	log := &pamtest.LogBuffer{}
	cfg := pam.Config{
		Identify: identify, Vault: &pamtest.Vault{}, Policy: policy, Events: events, Store: store, Gateway: "gw-1",
		Inventory: pamtest.NewInventory(pam.Asset{ID: asset1, Type: pam.AssetType{Protocol: "ssh"}}),
		Protocols: []pam.Protocol{&pamtest.Protocol{Key: "ssh"}}, Origins: []string{"http://127.0.0.1"},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}
	for _, f := range change {
		f(&cfg)
	}
	b, err := pam.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b, log
}

func startDesk(t *testing.T, b *pam.Broker) pam.SessionID {
	t.Helper()
	info, err := b.Start(t.Context(), pam.Identity{User: "alice", LoginID: "l"}, pam.StartRequest{Asset: asset1})
	if err != nil {
		t.Fatal(err)
	}
	return info.ID
}

func storedState(t *testing.T, s pam.Store, id pam.SessionID) pam.State {
	t.Helper()
	info, err := s.Session(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return info.State
}

// TestSettle_EndsAreWrittenWhenTheyCanBe: store and event sink are down when a session ends. It ends all the same, the
// broker's own answers are right at once, and both are told as soon as they are back.
func TestSettle_EndsAreWrittenWhenTheyCanBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, events := &downStore{Store: pam.NewMemoryStore()}, &pamtest.EventSink{}
		b, _ := deskBroker(t, store, events)
		id := startDesk(t, b)
		store.set(true)
		events.At("Write", 0, pamtest.Fault{Err: errFake})
		time.Sleep(31 * time.Second) // nobody attaches
		synctest.Wait()
		if b.Health().Live != 0 {
			t.Error("the session has not ended")
		}
		if info, err := b.Session(t.Context(), id); err != nil || info.State != pam.StateCompleted || info.Reason != pam.EndExpired {
			t.Errorf("Session: %+v, %v", info, err)
		}
		for public, want := range map[string]int{"Active": 0, "": 1} {
			if list, err := b.Sessions(t.Context(), pam.SessionFilter{Public: public}); err != nil || len(list) != want {
				t.Errorf("Sessions(%q): %v, %v; want %d", public, list, err, want)
			}
		}
		if st := storedState(t, store, id); st == pam.StateCompleted {
			t.Errorf("the store that was down says %s", st)
		}

		store.set(false) // the sink stays down
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if st := storedState(t, store, id); st != pam.StateCompleted {
			t.Errorf("the store that is back says %s", st)
		}
		if n := len(events.Events(pam.CompleteSession)); n != 0 {
			t.Errorf("%d events in a sink that is down", n)
		}
		events.Heal("Write")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := len(events.Events(pam.CompleteSession)); n != 1 {
			t.Errorf("%d Complete Session events, want 1", n)
		}
		calls := events.Calls("Write")
		time.Sleep(time.Hour)
		if n := events.Calls("Write"); n != calls {
			t.Errorf("%d more writes when all was down", n-calls)
		}
		if err := b.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		checkSequence(t, events.Events())
	})
}

// TestSettle_ShutdownNamesWhatIsNotWritten, and Recover of the next broker completes it.
func TestSettle_ShutdownNamesWhatIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, events := &downStore{Store: pam.NewMemoryStore()}, &numbered{}
		b, _ := deskBroker(t, store, events)
		id := startDesk(t, b)
		store.set(true)
		err := b.Shutdown(t.Context())
		var fault *pam.ShutdownError
		if !errors.As(err, &fault) || len(fault.Unwritten) != 1 || fault.Unwritten[0] != id || !strings.Contains(err.Error(), string(id)) {
			t.Errorf("Shutdown: %v, want it to name %s", err, id)
		}
		store.set(false)
		time.Sleep(time.Second)
		b, _ = deskBroker(t, store, events)
		if n, err := b.Recover(t.Context()); n != 1 || err != nil {
			t.Errorf("Recover = %d, %v", n, err)
		}
		if st := storedState(t, store, id); st != pam.StateCompleted {
			t.Errorf("after Recover: %s", st)
		}
		if err := b.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		checkSequence(t, events.Events())
	})
}

// TestStart_AbortedOnesAreCompleted: a start whose record cannot be stored leaves a Start event, and so it leaves a Complete
// event and a completed record too, even if the store comes back later.
func TestStart_AbortedOnesAreCompleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, events := &downStore{Store: pam.NewMemoryStore(), down: true}, &pamtest.EventSink{}
		b, _ := deskBroker(t, store, events)
		var refusal *pam.Refusal
		_, err := b.Start(t.Context(), pam.Identity{User: "alice", LoginID: "l"}, pam.StartRequest{Asset: asset1})
		if !errors.As(err, &refusal) || refusal.Code != pam.CodeInternal {
			t.Errorf("Start: %v", err)
		}
		done := events.Events(pam.CompleteSession)
		if len(done) != 1 {
			t.Fatalf("%d Complete Session events, want 1", len(done))
		}
		store.set(false)
		time.Sleep(time.Minute)
		if st := storedState(t, store, done[0].Session); st != pam.StateCompleted {
			t.Errorf("the record: %s", st)
		}
		if err := b.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestRecover_CompletesWhatACrashLeft and nothing else: not the sessions of other gateways, nor live ones.
func TestRecover_CompletesWhatACrashLeft(t *testing.T) {
	ctx := t.Context()
	store, events := pam.NewMemoryStore(), &numbered{}
	now := time.Now()
	for n := range 2500 { // more than two pages, many created at the same time
		i := pam.SessionInfo{
			ID: pam.SessionID(fmt.Sprintf("s%04d", n)), Gateway: "gw-1", User: "alice", Asset: asset1, State: pam.StateActive,
			Created: now.Add(-time.Duration(n/700) * time.Hour), LoginID: "l",
		}
		switch n % 5 {
		case 1:
			i.Gateway = "gw-2"
		case 2:
			i.Gateway = ""
		case 3:
			i.State = pam.StateCompleted
		}
		if err := store.PutSession(ctx, i); err != nil {
			t.Fatal(err)
		}
	}
	b, _ := deskBroker(t, store, events)
	defer func() {
		if err := b.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	}()
	live := startDesk(t, b)
	events.At("Write", 100, pamtest.Fault{Err: errFake})
	first, err := b.Recover(ctx)
	if !errors.Is(err, errFake) || first != 98 {
		t.Errorf("Recover with a failing sink = %d, %v; want 98 and the sink's error", first, err)
	}
	second, err := b.Recover(ctx)
	if err != nil || first+second != 1000 {
		t.Errorf("Recover = %d and then %d, %v; want 1000 together", first, second, err)
	}
	if third, err := b.Recover(ctx); third != 0 || err != nil {
		t.Errorf("Recover once more = %d, %v", third, err)
	}
	seen := map[pam.SessionID]int{}
	for _, e := range events.Events(pam.CompleteSession) {
		seen[e.Session]++
		if e.Reason != pam.EndGatewayCrash || e.Code != pam.CodeGatewayCrash || e.User != "alice" || e.Login != "l" || e.Gateway != "gw-1" {
			t.Fatalf("event %+v", e)
		}
	}
	checkSequence(t, events.Events())
	for n := range 2500 {
		id := pam.SessionID(fmt.Sprintf("s%04d", n))
		own := n%5 == 0 || n%5 == 4
		info, err := store.Session(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if completed := info.Reason == pam.EndGatewayCrash && info.State == pam.StateCompleted; completed != own || seen[id] > 1 || (seen[id] == 1) != own {
			t.Fatalf("%s of gateway %q: %+v, %d events", id, info.Gateway, info, seen[id])
		}
	}
	if info, err := b.Session(ctx, live); err != nil || info.State == pam.StateCompleted {
		t.Errorf("the live session: %+v, %v", info, err)
	}
}

// TestAudit_S31_StuckSink: a sink that hangs, whatever its context says, denies what is asked for and holds up no ending;
// when it comes back all goes on, and no number is missing or there twice.
func TestAudit_S31_StuckSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, events := pam.NewMemoryStore(), &numbered{}
		b, _ := deskBroker(t, store, events, func(c *pam.Config) { c.Limits.Audit = 3 * time.Second })
		id := startDesk(t, b)
		release := make(chan struct{})
		events.stuck = release

		began := time.Now()
		for range 3 {
			var refusal *pam.Refusal
			_, err := b.Start(t.Context(), pam.Identity{User: "alice", LoginID: "l"}, pam.StartRequest{Asset: asset1})
			if !errors.As(err, &refusal) || refusal.Code != pam.CodeAuditFailed {
				t.Errorf("Start: %v, want %s", err, pam.CodeAuditFailed)
			}
		}
		if took := time.Since(began); took != 9*time.Second {
			t.Errorf("three refusals took %v, want 3 s each", took)
		}
		if h := b.Health(); !h.AuditFailing || h.Live != 1 {
			t.Errorf("health %+v", h)
		}
		time.Sleep(time.Minute) // the session expires and ends, though its event cannot be written
		synctest.Wait()
		if h := b.Health(); h.Live != 0 {
			t.Errorf("health %+v: the sink holds up an ending", h)
		}
		if st := storedState(t, store, id); st != pam.StateCompleted {
			t.Errorf("the record: %s", st)
		}

		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Shutdown(short); err == nil || !strings.Contains(err.Error(), "sink") {
			t.Errorf("Shutdown with a stuck sink: %v", err)
		}
		events.stuck = nil
		close(release)
		synctest.Wait()
		next, _ := deskBroker(t, store, events)
		startDesk(t, next)
		if err := next.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		checkSequence(t, events.Events())
	})
}

// TestAudit_S31_UnknownOutcome: a sink that takes an event and then says that it failed is asked where it stands: the next
// event follows, with no number missing and none there twice.
func TestAudit_S31_UnknownOutcome(t *testing.T) {
	events := &liar{}
	b, _ := deskBroker(t, pam.NewMemoryStore(), events)
	for n := range 10 {
		events.lie = n%2 == 0
		_, err := b.Start(t.Context(), pam.Identity{User: "alice", LoginID: "l"}, pam.StartRequest{Asset: asset1})
		if (err != nil) != events.lie {
			t.Fatalf("start %d: %v", n, err)
		}
	}
	events.lie = false
	if err := b.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	checkSequence(t, events.Events())
	if n := len(events.Events(pam.StartSession)); n != 10 {
		t.Errorf("%d Start Session events, want the 10 that the sink took", n)
	}
}

type liar struct {
	numbered
	lie bool
}

func (l *liar) Write(ctx context.Context, e pam.Event) error {
	err := l.numbered.Write(ctx, e)
	if err == nil && l.lie {
		err = errFake
	}
	return err
}

// TestAudit_S31_NumbersGoOnAfterRestart, for each gateway by itself.
func TestAudit_S31_NumbersGoOnAfterRestart(t *testing.T) {
	events, store := &numbered{}, pam.NewMemoryStore()
	for round := range 3 {
		for _, gateway := range []string{"gw-1", "gw-2"} {
			b, _ := deskBroker(t, store, events, func(c *pam.Config) { c.Gateway = gateway })
			startDesk(t, b)
			if err := b.Shutdown(t.Context()); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
	}
	last := map[string]uint64{}
	for _, e := range events.Events() {
		if e.Seq != last[e.Gateway]+1 {
			t.Fatalf("gateway %s: event %d follows %d", e.Gateway, e.Seq, last[e.Gateway])
		}
		last[e.Gateway] = e.Seq
	}
	if last["gw-1"] != 6 || last["gw-2"] != 6 {
		t.Errorf("last numbers %v, want 6 each", last)
	}
}

func TestConfig_Gateway(t *testing.T) {
	for name, want := range map[string]bool{
		"": true, "gw-1.example.com": true, "a b": false, "a\nb": false, "ü": false, strings.Repeat("g", 100): true, strings.Repeat("g", 101): false,
	} {
		_, err := pam.New(pam.Config{Gateway: name})
		if bad := strings.Contains(err.Error(), "Config.Gateway"); bad == want {
			t.Errorf("gateway %q: %v", name, err)
		}
	}
}
