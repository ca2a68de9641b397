package recorder_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

// keyService is a signer as a key service gives one: it may fail, and hang.
type keyService struct {
	key  ed25519.PrivateKey
	sign func() error // before each signature
}

func (k *keyService) Public() crypto.PublicKey { return k.key.Public() }

func (k *keyService) Sign(rand io.Reader, msg []byte, o crypto.SignerOpts) ([]byte, error) {
	if err := k.sign(); err != nil {
		return nil, err
	}
	return k.key.Sign(rand, msg, o)
}

// After a change of keys what the old one signed verifies as before, and what it left open is sealed by the new one.
// Each set of keys vouches for its own recordings and no others.
func TestKeys_S42_RotationKeepsOldRecordings(t *testing.T) {
	mem := recordertest.NewMemFS()
	oldKey, newKey := testKey("2026"), testKey("2027")
	r := newRecorder(t, recorder.Config{FS: mem, Key: oldKey})
	before, _ := open(t, r, "before")
	appendEntry(t, before, output(1))
	closeRecording(t, before, pam.EndRemoteLogoff)
	orphan, w := open(t, r, "orphan")
	appendEntry(t, orphan, output(1))
	if err := w.wait(1); err != nil {
		t.Fatal(err)
	}
	next := mem.Kill()
	closeRecording(t, orphan, pam.EndRemoteLogoff) // of the old process; next does not see it

	forgetful := newRecorder(t, recorder.Config{FS: next, Key: newKey})
	if list := adopt(t, forgetful); len(list) != 1 || list[0].Err == nil {
		t.Errorf("without FormerKeys: %+v, want it left alone", list)
	}
	r = newRecorder(t, recorder.Config{FS: next, Key: newKey, FormerKeys: []recorder.PublicKey{publicOf(oldKey)}})
	if list := adopt(t, r); len(list) != 1 || list[0].Err != nil {
		t.Fatalf("with FormerKeys: %+v", list)
	}
	after, _ := open(t, r, "after")
	appendEntry(t, after, output(1))
	closeRecording(t, after, pam.EndRemoteLogoff)

	both := []recorder.PublicKey{publicOf(oldKey), publicOf(newKey)}
	for _, c := range []struct {
		rec  *recorder.Recording
		keys []recorder.PublicKey
		want recorder.State
	}{
		{before, both, recorder.StateValidComplete},
		{before, both[:1], recorder.StateValidComplete},
		{before, both[1:], recorder.StateBroken},
		{orphan, both, recorder.StateValidIncomplete},
		{orphan, both[:1], recorder.StateBroken},
		{orphan, both[1:], recorder.StateBroken},
		{after, both, recorder.StateValidComplete},
		{after, both[:1], recorder.StateBroken},
		{after, both[1:], recorder.StateValidComplete},
	} {
		if rep := verify(t, next.Get(c.rec.Path()), c.keys...); rep.State != c.want {
			t.Errorf("%s with %d keys: %v (%v), want %v", c.rec.Path(), len(c.keys), rep.State, rep.Cause, c.want)
		}
	}
}

// A key service that refuses or hangs lets no recording open, and nothing is left behind.
func TestKeys_S42_MissingKeyServiceBlocksStarts(t *testing.T) {
	down := errors.New("key service is down")
	mem := recordertest.NewMemFS()
	service := &keyService{key: testKey("gateway"), sign: func() error { return down }}
	r := newRecorder(t, recorder.Config{FS: mem, Key: service})
	if _, err := r.Open(context.Background(), meta("refused"), newWatcher(t)); !errors.Is(err, recorder.ErrSign) || !errors.Is(err, down) {
		t.Errorf("Open: %v", err)
	}
	called, release := make(chan struct{}), make(chan struct{})
	service.sign = func() error { close(called); <-release; return nil }
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-called; cancel() }()
	if _, err := r.Open(ctx, meta("hangs"), newWatcher(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: %v", err)
	}
	close(release)
	if err := r.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if names, _ := mem.List(); len(names) != 0 {
		t.Errorf("left %q", names)
	}
}

// A key service that goes away in the middle ends the session at the next checkpoint; what was signed stays valid, and
// the next start seals the rest.
func TestKeys_S42_KeyServiceLostMidSession(t *testing.T) {
	down := errors.New("key service is down")
	mem := recordertest.NewMemFS()
	var lost bool
	service := &keyService{key: testKey("gateway"), sign: func() error {
		if lost {
			return down
		}
		return nil
	}}
	reg := metrics.NewRegistry()
	r := newRecorder(t, recorder.Config{FS: mem, Key: service, CheckpointBytes: 4 << 10, Metrics: reg})
	rec, w := open(t, r, "lost")
	lost = true
	var err error
	for i := uint64(1); err == nil && i < 10_000; i++ {
		if _, err = rec.Append(output(i)); err == nil {
			err = w.wait(i)
		}
	}
	if !errors.Is(err, recorder.ErrSign) || !errors.Is(err, down) {
		t.Fatalf("failed with %v", err)
	}
	if err := rec.Close(context.Background(), endEntry(t, pam.EndRecordingFailed)); !errors.Is(err, recorder.ErrSign) {
		t.Errorf("Close: %v", err)
	}
	if n := counter(t, reg, "recorder.failed.sign"); n != 1 {
		t.Errorf("recorder.failed.sign is %d", n)
	}
	next := mem.Kill()
	lost = false
	if list := adopt(t, newRecorder(t, recorder.Config{FS: next, Key: service, Now: func() time.Time { return started }})); len(list) != 1 || list[0].Err != nil {
		t.Fatalf("adopted %+v", list)
	}
	if rep := verify(t, next.Get(rec.Path())); rep.State != recorder.StateValidIncomplete || rep.Entries < w.last() {
		t.Errorf("%v (%v), %d entries of %d", rep.State, rep.Cause, rep.Entries, w.last())
	}
}
