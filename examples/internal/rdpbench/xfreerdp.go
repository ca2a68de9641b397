package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/examples/internal/spine"
)

// display is an X display without a screen, whose pixels are in a file.
type display struct {
	name, file, dir string
	cmd             *exec.Cmd
}

func startDisplay(ctx context.Context, dir string) (*display, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	x := &display{dir: dir, file: filepath.Join(dir, "Xvfb_screen0")}
	x.cmd = exec.CommandContext(ctx, "Xvfb", "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height), "-fbdir", dir, "-nocursor", "-nolisten", "tcp", "-noreset")
	x.cmd.ExtraFiles = []*os.File{w} // descriptor 3
	err = x.cmd.Start()
	w.Close()
	if err != nil {
		return nil, err
	}
	var number int
	if _, err := fmt.Fscanln(r, &number); err != nil {
		x.stop()
		return nil, fmt.Errorf("a display: Xvfb says none: %w", err)
	}
	x.name = fmt.Sprintf(":%d", number)
	return x, nil
}

func (x *display) stop() {
	_ = x.cmd.Process.Signal(os.Interrupt)
	_ = x.cmd.Wait()
}

// blue says whether the desktop's picture is there. The file is an XWD dump: its header is big-endian, pixels are B, G, R and padding.
func (x *display) blue() (bool, error) {
	f, err := os.Open(x.file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 100)
	if _, err := f.ReadAt(head, 0); err != nil {
		return false, err
	}
	field := func(i int) int64 { return int64(binary.BigEndian.Uint32(head[4*i:])) }
	size, stride, colors := field(0), field(12), field(19)
	pixel := make([]byte, 4)
	_, err = f.ReadAt(pixel, size+12*colors+int64(corner.Y)*stride+4*int64(corner.X))
	return isBlue(pixel[2], pixel[0]), err
}

// xfreerdp is FreeRDP's client, drawing on a display.
type xfreerdp struct {
	ctx   context.Context
	x     *display
	begun time.Time
	cmd   *exec.Cmd
	gone  chan error
}

func openXFreeRDP(ctx context.Context, x *display, t spine.Target) (viewer, error) {
	v := &xfreerdp{ctx: ctx, x: x, begun: time.Now(), gone: make(chan error, 1)}
	v.cmd = exec.CommandContext(ctx, "xfreerdp", "/v:"+t.Address, "/u:"+t.User, "/p:"+t.Password, "/cert:ignore",
		fmt.Sprintf("/size:%dx%d", width, height), "/bpp:32", "-decorations")
	v.cmd.Env = append(os.Environ(), "DISPLAY="+x.name, "HOME="+x.dir, "XDG_CONFIG_HOME=")
	if err := v.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { v.gone <- v.cmd.Wait() }()
	return v, nil
}

func (v *xfreerdp) pid() int                    { return v.cmd.Process.Pid }
func (v *xfreerdp) received() int               { return 0 } // nobody counts
func (v *xfreerdp) keys(int) ([]float64, error) { return nil, errors.New("not measured") }

func (v *xfreerdp) firstImage() (float64, error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		blue, err := v.x.blue()
		if blue || err != nil {
			return time.Since(v.begun).Seconds(), err
		}
		select {
		case <-tick.C:
		case err := <-v.gone:
			return 0, fmt.Errorf("xfreerdp has ended: %w", err)
		case <-v.ctx.Done():
			return 0, context.Cause(v.ctx)
		}
	}
}

// close ends it, and waits until its window is gone.
func (v *xfreerdp) close() {
	_ = v.cmd.Process.Kill() // at a signal that it can catch it prints a backtrace
	<-v.gone
	for range 1000 {
		if blue, err := v.x.blue(); !blue || err != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
