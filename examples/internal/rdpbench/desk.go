package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/examples/internal/bench"
	"github.com/sallyport/sallyport/examples/internal/spine"
)

// desk is an xrdp in a process of its own: package rdplab is for package rdp alone, and has a command for everybody else.
type desk struct {
	target  spine.Target
	program string // this one, where the desktop's user can run it
	*bench.Child
	out *json.Decoder
}

// buildDesk builds the command that runs xrdp.
func buildDesk(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "realrdp")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/sallyport/sallyport/rdp/internal/rdplab/realrdp")
	cmd.Stderr = os.Stderr
	return program, cmd.Run()
}

func startDesk(ctx context.Context, program, kind string) (*desk, error) {
	c, err := bench.StartChild(ctx, program, kind)
	if err != nil {
		return nil, err
	}
	d := &desk{Child: c, out: json.NewDecoder(c.Out)}
	if err := d.begin(); err != nil {
		d.Stop()
		return nil, fmt.Errorf("xrdp: %w", err)
	}
	return d, nil
}

func (d *desk) begin() error {
	var at struct {
		Addresses                         map[string]string
		User, Password, Certificate, Home string
	}
	if err := d.out.Decode(&at); err != nil {
		return err
	}
	d.target = spine.Target{Address: at.Addresses["tls"], User: at.User, Password: at.Password, Certificate: at.Certificate}
	var err error
	d.program, err = copySelf(at.Home)
	return err
}

// copySelf puts this program into a folder.
func copySelf(dir string) (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	from, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(dir, "rdpbench"), os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, from)
	return to.Name(), errors.Join(err, to.Close())
}

// run runs a program on the desktop to its end.
func (d *desk) run(args ...string) error {
	if err := json.NewEncoder(d.In).Encode(map[string]any{"run": args}); err != nil {
		return err
	}
	var a struct{ Error string }
	if err := d.out.Decode(&a); err != nil {
		return fmt.Errorf("xrdp: %s: %w", args[0], err)
	}
	if a.Error != "" {
		return fmt.Errorf("xrdp: %s", a.Error)
	}
	return nil
}

// Loads.
const (
	loadText    = "text"    // 50 lines a second, in a terminal
	loadPicture = "picture" // one of 400x300 that moves, 25 times a second
)

// show shows a load to its end.
func (d *desk) show(load string, seconds int) error {
	args := []string{d.program, "-role", load, "-seconds", fmt.Sprint(seconds)}
	if load == loadText {
		args = append([]string{"xterm", "-fn", "fixed", "-geometry", "100x30+20+400", "-bg", "white", "-fg", "black", "-e"}, args...)
	} else if err := d.run("xhost", "+local:"); err != nil { // the program has no cookie
		return err
	}
	return d.run(args...)
}

// lines is the text.
func lines(w io.Writer, seconds int) error {
	tick := time.NewTicker(time.Second / 50)
	defer tick.Stop()
	for i := range 50 * seconds {
		<-tick.C
		if _, err := fmt.Fprintf(w, "[%8d] the quick brown fox jumps over the lazy dog and goes on to line %d\n", i, i*7919%1013); err != nil {
			return err
		}
	}
	return nil
}
