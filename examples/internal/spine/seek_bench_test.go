package spine_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// hour is what an hour of a busy session looks like: how much, in which pieces, and what a key frame adds every so many bytes, as
// the broker has it.
type hour struct {
	frame           pam.FrameKind
	bytes, piece    int
	key, everyBytes int
	text            bool // which compresses; what a desktop has coded does not
}

// written hears of what a recorder has written.
type written chan uint64

func (w written) Written(n uint64) {
	select {
	case w <- n:
	default:
	}
}
func (w written) Failed(error) { close(w) }

// film records an hour in a moment, as the recording of a session that is over.
func (h hour) film(ctx context.Context, b *testing.B, g *spine.Gateway, id pam.SessionID) {
	b.Helper()
	info, err := g.Broker.Session(ctx, id)
	if err != nil {
		b.Fatal(err)
	}
	w := make(written, 1)
	meta := pam.RecordingMeta{Session: id, Asset: info.Asset, Protocol: info.Protocol, Started: info.Created, Size: pam.Size{Cols: 80, Rows: 24}}
	rec, err := g.Recorder.Open(ctx, meta, w)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.NewChaCha8([32]byte{1})
	data := make([]byte, 8<<20)
	_, _ = rng.Read(data)
	if h.text {
		line := 0
		for text := data[:0]; len(text) < len(data)-128; line++ {
			text = fmt.Appendf(text, "\x1b[%dm-rw-r--r--\x1b[0m 1 user staff %7d file-%06x.log\r\n", 31+line%6, line, data[line])
		}
	}
	var since, done int
	var seen uint64
	add := func(flags pam.FrameFlags, size int) {
		at := time.Duration(float64(time.Hour) * float64(done) / float64(h.bytes))
		from := done % (len(data) - size)
		n, err := rec.Append(pam.Entry{Kind: pam.EntryFrame, Frame: h.frame, Flags: flags, At: at, Data: data[from : from+size]})
		if err != nil {
			b.Fatal(err)
		}
		for n > seen+32 {
			seen = <-w
		}
	}
	for done < h.bytes {
		add(0, h.piece)
		done += h.piece
		if since += h.piece; since >= h.everyBytes {
			add(pam.FlagKey|pam.FlagRepeat, h.key)
			since = 0
		}
	}
	if err := rec.Close(ctx, pam.Entry{At: time.Hour}); err != nil {
		b.Fatal(err)
	}
	if err := os.Rename(rec.Path(), info.Recording); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSeek seeks in an hour's recording to random places, over HTTP: what the browser waits for until the first byte of a segment is
// there, and until all is there that leads from the key frame to that place. Opening checks the whole recording, once.
func BenchmarkSeek(b *testing.B) {
	for name, h := range map[string]hour{
		"text":    {frame: pam.FrameOutput, bytes: 64 << 20, piece: 4 << 10, key: 128 << 10, everyBytes: 1 << 20, text: true},
		"desktop": {frame: pam.FrameScreen, bytes: 256 << 20, piece: 32 << 10, key: 1 << 20, everyBytes: 8 << 20},
	} {
		b.Run(name, func(b *testing.B) {
			g, ctx := start(b, spine.Config{Target: demoTarget(b, lineShell), Dir: b.TempDir()})
			id := record(ctx, b, g)
			h.film(ctx, b, g, id)
			begin := time.Now()
			p, err := play(ctx, g.Manager(), id)
			if err != nil {
				b.Fatal(err)
			}
			open := time.Since(begin)
			rng := rand.New(rand.NewPCG(1, 2))
			var first, whole []time.Duration
			for b.Loop() {
				at := rng.Int64N(time.Hour.Milliseconds())
				begin := time.Now()
				firstByte := time.Duration(0)
				for n := p.keyBefore(at); n < len(p.Segments) && p.Segments[n].At <= at; n++ {
					fetch(ctx, b, g.Manager(), p, n, func() {
						if firstByte == 0 {
							firstByte = time.Since(begin)
						}
					})
				}
				first, whole = append(first, firstByte), append(whole, time.Since(begin))
			}
			slices.Sort(first)
			slices.Sort(whole)
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
			b.ReportMetric(ms(first[len(first)/2]), "first-ms")
			b.ReportMetric(ms(whole[len(whole)/2]), "whole-ms")
			b.ReportMetric(ms(whole[len(whole)*95/100]), "whole-p95-ms")
			b.ReportMetric(ms(open), "open-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// keyBefore is the segment from which a place is drawn.
func (p playback) keyBefore(at int64) (key int) {
	for n, s := range p.Segments {
		if s.Key && s.At <= at {
			key = n
		}
	}
	return key
}

// fetch reads a segment and throws it away; begun is called when its first byte is there.
func fetch(ctx context.Context, b *testing.B, who *pamtest.Browser, p playback, n int, begun func()) {
	b.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s/%s%d", who.Base, p.Base, n), http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	req.Header = who.Header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.ReadFull(resp.Body, make([]byte, 1)); err != nil || resp.StatusCode != http.StatusOK {
		b.Fatal(resp.Status, err)
	}
	begun()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		b.Fatal(err)
	}
}
