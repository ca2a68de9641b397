package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sallyport/sallyport/examples/internal/bench"
	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/rdp"
)

// floorOrder is the first line of the floor process's input. Further lines are "first", "bytes" and "keys N", each answered by a line
// of JSON; the end of the input ends it.
type floorOrder struct {
	Target   spine.Target
	Lossless bool // what first is to be asked of
}

type floorAnswer struct {
	Bytes int       `json:",omitempty"`
	First float64   `json:",omitempty"`
	Keys  []float64 `json:",omitempty"`
	Err   string    `json:",omitempty"`
}

// floorRole is the bare client: it reads and throws away.
func floorRole(ctx context.Context) error {
	in := bufio.NewScanner(os.Stdin)
	if !in.Scan() {
		return io.ErrUnexpectedEOF
	}
	var o floorOrder
	if err := json.Unmarshal(in.Bytes(), &o); err != nil {
		return err
	}
	w := newWatch(time.Now(), o.Lossless)
	c, err := rdp.Dial(ctx, o.Target.Address, &rdp.Config{
		Credentials: func(context.Context) (rdp.Credentials, error) {
			return rdp.Credentials{User: o.Target.User, Password: rdp.Password(o.Target.Password)}, nil
		},
		Pins: []string{o.Target.Certificate}, Width: width, Height: height, RemoteFX: !o.Lossless,
	})
	if err != nil {
		return err
	}
	defer c.Close()
	done := make(chan error, 1)
	go func() { done <- discard(ctx, c, w) }()
	for in.Scan() {
		var a floorAnswer
		var err error
		switch word, rest, _ := strings.Cut(in.Text(), " "); word {
		case "first":
			a.First, err = w.firstImage(ctx)
		case "bytes":
			a.Bytes = w.received()
		case "keys":
			var n int
			if _, err = fmt.Sscan(rest, &n); err == nil {
				a.Keys, err = typed(c, w, n)
			}
		}
		if err != nil {
			a.Err = err.Error()
		}
		if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
			return err
		}
	}
	c.Close()
	if err := <-done; rdp.CodeOf(err) != rdp.CodeClosed {
		return err
	}
	return nil
}

func discard(ctx context.Context, c *rdp.Client, w *watch) error {
	for {
		u, err := c.Next(ctx)
		if err != nil {
			return err
		}
		switch u := u.(type) {
		case *rdp.Bitmap:
			n := 0
			for i := range u.Tiles {
				n += len(u.Tiles[i].Data)
			}
			w.took(n, u)
		case *rdp.SurfaceBits:
			w.took(len(u.Tile.Data), u)
		}
	}
}

func typed(c *rdp.Client, w *watch, n int) ([]float64, error) {
	if err := c.MouseMove(terminal.X, terminal.Y); err != nil {
		return nil, err
	}
	time.Sleep(time.Second)
	all, err := w.keys(n, func() error { return c.Keys(scanK) })
	return all, errors.Join(err, c.Keys(scanEnter))
}

// floor is the process of a bare client.
type floor struct {
	*bench.Child
	out *json.Decoder
}

func openFloor(ctx context.Context, t spine.Target, lossless bool) (viewer, error) {
	c, err := bench.StartRole(ctx, "floor")
	if err != nil {
		return nil, err
	}
	f := &floor{Child: c, out: json.NewDecoder(c.Out)}
	if err := json.NewEncoder(f.In).Encode(floorOrder{t, lossless}); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *floor) ask(what string) (a floorAnswer, err error) {
	if _, err := fmt.Fprintln(f.In, what); err != nil {
		return a, err
	}
	if err := f.out.Decode(&a); err != nil {
		return a, fmt.Errorf("floor: %w", err)
	}
	if a.Err != "" {
		return a, errors.New("floor: " + a.Err)
	}
	return a, nil
}

func (f *floor) pid() int { return f.Pid() }

func (f *floor) received() int {
	a, _ := f.ask("bytes") // a process that is gone has none, which the table shows
	return a.Bytes
}

func (f *floor) firstImage() (float64, error) {
	a, err := f.ask("first")
	return a.First, err
}

func (f *floor) keys(n int) ([]float64, error) {
	a, err := f.ask(fmt.Sprint("keys ", n))
	return a.Keys, err
}

func (f *floor) close() { f.Stop() }
