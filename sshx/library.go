package sshx

import (
	"errors"
	"time"

	"golang.org/x/crypto/ssh"
)

// libraryGrace is how long the SSH library may take for what it does at once, unless it is wedged.
const libraryGrace = time.Second

var errConnectionOver = errors.New("the connection is over")

// openChannel is sc.OpenChannel for a connection that may end meanwhile; over is closed when it has. The library
// forgets a channel that is asked for just after its end, and then waits for ever.
func openChannel(sc ssh.Conn, over <-chan struct{}, kind string, extra []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	type result struct {
		ch   ssh.Channel
		reqs <-chan *ssh.Request
		err  error
	}
	got := make(chan result, 1)
	go func() {
		ch, reqs, err := sc.OpenChannel(kind, extra)
		got <- result{ch, reqs, err}
	}()
	var r result
	select {
	case r = <-got:
	case <-over:
		grace := time.NewTimer(libraryGrace)
		defer grace.Stop()
		select {
		case r = <-got:
		case <-grace.C:
			r.err = errConnectionOver
		}
	}
	return r.ch, r.reqs, r.err
}

// whyOver returns why a connection ended, once it has or is about to within limit. A target that breaks the protocol
// and goes on sending wedges the library (x/crypto 0.58.0): its reader holds a packet that nobody takes any more,
// and what waits for the reader waits for ever. Its goroutines are lost then; nobody here may be lost with them.
func whyOver(sc ssh.Conn, limit time.Duration) error {
	got := make(chan error, 1)
	go func() { got <- sc.Wait() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-got:
		return err
	case <-timer.C:
		return errWedged
	}
}

var errWedged = errors.New("the target broke the protocol and went on sending")
