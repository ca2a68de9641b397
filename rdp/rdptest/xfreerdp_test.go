package rdptest_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	draw2d "image/draw"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// display is an X server of a test's own, whose screen is a file.
type display struct {
	name   string
	screen string
}

// start runs a program until the test ends. Its output is in the log of a test that fails.
func start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(cmd.Path), out.String())
		}
	})
}

func newDisplay(t testing.TB) display {
	t.Helper()
	xvfb := pamtest.Peer(t, "Xvfb")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dir := t.TempDir()
	cmd := exec.Command(xvfb, "-displayfd", "3", "-screen", "0", "800x600x24", "-fbdir", dir, "-nocursor", "-nolisten", "tcp", "-noreset")
	cmd.ExtraFiles = []*os.File{w} // descriptor 3
	start(t, cmd)
	w.Close()
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var number int
	if _, err := fmt.Fscanln(r, &number); err != nil {
		t.Fatalf("Xvfb says no display: %v", err)
	}
	return display{fmt.Sprintf(":%d", number), filepath.Join(dir, "Xvfb_screen0")}
}

// picture reads the screen: an XWD file, whose header is big-endian and whose pixels are B, G, R and padding here.
func (d display) picture() (*image.RGBA, error) {
	b, err := os.ReadFile(d.screen)
	if err != nil {
		return nil, err
	}
	const header = 100
	if len(b) < header {
		return nil, io.ErrUnexpectedEOF
	}
	field := func(i int) int { return int(binary.BigEndian.Uint32(b[4*i:])) }
	size, width, height, bits, stride, colors := field(0), field(4), field(5), field(11), field(12), field(19)
	at := size + 12*colors
	if bits != 32 || stride < 4*width || len(b) < at+stride*height {
		return nil, fmt.Errorf("screen of %dx%d, %d bits, %d bytes a row in %d bytes", width, height, bits, stride, len(b))
	}
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		row := b[at+y*stride:]
		for x := range width {
			copy(m.Pix[m.PixOffset(x, y):], []byte{row[4*x+2], row[4*x+1], row[4*x], 0xff})
		}
	}
	return m, nil
}

// shows waits until the screen is what the server shows.
func (d display) shows(t *testing.T, far *rdptest.Desktop) {
	t.Helper()
	d.showsAbout(t, far.Image(), 0)
}

// corner is the top left of a screen: a window without decorations stands there.
func corner(m *image.RGBA, size image.Rectangle) *image.RGBA {
	out := image.NewRGBA(size)
	draw2d.Draw(out, size, m, image.Point{}, draw2d.Src)
	return out
}

// showsAbout waits until the top left of the screen is a picture, within a tolerance.
func (d display) showsAbout(t *testing.T, want *image.RGBA, tolerance int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond) // nothing tells when an X client has drawn
	defer look.Stop()
	for {
		m, err := d.picture()
		if err == nil {
			m = corner(m, want.Rect)
			if err = closeTo(m, want, tolerance); err == nil {
				return
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("the screen is not what the server shows: %v", err)
		}
	}
}

// xfreerdp starts the client on a display of its own.
func xfreerdp(t *testing.T, addr string, args ...string) (display, *exec.Cmd) {
	t.Helper()
	path := pamtest.Peer(t, "xfreerdp")
	d := newDisplay(t)
	cmd := exec.Command(path, append([]string{"/v:" + addr, "/u:anna", "/p:" + password, "/size:800x600", "/bpp:32", "-decorations"}, args...)...)
	cmd.Env = append(os.Environ(), "DISPLAY="+d.name, "HOME="+t.TempDir(), "XDG_CONFIG_HOME=")
	start(t, cmd)
	return d, cmd
}

// pin is a certificate as xfreerdp takes it.
func pin(s *rdptest.Server) string {
	hash := strings.TrimPrefix(rdp.Fingerprint(s.Certificate()), "sha256:")
	var pairs []string
	for i := 0; i < len(hash); i += 2 {
		pairs = append(pairs, hash[i:i+2])
	}
	return "/cert:fingerprint:sha256:" + strings.Join(pairs, ":")
}

// TestXfreerdp_DesktopAndInput: a client that somebody else has written signs in by TLS and by network level authentication, shows
// exactly what the server does, and what is typed and clicked there arrives and is drawn.
func TestXfreerdp_DesktopAndInput(t *testing.T) {
	xdotool := pamtest.Peer(t, "xdotool")
	for _, security := range []string{"tls", "nla"} {
		t.Run(security, func(t *testing.T) {
			s := newServer(t, nil)
			addr, err := s.Listen()
			if err != nil {
				t.Fatal(err)
			}
			screen, _ := xfreerdp(t, addr, "/sec:"+security, pin(s))
			far := session(t, s).Desktop()
			screen.shows(t, far)
			if a := s.Attempts(); len(a) == 0 || !a[len(a)-1].OK || a[len(a)-1].NLA != (security == "nla") {
				t.Errorf("attempts %+v", a)
			}
			do := exec.CommandContext(t.Context(), xdotool, "mousemove", "704", "144", "click", "1", "type", "Hello, 42 [OK]!")
			do.Env = append(os.Environ(), "DISPLAY="+screen.name)
			if out, err := do.CombinedOutput(); err != nil {
				t.Fatalf("xdotool: %v: %s", err, out)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := far.Wait(ctx, func(d *rdptest.Desktop) bool { return d.Text() == "Hello, 42 [OK]!" }); err != nil {
				t.Fatalf("%v: text %q", err, far.Text())
			}
			clicked := false
			for _, e := range far.Events() {
				clicked = clicked || e.Kind == rdptest.EventMouse && e.Flags == rdptest.PointerDown|rdptest.PointerButton1 && e.X == 704 && e.Y == 144
			}
			if !clicked {
				t.Errorf("no click among %+v", far.Events())
			}
			screen.shows(t, far)
		})
	}
}

// TestXfreerdp_S05_WrongCertificate: a client that pins another certificate sends no NTLM message, and no password.
func TestXfreerdp_S05_WrongCertificate(t *testing.T) {
	other := newServer(t, nil)
	for _, security := range []string{"tls", "nla"} {
		s := newServer(t, nil)
		addr, err := s.Listen()
		if err != nil {
			t.Fatal(err)
		}
		path := pamtest.Peer(t, "xfreerdp")
		d := newDisplay(t)
		cmd := exec.CommandContext(t.Context(), path, "/v:"+addr, "/u:anna", "/p:"+password, "/sec:"+security, pin(other)+",deny")
		cmd.Env = append(os.Environ(), "DISPLAY="+d.name, "HOME="+t.TempDir(), "XDG_CONFIG_HOME=")
		if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(bytes.ToLower(out), []byte("certificate")) {
			t.Errorf("%s: xfreerdp accepted another certificate: %v\n%s", security, err, out)
		}
		if n, a := s.Tokens(), s.Attempts(); s.Handshakes() == 0 || n != 0 || len(a) != 0 {
			t.Errorf("%s: after %d TLS handshakes %d NTLM messages and the attempts %+v", security, s.Handshakes(), n, a)
		}
	}
}
