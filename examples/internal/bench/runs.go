package bench

import (
	"fmt"
	"os"
	"slices"
)

// Path is one way to the target.
type Path[R any] struct {
	Name string
	Run  func() (R, error)
}

// Row is the runs of one path.
type Row[R any] struct {
	Name string
	Runs []R
}

// Interleave runs every path runs times, taking turns, so that a slow minute of the machine hits all alike. note says
// what a result was, for whoever waits.
func Interleave[R any](kind string, runs int, paths []Path[R], note func(R) string) ([]*Row[R], error) {
	rows := make([]*Row[R], len(paths))
	for k, p := range paths {
		rows[k] = &Row[R]{Name: p.Name}
	}
	for i := range runs {
		for k, p := range paths {
			r, err := p.Run()
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", kind, p.Name, err)
			}
			fmt.Fprintf(os.Stderr, "%s %d/%d %s: %s\n", kind, i+1, runs, p.Name, note(r))
			rows[k].Runs = append(rows[k].Runs, r)
		}
	}
	return rows, nil
}

// Median returns the median of a figure of the runs, the lowest and the highest.
func (r *Row[R]) Median(pick func(R) float64) (mid, low, high float64) {
	var v []float64
	for _, run := range r.Runs {
		v = append(v, pick(run))
	}
	return Quantile(v, 0.5), Quantile(v, 0), Quantile(v, 1)
}

// Quantile of values, which it sorts.
func Quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[min(len(v)-1, int(q*float64(len(v))))]
}

// Against shows a value as a share of its target; up to 1.00 it is met. Without a target there is nothing to show.
func Against(value, target float64) string {
	if target == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f of %.2f", value/target, target)
}
