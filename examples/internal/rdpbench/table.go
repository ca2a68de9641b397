package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/sallyport/sallyport/examples/internal/bench"
)

// The target for CPU is a fifth of guacd's, which was so many times xfreerdp's on the same loads. It is no part of any usual system: the ratios
// were measured once, and are quoted.
var guacd = map[string]float64{loadText: 1.82, loadPicture: 3.4}

const (
	guacdShare   = 1. / 5
	recordTarget = 1.10  // CPU, times that of forwarding
	startTarget  = 1.05  // times xfreerdp's
	joinTarget   = 0.100 // seconds
)

// table gathers measurements.
type table struct {
	kinds []string
	rows  map[string][]*bench.Row[result]
}

func (t *table) measure(kind string, runs int, paths []bench.Path[result]) error {
	rows, err := bench.Interleave(kind, runs, paths, func(r result) string {
		return fmt.Sprintf("cpu %.2f s, %.2f MB, %d keys, %d starts, %d joiners", r.CPU, float64(r.Bytes)/1e6, len(r.Keys), len(r.Start), len(r.Join))
	})
	if err != nil {
		return err
	}
	if t.rows == nil {
		t.rows = map[string][]*bench.Row[result]{}
	}
	t.kinds, t.rows[kind] = append(t.kinds, kind), rows
	return nil
}

func (t *table) row(kind, name string) *bench.Row[result] {
	for _, r := range t.rows[kind] {
		if r.Name == name {
			return r
		}
	}
	return &bench.Row[result]{}
}

// ms is a quantile of some times, in milliseconds.
func ms(pick func(result) []float64, q float64) func(result) float64 {
	return func(r result) float64 { return bench.Quantile(pick(r), q) * 1000 }
}

func (t *table) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { fmt.Fprintf(tw, format+"\n", args...) }
	for _, kind := range t.kinds {
		switch kind {
		case loadText, loadPicture:
			t.load(line, kind)
		case "key":
			t.keys(line)
		case "start":
			t.starts(line)
		case "join":
			line("\nlate joiner\tmedian ms to the whole picture\trange\tx target")
			for _, r := range t.rows[kind] {
				m, lo, hi := r.Median(ms(func(r result) []float64 { return r.Join }, .5))
				line("%s\t%.1f\t%.1f to %.1f\t%s", r.Name, m, lo, hi, bench.Against(m, joinTarget*1000))
			}
		}
	}
	_ = tw.Flush()
}

func (t *table) load(line func(string, ...any), kind string) {
	cpu := func(r result) float64 { return r.CPU }
	floor, _, _ := t.row(kind, pathFloor).Median(cpu)
	peer, _, _ := t.row(kind, pathXFreeRDP).Median(cpu)
	plain, _, _ := t.row(kind, pathGateway).Median(cpu)
	line("\n%s\tCPU s\trange\tx floor\tx xfreerdp\tx target (guacd/5 = %.2f xfreerdp, quoted)\tx forwarding\tx target\tMB", kind, guacd[kind]*guacdShare)
	for _, r := range t.rows[kind] {
		m, lo, hi := r.Median(cpu)
		mb, _, _ := r.Median(func(r result) float64 { return float64(r.Bytes) / 1e6 })
		share, over, recorded := "-", "-", "-"
		switch r.Name {
		case pathRecorded:
			over, recorded = fmt.Sprintf("%.2f", m/plain), bench.Against(m/plain, recordTarget)
			fallthrough
		case pathGateway:
			share = bench.Against(m/peer, guacd[kind]*guacdShare)
		}
		line("%s\t%.2f\t%.2f to %.2f\t%.2f\t%.2f\t%s\t%s\t%s\t%.2f", r.Name, m, lo, hi, m/floor, m/peer, share, over, recorded, mb)
	}
}

func (t *table) keys(line func(string, ...any)) {
	pick := func(r result) []float64 { return r.Keys }
	f50, _, _ := t.row("key", pathFloor).Median(ms(pick, .5))
	f95, _, _ := t.row("key", pathFloor).Median(ms(pick, .95))
	line("\nkey to next frame\tp50 ms\tover floor\tp95 ms\tover floor")
	for _, r := range t.rows["key"] {
		p50, _, _ := r.Median(ms(pick, .5))
		p95, _, _ := r.Median(ms(pick, .95))
		line("%s\t%.2f\t%+.2f\t%.2f\t%+.2f", r.Name, p50, p50-f50, p95, p95-f95)
	}
}

func (t *table) starts(line func(string, ...any)) {
	pick := ms(func(r result) []float64 { return r.Start }, .5)
	peer, _, _ := t.row("start", pathXFreeRDP).Median(pick)
	floor, _, _ := t.row("start", pathFloor).Median(pick)
	line("\nconnect to first image\tmedian ms\trange\tx floor\tx xfreerdp (its start as a process included)\tx target")
	for _, r := range t.rows["start"] {
		m, lo, hi := r.Median(pick)
		share := "-"
		if r.Name == pathGateway || r.Name == pathRecorded {
			share = bench.Against(m/peer, startTarget)
		}
		line("%s\t%.0f\t%.0f to %.0f\t%.2f\t%.2f\t%s", r.Name, m, lo, hi, m/floor, m/peer, share)
	}
}
