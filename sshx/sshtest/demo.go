package sshtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// Demo is a small shell for demonstrations, written in Go: a file system in memory that belongs to the session,
// some two dozen commands, line editing with history and completion, full-screen programs. It runs nothing and
// reaches nothing of the machine that it runs on.
func Demo(s *Session) int {
	sh := &shell{s: s, fs: newMemFS(s.User), start: time.Now(), input: make(chan []byte)}
	sh.home = "/home/" + sh.fs.user
	sh.dir = sh.home
	sh.out = bufio.NewWriterSize(s, 8<<10)

	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	sh.ctx = ctx
	s.Go(func() { sh.read(ctx) })

	if s.Command != "" {
		for _, line := range strings.Split(s.Command, "\n") {
			// The adapter's login script: the shell itself is what follows.
			if strings.HasPrefix(line, "exec ") {
				break
			}
			sh.execute(line)
			if sh.exited {
				_ = sh.out.Flush()
				return sh.status
			}
		}
	} else {
		sh.motd()
	}
	return sh.run()
}

// shell is one session of Demo.
type shell struct {
	s     *Session
	ctx   context.Context
	fs    *memFS
	home  string
	dir   string
	out   *bufio.Writer
	start time.Time

	input   chan []byte // what is typed, from the reader
	pending []byte      // of it, what is not consumed
	history []string
	exited  bool
	status  int
}

// read passes on what is typed until the session ends.
func (sh *shell) read(ctx context.Context) {
	defer close(sh.input)
	for {
		buf := make([]byte, 512)
		n, err := sh.s.Read(buf)
		if n > 0 {
			select {
			case sh.input <- buf[:n]:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (sh *shell) motd() {
	sh.printf("\x1b[1;38;5;75m")
	sh.printf("  ┌─┐┌─┐┬  ┬ ┬ ┬┌─┐┌─┐┬─┐┌┬┐\r\n")
	sh.printf("  └─┐├─┤│  │ └┬┘├─┘│ │├┬┘ │ \r\n")
	sh.printf("  └─┘┴ ┴┴─┘┴─┘┴ ┴  └─┘┴└─ ┴ \x1b[0m\r\n\r\n")
	sh.printf("Welcome to the demo host. It lives in memory: nothing you do here can break anything.\r\n")
	sh.printf("Type \x1b[1mhelp\x1b[0m for what there is, \x1b[1mexit\x1b[0m to leave.\r\n\r\n")
}

// run is the shell's loop.
func (sh *shell) run() int {
	for !sh.exited {
		line, ok := sh.readLine(sh.prompt())
		if !ok {
			break
		}
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if n := len(sh.history); n == 0 || sh.history[n-1] != line {
			const keep = 200
			sh.history = append(sh.history, line)
			if len(sh.history) > keep {
				sh.history = sh.history[1:]
			}
		}
		sh.execute(line)
	}
	_ = sh.out.Flush()
	return sh.status
}

func (sh *shell) prompt() string {
	dir := sh.dir
	if dir == sh.home {
		dir = "~"
	} else if rest, ok := strings.CutPrefix(dir, sh.home+"/"); ok {
		dir = "~/" + rest
	}
	return fmt.Sprintf("\x1b]0;%s@demo: %s\a\x1b[1;32m%s@demo\x1b[0m:\x1b[1;34m%s\x1b[0m$ ", sh.fs.user, dir, sh.fs.user, dir)
}

func (sh *shell) printf(format string, args ...any) {
	fmt.Fprintf(sh.out, format, args...)
}

// fail prints an error of a command and sets the status.
func (sh *shell) fail(format string, args ...any) {
	sh.printf(format+"\r\n", args...)
	sh.status = 1
}

// key waits for input. It returns io.EOF at the end of the session.
func (sh *shell) key() (byte, error) {
	if len(sh.pending) == 0 {
		if err := sh.out.Flush(); err != nil {
			return 0, err
		}
		data, ok := <-sh.input
		if !ok {
			return 0, io.EOF
		}
		sh.pending = data
	}
	b := sh.pending[0]
	sh.pending = sh.pending[1:]
	return b, nil
}

// wait lets d pass, unless a key is typed, the window changes or the session ends: then it returns early. The key,
// if any, is left for key; interrupted reports Ctrl-C, which is consumed.
func (sh *shell) wait(d time.Duration) (typed, interrupted bool) {
	if sh.out.Flush() != nil {
		return false, true
	}
	if len(sh.pending) == 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return false, false
		case <-sh.s.WindowChanged():
			return false, false
		case <-sh.ctx.Done():
			return false, true
		case data, ok := <-sh.input:
			if !ok {
				return false, true
			}
			sh.pending = data
		}
	}
	if i := strings.IndexByte(string(sh.pending), 3); i >= 0 {
		sh.pending = sh.pending[i+1:]
		return false, true
	}
	return true, false
}

// interrupted reports whether Ctrl-C was typed; it does not wait.
func (sh *shell) interrupted() bool {
	select {
	case data, ok := <-sh.input:
		if !ok {
			return true
		}
		sh.pending = append(sh.pending, data...)
	case <-sh.ctx.Done():
		return true
	default:
	}
	if i := strings.IndexByte(string(sh.pending), 3); i >= 0 {
		sh.pending = sh.pending[i+1:]
		return true
	}
	return false
}
