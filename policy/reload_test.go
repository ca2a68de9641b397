package policy

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/pam"
)

// Policies are exchanged without pause under eight goroutines that ask. Every answer belongs, in each of its
// parts, to one policy, and to the one whose version it carries; nobody ever sees a third.
func TestEngine_S47_ReloadUnderLoad(t *testing.T) {
	// Odd versions are a, even ones b. They differ in every part of an answer: role, permission, declarations,
	// selector, rules, and in b lab1 does not exist. Only with both parts of one policy is there a right without the other.
	a, b := company(), company()
	b.Grants[0] = RoleGrant{ID: "other", Scope: "prod", Subject: Subject{User: "alice"}, Role: pam.RoleManager}
	b.Assignments[0] = Assignment{ID: "other", Scope: "db", Subject: Subject{Group: "dba"}, Profile: "rec"}
	b.Assets = b.Assets[:len(b.Assets)-1]
	sel("ban", "root", pam.FormRestricting)(&a)
	sel("ask", "db1", pam.FormInteractive, withMFA)(&b)
	b.Profiles[1].Pins = pam.Params{"term": "vt100"}
	bad := company()
	bad.Grants[0].Role = 77

	queries := []pam.Query{
		query("alice", "db1", pam.OpAccess), query("alice", "db1", pam.OpJoin), query("bob", "db1", pam.OpAccess),
		query("alice", "lab1", pam.OpAccess), query("root", "lab1", pam.OpAccess), query("carol", "db1", pam.OpAccess),
	}
	want := make([][2]pam.Grants, len(queries)) // by version%2
	for i, d := range []Data{b, a} {
		e := mustEngine(t, d)
		for j, q := range queries {
			g, err := e.Grants(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			want[j][i] = g
		}
	}
	if cmp.Equal(want[0][0].Rules, want[0][1].Rules) || cmp.Equal(want[0][0].Declarations, want[0][1].Declarations) || want[1][0].Permitted == want[1][1].Permitted {
		t.Fatal("the two policies do not differ enough")
	}

	e := mustEngine(t, a)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var answers, versions atomic.Int64
	for n := range 8 {
		wg.Go(func() {
			var last uint64
			for i := n; ctx.Err() == nil; i++ {
				j := i % len(queries)
				g, err := e.Grants(context.Background(), queries[j])
				if err != nil {
					t.Errorf("%v: %v", queries[j], err)
					return
				}
				if g.Version < last {
					t.Errorf("version %d after %d", g.Version, last)
					return
				}
				if g.Version != last {
					versions.Add(1)
				}
				last = g.Version
				w := want[j][g.Version%2]
				w.Version = g.Version
				if !cmp.Equal(w, g) {
					t.Errorf("version %d, %s on %s: got %+v, want %+v", g.Version, queries[j].User, queries[j].Asset, g, w)
					return
				}
				answers.Add(1)
			}
		})
	}
	version := uint64(1)
	for i := 0; i < 200 || answers.Load() < 2000 && !t.Failed(); i++ {
		if i%5 == 4 { // a refused policy changes nothing
			if err := e.Reload(ctx, bad); err == nil {
				t.Fatal("the bad policy was taken")
			}
			continue
		}
		next := a
		if version++; version%2 == 0 {
			next = b
		}
		if err := e.Reload(ctx, next); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	wg.Wait()
	if e.Version() != version {
		t.Errorf("version %d in force, want %d", e.Version(), version)
	}
	if versions.Load() < 50 {
		t.Errorf("the goroutines saw only %d changes of version", versions.Load())
	}
	t.Logf("%d answers over %d policies", answers.Load(), version)
}

// An idle worker keeps neither the snapshot nor rules of it.
func TestPool_ResetLetsGo(t *testing.T) {
	e := mustEngine(t, company())
	if _, err := e.Grants(t.Context(), query("alice", "db1", pam.OpAccess)); err != nil {
		t.Fatal(err)
	}
	if len(e.workers.free) != 1 {
		t.Fatalf("%d idle workers, want 1", len(e.workers.free))
	}
	w := e.workers.free[0]
	if w.path.snap != nil {
		t.Error("the path holds the snapshot")
	}
	for k := range w.rows {
		for _, row := range w.rows[k][:cap(w.rows[k])] {
			if row != nil {
				t.Errorf("stage %d holds %q", k, row)
			}
		}
		if got := w.rules[k].Policy; len(got) != 1 || got[0][colID] != "guard" {
			t.Errorf("stage %d: Casbin holds %q", k, got)
		}
	}
}
