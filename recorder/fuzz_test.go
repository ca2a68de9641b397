package recorder_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

// fuzzSeeds are good recordings from the encoder, and cuts of them. They are the same in every process: the
// fuzzer's workers each make their own.
func fuzzSeeds(f *testing.F) [][]byte {
	f.Helper()
	encode := func(entries ...pam.Entry) []byte {
		mem := recordertest.NewMemFS()
		rec, w := open(f, newRecorder(f, recorder.Config{FS: mem, CheckpointBytes: 2 << 10, Rand: rand.NewChaCha8([32]byte{7})}), "seed")
		for _, e := range entries {
			if err := w.wait(appendEntry(f, rec, e)); err != nil {
				f.Fatal(err)
			}
		}
		closeRecording(f, rec, pam.EndRemoteLogoff)
		return mem.Get(rec.Path())
	}
	var outputs []pam.Entry
	for i := range uint64(12) {
		outputs = append(outputs, output(i+1))
	}
	full := encode(outputs...)
	packed := encode(pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, Data: bytes.Repeat([]byte("zstd "), 4000)},
		pam.Entry{Kind: pam.EntryResize, Data: []byte(`{"cols":120,"rows":40}`)}, pam.Entry{Kind: pam.EntryKeys, Data: []byte("ls\xe2")})
	return [][]byte{full, encode(), packed, full[:len(full)/2], {}}
}

// refit makes CRCs and links of b fit, so that the fuzzer gets behind them. It stops at the first chunk that is cut.
func refit(b []byte) []byte {
	if len(b) < preambleSize {
		return b
	}
	prev := recorder.ChainSeed()
	out := bytes.Clone(b)
	for off := preambleSize; off+chunkHeadSize+linkSize <= len(out); {
		n := int64(chunkHeadSize) + int64(binary.BigEndian.Uint32(out[off+4:])) + linkSize
		if n > int64(len(out)-off) {
			break
		}
		copy(out[off:], recorder.Relink(prev, out[off:off+int(n)]))
		off += int(n)
		prev = out[off-linkSize : off]
	}
	return out
}

// FuzzReader: hostile files never panic and never take more memory than the limits; what a Reader yields before
// an error lies before the damage; and without the key nothing is ever valid-complete but the seeds themselves.
func FuzzReader(f *testing.F) {
	seeds := fuzzSeeds(f)
	for _, s := range seeds {
		f.Add(s, false)
		f.Add(s, true)
	}
	key := publicOf(testKey("gateway"))
	f.Fuzz(func(t *testing.T, b []byte, fit bool) {
		if fit {
			b = refit(b)
		}
		rep, err := recorder.Verify(bytes.NewReader(b), key)
		if err != nil {
			t.Fatalf("Verify of bytes in memory: %v", err)
		}
		if rep.State == recorder.StateValidComplete && !oneOf(seeds, b) {
			t.Fatal("a forged file is valid-complete")
		}
		if rep.State == recorder.StateBroken && (rep.At < 0 || rep.At > int64(len(b)) || rep.Cause == nil) {
			t.Fatalf("broken at %d of %d bytes: %v", rep.At, len(b), rep.Cause)
		}
		if r, err := recorder.NewReader(bytes.NewReader(b)); err == nil {
			var index uint64
			for e, err := range r.All() {
				if err == nil && (e.Kind == 0 || len(e.Data) > 4<<20 || len(e.Participant) > 256) {
					t.Fatalf("entry beyond the limits: %v", e.Kind)
				}
				if err == nil {
					index++
				}
			}
			if r.Index() != index {
				t.Fatalf("index %d after %d entries", r.Index(), index)
			}
			r.Close()
		}
		_ = recorder.ExportCast(io.Discard, bytes.NewReader(b))
	})
}

// FuzzAdopt: whatever lies in the directory, adopting never panics, and either seals it or leaves it as it was.
func FuzzAdopt(f *testing.F) {
	for _, s := range fuzzSeeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		mem := recordertest.NewMemFS()
		mem.Put("x"+recorder.Ext, b)
		list := adopt(t, newRecorder(t, recorder.Config{FS: mem}))
		after := mem.Get("x" + recorder.Ext)
		if len(list) == 0 || list[0].Err != nil {
			if !bytes.Equal(after, b) {
				t.Fatal("changed a file that was not adopted")
			}
			return
		}
		if rep := verify(t, after); rep.State != recorder.StateValidIncomplete {
			t.Fatalf("adopted, but %v: %v", rep.State, rep.Cause)
		}
	})
}

func oneOf(list [][]byte, b []byte) bool {
	for _, s := range list {
		if bytes.Equal(s, b) {
			return true
		}
	}
	return false
}
