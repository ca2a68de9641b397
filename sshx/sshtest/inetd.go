package sshtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
)

// inetd listens on a free port of loopback and hands each connection to a server process of its own, so that no port is
// taken twice.
type inetd struct {
	program  string
	args     []string
	logFile  string
	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex // guards what follows
	procs  map[*os.Process]struct{}
	failed []error // processes that did not start
	closed bool
}

func startInetd(logFile, program string, args ...string) (*inetd, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &inetd{program: program, args: args, logFile: logFile, listener: l, procs: make(map[*os.Process]struct{})}
	d.wg.Go(d.serve)
	return d, nil
}

func (d *inetd) address() string { return d.listener.Addr().String() }

func (d *inetd) serve() {
	for {
		c, err := d.listener.Accept()
		if err != nil {
			return
		}
		if err := d.spawn(c.(*net.TCPConn)); err != nil {
			d.mu.Lock()
			d.failed = append(d.failed, fmt.Errorf("spawn: %w", err))
			d.mu.Unlock()
		}
	}
}

func (d *inetd) spawn(c *net.TCPConn) error {
	defer c.Close()
	f, err := c.File()
	if err != nil {
		return err
	}
	defer f.Close()
	cmd := exec.Command(d.program, d.args...)
	cmd.Stdin, cmd.Stdout = f, f
	// A file and not a pipe: Wait must not wait for whoever has inherited it.
	log, err := os.OpenFile(d.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stderr = log

	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return net.ErrClosed
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p := cmd.Process
	d.procs[p] = struct{}{}
	d.wg.Go(func() {
		_ = cmd.Wait()
		d.mu.Lock()
		delete(d.procs, p)
		d.mu.Unlock()
	})
	return nil
}

// Signal sends sig to the server process of every live connection and returns how many there were.
func (d *inetd) Signal(sig os.Signal) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for p := range d.procs {
		errs = append(errs, p.Signal(sig))
	}
	return len(d.procs), errors.Join(errs...)
}

// Log returns what the servers logged.
func (d *inetd) Log() string {
	b, _ := os.ReadFile(d.logFile)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := errors.Join(d.failed...); err != nil {
		return err.Error() + "\n" + string(b)
	}
	return string(b)
}

// Close ends the listener and every server process, and waits for them. Shells get a hangup from their PTY.
func (d *inetd) Close() error {
	d.listener.Close()
	d.mu.Lock()
	d.closed = true
	for p := range d.procs {
		_ = p.Kill() // one that is stopped hears nothing else
	}
	d.mu.Unlock()
	d.wg.Wait()
	return nil
}
