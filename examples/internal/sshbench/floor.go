package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/examples/internal/bench"
	"github.com/sallyport/sallyport/examples/internal/spine"
)

// order is what the floor process reads from its standard input.
type order struct {
	Target spine.Target
	Job    job
}

// runFloor measures the bare client in a process of its own.
func runFloor(ctx context.Context, target spine.Target, j job) (result, error) {
	in, err := json.Marshal(order{target, j})
	if err != nil {
		return result{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	cmd := exec.CommandContext(ctx, self, "-role", "floor")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return result{}, fmt.Errorf("floor: %w", err)
	}
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		return result{}, err
	}
	if r.Err != "" {
		return r, errors.New(r.Err)
	}
	return r, nil
}

// floorRole is the floor process.
func floorRole(ctx context.Context) error {
	var o order
	if err := json.NewDecoder(os.Stdin).Decode(&o); err != nil {
		return err
	}
	before, err := bench.CPU(os.Getpid())
	if err != nil {
		return err
	}
	r, err := do(ctx, o.Job, func(ctx context.Context) (terminal, error) { return dialSSH(ctx, o.Target) })
	if err != nil {
		r.Err = err.Error()
	}
	after, err := bench.CPU(os.Getpid())
	if err != nil {
		return err
	}
	r.CPU = after - before
	return json.NewEncoder(os.Stdout).Encode(r)
}

// sshTerminal is a shell over a bare client.
type sshTerminal struct {
	client *ssh.Client
	in     io.WriteCloser
	out    <-chan []byte
	cancel context.CancelFunc
}

func dialSSH(ctx context.Context, t spine.Target) (terminal, error) {
	host, _, _, _, err := ssh.ParseAuthorizedKey([]byte(t.HostKey))
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey([]byte(t.KeyPEM))
	if err != nil {
		return nil, err
	}
	client, err := ssh.Dial("tcp", t.Address, &ssh.ClientConfig{
		User: t.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(host),
		HostKeyAlgorithms: []string{host.Type()}, Timeout: 10 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	sess, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	if err := sess.RequestPty("xterm-256color", 24, 80, ssh.TerminalModes{}); err != nil {
		return nil, err
	}
	in, err := sess.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := sess.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := sess.Shell(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	return &sshTerminal{client: client, in: in, out: chunks(ctx, out), cancel: cancel}, nil
}

func (t *sshTerminal) type_(text string) error { _, err := io.WriteString(t.in, text); return err }
func (t *sshTerminal) output() <-chan []byte   { return t.out }
func (t *sshTerminal) close()                  { t.cancel(); _ = t.client.Close() }

// runOpenSSH measures ssh -tt on a flood.
func runOpenSSH(ctx context.Context, d *sshd, j job) (result, error) {
	cmd := exec.CommandContext(ctx, "ssh", "-tt", "-F", "none", "-i", d.keyFile, "-p", d.port, "-o", "UserKnownHostsFile="+d.knownHosts,
		"-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR", d.target.User+"@127.0.0.1")
	in, err := cmd.StdinPipe()
	if err != nil {
		return result{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return result{}, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	cctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := flood(&pipeTerminal{in, chunks(cctx, out)}, j)
	if err != nil {
		_ = cmd.Process.Kill()
	}
	_ = cmd.Wait() // its status is the shell's
	r.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return r, err
}

type pipeTerminal struct {
	in  io.Writer
	out <-chan []byte
}

func (t *pipeTerminal) type_(text string) error { _, err := io.WriteString(t.in, text); return err }
func (t *pipeTerminal) output() <-chan []byte   { return t.out }
func (t *pipeTerminal) close()                  {}
