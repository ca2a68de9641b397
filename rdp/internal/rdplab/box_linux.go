package rdplab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sallyport/sallyport/pam/pamtest"
)

const (
	patience = 90 * time.Second // nothing waits for so long but what hangs
	poll     = 20 * time.Millisecond
)

// Box is a part of the machine with processes, a network and mounts of its own: loopback alone, no X displays, no /run/xrdp. Its first
// process ends when its standard input does, which is with the test process, however that ends; and all others end with the first.
type Box struct {
	Dir string // private to the test, the same inside and outside

	t    testing.TB
	init *exec.Cmd
	wg   sync.WaitGroup // what runs inside, and relays

	mu    sync.Mutex // guards what follows
	ended map[string]error
	logs  []string
}

// prepare is what the first process does. X displays have their sockets and locks in /tmp, so that the box needs one of its own, in which
// only the folders that are named as arguments are the machine's. They are bound by way of /mnt.
const prepare = `set -e
mount --make-rprivate /
mount -t proc proc /proc
mount --bind / /mnt
mount -t tmpfs -o mode=1777 none /tmp
mkdir -p -m 1777 /tmp/.X11-unix
for dir; do
  mkdir -p "$dir"
  [ "/mnt$dir" -ef "$dir" ] || mount --bind "/mnt$dir" "$dir"
done
umount /mnt
mkdir -p /run/xrdp
mount -t tmpfs -o mode=755 none /run/xrdp
ip link set lo up
echo ready
read -r _ || true`

// NewBox makes a box that ends with the test, and shares the given folders with it. It needs root, and does what pamtest.Root does without.
func NewBox(t testing.TB, shared ...string) *Box {
	t.Helper()
	pamtest.Root(t)
	for _, program := range []string{"ip", "nsenter", "setpriv"} {
		pamtest.Peer(t, program)
	}
	dir, err := os.MkdirTemp("", "rdplab-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	// Accounts of the box have to reach their files.
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := &Box{Dir: dir, t: t, ended: make(map[string]error)}
	b.init = exec.Command("sh", append([]string{"-c", prepare, "sh", dir}, shared...)...)
	b.init.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET}
	b.init.Env = environment
	var stderr bytes.Buffer
	b.init.Stderr = &stderr
	in, err := b.init.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := b.init.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.init.Start(); err != nil {
		t.Fatalf("rdplab: a box: %v", err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = b.init.Wait()
		b.wg.Wait()
		b.report()
	})
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		t.Fatalf("rdplab: a box: %v\n%s", err, &stderr)
	}
	return b
}

// environment is all that programs of a box get: that of whoever runs the tests is not a part of them.
var environment = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "LIBGL_ALWAYS_SOFTWARE=1"}

// Command is a program to run in a box.
type Command struct {
	Args []string
	Env  []string         // beyond the usual
	As   *pamtest.Account // nil is root
	In   io.Reader        // standard input
}

func (b *Box) command(ctx context.Context, c Command) *exec.Cmd {
	args := []string{"--target", strconv.Itoa(b.init.Process.Pid), "--mount", "--net", "--pid", "--"}
	env := append(append([]string{}, environment...), c.Env...)
	if c.As != nil {
		args = append(args, "setpriv", "--reuid", c.As.Name, "--regid", c.As.Name, "--init-groups", "--")
		env = append(env, "HOME="+c.As.Home, "USER="+c.As.Name, "SHELL=/bin/sh")
	}
	cmd := exec.CommandContext(ctx, "nsenter", append(args, c.Args...)...)
	cmd.Env, cmd.Dir, cmd.Stdin = env, b.Dir, c.In
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // nsenter has a child of its own
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd
}

// Start runs a program until the box ends, or ctx does. Its output is in Log under that name.
func (b *Box) Start(ctx context.Context, name string, c Command) {
	b.t.Helper()
	log, err := os.Create(b.logFile(name))
	if err != nil {
		b.t.Fatal(err)
	}
	defer log.Close()
	cmd := b.command(ctx, c)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		b.t.Fatalf("rdplab: %s: %v", name, err)
	}
	b.mu.Lock()
	delete(b.ended, name)
	b.logs = append(b.logs, name)
	b.mu.Unlock()
	b.wg.Go(func() {
		err := cmd.Wait()
		b.mu.Lock()
		defer b.mu.Unlock()
		b.ended[name] = fmt.Errorf("%s has ended: %w", name, errors.Join(err, errEnded))
	})
}

var errEnded = errors.New("it should not")

// Output runs a program to its end and returns what it printed.
func (b *Box) Output(ctx context.Context, c Command) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := b.command(ctx, c)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("rdplab: %s: %w: %s", c.Args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// signalScript sends $1 to every process of the box whose name is $2, but for those with a parent outside, and fails if there is none.
const signalScript = `n=1
for d in /proc/[0-9]*; do
  [ "$(cat "$d/comm" 2>/dev/null)" = "$2" ] || continue
  grep -q "^PPid:[[:space:]]*0$" "$d/status" && continue
  kill "-$1" "${d#/proc/}" && n=0
done
exit $n`

// Signal sends a signal, such as STOP, to the processes of that name that programs of the box have started. Those that Start has are left out:
// nsenter, their parent, stops with its child, and then the box could not end.
func (b *Box) Signal(ctx context.Context, signal, program string) error {
	_, err := b.Output(ctx, Command{Args: []string{"sh", "-c", signalScript, "sh", signal, program}})
	return err
}

// Wait waits until ok holds, and fails the test when it does not, or when one of the programs that are needed for it has ended.
func (b *Box) Wait(t testing.TB, what string, ok func() bool, needs ...string) {
	t.Helper()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("rdplab: waited in vain: %s", what)
		}
		b.mu.Lock()
		var gone error
		for _, name := range needs {
			gone = errors.Join(gone, b.ended[name])
		}
		b.mu.Unlock()
		if gone != nil {
			t.Fatalf("rdplab: %s: %v", what, gone)
		}
	}
}

// WaitPort waits until a port of the box listens, without connecting to it.
func (b *Box) WaitPort(t testing.TB, port int, needs ...string) {
	t.Helper()
	b.Wait(t, fmt.Sprintf("port %d", port), func() bool { return b.listens(port) }, needs...)
}

// listens says whether there is a socket that takes connections to a port.
func (b *Box) listens(port int) bool { return b.sockets(port, "0A") > 0 }

// sockets counts the box's TCP sockets of a port in the given states, by the kernel's table: 01 is ESTABLISHED, 08 CLOSE_WAIT, 0A LISTEN.
func (b *Box) sockets(port int, states ...string) (n int) {
	for _, name := range []string{"tcp", "tcp6"} {
		table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", b.init.Process.Pid, name))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(table)) {
			f := strings.Fields(line)
			if len(f) > 3 && slices.Contains(states, f[3]) && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
				n++
			}
		}
	}
	return n
}

// caller is the address that connections into a box come from. FreeRDP's servers switch encryption off for 127.0.0.1.
var caller = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}

// Dial connects to a port of the box.
func (b *Box) Dial(ctx context.Context, port int) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		// A socket belongs to the network of the thread that makes it. The thread is not given back: it ends with the goroutine.
		runtime.LockOSThread()
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", b.init.Process.Pid))
		if err != nil {
			done <- result{err: err}
			return
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- result{err: err}
			return
		}
		d := net.Dialer{LocalAddr: caller}
		c, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		done <- result{c, err}
	}()
	r := <-done
	return r.conn, r.err
}

// Relay returns an address of the machine itself that leads to a port of the box.
func (b *Box) Relay(port int) string {
	b.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.t.Cleanup(func() {
		cancel()
		l.Close()
	})
	b.wg.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			b.wg.Go(func() { b.relay(ctx, near, port) })
		}
	})
	return l.Addr().String()
}

func (b *Box) relay(ctx context.Context, near net.Conn, port int) {
	defer near.Close()
	far, err := b.Dial(ctx, port)
	if err != nil {
		return
	}
	defer far.Close()
	defer context.AfterFunc(ctx, func() {
		near.Close()
		far.Close()
	})()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			if c, ok := way[0].(*net.TCPConn); ok {
				_ = c.CloseWrite()
			}
		})
	}
	both.Wait()
}

func (b *Box) logFile(name string) string { return filepath.Join(b.Dir, name+".log") }

// Log returns what a program has said so far.
func (b *Box) Log(name string) string {
	p, _ := os.ReadFile(b.logFile(name))
	return string(p)
}

// report shows the end of every log of a test that failed.
func (b *Box) report() {
	if !b.t.Failed() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	const enough = 4 << 10
	for _, name := range b.logs {
		s := b.Log(name)
		b.t.Logf("%s said:\n%s", name, s[max(0, len(s)-enough):])
	}
}

// WriteFile puts a file into Dir and returns its path.
func (b *Box) WriteFile(name, text string, mode os.FileMode) string {
	b.t.Helper()
	path := filepath.Join(b.Dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
		b.t.Fatal(err)
	}
	return path
}
