package spine_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// TestPlay_L4_S46_S48_SecondFactor: where the policy asks for a second factor, a recording opens with one, once; its segments ask for nothing more;
// what is refused is written down, and shows nothing. A factor for a recording that could not be opened is still good for it.
func TestPlay_L4_S46_S48_SecondFactor(t *testing.T) {
	mfa := &pamtest.MFA{}
	g, ctx := start(t, spine.Config{Target: demoTarget(t, lineShell), Dir: t.TempDir(), MFA: mfa})
	id := record(ctx, t, g)
	may := pamtest.Permit(pam.RoleManager, pam.WebSession)
	may.MFA = true
	g.Policy.Set("manager", spine.Recorded, may)
	open := func(token string) (playback, error) {
		var p playback
		err := g.Manager().Call(ctx, "POST", "api/session/"+string(id)+"/play", map[string]string{"mfa_token": token}, &p)
		return p, err
	}
	refused := func(token string, want pam.Code) {
		t.Helper()
		_, err := open(token)
		wantCode(t, err, want)
	}
	refused("123456", pam.CodeMFANotEnrolled)
	mfa.Set("manager", "111111", "222222")
	refused("", pam.CodeMFARequired)
	refused("123456", pam.CodeMFAInvalid)
	if n := len(g.Events.Events(pam.PlayRecording)); n != 0 {
		t.Errorf("%d events of playing", n)
	}
	denied := g.Events.Events(pam.DenySession)
	if len(denied) != 3 || denied[2].Session != id || denied[2].Code != pam.CodeMFAInvalid || denied[2].Detail != "recording.play" {
		t.Errorf("denials %+v", denied)
	}

	p, err := open("111111")
	if err != nil {
		t.Fatal(err)
	}
	if ok := g.Events.Events(pam.VerifyMFA); len(ok) != 1 || ok[0].User != "manager" || len(g.Events.Events(pam.PlayRecording)) != 1 {
		t.Errorf("events of the factor: %+v", ok)
	}
	for n := range p.Segments {
		if st, out := segment(ctx, t, g.Manager(), p, n); st != http.StatusOK {
			t.Errorf("segment %d: %d %s", n, st, out)
		}
	}
	refused("", pam.CodeMFARequired)
	refused("111111", pam.CodeMFAInvalid) // used up

	info, err := g.Broker.Session(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(info.Recording, info.Recording+".away"); err != nil {
		t.Fatal(err)
	}
	refused("222222", pam.CodeRecordingMissing)
	if err := os.Rename(info.Recording+".away", info.Recording); err != nil {
		t.Fatal(err)
	}
	if _, err := open("222222"); err != nil {
		t.Errorf("again with the same factor: %v", err)
	}
}
