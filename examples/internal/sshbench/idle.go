package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"text/tabwriter"

	"github.com/sallyport/sallyport/examples/internal/bench"
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
	g, err := bench.StartGateway(ctx, dir, spine.Target{Address: addr, User: "demo", HostKey: srv.HostKey(), Password: "correct horse"}, bench.Profiles{})
	if err != nil {
		return err
	}
	defer g.Stop()
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
	base, err := g.Footprint()
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "\nidle, recorded\tMiB each (PSS)\tx target of %.2f\tgoroutines each\tthreads in all\n", idleTarget)
	for _, n := range levels {
		if open, err = openIdle(ctx, g, open, n); err != nil {
			return err
		}
		f, err := g.Footprint()
		if err != nil {
			return err
		}
		each := float64(f.PSS-base.PSS) / float64(n) / (1 << 20)
		fmt.Fprintf(tw, "%d sessions\t%.3f\t%.2f\t%.1f\t%d (with none %d)\n", n, each, each/idleTarget,
			float64(f.Goroutines-base.Goroutines)/float64(n), f.Threads, base.Threads)
	}
	return tw.Flush()
}

// openIdle opens sessions until there are n, a few at a time.
func openIdle(ctx context.Context, g *bench.Gateway, open []terminal, n int) ([]terminal, error) {
	var mu sync.Mutex // guards open and failed
	var failed error
	turn := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for range n - len(open) {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			t, err := openPage(ctx, g.URL, spine.Recorded)
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
