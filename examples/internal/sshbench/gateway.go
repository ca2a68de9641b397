package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// gatewayOrder is what the gateway process reads from its standard input. It answers every further line with the number
// of its goroutines; the end of the input ends it.
type gatewayOrder struct {
	Target  spine.Target
	Dir     string
	Profile string // file of a CPU profile; empty: none
}

func gatewayRole(ctx context.Context) error {
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var o gatewayOrder
	if err := json.Unmarshal(line, &o); err != nil {
		return err
	}
	g, err := spine.Start(spine.Config{Target: o.Target, Dir: o.Dir})
	if err != nil {
		return err
	}
	if o.Profile != "" {
		f, err := os.Create(o.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	fmt.Println(g.URL)
	for {
		if _, err := in.ReadString('\n'); err != nil {
			break
		}
		fmt.Println(runtime.NumGoroutine())
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return g.Close(ctx)
}

// gateway is the gateway process.
type gateway struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	url string
}

func startGateway(ctx context.Context, dir string, target spine.Target, profile string) (*gateway, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-role", "gateway")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	recordings, err := os.MkdirTemp(dir, "recordings")
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(in).Encode(gatewayOrder{target, recordings, profile}); err != nil {
		return nil, err
	}
	answers := bufio.NewReader(out)
	url, err := answers.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	return &gateway{cmd, in, answers, strings.TrimSpace(url)}, nil
}

// goroutines asks the gateway process how many it runs.
func (g *gateway) goroutines() (int, error) {
	if _, err := fmt.Fprintln(g.in); err != nil {
		return 0, err
	}
	line, err := g.out.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line))
}

func (g *gateway) stop() {
	_ = g.in.Close()
	_ = g.cmd.Wait()
}

func (g *gateway) run(ctx context.Context, j job, recorded bool) (result, error) {
	asset := spine.Unrecorded
	if recorded {
		asset = spine.Recorded
	}
	before, err := processCPU(g.cmd.Process.Pid)
	if err != nil {
		return result{}, err
	}
	r, err := do(ctx, j, func(ctx context.Context) (terminal, error) { return openPage(ctx, g.url, asset) })
	if err != nil {
		return r, err
	}
	after, err := processCPU(g.cmd.Process.Pid)
	r.CPU = after - before
	return r, err
}

// pageTerminal is a session through the gateway.
type pageTerminal struct {
	ctx  context.Context
	page *pamtest.Page
	out  chan []byte
}

func openPage(ctx context.Context, url string, asset pam.AssetID) (terminal, error) {
	b := spine.Browser(url)
	id, err := b.Start(ctx, asset, nil)
	if err != nil {
		return nil, err
	}
	t := &pageTerminal{ctx: ctx, out: make(chan []byte, 256)}
	t.page, err = b.Attach(ctx, id, pamtest.PageOptions{Output: func(p []byte, _ bool) {
		select {
		case t.out <- append([]byte(nil), p...):
		case <-ctx.Done():
		}
	}})
	if err != nil {
		return nil, err
	}
	if err := t.page.Await(ctx, func(v pamtest.PageView) bool { return v.State["state"] == "active" || v.End != nil }); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *pageTerminal) type_(text string) error { return t.page.Key(t.ctx, text) }
func (t *pageTerminal) output() <-chan []byte   { return t.out }
func (t *pageTerminal) close() {
	_ = t.page.Disconnect(t.ctx)
	go func() {
		for range t.out { //nolint:revive // the page must not block on what nobody reads
		}
	}()
	<-t.page.Gone()
	t.page.Close()
	close(t.out)
}

// processCPU returns the CPU seconds of a process, user and system, from /proc.
func processCPU(pid int) (float64, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(f) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %q", pid, raw)
	}
	user, err := strconv.Atoi(f[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(f[12])
	return float64(user+system) / 100, err // USER_HZ is 100 on every Linux that Go runs on
}

// processPSS returns the proportional set size of a process in bytes.
func processPSS(pid int) (int, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		var kb int
		if _, err := fmt.Sscanf(line, "Pss: %d kB", &kb); err == nil {
			return kb << 10, nil
		}
	}
	return 0, fmt.Errorf("/proc/%d/smaps_rollup has no Pss", pid)
}
