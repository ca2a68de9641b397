package pamtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// StoreSuite checks that a pam.Store keeps the promises of its interface. open returns an empty store; whatever it opens it
// closes by t.Cleanup. Times are compared with Equal and to the microsecond, since databases keep no more.
func StoreSuite(t *testing.T, open func(t *testing.T) pam.Store) {
	t.Helper()
	for _, part := range []struct {
		name string
		run  func(t *testing.T, s pam.Store)
	}{
		{"sessions", storeSessions},
		{"filters", storeFilters},
		{"paging", storePaging},
		{"ties", storeTies},
		{"copies", storeCopies},
		{"tickets", storeTickets},
		{"one of many takes a ticket", storeTicketRace},
		{"dropping tickets", storeDrop},
		{"requests", storeRequests},
		{"filters of requests", storeRequestFilters},
		{"one of many changes a request", storeRequestRace},
		{"params", storeParams},
		{"claims", storeClaims},
		{"one of many claims", storeClaimRace},
		{"tallies", storeTallies},
		{"odd text", storeOddText},
		{"ended context", storeContext},
		{"concurrent use", storeConcurrent},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, open(t)) })
	}
}

var suiteTime = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func suiteSession(n int) pam.SessionInfo {
	at := suiteTime.Add(time.Duration(n) * time.Second)
	return pam.SessionInfo{
		ID: pam.SessionID(fmt.Sprintf("s%03d", n)), Asset: "asset", AssetName: "Asset", Protocol: "ssh", User: "user", UserName: "User",
		State: pam.StateRequested, Recorded: true, Created: at, Updated: at, Params: pam.Params{"term": "xterm"},
		Channels: []pam.Declaration{pam.Keyboard, pam.WebSession}, LoginID: "login",
	}
}

// sameSession compares two records as reports read them.
func sameSession(a, b pam.SessionInfo) bool {
	times := func(i pam.SessionInfo) []time.Time { return []time.Time{i.Created, i.Updated, i.Completed} }
	for i, at := range times(a) {
		if !at.Equal(times(b)[i]) {
			return false
		}
	}
	a.Created, a.Updated, a.Completed = time.Time{}, time.Time{}, time.Time{}
	b.Created, b.Updated, b.Completed = time.Time{}, time.Time{}, time.Time{}
	return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b)
}

func putSession(t *testing.T, s pam.Store, i pam.SessionInfo) {
	t.Helper()
	if err := s.PutSession(t.Context(), i); err != nil {
		t.Fatalf("PutSession(%s): %v", i.ID, err)
	}
}

func storeSessions(t *testing.T, s pam.Store) {
	if _, err := s.Session(t.Context(), "none"); !errors.Is(err, pam.ErrNotFound) {
		t.Errorf("Session of nothing: %v, want ErrNotFound", err)
	}
	want := suiteSession(1)
	putSession(t, s, want)
	if got, err := s.Session(t.Context(), want.ID); err != nil || !sameSession(got, want) {
		t.Errorf("Session = %+v, %v; want %+v", got, err, want)
	}
	want.State, want.Reason, want.Code = pam.StateCompleted, pam.EndRemoteLogoff, pam.CodeRemoteLogoff
	want.Completed, want.Recording = want.Created.Add(time.Hour), "2026/03/01/x.rec"
	putSession(t, s, want)
	if got, err := s.Session(t.Context(), want.ID); err != nil || !sameSession(got, want) {
		t.Errorf("after replacing, Session = %+v, %v; want %+v", got, err, want)
	}
	if list, err := s.Sessions(t.Context(), pam.SessionFilter{}); err != nil || len(list) != 1 {
		t.Errorf("Sessions = %v, %v; want one record", list, err)
	}
}

func storeFilters(t *testing.T, s pam.Store) {
	for n := range 6 {
		i := suiteSession(n)
		if n%2 == 1 {
			i.User = "other"
		}
		if n >= 3 {
			i.Asset = "second"
		}
		if n%3 == 0 {
			i.State = pam.StateCompleted
		}
		putSession(t, s, i)
	}
	for _, tc := range []struct {
		filter pam.SessionFilter
		want   []pam.SessionID
	}{
		{pam.SessionFilter{}, []pam.SessionID{"s005", "s004", "s003", "s002", "s001", "s000"}},
		{pam.SessionFilter{User: "other"}, []pam.SessionID{"s005", "s003", "s001"}},
		{pam.SessionFilter{Asset: "second"}, []pam.SessionID{"s005", "s004", "s003"}},
		{pam.SessionFilter{Public: "Completed"}, []pam.SessionID{"s003", "s000"}},
		{pam.SessionFilter{Public: "Active"}, []pam.SessionID{"s005", "s004", "s002", "s001"}},
		{pam.SessionFilter{User: "other", Asset: "second", Public: "Active"}, []pam.SessionID{"s005"}},
		{pam.SessionFilter{Before: suiteTime.Add(2 * time.Second)}, []pam.SessionID{"s001", "s000"}},
		{pam.SessionFilter{Limit: 2}, []pam.SessionID{"s005", "s004"}},
		{pam.SessionFilter{User: "nobody"}, nil},
		{pam.SessionFilter{User: "%"}, nil},
	} {
		list, err := s.Sessions(t.Context(), tc.filter)
		if got := sessionIDs(list); err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%+v: %v, %v; want %v", tc.filter, got, err, tc.want)
		}
	}
}

func sessionIDs(list []pam.SessionInfo) (out []pam.SessionID) {
	for _, i := range list {
		out = append(out, i.ID)
	}
	return out
}

// storePaging reads a long list page by page: nothing twice, nothing left out, and limits as documented.
func storePaging(t *testing.T, s pam.Store) {
	const n = 130
	for i := range n {
		putSession(t, s, suiteSession(i))
	}
	if list, err := s.Sessions(t.Context(), pam.SessionFilter{}); err != nil || len(list) != 100 {
		t.Errorf("without a limit: %d records, %v; want 100", len(list), err)
	}
	if list, err := s.Sessions(t.Context(), pam.SessionFilter{Limit: 1 << 30}); err != nil || len(list) != n {
		t.Errorf("with a huge limit: %d records, %v; want %d", len(list), err, n)
	}
	var all []pam.SessionID
	f := pam.SessionFilter{Limit: 7}
	for {
		list, err := s.Sessions(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		all = append(all, sessionIDs(list)...)
		f.Before = list[len(list)-1].Created
	}
	for i := range n {
		if len(all) != n || all[i] != suiteSession(n-1-i).ID {
			t.Fatalf("page by page: %v", all)
		}
	}
}

// storeTies reads records that were created at the same time, page by page.
func storeTies(t *testing.T, s pam.Store) {
	var want []pam.SessionID
	for n := range 10 {
		i := suiteSession(n)
		i.Created = suiteTime.Add(-time.Duration(n/5) * time.Second)
		putSession(t, s, i)
		want = append(want, i.ID)
	}
	var got []pam.SessionID
	f := pam.SessionFilter{Limit: 3}
	for range want {
		list, err := s.Sessions(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		got = append(got, sessionIDs(list)...)
		f.Before, f.BeforeID = list[len(list)-1].Created, list[len(list)-1].ID
	}
	if !slices.Equal(got, want) {
		t.Errorf("page by page: %v, want %v", got, want)
	}
}

// storeCopies: what a caller does with its values afterwards changes nothing in the store.
func storeCopies(t *testing.T, s pam.Store) {
	in := suiteSession(1)
	putSession(t, s, in)
	in.Params["term"], in.Channels[0] = "changed", "changed"
	out, err := s.Session(t.Context(), in.ID)
	if err != nil || !sameSession(out, suiteSession(1)) {
		t.Errorf("after changing what was put: %+v, %v", out, err)
	}
	out.Params["term"] = "changed"
	if again, err := s.Session(t.Context(), in.ID); err != nil || !sameSession(again, suiteSession(1)) {
		t.Errorf("after changing what was got: %+v, %v", again, err)
	}
	p := pam.Params{"a": "1"}
	if err := s.PutParams(t.Context(), "u", "a", p); err != nil {
		t.Fatal(err)
	}
	p["a"] = "2"
	got, err := s.Params(t.Context(), "u", "a")
	if err != nil || got["a"] != "1" {
		t.Errorf("Params = %v, %v", got, err)
	}
}

func suiteTicket(n int) (pam.TicketHash, pam.Ticket) {
	return pam.TicketHash{byte(n), 31: byte(n)}, pam.Ticket{
		Session: pam.SessionID(fmt.Sprintf("s%03d", n)), Participant: "p", User: "user", LoginID: "login", Cookie: true,
		Origin: "https://pam.example.com", Expires: suiteTime.Add(time.Duration(n) * time.Second),
	}
}

func storeTickets(t *testing.T, s pam.Store) {
	h, want := suiteTicket(1)
	if _, err := s.TakeTicket(t.Context(), h); !errors.Is(err, pam.ErrNotFound) {
		t.Errorf("TakeTicket of nothing: %v, want ErrNotFound", err)
	}
	if err := s.PutTicket(t.Context(), h, want); err != nil {
		t.Fatal(err)
	}
	got, err := s.TakeTicket(t.Context(), h)
	if err != nil || !got.Expires.Equal(want.Expires) {
		t.Errorf("TakeTicket = %+v, %v; want %+v", got, err, want)
	}
	if got.Expires = want.Expires; got != want {
		t.Errorf("TakeTicket = %+v, want %+v", got, want)
	}
	if _, err := s.TakeTicket(t.Context(), h); !errors.Is(err, pam.ErrNotFound) {
		t.Errorf("taken twice: %v, want ErrNotFound", err)
	}
}

func storeTicketRace(t *testing.T, s pam.Store) {
	for n := range 10 {
		h, ticket := suiteTicket(n)
		if err := s.PutTicket(t.Context(), h, ticket); err != nil {
			t.Fatal(err)
		}
		var taken, missed atomic.Int32
		var wg sync.WaitGroup
		gun := make(chan struct{})
		for range 32 {
			wg.Go(func() {
				<-gun
				switch _, err := s.TakeTicket(t.Context(), h); {
				case err == nil:
					taken.Add(1)
				case errors.Is(err, pam.ErrNotFound):
					missed.Add(1)
				default:
					t.Errorf("TakeTicket: %v", err)
				}
			})
		}
		close(gun)
		wg.Wait()
		if taken.Load() != 1 || missed.Load() != 31 {
			t.Fatalf("%d took the ticket, %d missed it", taken.Load(), missed.Load())
		}
	}
}

func storeDrop(t *testing.T, s pam.Store) {
	for _, tc := range []struct {
		filter pam.TicketFilter
		left   []bool // of the six tickets
	}{
		{pam.TicketFilter{}, []bool{true, true, true, true, true, true}},
		{pam.TicketFilter{LoginID: "other"}, []bool{true, false, true, false, true, false}},
		{pam.TicketFilter{User: "second"}, []bool{true, true, true, true, false, false}},
		{pam.TicketFilter{Session: "s003"}, []bool{true, true, true, false, true, true}},
		{pam.TicketFilter{User: "nobody", LoginID: "%", Session: "_"}, []bool{true, true, true, true, true, true}},
		// A ticket has expired at the very time of Expires.
		{pam.TicketFilter{ExpiredAt: suiteTime.Add(time.Second)}, []bool{false, false, true, true, true, true}},
		// One field that fits is enough.
		{pam.TicketFilter{ExpiredAt: suiteTime, User: "second", Session: "s001"}, []bool{false, false, true, true, false, false}},
	} {
		for n := range 6 {
			h, ticket := suiteTicket(n)
			if n%2 == 1 {
				ticket.LoginID = "other"
			}
			if n >= 4 {
				ticket.User = "second"
			}
			if err := s.PutTicket(t.Context(), h, ticket); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.DropTickets(t.Context(), tc.filter); err != nil {
			t.Fatalf("DropTickets(%+v): %v", tc.filter, err)
		}
		for n, left := range tc.left {
			h, _ := suiteTicket(n)
			if _, err := s.TakeTicket(t.Context(), h); (err == nil) != left {
				t.Errorf("%+v: ticket %d: %v, want it left: %v", tc.filter, n, err, left)
			}
		}
	}
}

func storeParams(t *testing.T, s pam.Store) {
	if got, err := s.Params(t.Context(), "u", "a"); err != nil || got != nil {
		t.Errorf("Params of nothing = %v, %v; want nil", got, err)
	}
	for _, p := range []pam.Params{{"term": "xterm", "size": "12"}, {"term": "vt100"}} {
		if err := s.PutParams(t.Context(), "u", "a", p); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Params(t.Context(), "u", "a"); err != nil || fmt.Sprint(got) != fmt.Sprint(p) {
			t.Errorf("Params = %v, %v; want %v", got, err, p)
		}
	}
	for _, k := range [][2]string{{"u", "b"}, {"v", "a"}, {"ua", ""}, {"", "ua"}} {
		if got, err := s.Params(t.Context(), pam.UserID(k[0]), pam.AssetID(k[1])); err != nil || len(got) != 0 {
			t.Errorf("Params of user %q, asset %q = %v, %v", k[0], k[1], got, err)
		}
	}
}

// storeOddText: ids and names are opaque, so nothing in them may act.
func storeOddText(t *testing.T, s pam.Store) {
	odd := []string{`'; DROP TABLE sessions; --`, "a\nb", "100%", "_", "ü/日本", `"quoted"`, "\\", " "}
	for n, text := range odd {
		i := suiteSession(n)
		i.ID, i.User, i.Asset, i.AssetName, i.Params = pam.SessionID(text), pam.UserID(text), pam.AssetID(text), text, pam.Params{text: text}
		putSession(t, s, i)
	}
	for n, text := range odd {
		list, err := s.Sessions(t.Context(), pam.SessionFilter{User: pam.UserID(text), Asset: pam.AssetID(text)})
		if err != nil || len(list) != 1 || list[0].ID != pam.SessionID(text) || list[0].AssetName != text || list[0].Params[text] != text {
			t.Errorf("%d %q: %+v, %v", n, text, list, err)
		}
	}
}

func storeContext(t *testing.T, s pam.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h, ticket := suiteTicket(1)
	for name, call := range map[string]func() error{
		"PutSession":  func() error { return s.PutSession(ctx, suiteSession(1)) },
		"Session":     func() error { _, err := s.Session(ctx, "s001"); return err },
		"Sessions":    func() error { _, err := s.Sessions(ctx, pam.SessionFilter{}); return err },
		"PutTicket":   func() error { return s.PutTicket(ctx, h, ticket) },
		"TakeTicket":  func() error { _, err := s.TakeTicket(ctx, h); return err },
		"DropTickets": func() error { return s.DropTickets(ctx, pam.TicketFilter{User: "user"}) },
		"Claim":       func() error { _, err := s.Claim(ctx, "k", suiteTime, suiteTime.Add(time.Hour)); return err },
		"Tally":       func() error { _, err := s.Tally(ctx, "k", 1, suiteTime, time.Hour); return err },
		"Forget":      func() error { return s.Forget(ctx, "k") },
		"PutParams":   func() error { return s.PutParams(ctx, "u", "a", nil) },
		"Params":      func() error { _, err := s.Params(ctx, "u", "a"); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with an ended context: %v, want context.Canceled", name, err)
		}
	}
}

func storeConcurrent(t *testing.T, s pam.Store) {
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for k := range 20 {
				i := suiteSession(n*100 + k)
				h, ticket := suiteTicket(n)
				_, _ = s.TakeTicket(t.Context(), h)
				_, errList := s.Sessions(t.Context(), pam.SessionFilter{User: "user"})
				if err := errors.Join(s.PutSession(t.Context(), i), s.PutTicket(t.Context(), h, ticket),
					s.PutParams(t.Context(), "u", pam.AssetID(i.ID), i.Params), errList); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if list, err := s.Sessions(t.Context(), pam.SessionFilter{Limit: 1000}); err != nil || len(list) != 160 {
		t.Errorf("%d records, %v; want 160", len(list), err)
	}
}

func storeClaims(t *testing.T, s pam.Store) {
	at := suiteTime
	claim := func(key string, now time.Time, want bool) {
		t.Helper()
		if got, err := s.Claim(t.Context(), key, now, now.Add(time.Minute)); err != nil || got != want {
			t.Errorf("Claim(%q) at %v = %v, %v; want %v", key, now.Sub(at), got, err, want)
		}
	}
	claim("a", at, true)
	claim("a", at.Add(59*time.Second), false)
	claim("b", at, true)
	claim("a", at.Add(time.Minute), true) // its time has come
	if err := s.Forget(t.Context(), "b"); err != nil {
		t.Errorf("Forget: %v", err)
	}
	claim("b", at.Add(time.Second), true)
	if err := s.Forget(t.Context(), "nothing"); err != nil {
		t.Errorf("Forget of nothing: %v", err)
	}
}

func storeClaimRace(t *testing.T, s pam.Store) {
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			first, err := s.Claim(t.Context(), "one", suiteTime, suiteTime.Add(time.Hour))
			if err != nil {
				t.Errorf("Claim: %v", err)
			}
			if first {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d callers got the claim, want 1", won.Load())
	}
}

func storeTallies(t *testing.T, s pam.Store) {
	at := suiteTime
	tally := func(key string, by int, now time.Time, want int) {
		t.Helper()
		if got, err := s.Tally(t.Context(), key, by, now, time.Minute); err != nil || got != want {
			t.Errorf("Tally(%q, %d) at %v = %d, %v; want %d", key, by, now.Sub(at), got, err, want)
		}
	}
	tally("a", 0, at, 0)
	tally("a", 1, at, 1)
	tally("a", 2, at.Add(30*time.Second), 3)
	tally("a", 0, at.Add(59*time.Second), 3)
	tally("a", 0, at.Add(time.Minute), 0) // the window is that of the first addition
	tally("a", 1, at.Add(time.Minute), 1)
	if err := s.Forget(t.Context(), "a"); err != nil {
		t.Errorf("Forget: %v", err)
	}
	tally("a", 0, at.Add(time.Minute), 0)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := s.Tally(t.Context(), "many", 1, at, time.Minute); err != nil {
				t.Errorf("Tally: %v", err)
			}
		})
	}
	wg.Wait()
	tally("many", 0, at, 50)
}
