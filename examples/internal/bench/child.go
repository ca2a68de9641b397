package bench

import (
	"context"
	"io"
	"os"
	"os/exec"
)

// Child is a process that is told what to do on its standard input, answers on its standard output, and ends with its input.
type Child struct {
	In  io.WriteCloser
	Out io.Reader

	cmd *exec.Cmd
}

// StartChild starts a program, which says what is wrong where this one does.
func StartChild(ctx context.Context, program string, args ...string) (*Child, error) {
	c := &Child{cmd: exec.CommandContext(ctx, program, args...)}
	c.cmd.Stderr = os.Stderr
	var err error
	if c.In, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if c.Out, err = c.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return c, c.cmd.Start()
}

// StartRole starts this program once more, in one of its roles.
func StartRole(ctx context.Context, role string) (*Child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return StartChild(ctx, self, "-role", role)
}

// Pid is the number of the process.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Stop ends the process and waits for it.
func (c *Child) Stop() {
	_ = c.In.Close()
	_ = c.cmd.Wait()
}
