package recorder_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

var update = flag.Bool("update", false, "write testdata/v1.sprec anew")

// Recordings outlive releases: a file that version 1 wrote once must read and verify for ever.
func TestVerify_R5_GoldenFile(t *testing.T) {
	const path = "testdata/v1.sprec"
	if *update {
		mem := recordertest.NewMemFS()
		rec, w := open(t, newRecorder(t, recorder.Config{FS: mem, CheckpointBytes: 2 << 10, Rand: rand.NewChaCha8([32]byte{1})}), "golden")
		for i := uint64(1); i <= 20; i++ {
			if err := w.wait(appendEntry(t, rec, output(i))); err != nil {
				t.Fatal(err)
			}
		}
		closeRecording(t, rec, pam.EndRemoteLogoff)
		if err := os.WriteFile(path, mem.Get(rec.Path()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := readFile(t, path)
	if rep := verify(t, file); rep.State != recorder.StateValidComplete || rep.Header.Meta.Session != "golden" || rep.Entries != 21 {
		t.Errorf("%v (%v), %+v", rep.State, rep.Cause, rep)
	}
	entries, _, seal, err := readAll(file)
	if err != nil || seal == nil || seal.End.Reason != pam.EndRemoteLogoff || checkOutput(t, entries) != 20 {
		t.Errorf("%d entries, %+v, %v", len(entries), seal, err)
	}
}
