package pam

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestRequestModel_S12_Interleavings lets approvers, the requester and starts change one request at the same time, through the
// store's comparison of revisions, and looks at every record that was ever stored: nothing is used twice that is good for once,
// nothing is used that is not approved by enough people, in its time, and nobody decides about an own request or twice.
func TestRequestModel_S12_Interleavings(t *testing.T) {
	runs := 10_000
	if testing.Short() {
		runs = 500
	}
	outcomes := map[RequestState]int{}
	used := 0
	for seed := range runs {
		end, uses := requestRun(t, uint64(seed))
		if t.Failed() {
			t.Fatalf("run %d", seed)
		}
		outcomes[end]++
		used += uses
	}
	for _, s := range []RequestState{RequestPending, RequestApproved, RequestRejected, RequestExpired, RequestCompleted, RequestCancelled, RequestRevoked} {
		if outcomes[s] < runs/200 {
			t.Errorf("only %d of %d runs end %s: the test shows little", outcomes[s], runs, s)
		}
	}
	if used < runs/20 {
		t.Errorf("only %d uses in %d runs", used, runs)
	}
}

// historian keeps every record that a store takes.
type historian struct {
	Store
	mu   sync.Mutex
	list []AccessRequest
}

func (h *historian) PutRequest(ctx context.Context, r AccessRequest) (AccessRequest, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	put, err := h.Store.PutRequest(ctx, r)
	if err == nil {
		h.list = append(h.list, put)
	}
	return put, err
}

func requestRun(t *testing.T, seed uint64) (RequestState, int) {
	r := rand.New(rand.NewPCG(seed, 12))
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	flow := Workflow{ID: "w", Once: r.IntN(2) == 0}
	for i := range 1 + r.IntN(2) {
		flow.Levels = append(flow.Levels, Level{Name: fmt.Sprint(i), Approvers: []string{"x"}, Required: 1 + r.IntN(2)})
	}
	req := AccessRequest{
		ID: "r", Operation: OpAccess, Asset: "a", User: "alice", Person: "alice", Workflow: flow,
		From: begin.Add(time.Duration(r.IntN(3)) * time.Minute), To: begin.Add(time.Duration(4+r.IntN(8)) * time.Minute),
	}.submit(begin)
	h := &historian{Store: NewMemoryStore()}
	ctx := t.Context()
	if _, err := h.PutRequest(ctx, req); err != nil {
		t.Fatal(err)
	}
	type step struct {
		at   time.Time
		make func(AccessRequest) (AccessRequest, error)
	}
	var wg sync.WaitGroup
	for range 4 {
		var steps []step
		for range 5 {
			at := begin.Add(time.Duration(r.IntN(12)) * time.Minute)
			who := UserID([]string{"alice", "bob", "carol", "dan", "erin"}[r.IntN(5)])
			person := string(who)
			if who == "erin" {
				person = "alice" // her second account
			}
			level, yes, which := r.IntN(2), r.IntN(20) != 0, r.IntN(40)
			steps = append(steps, step{at, func(r AccessRequest) (AccessRequest, error) {
				switch {
				case which == 0:
					return r.withdraw("alice", "", at)
				case which == 1:
					return r.revoke("root", "", at)
				case which < 8:
					return r.use(at)
				case which == 8:
					r.To = r.To.Add(time.Hour) // a record that was tampered with; it is never stored as it is
					return r.vote(Vote{Level: level, User: who, Person: person, Approve: yes, Terms: req.Terms()}, at)
				}
				return r.vote(Vote{Level: level, User: who, Person: person, Approve: yes, Terms: req.Terms()}, at)
			}})
		}
		wg.Go(func() {
			for _, s := range steps {
				for {
					now, err := h.Request(ctx, "r")
					if err != nil {
						t.Error(err)
						return
					}
					next, err := s.make(now)
					if err != nil {
						break
					}
					if _, err := h.PutRequest(ctx, next); err == nil {
						break
					} else if !errors.Is(err, ErrConflict) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	uses := 0
	for i, now := range h.list {
		if now.Terms() != req.Terms() {
			t.Errorf("a record has other terms: %+v", now)
		}
		people := map[string]bool{now.Person: true}
		for _, v := range now.Votes {
			if people[v.Person] {
				t.Errorf("%s decides twice or about an own request: %+v", v.Person, now.Votes)
			}
			people[v.Person] = true
		}
		if i == 0 {
			continue
		}
		was := h.list[i-1]
		if !was.State.Open() {
			t.Errorf("a change after %s: %+v", was.State, now)
		}
		if now.Uses > was.Uses {
			uses++
			agreed := map[int]int{}
			for _, v := range now.Votes {
				if v.Approve {
					agreed[v.Level]++
				}
			}
			for l, level := range flow.Levels {
				if agreed[l] < level.Required {
					t.Errorf("used with %d of %d at level %d", agreed[l], level.Required, l)
				}
			}
			if now.Updated.Before(req.From) || !now.Updated.Before(req.To) || was.State != RequestApproved {
				t.Errorf("used at %v, %s, outside of %v to %v", now.Updated, was.State, req.From, req.To)
			}
			if flow.Once && now.Uses > 1 {
				t.Errorf("used %d times", now.Uses)
			}
		}
	}
	last := h.list[len(h.list)-1].at(begin.Add(time.Duration(r.IntN(16)) * time.Minute))
	return last.State, uses
}
