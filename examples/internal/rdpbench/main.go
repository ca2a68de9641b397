// Command rdpbench measures what a desktop through the gateway costs, against floors of the same run: a bare rdp client that
// throws everything away, and xfreerdp, which decodes and draws. The target is a real xrdp of 1024x768 at 32 bits over TLS on
// loopback, with the same loads for all: 50 lines of text a second in a terminal, and a picture of 400x300 that moves 25 times
// a second. Gateway, clients and target each are processes of their own, so that their CPU time can be told apart. It needs root and
// the packages of .ci/install.sh, as the tests with real servers do.
//
//	go run ./examples/internal/rdpbench -runs 3
package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"time"

	"github.com/sallyport/sallyport/examples/internal/bench"
)

// The desktop.
const width, height = 1024, 768

type options struct {
	runs, keys, starts, joins int
	seconds                   int
	live, real                []int
	profiles                  bench.Profiles
	measure, paths            string // lists with commas; empty: all
}

func main() {
	var o options
	role := flag.String("role", "", "internal: run as gateway or floor, or show a load: text or picture")
	flag.IntVar(&o.runs, "runs", 3, "runs of each measurement, interleaved; medians are shown")
	flag.IntVar(&o.seconds, "seconds", 10, "how long a load lasts")
	flag.IntVar(&o.keys, "keys", 100, "keystrokes of one run")
	flag.IntVar(&o.starts, "starts", 5, "session starts per path and run")
	flag.IntVar(&o.joins, "joins", 10, "late joiners per run")
	live := flag.String("live", "1,5,20", "numbers of live sessions for the memory figures, on scripted desktops; empty skips them")
	real := flag.String("real", "1,5", "the same on desktops of xrdp")
	flag.StringVar(&o.measure, "measure", "", "text, picture, key, start and join, or some of them, with commas; empty is all")
	flag.StringVar(&o.paths, "paths", "", "floor, xfreerdp, gateway and recorded, or some of them, with commas; empty is all, which ratios need")
	flag.StringVar(&o.profiles.CPU, "profile", "", "write a CPU profile of the gateway process to this file")
	flag.StringVar(&o.profiles.Heap, "heap", "", "write a heap profile of the gateway with the most sessions on xrdp to this file")
	flag.Parse()
	var lerr, rerr error
	o.live, lerr = bench.ParseLevels(*live)
	o.real, rerr = bench.ParseLevels(*real)
	bench.Misused("rdpbench", errors.Join(lerr, rerr))
	bench.Main("rdpbench", *role, map[string]func(context.Context) error{
		"":        func(ctx context.Context) error { return orchestrate(ctx, o) },
		"gateway": bench.GatewayRole,
		"floor":   floorRole,
		loadText:  func(context.Context) error { return lines(os.Stdout, o.seconds) },
		loadPicture: func(context.Context) error {
			return showPicture(os.Getenv("DISPLAY"), time.Duration(o.seconds)*time.Second)
		},
	})
}

func orchestrate(ctx context.Context, o options) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "rdpbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := buildDesk(ctx, dir)
	if err != nil {
		return err
	}
	d, err := startDesk(ctx, program, "xrdp")
	if err != nil {
		return err
	}
	defer d.Stop()
	g, err := bench.StartGateway(ctx, dir, d.target, bench.Profiles{CPU: o.profiles.CPU})
	if err != nil {
		return err
	}
	defer g.Stop()
	x, err := startDisplay(ctx, dir)
	if err != nil {
		return err
	}
	defer x.stop()
	b := &benches{ctx: ctx, o: o, desk: d, gateway: g, display: x}
	if err := b.run(); err != nil {
		return err
	}
	g.Stop()
	if err := memory(ctx, dir, "scripted desktops, planar", scripted, o.live, "", os.Stdout); err != nil {
		return err
	}
	return memory(ctx, dir, "xrdp", apart(ctx, program), o.real, o.profiles.Heap, os.Stdout)
}
