// Command sshbench measures what a session through the gateway costs, against floors taken in the same run: a bare
// golang.org/x/crypto/ssh client, and OpenSSH's ssh -tt. The target is the real sshd on loopback. The gateway and
// the floor client each run in a process of their own, so that their CPU time can be told apart from that of the
// browser's side, which is this process.
//
//	go run ./examples/internal/sshbench -runs 3
package main

import (
	"context"
	"flag"
	"os"
	"time"

	"github.com/sallyport/sallyport/examples/internal/bench"
)

func main() {
	var o options
	role := flag.String("role", "", "internal: run as gateway, floor or relay")
	flag.IntVar(&o.runs, "runs", 3, "runs of each measurement, interleaved; medians are shown")
	flag.IntVar(&o.bytes, "bytes", 68_400_000, "terminal output of one throughput run")
	flag.IntVar(&o.keys, "keys", 1500, "keystrokes of one echo run")
	flag.IntVar(&o.starts, "starts", 10, "session starts per path")
	idle := flag.String("idle", "1,100,1000", "numbers of idle sessions for the memory figures, ascending; empty skips them")
	flag.StringVar(&o.profile, "profile", "", "write a CPU profile of the gateway process to this file")
	flag.Parse()
	var err error
	o.idle, err = bench.ParseLevels(*idle)
	bench.Misused("sshbench", err)
	bench.Main("sshbench", *role, map[string]func(context.Context) error{
		"":        func(ctx context.Context) error { return orchestrate(ctx, o) },
		"gateway": bench.GatewayRole,
		"floor":   floorRole,
		"relay":   func(context.Context) error { return relayRole() },
	})
}

// The paths that have targets.
const (
	pathGateway  = "gateway"
	pathRecorded = "gateway, recorded"
)

type options struct {
	runs, bytes, keys, starts int
	idle                      []int
	profile                   string
}

func orchestrate(ctx context.Context, o options) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "sshbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d, err := startSSHD(dir, o.bytes)
	if err != nil {
		return err
	}
	defer d.stop()
	g, err := bench.StartGateway(ctx, dir, d.target, bench.Profiles{CPU: o.profile})
	if err != nil {
		return err
	}
	defer g.Stop()

	relayed, stopRelay, err := startRelay(ctx, d.target)
	if err != nil {
		return err
	}
	defer stopRelay()

	var t table
	floor := func(job job) func() (result, error) {
		return func() (result, error) { return runFloor(ctx, d.target, job) }
	}
	via := func(job job, recorded bool) func() (result, error) {
		return func() (result, error) { return runGateway(ctx, g, job, recorded) }
	}
	flood := job{Kind: "flood", Bytes: o.bytes, Command: "stty raw -echo; cat " + d.file + "; exit\n"}
	echo := job{Kind: "echo", Keys: o.keys, Command: "stty raw -echo; echo re''ady; exec cat\n"}
	begin := job{Kind: "start", Starts: o.starts}
	for _, j := range []job{flood, echo, begin} {
		paths := []bench.Path[result]{
			{Name: "x/crypto/ssh (floor)", Run: floor(j)},
			{Name: pathGateway, Run: via(j, false)},
			{Name: pathRecorded, Run: via(j, true)},
		}
		if j.Kind == "echo" {
			paths = append(paths, bench.Path[result]{Name: "x/crypto/ssh through a bare TCP relay", Run: func() (result, error) { return runFloor(ctx, relayed, j) }})
		}
		if j.Kind == "flood" {
			paths = append(paths, bench.Path[result]{Name: "ssh -tt", Run: func() (result, error) { return runOpenSSH(ctx, d, j) }})
		}
		if err := t.measure(j.Kind, o.runs, paths); err != nil {
			return err
		}
	}
	t.print(os.Stdout)
	if len(o.idle) == 0 {
		return nil
	}
	return idleMemory(ctx, dir, o.idle, os.Stdout)
}
