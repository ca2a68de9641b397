package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/sallyport/sallyport/examples/internal/bench"
)

// targets are what a path may cost, against the floor of the same run. A path that has none is a floor or a peer.
type targets struct {
	wall, cpu, start float64 // times the floor
	p50, p99         float64 // ms over the floor
}

var limits = map[string]targets{
	pathGateway:  {wall: 1.05, cpu: 1.3, start: 1.3, p50: 0.10, p99: 1},
	pathRecorded: {wall: 1.05, cpu: 1.6, start: 1.3, p50: 0.10, p99: 1},
}

// table gathers measurements. The first path of a kind is its floor.
type table struct {
	kinds []string
	rows  map[string][]*bench.Row[result]
}

// measure adds a kind.
func (t *table) measure(kind string, runs int, paths []bench.Path[result]) error {
	rows, err := bench.Interleave(kind, runs, paths, func(r result) string { return fmt.Sprintf("wall %.2f s, cpu %.2f s", r.Wall, r.CPU) })
	if err != nil {
		return err
	}
	if t.rows == nil {
		t.rows = map[string][]*bench.Row[result]{}
	}
	t.kinds, t.rows[kind] = append(t.kinds, kind), rows
	return nil
}

func (t *table) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { fmt.Fprintf(tw, format+"\n", args...) }
	for _, kind := range t.kinds {
		rows := t.rows[kind]
		floor := rows[0]
		switch kind {
		case "flood":
			wall := func(r result) float64 { return r.Wall }
			cpu := func(r result) float64 { return r.CPU }
			fw, _, _ := floor.Median(wall)
			fc, _, _ := floor.Median(cpu)
			line("\noutput\twall s\trange\tx floor\tx target\tCPU s\tx floor\tx target")
			for _, r := range rows {
				m, lo, hi := r.Median(wall)
				c, _, _ := r.Median(cpu)
				to := limits[r.Name]
				line("%s\t%.2f\t%.2f to %.2f\t%.2f\t%s\t%.2f\t%.2f\t%s", r.Name, m, lo, hi, m/fw, bench.Against(m/fw, to.wall), c, c/fc, bench.Against(c/fc, to.cpu))
			}
		case "echo":
			at := func(q float64) func(result) float64 {
				return func(r result) float64 { return bench.Quantile(r.Echo, q) * 1000 }
			}
			f50, _, _ := floor.Median(at(.5))
			f99, _, _ := floor.Median(at(.99))
			line("\necho\tp50 ms\tover floor\tx target\tp99 ms\tover floor\tx target")
			for _, r := range rows {
				p50, _, _ := r.Median(at(.5))
				p99, _, _ := r.Median(at(.99))
				to := limits[r.Name]
				line("%s\t%.3f\t%+.3f\t%s\t%.3f\t%+.3f\t%s", r.Name, p50, p50-f50, bench.Against(p50-f50, to.p50), p99, p99-f99, bench.Against(p99-f99, to.p99))
			}
		case "start":
			mid := func(r result) float64 { return bench.Quantile(r.Start, .5) * 1000 }
			f, _, _ := floor.Median(mid)
			line("\nstart\tmedian ms\tx floor\tx target")
			for _, r := range rows {
				m, _, _ := r.Median(mid)
				line("%s\t%.1f\t%.2f\t%s", r.Name, m, m/f, bench.Against(m/f, limits[r.Name].start))
			}
		}
	}
	_ = tw.Flush()
}
