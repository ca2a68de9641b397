package recorder_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

// terminalText is n bytes as a shell prints them: listings, logs, some colour.
func terminalText(n int) []byte {
	rng := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "\x1b[%dm-rw-r--r--\x1b[0m 1 user%d staff %7d Nov %2d %02d:%02d file-%06x.log\r\n", 31+rng.IntN(6), rng.IntN(9), rng.IntN(1e7),
			1+rng.IntN(30), rng.IntN(24), rng.IntN(60), rng.IntN(1<<24))
	}
	return b.Bytes()[:n]
}

// noise does not compress: it shows chain and CRC at their dearest.
func noise(n int) []byte {
	src := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	_, _ = src.Read(b)
	return b
}

type quiet struct{ ch chan uint64 }

func (q quiet) Written(i uint64) {
	select {
	case q.ch <- i:
	default:
	}
}
func (q quiet) Failed(error) { close(q.ch) }

func benchAppend(b *testing.B, data []byte, cfg recorder.Config) {
	r := newRecorder(b, cfg)
	q := quiet{make(chan uint64, 1)}
	rec, err := r.Open(context.Background(), meta("bench"), q)
	if err != nil {
		b.Fatal(err)
	}
	const frame = 16 << 10
	e := pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput}
	b.SetBytes(frame)
	b.ReportAllocs()
	b.ResetTimer()
	var written uint64
	for i := 0; b.Loop(); i++ {
		at := i * frame % (len(data) - frame)
		e.Data = data[at : at+frame]
		index, err := rec.Append(e)
		if err != nil {
			b.Fatal(err)
		}
		for index > written+32 { // 512 KiB ahead, as the broker's window
			written = <-q.ch
		}
	}
	if err := rec.Close(context.Background(), pam.Entry{}); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for name, data := range map[string][]byte{"text": terminalText(8 << 20), "noise": noise(8 << 20)} {
		b.Run(name+"/disk", func(b *testing.B) { benchAppend(b, data, recorder.Config{InsecureNoFreeFloor: true}) })
		b.Run(name+"/discard", func(b *testing.B) { benchAppend(b, data, recorder.Config{FS: discardFS{recordertest.NewMemFS()}}) })
	}
}

// BenchmarkEcho is one keystroke's echo, from Append to Written, on a real directory.
func BenchmarkEcho(b *testing.B) {
	r := newRecorder(b, recorder.Config{InsecureNoFreeFloor: true})
	q := quiet{make(chan uint64, 1)}
	rec, err := r.Open(context.Background(), meta("bench"), q)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rec.Append(pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, Data: []byte("x")}); err != nil {
			b.Fatal(err)
		}
		<-q.ch
	}
	if err := rec.Close(context.Background(), pam.Entry{}); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkVerify(b *testing.B) {
	for name, data := range map[string][]byte{"text": terminalText(32 << 20), "noise": noise(32 << 20)} {
		var entries []pam.Entry
		for at := 0; at < len(data); at += 16 << 10 {
			entries = append(entries, pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, Data: data[at : at+16<<10]})
		}
		file := recordLarge(b, entries)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data))) // uncompressed, performance.md
			b.ReportAllocs()
			for b.Loop() {
				if rep := verify(b, file); rep.State != recorder.StateValidComplete {
					b.Fatal(rep.State)
				}
			}
			b.ReportMetric(float64(len(data))/float64(len(file)), "ratio")
		})
		b.Run(name+"/read", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := recorder.NewReader(bytes.NewReader(file))
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range r.All() {
					if err != nil {
						b.Fatal(err)
					}
				}
				r.Close()
			}
		})
	}
}

func recordLarge(t testing.TB, entries []pam.Entry) []byte {
	t.Helper()
	mem := recordertest.NewMemFS()
	rec, w := open(t, newRecorder(t, recorder.Config{FS: mem}), "large")
	for i, e := range entries {
		appendEntry(t, rec, e)
		if i > 100 {
			if err := w.wait(uint64(i - 100)); err != nil {
				t.Fatal(err)
			}
		}
	}
	closeRecording(t, rec, pam.EndRemoteLogoff)
	return mem.Get(rec.Path())
}

func BenchmarkExportCast(b *testing.B) {
	file := record(b, meta("cast"), outputAt(0, string(terminalText(4<<20))))
	b.SetBytes(4 << 20)
	b.ReportAllocs()
	for b.Loop() {
		if err := recorder.ExportCast(io.Discard, bytes.NewReader(file)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenClose(b *testing.B) {
	r := newRecorder(b, recorder.Config{InsecureNoFreeFloor: true})
	b.ReportAllocs()
	for b.Loop() {
		rec, err := r.Open(context.Background(), meta("bench"), quiet{make(chan uint64, 1)})
		if err != nil {
			b.Fatal(err)
		}
		if err := rec.Close(context.Background(), pam.Entry{}); err != nil {
			b.Fatal(err)
		}
		_ = os.Remove(rec.Path())
	}
}

// BenchmarkIdle reports what an open recording costs in memory once it is idle.
func BenchmarkIdle(b *testing.B) {
	r := newRecorder(b, recorder.Config{InsecureNoFreeFloor: true})
	const n = 500
	recs := make([]pam.Recording, n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range recs {
		q := quiet{make(chan uint64, 1)}
		rec, err := r.Open(context.Background(), meta("idle"), q)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := rec.Append(output(1)); err != nil {
			b.Fatal(err)
		}
		<-q.ch
		recs[i] = rec
	}
	for _, rec := range recs {
		for !rec.(*recorder.Recording).Idle() {
			runtime.Gosched()
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		_ = recs
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/recording")
	for _, rec := range recs {
		if err := rec.Close(context.Background(), pam.Entry{}); err != nil {
			b.Fatal(err)
		}
	}
}

// discardFS forgets what is written: what is left is the recorder itself.
type discardFS struct{ recorder.FS }

func (d discardFS) Create(name string) (recorder.File, error) {
	f, err := d.FS.Create(name)
	return discardFile{f}, err
}

type discardFile struct{ recorder.File }

func (discardFile) Write(p []byte) (int, error) { return len(p), nil }
func (discardFile) Truncate(int64) error        { return nil }
