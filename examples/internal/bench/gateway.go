package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/examples/internal/spine"
)

// gatewayOrder is what the gateway process reads from its standard input. It answers every further line with the number
// of its goroutines; the end of the input ends it.
type gatewayOrder struct {
	Target spine.Target
	Dir    string
	Profiles
}

// Profiles are files that a gateway process writes when it is to end; an empty name: none.
type Profiles struct {
	CPU  string // from its start on
	Heap string // what is in use at the end, before the sessions are closed
}

// GatewayRole is the gateway process: what a command does that StartGateway has run with -role gateway.
func GatewayRole(ctx context.Context) error {
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
	if o.CPU != "" {
		f, err := os.Create(o.CPU)
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
	if o.Heap != "" {
		if err := writeHeap(o.Heap); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return g.Close(ctx)
}

// writeHeap writes what is in use.
func writeHeap(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	runtime.GC()
	return errors.Join(pprof.WriteHeapProfile(f), f.Close())
}

// Gateway is a gateway process, so that its CPU time and its memory can be told apart from those of the browser's side.
type Gateway struct {
	*Child
	URL string

	out *bufio.Reader
}

// StartGateway runs this program once more as a gateway, with recordings below dir.
func StartGateway(ctx context.Context, dir string, target spine.Target, profiles Profiles) (*Gateway, error) {
	c, err := StartRole(ctx, "gateway")
	if err != nil {
		return nil, err
	}
	g := &Gateway{Child: c, out: bufio.NewReader(c.Out)}
	if err := g.begin(dir, target, profiles); err != nil {
		g.Stop()
		return nil, fmt.Errorf("gateway: %w", err)
	}
	return g, nil
}

func (g *Gateway) begin(dir string, target spine.Target, profiles Profiles) error {
	recordings, err := os.MkdirTemp(dir, "recordings")
	if err != nil {
		return err
	}
	if err := json.NewEncoder(g.In).Encode(gatewayOrder{target, recordings, profiles}); err != nil {
		return err
	}
	url, err := g.out.ReadString('\n')
	g.URL = strings.TrimSpace(url)
	return err
}

// CPU returns the CPU seconds of the process so far.
func (g *Gateway) CPU() (float64, error) { return CPU(g.Pid()) }

// Footprint is what a gateway process takes.
type Footprint struct{ PSS, Goroutines, Threads int }

// Footprint waits until the runtime has given back what the setting-up needed, or half a minute.
func (g *Gateway) Footprint() (Footprint, error) {
	low := Footprint{PSS: 1 << 62}
	for range 10 {
		time.Sleep(3 * time.Second)
		now, err := g.look()
		if err != nil {
			return low, err
		}
		settled := now.PSS > low.PSS-low.PSS/100
		now.PSS = min(now.PSS, low.PSS)
		if low = now; settled {
			break
		}
	}
	return low, nil
}

func (g *Gateway) look() (f Footprint, err error) {
	if f.PSS, err = PSS(g.Pid()); err != nil {
		return f, err
	}
	if f.Threads, err = Threads(g.Pid()); err != nil {
		return f, err
	}
	f.Goroutines, err = g.goroutines()
	return f, err
}

// goroutines asks the process how many it runs.
func (g *Gateway) goroutines() (int, error) {
	if _, err := fmt.Fprintln(g.In); err != nil {
		return 0, err
	}
	line, err := g.out.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line))
}
