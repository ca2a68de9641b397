package policy

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/pam"
)

// FuzzLoad loads any policy, as JSON of Data. It is refused with faults that say what to do, none of which carries
// control characters; or it is taken, and then the engine answers like the reference, and nobody who is not in it has
// any right. The last good policy stays when it is refused.
func FuzzLoad(f *testing.F) {
	seed := func(d Data) {
		text, err := json.Marshal(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	d := company()
	d.Calendar = officeHours()
	sel("s", "db", pam.FormRestricting, at("10.0.0.0/8"), when(AfterHours))(&d)
	d.Profiles[0].Pins, d.Profiles[0].MFA = pam.Params{"term": "vt100"}, true
	seed(d)
	seed(Data{})
	for n := range uint64(6) {
		seed(randomWorld(n))
	}
	for _, id := range oddNames() {
		if utf8.ValidString(id) { // JSON has no others
			seed(Data{Users: []User{{ID: pam.UserID(id)}}, Groups: []Group{{ID: GroupID(id), Users: []pam.UserID{pam.UserID(id)}}}})
		}
	}
	f.Add(`{"Assets":[{"ID":"a","Parent":"a","Container":true}],"Selectors":[{"ID":"x","Networks":["::/129"],"Times":["*"]}],"Calendar":{"Zone":"../../etc/passwd"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var d Data
		if len(text) > 1<<16 || json.Unmarshal([]byte(text), &d) != nil {
			return
		}
		e := mustEngine(t, company())
		if err := e.Reload(t.Context(), d); err != nil {
			var fault *Fault
			if !errors.As(err, &fault) || fault.What == "" || fault.Fix == "" {
				t.Fatalf("refused without a clear fault: %v", err)
			}
			if strings.ContainsAny(strings.ReplaceAll(err.Error(), "\n", ""), "\x00\x1b\u202e\u2028") {
				t.Fatalf("the error carries the characters themselves: %q", err)
			}
			if g, err := e.Grants(t.Context(), query("alice", "db1", pam.OpAccess)); err != nil || !g.Permitted || e.Version() != 1 {
				t.Fatalf("the last good policy is gone: %+v, %v", g, err)
			}
			return
		}
		ref := reference{d}
		for i, u := range append(slices.Clone(d.Users[:min(3, len(d.Users))]), User{ID: "nobody-of-this-name"}) {
			for j, a := range d.Assets[:min(3, len(d.Assets))] {
				q := ask(u.ID, a.ID, i+3*j)
				q.at = q.at.Add(time.Duration(i) * time.Hour)
				compare(t, e, ref, q, pam.OpAccess, true)
			}
		}
	})
}
