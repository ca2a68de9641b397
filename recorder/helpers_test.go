package recorder_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

var started = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// testKey makes a key from a name: same name, same key.
func testKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func publicOf(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func meta(id string) pam.RecordingMeta {
	return pam.RecordingMeta{
		Session: pam.SessionID(id), Asset: "asset-1", Name: "db <1>", Protocol: "ssh", User: "u1", UserName: "Ann",
		Started: started, Size: pam.Size{Cols: 100, Rows: 30}, Term: "xterm-256color", Rules: []string{"r1", "r2"}, Policy: 7,
	}
}

// watcher keeps what it hears and checks the contract of pam.RecordingWatcher.
type watcher struct {
	t       testing.TB
	mu      sync.Mutex
	cond    sync.Cond
	written uint64
	err     error
	onWrite func(uint64)
}

func newWatcher(t testing.TB) *watcher {
	w := &watcher{t: t}
	w.cond.L = &w.mu
	return w
}

func (w *watcher) Written(index uint64) {
	w.mu.Lock()
	if w.err != nil {
		w.t.Errorf("Written(%d) after Failed(%v)", index, w.err)
	}
	if index <= w.written {
		w.t.Errorf("Written(%d) after Written(%d)", index, w.written)
	}
	w.written = index
	w.cond.Broadcast()
	f := w.onWrite
	w.mu.Unlock()
	if f != nil {
		f(index)
	}
}

func (w *watcher) Failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		w.t.Errorf("Failed(%v) after Failed(%v)", err, w.err)
	}
	if err == nil {
		w.t.Error("Failed(nil)")
	}
	w.err = err
	w.cond.Broadcast()
}

// wait returns when index is written, or with the error of Failed.
func (w *watcher) wait(index uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.written < index && w.err == nil {
		w.cond.Wait()
	}
	if w.written >= index {
		return nil
	}
	return w.err
}

func (w *watcher) last() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.written
}

func (w *watcher) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// waitFailed returns when Failed was called.
func (w *watcher) waitFailed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil {
		w.cond.Wait()
	}
	return w.err
}

func newRecorder(t testing.TB, cfg recorder.Config) *recorder.Recorder {
	t.Helper()
	if cfg.Key == nil {
		cfg.Key = testKey("gateway")
	}
	if cfg.FS == nil && cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return started.Add(time.Hour) }
	}
	r, err := recorder.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return r
}

func open(t testing.TB, r *recorder.Recorder, id string) (*recorder.Recording, *watcher) {
	t.Helper()
	w := newWatcher(t)
	rec, err := r.Open(context.Background(), meta(id), w)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return rec.(*recorder.Recording), w
}

func appendEntry(t testing.TB, rec pam.Recording, e pam.Entry) uint64 {
	t.Helper()
	i, err := rec.Append(e)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return i
}

func closeRecording(t testing.TB, rec pam.Recording, reason pam.EndReason) {
	t.Helper()
	if err := rec.Close(context.Background(), endEntry(t, reason)); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func endEntry(t testing.TB, reason pam.EndReason) pam.Entry {
	t.Helper()
	data, err := json.Marshal(pam.EndEntry{Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	return pam.Entry{Kind: pam.EntryEnd, At: time.Hour, Data: data}
}

// output is the i-th of a deterministic row of entries: sizes from a few bytes to some KiB, in part compressible.
func output(i uint64) pam.Entry {
	seed := sha256.Sum256(fmt.Appendf(nil, "entry %d", i))
	var data []byte
	switch seed[0] % 4 {
	case 0:
		data = seed[:seed[1]%8+1]
	case 1:
		data = bytes.Repeat([]byte("drwxr-xr-x  2 root root 4096 file\r\n"), int(seed[1])%40+1)
	case 2:
		for len(data) < int(seed[1])*8 {
			seed = sha256.Sum256(seed[:])
			data = append(data, seed[:]...)
		}
	case 3:
		data = fmt.Appendf(nil, "\x1b[32mline %d of output\x1b[0m\r\n", i)
	}
	return pam.Entry{
		Kind: pam.EntryFrame, Frame: pam.FrameOutput, At: time.Duration(i) * time.Millisecond,
		Participant: pam.ParticipantID([]string{"", "p1"}[i%2]), Data: data,
	}
}

// readAll returns every entry up to the end or the first damage.
func readAll(src []byte) (entries []pam.Entry, h recorder.Header, seal *recorder.Seal, err error) {
	r, err := recorder.NewReader(bytes.NewReader(src))
	if err != nil {
		return nil, h, nil, err
	}
	defer r.Close()
	for e, err := range r.All() {
		if err != nil {
			return entries, r.Header(), r.Seal(), err
		}
		e.Data = bytes.Clone(e.Data)
		entries = append(entries, e)
	}
	return entries, r.Header(), r.Seal(), nil
}

func sameEntry(a, b pam.Entry) bool {
	return a.Kind == b.Kind && a.At == b.At && a.Frame == b.Frame && a.Flags == b.Flags && a.Participant == b.Participant && bytes.Equal(a.Data, b.Data)
}

// checkOutput fails unless entries[i] is output(i+1) for all i, but for an end entry as the last. It returns how
// many outputs there are.
func checkOutput(t testing.TB, entries []pam.Entry) uint64 {
	t.Helper()
	if n := len(entries); n > 0 && entries[n-1].Kind == pam.EntryEnd {
		entries = entries[:n-1]
	}
	for i, e := range entries {
		if want := output(uint64(i) + 1); !sameEntry(e, want) {
			t.Fatalf("entry %d: got %.200v, want %.200v", i+1, e, want)
		}
	}
	return uint64(len(entries))
}

func verify(t testing.TB, src []byte, keys ...ed25519.PublicKey) recorder.Report {
	t.Helper()
	if len(keys) == 0 {
		keys = append(keys, publicOf(testKey("gateway")))
	}
	rep, err := recorder.Verify(bytes.NewReader(src), keys...)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	return rep
}

// sample returns a sealed recording made of n outputs, a few in each chunk, with checkpoints in it.
func sample(t testing.TB, id string, n uint64, key ed25519.PrivateKey) []byte {
	t.Helper()
	mem := recordertest.NewMemFS()
	r := newRecorder(t, recorder.Config{FS: mem, Key: key, CheckpointBytes: 2 << 10})
	rec, w := open(t, r, id)
	for i := uint64(1); i <= n; i++ {
		appendEntry(t, rec, output(i))
		if err := w.wait(i); err != nil {
			t.Fatal(err)
		}
	}
	closeRecording(t, rec, pam.EndRemoteLogoff)
	return mem.Get(rec.Path())
}

func brokenAt(err error) (int64, bool) {
	var b *recorder.BrokenError
	if errors.As(err, &b) {
		return b.At, true
	}
	return 0, false
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
