package sshtest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

func TestMain(m *testing.M) { pamtest.VerifyNoLeaks(m) }

// client is a terminal on a server.
type client struct {
	t     *testing.T
	sess  *ssh.Session
	in    io.Writer
	end   chan error
	mu    sync.Mutex
	out   bytes.Buffer
	wake  chan struct{}
	after int // what wait has consumed
}

func (c *client) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.Write(p)
	close(c.wake)
	c.wake = make(chan struct{})
	return len(p), nil
}

// wait waits for text after what it waited for last.
func (c *client) wait(text string) {
	c.t.Helper()
	timeout := time.After(2 * time.Minute)
	for {
		c.mu.Lock()
		rest, wake := c.out.String()[c.after:], c.wake
		if i := strings.Index(rest, text); i >= 0 {
			c.after += i + len(text)
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		select {
		case <-wake:
		case <-timeout:
			c.t.Fatalf("waiting for %q; got %q", text, rest)
		}
	}
}

func (c *client) keys(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, s); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) status() int {
	c.t.Helper()
	select {
	case err := <-c.end:
		var exit *ssh.ExitError
		switch {
		case err == nil:
			return 0
		case errors.As(err, &exit):
			return exit.ExitStatus()
		}
		c.t.Fatal(err)
	case <-time.After(2 * time.Minute):
		c.t.Fatal("the session did not end")
	}
	return -1
}

func demo(t *testing.T) *client {
	t.Helper()
	srv, err := sshtest.NewServer(sshtest.Config{Passwords: map[string]string{"demo": "pw"}})
	if err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	pin, _, _, _, err := ssh.ParseAuthorizedKey([]byte(srv.HostKey()))
	if err != nil {
		t.Fatal(err)
	}
	cl, err := ssh.Dial("tcp", addr, &ssh.ClientConfig{User: "demo", Auth: []ssh.AuthMethod{ssh.Password("pw")}, HostKeyCallback: ssh.FixedHostKey(pin)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	sess, err := cl.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, sess: sess, end: make(chan error, 1), wake: make(chan struct{})}
	sess.Stdout = c
	if c.in, err = sess.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := sess.RequestPty("xterm-256color", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	if err := sess.Shell(); err != nil {
		t.Fatal(err)
	}
	go func() { c.end <- sess.Wait() }()
	c.wait("$ ")
	return c
}

func TestDemo_Commands(t *testing.T) {
	c := demo(t)
	for _, tc := range []struct{ in, want string }{
		{"pwd", "\n/home/demo\r\n"},
		{"cd notes; pwd", "\n/home/demo/notes\r\n"},
		{"cat unicode.txt", "色は匂へど"},
		{"echo 'a b' \"c\"", "\na b c\r\n"},
		{"echo hi > x.txt; cat x.txt", "\nhi\r\n"},
		{"ls -l", "x.txt"},
		{"rm x.txt; cat x.txt", "no such file"},
		{"cat /", "is a directory"},
		{"nonsense", "command not found"},
		{"echo \u2713", "\n\u2713\r\n"},
		{"uname -a", "in-memory"},
		{"size", "80 columns, 24 rows"},
		{"seq 3", "\n1\r\n2\r\n3\r\n"},
		{"help", "matrix"},
		{"colors", "struck"},
		{"cd /nowhere", "no such directory"},
		{"mkdir d; cd d; pwd", "/notes/d\r\n"},
	} {
		c.keys(tc.in + "\r")
		c.wait(tc.want)
		c.wait("$ ")
	}
	c.keys("exit 7\r")
	if got := c.status(); got != 7 {
		t.Errorf("status = %d, want 7", got)
	}
}

func TestDemo_LineEditing(t *testing.T) {
	c := demo(t)
	for _, tc := range []struct{ keys, want string }{
		{"echo abd\x1b[Dc\r", "\nabcd\r\n"},      // left, insert
		{"echo abx\x7fc\r", "\nabc\r\n"},         // backspace
		{"xecho one\x01\x1b[3~\r", "\none\r\n"},  // home, delete
		{"wrong\x15echo two\r", "\ntwo\r\n"},     // Ctrl-U
		{"echo a bad\x17good\r", "\na good\r\n"}, // Ctrl-W
		{"\x1b[A\x1b[A\r", "\ntwo\r\n"},          // up, up
		{"ec\tthree\r", "\nthree\r\n"},           // completion of a command
		{"cat poe\tha\t\r", "fenders rise"},      // of a directory and a file
		{"echo 日本\x1b[D\x1b[Dx\r", "\nx日本\r\n"},  // wide characters
	} {
		c.keys(tc.keys)
		c.wait(tc.want)
		c.wait("$ ")
	}
	c.keys("echo x\x03")
	c.wait("^C")
	c.wait("$ ")
	c.keys("yes\r")
	c.wait("y\r\ny\r\n")
	c.keys("\x03")
	c.wait("^C")
	c.wait("$ ")
	c.keys("\x04")
	c.wait("logout")
	if got := c.status(); got != 130 {
		t.Errorf("status = %d, want that of the last command", got)
	}
}

func TestDemo_PasswordIsNotShown(t *testing.T) {
	c := demo(t)
	c.keys("passwd\r")
	c.wait("New password: ")
	c.keys("canary-5c1\r")
	c.wait("10 characters")
	if c.mu.Lock(); strings.Contains(c.out.String(), "canary") {
		t.Error("the password was shown")
	}
	c.mu.Unlock()
}

func TestDemo_FullScreenFollowsTheWindow(t *testing.T) {
	c := demo(t)
	for _, program := range []string{"clock", "less /var/log/demo.log", "matrix"} {
		c.keys(program + "\r")
		c.wait("\x1b[?1049h")
		if program == "clock" {
			c.wait("80×24")
			if err := c.sess.WindowChange(40, 100); err != nil {
				t.Fatal(err)
			}
			c.wait("100×40")
		}
		c.keys("q")
		c.wait("\x1b[?1049l")
		c.wait("$ ")
	}
}

func TestServer_RefusesNothingToCheck(t *testing.T) {
	if _, err := sshtest.NewServer(sshtest.Config{}); err == nil {
		t.Error("NewServer without credentials = nil error")
	}
}

func ExampleNewServer() {
	srv, err := sshtest.NewServer(sshtest.Config{
		Passwords: map[string]string{"demo": "secret"},
		Handler: func(s *sshtest.Session) int {
			fmt.Fprintf(s, "hello %s\r\n", s.User)
			return 0
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	address, err := srv.Listen()
	fmt.Println(strings.HasPrefix(address, "127.0.0.1:"), strings.HasPrefix(srv.HostKey(), "ssh-ed25519 "), err)
	// Output: true true <nil>
}
