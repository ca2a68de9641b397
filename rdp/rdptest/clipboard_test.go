package rdptest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

const (
	inside  = "copied in the session\n€ and 𝄞"
	outside = "copied at home\nä"
)

// copies is a client that goes on reading, and tells when something was copied in its session.
func copies(t *testing.T, c *rdp.Client) (changed <-chan bool) {
	t.Helper()
	const many = 100
	ch := make(chan bool, many)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			u, err := c.Next(context.Background())
			if err != nil {
				return
			}
			if u, ok := u.(*rdp.ClipboardChanged); ok {
				ch <- u.Text
			}
		}
	}()
	t.Cleanup(func() { c.Close(); <-done })
	return ch
}

// TestClipboard_S20: what is copied on one side comes to the other when it is asked for, by calls and by the desktop's keys.
func TestClipboard_S20(t *testing.T) {
	s := newServer(t, func(c *rdptest.Config) { c.Clipboard = true })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := dialAs(ctx, t, s, rdp.Config{Clipboard: &rdp.Clipboard{ToSession: true, FromSession: true}})
	far, changed := session(t, s), copies(t, c)
	fetch := func(want string) {
		t.Helper()
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatal("nothing was copied")
		}
		if got, err := c.FetchText(ctx); err != nil || got != want {
			t.Errorf("fetched %q, %v; want %q", got, err, want)
		}
	}
	if err := far.Copy(inside); err != nil {
		t.Fatal(err)
	}
	fetch(inside)
	if err := c.OfferText(func(context.Context) (string, error) { return outside, nil }); err != nil {
		t.Fatal(err)
	}
	if got, err := far.Paste(ctx); err != nil || got != outside {
		t.Errorf("pasted %q, %v", got, err)
	}

	shows := func(want string) {
		t.Helper()
		if err := far.Desktop().Wait(ctx, func(d *rdptest.Desktop) bool { return d.Text() == want }); err != nil {
			t.Fatalf("the desktop has %q, want %q", far.Desktop().Text(), want)
		}
	}
	const scanC, scanV = rdp.Scancode(0x2e), rdp.Scancode(0x2f)
	if err := c.Keys(rdp.KeyLeftControl, scanV); err != nil {
		t.Fatal(err)
	}
	shows(outside)
	if err := errors.Join(c.Type("!"), c.Keys(rdp.KeyRightControl, scanC)); err != nil {
		t.Fatal(err)
	}
	fetch(outside + "!")
	if err := c.Keys(rdp.KeyLeftControl, scanV); err != nil { // the session's own
		t.Fatal(err)
	}
	shows(outside + "!" + outside + "!")

	if err := c.OfferText(func(context.Context) (string, error) { return "", errors.New("gone") }); err != nil {
		t.Fatal(err)
	}
	if got, err := far.Paste(ctx); !errors.Is(err, rdptest.ErrRefused) {
		t.Errorf("pasted %q, %v", got, err)
	}
}

// TestClipboard_S20_OneWay: a client that lets a direction out learns nothing there, and hands nothing over.
func TestClipboard_S20_OneWay(t *testing.T) {
	s := newServer(t, func(c *rdptest.Config) { c.Clipboard = true })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := dialAs(ctx, t, s, rdp.Config{Clipboard: &rdp.Clipboard{ToSession: true}})
	far := session(t, s)
	copies(t, c)
	if err := far.Copy(inside); err != nil {
		t.Fatal(err)
	}
	if err := c.OfferText(func(context.Context) (string, error) { return outside, nil }); err != nil {
		t.Fatal(err)
	}
	if got, err := far.Paste(ctx); err != nil || got != outside {
		t.Errorf("pasted %q, %v", got, err)
	}
	if got, err := c.FetchText(ctx); !errors.Is(err, rdp.ErrClipboardDenied) {
		t.Errorf("fetched %q, %v", got, err)
	}

	without := newServer(t, nil)
	dialAs(ctx, t, without, rdp.Config{Clipboard: &rdp.Clipboard{ToSession: true, FromSession: true}})
	if err := session(t, without).Copy(inside); !errors.Is(err, rdptest.ErrNoClipboard) {
		t.Error(err)
	}
}

// TestXfreerdp_Clipboard: so does the clipboard of the X server that xfreerdp runs on. xfreerdp 2 may miss that a selection changes hands while
// it looks at the change before, and ends itself when the window that it asks has gone: each attempt has one of its own.
func TestXfreerdp_Clipboard(t *testing.T) {
	xclip := pamtest.Peer(t, "xclip")
	s := newServer(t, func(c *rdptest.Config) { c.Clipboard = true })
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	const attempts = 4
	for attempt := range attempts {
		if err = clipboardOfX(t, s, addr, xclip, attempt); err == nil {
			return
		}
		t.Logf("attempt %d: %v", attempt+1, err)
	}
	t.Fatal(err)
}

// clipboardOfX copies both ways between a session and an X server of its own.
func clipboardOfX(t *testing.T, s *rdptest.Server, addr, xclip string, n int) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience/4)
	defer cancel()
	d, _ := xfreerdp(t, addr, "/cert:ignore", "+clipboard")
	far, err := s.WaitSession(ctx, n)
	if err != nil {
		return err
	}
	d.shows(t, far.Desktop())
	run := func(in string, args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, xclip, append([]string{"-selection", "clipboard", "-target", "UTF8_STRING"}, args...)...)
		cmd.Env = append(os.Environ(), "DISPLAY="+d.name)
		cmd.Stdin = strings.NewReader(in)
		if len(args) > 0 && args[0] == "-in" { // it goes into the background, with its output
			return "", cmd.Run()
		}
		out, err := cmd.Output()
		return string(out), err
	}
	if err := far.Copy(inside); err != nil {
		return err
	}
	look := time.NewTicker(100 * time.Millisecond) // nothing tells when an X client owns the clipboard
	defer look.Stop()
	for {
		got, err := run("", "-out")
		if err == nil && got == inside {
			break
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("the clipboard has %q, want %q: %w", got, inside, errors.Join(err, context.Cause(ctx)))
		}
	}
	for {
		if _, err := run(outside, "-in"); err != nil {
			return err
		}
		err := pasted(ctx, far)
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		t.Log("the copy was missed; it is made again") // by now nobody looks at the one before
	}
}

// pasted waits a while for the client's clipboard to have the text of outside.
func pasted(ctx context.Context, far *rdptest.Session) error {
	ctx, cancel := context.WithTimeout(ctx, patience/20)
	defer cancel()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		got, err := far.Paste(ctx)
		switch {
		case err == nil && got == outside:
			return nil
		case err == nil:
			return fmt.Errorf("pasted %q", got)
		case !errors.Is(err, rdptest.ErrRefused): // it offered before what the X server has no more
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return err
		}
	}
}
