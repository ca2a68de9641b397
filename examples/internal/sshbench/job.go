package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// job is one measurement of one path. It crosses process boundaries as JSON.
type job struct {
	Kind    string // flood, echo or start
	Bytes   int    `json:",omitempty"`
	Keys    int    `json:",omitempty"`
	Starts  int    `json:",omitempty"`
	Command string `json:",omitempty"`
}

// result is what a job gave. Times are seconds.
type result struct {
	Wall  float64   // of a flood
	CPU   float64   // of the process that is measured
	Echo  []float64 // of each keystroke
	Start []float64 // of each start, from asking to the first byte of output
	Err   string    `json:",omitempty"`
}

// terminal is a session with a shell, whichever path leads there.
type terminal interface {
	type_(text string) error
	output() <-chan []byte // closed at the end
	close()
}

var errEnded = errors.New("the session ended early")

// flood runs the command and takes its output.
func flood(t terminal, j job) (result, error) {
	if err := prompt(t); err != nil {
		return result{}, err
	}
	begin := time.Now()
	if err := t.type_(j.Command); err != nil {
		return result{}, err
	}
	total := 0
	for p := range t.output() {
		total += len(p)
		if total >= j.Bytes {
			return result{Wall: time.Since(begin).Seconds()}, nil
		}
	}
	return result{}, fmt.Errorf("%w: %d of %d bytes", errEnded, total, j.Bytes)
}

// echo types one key at a time and waits for it to come back.
func echo(t terminal, j job) (result, error) {
	if err := prompt(t); err != nil {
		return result{}, err
	}
	if err := t.type_(j.Command); err != nil {
		return result{}, err
	}
	if err := waitFor(t, "ready"); err != nil {
		return result{}, err
	}
	for { // what is left of the line
		select {
		case <-t.output():
			continue
		case <-time.After(200 * time.Millisecond):
		}
		break
	}
	var r result
	for range j.Keys {
		begin := time.Now()
		if err := t.type_("k"); err != nil {
			return r, err
		}
		if _, ok := <-t.output(); !ok {
			return r, errEnded
		}
		r.Echo = append(r.Echo, time.Since(begin).Seconds())
	}
	return r, nil
}

// prompt waits for the shell's first output, and then for a moment's silence.
func prompt(t terminal) error {
	if _, ok := <-t.output(); !ok {
		return errEnded
	}
	for {
		select {
		case _, ok := <-t.output():
			if !ok {
				return errEnded
			}
		case <-time.After(300 * time.Millisecond):
			return nil
		}
	}
}

func waitFor(t terminal, text string) error {
	var seen bytes.Buffer
	for p := range t.output() {
		seen.Write(p)
		if bytes.Contains(seen.Bytes(), []byte(text)) {
			return nil
		}
	}
	return fmt.Errorf("%w: %q", errEnded, seen.Bytes())
}

// starts opens sessions one after the other.
func starts(ctx context.Context, j job, open func(context.Context) (terminal, error)) (result, error) {
	var r result
	for range j.Starts {
		begin := time.Now()
		t, err := open(ctx)
		if err != nil {
			return r, err
		}
		_, ok := <-t.output()
		r.Start = append(r.Start, time.Since(begin).Seconds())
		t.close()
		if !ok {
			return r, errEnded
		}
	}
	return r, nil
}

// do runs a job over one way of opening terminals.
func do(ctx context.Context, j job, open func(context.Context) (terminal, error)) (result, error) {
	if j.Kind == "start" {
		return starts(ctx, j, open)
	}
	t, err := open(ctx)
	if err != nil {
		return result{}, err
	}
	defer t.close()
	if j.Kind == "echo" {
		return echo(t, j)
	}
	return flood(t, j)
}

// inFlight is how many pieces may wait between a reader and its consumer.
const inFlight = 64

// chunks turns a reader into a channel of pieces. A piece is valid until the consumer has taken the next one: buffers
// go round, so that a floor is not slowed by allocating.
func chunks(ctx context.Context, r io.Reader) <-chan []byte {
	ch := make(chan []byte, inFlight)
	go func() {
		defer close(ch)
		ring := make([][]byte, inFlight+3)
		for i := 0; ; i = (i + 1) % len(ring) {
			if ring[i] == nil {
				ring[i] = make([]byte, 32<<10)
			}
			n, err := r.Read(ring[i])
			if n > 0 {
				select {
				case ch <- ring[i][:n]:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return ch
}
