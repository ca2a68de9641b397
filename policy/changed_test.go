package policy_test

import (
	"testing"

	"github.com/sallyport/sallyport/policy"
)

// TestEngine_S11_TellsOfAChange: a reload that succeeds closes the channel, and whoever then asks gets the new policy; one
// that is refused does not.
func TestEngine_S11_TellsOfAChange(t *testing.T) {
	e, err := policy.New(policy.Config{Data: &policy.Data{}})
	if err != nil {
		t.Fatal(err)
	}
	changed := e.Changed()
	bad := policy.Data{Grants: []policy.RoleGrant{{}}}
	if err := e.Reload(t.Context(), bad); err == nil {
		t.Fatal("a grant without anything was taken")
	}
	select {
	case <-changed:
		t.Fatal("a refused policy was announced")
	default:
	}
	if err := e.Reload(t.Context(), policy.Data{}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	default:
		t.Fatal("a new policy was not announced")
	}
	if v := e.Version(); v != 2 {
		t.Errorf("version %d, want 2", v)
	}
	select {
	case <-e.Changed():
		t.Error("the next change is announced already")
	default:
	}
}
