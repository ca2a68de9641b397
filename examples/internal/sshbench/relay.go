package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/sallyport/sallyport/examples/internal/bench"
	"github.com/sallyport/sallyport/examples/internal/spine"
)

// The relay is a process that only copies bytes between a client and the target. What it adds is what any gateway
// adds on this machine, whatever it does with the bytes: two more processes' turns for each keystroke.

// relayRole is the relay process. Its first line of input is the target's address; the end of input ends it.
func relayRole() error {
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go relay(c, strings.TrimSpace(line))
		}
	}()
	_, _ = io.Copy(io.Discard, in)
	return l.Close()
}

func relay(c net.Conn, to string) {
	defer c.Close()
	t, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer t.Close()
	go func() {
		_, _ = copyPlain(t, c)
		_ = t.Close()
	}()
	_, _ = copyPlain(c, t)
}

// copyPlain is io.Copy without splice(2), which no gateway that looks at the bytes could use.
func copyPlain(to io.Writer, from io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{to}, struct{ io.Reader }{from})
}

// startRelay returns the target as seen through a relay.
func startRelay(ctx context.Context, t spine.Target) (spine.Target, func(), error) {
	c, err := bench.StartRole(ctx, "relay")
	if err != nil {
		return t, nil, err
	}
	if _, err := fmt.Fprintln(c.In, t.Address); err != nil {
		c.Stop()
		return t, nil, err
	}
	addr, err := bufio.NewReader(c.Out).ReadString('\n')
	if err != nil {
		c.Stop()
		return t, nil, err
	}
	t.Address = strings.TrimSpace(addr)
	return t, c.Stop, nil
}
