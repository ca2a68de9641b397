package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/examples/internal/bench"
	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// liveTarget is what one more live session may add to the gateway's memory.
const liveTarget = 3. // MiB

// starter starts what sessions lead to, and returns how to end it.
type starter func() (spine.Target, func(), error)

// scripted is a server of this process, where it does not count: each session has a desktop that moves, sent as planar pictures.
func scripted() (spine.Target, func(), error) {
	const user, password = "anna", "correct horse"
	s, err := rdptest.NewServer(rdptest.Config{Passwords: map[string]string{user: password}, Codec: rdptest.CodecPlanar, Animation: rdptest.Animation{Frames: 5, Letters: 20}})
	if err != nil {
		return spine.Target{}, nil, err
	}
	addr, err := s.Listen()
	if err != nil {
		return spine.Target{}, nil, err
	}
	return spine.Target{Address: addr, User: user, Password: password, Certificate: rdp.Fingerprint(s.Certificate())}, func() { s.Close() }, nil
}

// apart is an xrdp with a desktop for each session.
func apart(ctx context.Context, program string) starter {
	return func() (spine.Target, func(), error) {
		d, err := startDesk(ctx, program, "xrdp-apart")
		if err != nil {
			return spine.Target{}, nil, err
		}
		return d.target, d.Stop, nil
	}
}

// memory opens recorded sessions whose desktops move, up to each of levels, and tells what those beyond the first add to the gateway's
// process.
func memory(ctx context.Context, dir, name string, start starter, levels []int, heap string, w io.Writer) error {
	if len(levels) == 0 {
		return nil
	}
	target, stop, err := start()
	if err != nil {
		return err
	}
	defer stop()
	var open []*page
	defer func() {
		for _, p := range open {
			p.close()
		}
	}()
	g, err := bench.StartGateway(ctx, dir, target, bench.Profiles{Heap: heap})
	if err != nil {
		return err
	}
	defer g.Stop() // before the pages are closed, for the sake of the profile
	var first bench.Footprint
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "\nlive, recorded: %s\tPSS MiB in all\teach beyond the first\tx target of %.0f\tgoroutines each\tthreads\n", name, liveTarget)
	for i, n := range levels {
		for len(open) < n {
			p, err := openPage(ctx, g, spine.Recorded, false)
			if err != nil {
				return err
			}
			open = append(open, p)
		}
		time.Sleep(settle)
		f, err := g.Footprint()
		if err != nil {
			return err
		}
		const mib = 1 << 20
		if i == 0 {
			first = f
		}
		if more := float64(n - levels[0]); more > 0 {
			each := float64(f.PSS-first.PSS) / more / mib
			fmt.Fprintf(tw, "%d\t%.1f\t%.2f\t%.2f\t%.1f\t%d\n", n, float64(f.PSS)/mib, each, each/liveTarget, float64(f.Goroutines-first.Goroutines)/more, f.Threads)
		} else {
			fmt.Fprintf(tw, "%d\t%.1f\t-\t-\t-\t%d\n", n, float64(f.PSS)/mib, f.Threads)
		}
	}
	return tw.Flush()
}
