package pamtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
)

func suiteRequest(n int) pam.AccessRequest {
	at := suiteTime.Add(time.Duration(n) * time.Second)
	return pam.AccessRequest{
		ID: pam.RequestID(fmt.Sprintf("r%03d", n)), Operation: pam.OpAccess, Asset: "asset", AssetName: "Asset", Account: "root",
		User: "user", UserName: "User", Person: "person", Login: "login", From: at.Add(time.Hour), To: at.Add(2 * time.Hour), Message: "why",
		TicketID: "INC-1", Params: pam.Params{"term": "xterm"}, Declarations: pam.Declarations{pam.WebSession: pam.Record, pam.Keyboard: pam.Allow},
		Recorded: true, Selector: "selector", State: pam.RequestPending, Created: at, Updated: at, Until: at.Add(3 * time.Hour),
		Workflow: pam.Workflow{ID: "w", Longest: time.Hour, Levels: []pam.Level{{Name: "Admins", Approvers: []string{"group:admins"}, Required: 1}}},
	}
}

func putRequest(t *testing.T, s pam.Store, r pam.AccessRequest) pam.AccessRequest {
	t.Helper()
	put, err := s.PutRequest(t.Context(), r)
	if err != nil {
		t.Fatalf("PutRequest(%s): %v", r.ID, err)
	}
	return put
}

// storeRequests: a request comes back with the same terms, and each change is made to the newest revision alone.
func storeRequests(t *testing.T, s pam.Store) {
	if _, err := s.Request(t.Context(), "none"); !errors.Is(err, pam.ErrNotFound) {
		t.Errorf("Request of nothing: %v, want ErrNotFound", err)
	}
	want := suiteRequest(1)
	first := putRequest(t, s, want)
	if first.Revision != 1 {
		t.Errorf("revision %d, want 1", first.Revision)
	}
	if _, err := s.PutRequest(t.Context(), want); !errors.Is(err, pam.ErrConflict) {
		t.Errorf("the same id twice: %v, want ErrConflict", err)
	}
	next := first
	next.State, next.Decided = pam.RequestApproved, suiteTime
	next.Votes = []pam.Vote{{User: "boss", Name: "Boss", Person: "b", At: suiteTime, Approve: true, Note: "fine", Terms: next.Terms()}}
	second := putRequest(t, s, next)
	if _, err := s.PutRequest(t.Context(), next); !errors.Is(err, pam.ErrConflict) {
		t.Errorf("a change of an old revision: %v, want ErrConflict", err)
	}
	got, err := s.Request(t.Context(), want.ID)
	if err != nil || got.Revision != 2 || second.Revision != 2 || got.State != pam.RequestApproved {
		t.Fatalf("read back: %+v, %v", got, err)
	}
	for name, r := range map[string]pam.AccessRequest{"as put": second, "as read": got} {
		if r.Terms() != want.Terms() || len(r.Votes) != 1 || r.Votes[0].Terms != want.Terms() || !r.Votes[0].At.Equal(suiteTime) ||
			!r.Decided.Equal(suiteTime) || r.Level() != 1 || r.Until.UnixMicro() != want.Until.UnixMicro() {
			t.Errorf("%s: %+v", name, r)
		}
	}
	got.Params["term"], got.Votes[0].Note, got.Workflow.Levels[0].Approvers[0] = "changed", "changed", "changed"
	if again, err := s.Request(t.Context(), want.ID); err != nil || again.Terms() != want.Terms() || again.Votes[0].Note != "fine" {
		t.Errorf("a change of what was read reached the store: %+v, %v", again, err)
	}
	gone := suiteRequest(2)
	gone.Revision = 7
	if _, err := s.PutRequest(t.Context(), gone); !errors.Is(err, pam.ErrConflict) {
		t.Errorf("a change of what is not there: %v, want ErrConflict", err)
	}
}

func storeRequestFilters(t *testing.T, s pam.Store) {
	const n = 12
	all := make([]pam.AccessRequest, n)
	for i := range all {
		r := suiteRequest(i / 2) // two at a time are as old as each other
		r.ID = pam.RequestID(fmt.Sprintf("r%03d", i))
		r.User = pam.UserID(fmt.Sprint("user", i%2))
		r.Asset = pam.AssetID(fmt.Sprint("asset", i%3))
		if i%4 == 1 {
			r.Operation, r.Session = pam.OpExtend, "session"
		}
		r.Exclusive = i%5 == 0
		r.State = []pam.RequestState{pam.RequestPending, pam.RequestApproved, pam.RequestRejected}[i%3]
		all[i] = putRequest(t, s, r)
	}
	for _, f := range []pam.RequestFilter{
		{},
		{User: "user1"},
		{Asset: "asset2"},
		{User: "user0", Asset: "asset0", Operation: pam.OpAccess, Open: true},
		{Operation: pam.OpExtend, Session: "session"},
		{Open: true},
		{Exclusive: true, Open: true},
		{User: "nobody"},
	} {
		want := map[pam.RequestID]bool{}
		for _, r := range all {
			if f.Matches(r) {
				want[r.ID] = true
			}
		}
		if f.User != "nobody" && (len(want) == 0 || f != (pam.RequestFilter{}) && len(want) == n) {
			t.Fatalf("%+v matches %d: the test shows nothing", f, len(want))
		}
		var got []pam.AccessRequest
		for page := f; ; {
			page.Limit = 3
			list, err := s.Requests(t.Context(), page)
			if err != nil {
				t.Fatal(err)
			}
			if len(list) == 0 {
				break
			}
			got = append(got, list...)
			page.Before, page.BeforeID = list[len(list)-1].Created, list[len(list)-1].ID
		}
		if len(got) != len(want) {
			t.Errorf("%+v: %d records, want %d", f, len(got), len(want))
		}
		for _, r := range got {
			if !want[r.ID] {
				t.Errorf("%+v: %s is not wanted", f, r.ID)
			}
		}
		if !slices.IsSortedFunc(got, func(a, b pam.AccessRequest) int {
			return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
		}) {
			t.Errorf("%+v: not in order", f)
		}
	}
}

// storeRequestRace: of many changes of one revision one is made, again and again.
func storeRequestRace(t *testing.T, s pam.Store) {
	r := putRequest(t, s, suiteRequest(1))
	const rounds, writers = 5, 8
	for range rounds {
		var made atomic.Int32
		var next atomic.Pointer[pam.AccessRequest]
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				mine := r
				mine.Uses = i
				switch put, err := s.PutRequest(t.Context(), mine); {
				case err == nil:
					made.Add(1)
					next.Store(&put)
				case !errors.Is(err, pam.ErrConflict):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if made.Load() != 1 {
			t.Fatalf("%d of %d changes were made, want one", made.Load(), writers)
		}
		r = *next.Load()
		if got, err := s.Request(t.Context(), r.ID); err != nil || got.Uses != r.Uses || got.Revision != r.Revision {
			t.Fatalf("read %+v, %v; want %+v", got, err, r)
		}
	}
}
