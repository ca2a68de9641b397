package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/sshx/sshtest"
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
			line("\noutput\twall s\trange\tx floor\tCPU s\tx floor")
			for _, r := range rows {
				m, lo, hi := r.median(wall)
				c, _, _ := r.median(cpu)
				line("%s\t%.2f\t%.2f to %.2f\t%.2f\t%.2f\t%.2f", r.name, m, lo, hi, m/fw, c, c/fc)
			}
		case "echo":
			at := func(q float64) func(result) float64 {
				return func(r result) float64 { return quantile(r.Echo, q) * 1000 }
			}
			f50, _, _ := floor.median(at(.5))
			f99, _, _ := floor.median(at(.99))
			line("\necho\tp50 ms\tover floor\tp99 ms\tover floor")
			for _, r := range rows {
				p50, _, _ := r.median(at(.5))
				p99, _, _ := r.median(at(.99))
				line("%s\t%.3f\t%+.3f\t%.3f\t%+.3f", r.name, p50, p50-f50, p99, p99-f99)
			}
		case "start":
			mid := func(r result) float64 { return quantile(r.Start, .5) * 1000 }
			f, _, _ := floor.median(mid)
			line("\nstart\tmedian ms\tx floor")
			for _, r := range rows {
				m, _, _ := r.median(mid)
				line("%s\t%.1f\t%.2f", r.name, m, m/f)
			}
		}
	}
	_ = tw.Flush()
}

// idleMemory opens n recorded sessions that do nothing and tells what each adds to the gateway's memory. The
// target is an in-process server of this process: a real sshd would be several processes for each.
func idleMemory(ctx context.Context, dir string, n int, w io.Writer) error {
	srv, err := sshtest.NewServer(sshtest.Config{Passwords: map[string]string{"demo": "correct horse"}, Handler: func(s *sshtest.Session) int {
		fmt.Fprint(s, "$ ")
		<-s.Context().Done()
		return 0
	}})
	if err != nil {
		return err
	}
	defer srv.Close()
	addr, err := srv.Listen()
	if err != nil {
		return err
	}
	g, err := startGateway(ctx, dir, spine.Target{Address: addr, User: "demo", HostKey: srv.HostKey(), Password: "correct horse"}, "")
	if err != nil {
		return err
	}
	defer g.stop()
	open := func() (terminal, error) {
		t, err := openPage(ctx, g.url, spine.Recorded)
		if err == nil {
			<-t.output()
		}
		return t, err
	}
	first, err := open() // what a gateway takes once is not a session's
	if err != nil {
		return err
	}
	defer first.close()
	base, err := settledPSS(g.cmd)
	if err != nil {
		return err
	}
	for range n {
		t, err := open()
		if err != nil {
			return err
		}
		defer t.close()
	}
	full, err := settledPSS(g.cmd)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nidle: %d recorded sessions, %.3f MiB each (PSS %.1f to %.1f MiB)\n", n,
		float64(full-base)/float64(n)/(1<<20), float64(base)/(1<<20), float64(full)/(1<<20))
	return nil
}

// settledPSS waits until the runtime has given back what the setting-up needed, or half a minute.
func settledPSS(cmd *exec.Cmd) (int, error) {
	low := 1 << 62
	for range 10 {
		time.Sleep(3 * time.Second)
		n, err := processPSS(cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		if n > low-low/100 {
			return min(n, low), nil
		}
		low = n
	}
	return low, nil
}
