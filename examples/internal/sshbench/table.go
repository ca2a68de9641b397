package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// path is one way to the target.
type path struct {
	name string
	run  func() (result, error)
}

// row is the runs of one path.
type row struct {
	name string
	runs []result
}

// targets are what a path may cost, against the floor of the same run. A path that has none is a floor or a peer.
type targets struct {
	wall, cpu, start float64 // times the floor
	p50, p99         float64 // ms over the floor
}

var limits = map[string]targets{
	pathGateway:  {wall: 1.05, cpu: 1.3, start: 1.3, p50: 0.10, p99: 1},
	pathRecorded: {wall: 1.05, cpu: 1.6, start: 1.3, p50: 0.10, p99: 1},
}

// against shows a value as a share of its target; up to 1.00 it is met.
func against(value, target float64) string {
	if target == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f of %.2f", value/target, target)
}

// table gathers measurements. The first path of a kind is its floor.
type table struct {
	kinds []string
	rows  map[string][]*row
}

// measure runs every path runs times, interleaved, so that a slow minute of the machine hits all alike.
func (t *table) measure(kind string, runs int, paths []path) error {
	if t.rows == nil {
		t.rows = map[string][]*row{}
	}
	t.kinds = append(t.kinds, kind)
	for _, p := range paths {
		t.rows[kind] = append(t.rows[kind], &row{name: p.name})
	}
	for i := range runs {
		for k, p := range paths {
			r, err := p.run()
			if err != nil {
				return fmt.Errorf("%s, %s: %w", kind, p.name, err)
			}
			fmt.Fprintf(os.Stderr, "%s %d/%d %s: wall %.2f s, cpu %.2f s\n", kind, i+1, runs, p.name, r.Wall, r.CPU)
			t.rows[kind][k].runs = append(t.rows[kind][k].runs, r)
		}
	}
	return nil
}

func (r *row) median(pick func(result) float64) (mid, low, high float64) {
	var v []float64
	for _, run := range r.runs {
		v = append(v, pick(run))
	}
	return quantile(v, 0.5), quantile(v, 0), quantile(v, 1)
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
			fw, _, _ := floor.median(wall)
			fc, _, _ := floor.median(cpu)
			line("\noutput\twall s\trange\tx floor\tx target\tCPU s\tx floor\tx target")
			for _, r := range rows {
				m, lo, hi := r.median(wall)
				c, _, _ := r.median(cpu)
				to := limits[r.name]
				line("%s\t%.2f\t%.2f to %.2f\t%.2f\t%s\t%.2f\t%.2f\t%s", r.name, m, lo, hi, m/fw, against(m/fw, to.wall), c, c/fc, against(c/fc, to.cpu))
			}
		case "echo":
			at := func(q float64) func(result) float64 {
				return func(r result) float64 { return quantile(r.Echo, q) * 1000 }
			}
			f50, _, _ := floor.median(at(.5))
			f99, _, _ := floor.median(at(.99))
			line("\necho\tp50 ms\tover floor\tx target\tp99 ms\tover floor\tx target")
			for _, r := range rows {
				p50, _, _ := r.median(at(.5))
				p99, _, _ := r.median(at(.99))
				to := limits[r.name]
				line("%s\t%.3f\t%+.3f\t%s\t%.3f\t%+.3f\t%s", r.name, p50, p50-f50, against(p50-f50, to.p50), p99, p99-f99, against(p99-f99, to.p99))
			}
		case "start":
			mid := func(r result) float64 { return quantile(r.Start, .5) * 1000 }
			f, _, _ := floor.median(mid)
			line("\nstart\tmedian ms\tx floor\tx target")
			for _, r := range rows {
				m, _, _ := r.median(mid)
				line("%s\t%.1f\t%.2f\t%s", r.name, m, m/f, against(m/f, limits[r.name].start))
			}
		}
	}
	_ = tw.Flush()
}
