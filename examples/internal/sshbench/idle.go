package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// idleTarget is what one idle session may add to the gateway's memory, recorded and with its screen model.
const idleTarget = 0.25 // MiB

// idleMemory opens recorded sessions that do nothing, up to each of levels, and tells what each adds to the gateway's
// process. The target is an in-process server of this process, where it does not count: a real sshd would be several
// processes for each.
func idleMemory(ctx context.Context, dir string, levels []int, w io.Writer) error {
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
	var open []terminal
	defer func() {
		for _, t := range open {
			t.close()
		}
	}()
	if open, err = openIdle(ctx, g, open, 1); err != nil { // what a gateway takes once is not a session's
		return err
	}
	open[0].close()
	open = nil
	base, err := g.footprint()
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "\nidle, recorded\tMiB each (PSS)\tx target of %.2f\tgoroutines each\tthreads in all\n", idleTarget)
	for _, n := range levels {
		if open, err = openIdle(ctx, g, open, n); err != nil {
			return err
		}
		f, err := g.footprint()
		if err != nil {
			return err
		}
		each := float64(f.pss-base.pss) / float64(n) / (1 << 20)
		fmt.Fprintf(tw, "%d sessions\t%.3f\t%.2f\t%.1f\t%d (with none %d)\n", n, each, each/idleTarget,
			float64(f.goroutines-base.goroutines)/float64(n), f.threads, base.threads)
	}
	return tw.Flush()
}

// openIdle opens sessions until there are n, a few at a time.
func openIdle(ctx context.Context, g *gateway, open []terminal, n int) ([]terminal, error) {
	var mu sync.Mutex // guards open and failed
	var failed error
	turn := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for range n - len(open) {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			t, err := openPage(ctx, g.url, spine.Recorded)
			if err == nil {
				<-t.output()
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			open = append(open, t)
		})
	}
	wg.Wait()
	return open, failed
}

// footprint is what a gateway process takes.
type footprint struct{ pss, goroutines, threads int }

// footprint waits until the runtime has given back what the setting-up needed, or half a minute.
func (g *gateway) footprint() (footprint, error) {
	low := footprint{pss: 1 << 62}
	for range 10 {
		time.Sleep(3 * time.Second)
		now, err := g.look()
		if err != nil {
			return low, err
		}
		settled := now.pss > low.pss-low.pss/100
		now.pss = min(now.pss, low.pss)
		if low = now; settled {
			break
		}
	}
	return low, nil
}

func (g *gateway) look() (f footprint, err error) {
	if f.pss, err = processPSS(g.cmd.Process.Pid); err != nil {
		return f, err
	}
	if f.threads, err = processThreads(g.cmd.Process.Pid); err != nil {
		return f, err
	}
	f.goroutines, err = g.goroutines()
	return f, err
}

// processThreads returns how many threads a process has.
func processThreads(pid int) (int, error) {
	tasks, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	return len(tasks), err
}

// parseLevels reads numbers of sessions, ascending, from a list with commas.
func parseLevels(text string) (levels []int, err error) {
	for _, field := range strings.Split(text, ",") {
		if field == "" {
			continue
		}
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || len(levels) > 0 && n <= levels[len(levels)-1] {
			return nil, fmt.Errorf("-idle %q; want ascending numbers", text)
		}
		levels = append(levels, n)
	}
	return levels, nil
}
