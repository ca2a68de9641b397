package spine_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

const patience = 3 * time.Minute

// demoTarget runs the in-process server.
func demoTarget(t testing.TB, h sshtest.Handler) spine.Target {
	t.Helper()
	srv, err := sshtest.NewServer(sshtest.Config{Handler: h, Passwords: map[string]string{"demo": "correct horse"}})
	if err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("closing the target: %v", err)
		}
	})
	return spine.Target{Address: addr, User: "demo", HostKey: srv.HostKey(), Password: "correct horse"}
}

func start(t testing.TB, cfg spine.Config) (*spine.Gateway, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	g, err := spine.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(ctx); err != nil {
			t.Errorf("closing the gateway: %v", err)
		}
	})
	return g, ctx
}

// played returns the terminal bytes of the only recording in dir, and its state.
func played(t *testing.T, dir string, g *spine.Gateway) ([]byte, recorder.State) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+recorder.Ext))
	if err != nil || len(files) != 1 {
		t.Fatalf("recordings in %s: %v, %v; want one", dir, files, err)
	}
	return playedFile(t, files[0], g)
}

func TestSession_R1_RecordedWholeAndVerified(t *testing.T) {
	dir := t.TempDir()
	g, ctx := start(t, spine.Config{Target: demoTarget(t, lineShell), Dir: dir})
	b := g.Browser()
	id, err := b.Start(ctx, spine.Recorded, nil)
	if err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	page, err := b.Attach(ctx, id, pamtest.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	if err := page.AwaitOutput(ctx, "$ "); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{"echo marker-$((1))", "\r", "exit 3\r"} {
		if err := page.Key(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	code, err := page.AwaitEnd(ctx)
	if err != nil || code != pam.CodeRemoteLogoff {
		t.Fatalf("end: %q, %v", code, err)
	}
	v := page.View()
	seen.Write(v.Output)
	if v.End["status"] != float64(3) {
		t.Errorf("exit status %v, want 3", v.End["status"])
	}
	if _, err := g.Events.Await(ctx, pam.CompleteSession, 1); err != nil {
		t.Fatal(err)
	}
	rec, state := played(t, dir, g)
	if state != recorder.StateValidComplete {
		t.Errorf("recording is %v", state)
	}
	if !bytes.Equal(rec, seen.Bytes()) {
		t.Errorf("the page saw %q, the recording holds %q", seen.Bytes(), rec)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}
