package rdplab

import (
	"context"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// startDisplay runs a virtual X display of the usual size.
func (b *Box) startDisplay(display string) {
	b.t.Helper()
	name := "xvfb" + display
	b.Start(context.Background(), name, Command{Args: []string{
		"Xvfb", display, "-screen", "0", fmt.Sprintf("%dx%dx24", Width, Height), "-nolisten", "tcp", "-noreset", "-ac",
	}})
	// The box has a folder of its own for the sockets of displays.
	socket := fmt.Sprintf("/proc/%d/root/tmp/.X11-unix/X%s", b.init.Process.Pid, strings.TrimPrefix(display, ":"))
	b.Wait(b.t, "display "+display, func() bool {
		_, err := os.Stat(socket)
		return err == nil
	}, name)
}

// Screen returns what an X display of the box shows, without a pointer.
func (b *Box) Screen(ctx context.Context, display, home string) (*image.RGBA, error) {
	out, err := b.Output(ctx, Command{
		Args: []string{"xwd", "-silent", "-root"},
		Env:  []string{"DISPLAY=" + display, "XAUTHORITY=" + filepath.Join(home, ".Xauthority")},
	})
	if err != nil {
		return nil, err
	}
	return decodeXWD(out)
}

// Screen returns what the server's X display shows: the truth that its clients' pictures are measured by.
func (s *Server) Screen(ctx context.Context) (*image.RGBA, error) {
	return s.Box.Screen(ctx, s.Display, s.Home)
}

// InSession runs a command on the server's X display, as root, and returns what it printed.
func (s *Server) InSession(ctx context.Context, args ...string) ([]byte, error) {
	return s.Output(ctx, Command{Args: args, Env: []string{"DISPLAY=" + s.Display, "XAUTHORITY=" + filepath.Join(s.Home, ".Xauthority")}})
}

// ByUser is InSession as the account that signs in, in its home. On a server whose users are not accounts of the machine it is root.
func (s *Server) ByUser(ctx context.Context, args ...string) ([]byte, error) {
	return s.Output(ctx, Command{
		Args: append([]string{"env", "-C", s.Home}, args...),
		Env:  []string{"DISPLAY=" + s.Display, "XAUTHORITY=" + filepath.Join(s.Home, ".Xauthority")}, As: s.account,
	})
}

// XFreeRDP is a running xfreerdp on a display of its own.
type XFreeRDP struct {
	s       *Server
	display string
	stop    context.CancelFunc
}

// clientDisplay is where xfreerdp shows what it draws.
const clientDisplay = ":90"

// XFreeRDP connects xfreerdp to the server, as its user, until Stop. args are further ones of xfreerdp.
func (s *Server) XFreeRDP(t testing.TB, name string, args ...string) *XFreeRDP {
	t.Helper()
	for _, program := range []string{"xfreerdp", "Xvfb", "xwd"} {
		pamtest.Peer(t, program)
	}
	s.mu.Lock()
	running := slices.Contains(s.logs, "xvfb"+clientDisplay)
	s.mu.Unlock()
	if !running {
		s.startDisplay(clientDisplay)
	}
	ctx, cancel := context.WithCancel(context.Background())
	x := &XFreeRDP{s: s, display: clientDisplay, stop: cancel}
	t.Cleanup(cancel)
	s.Start(ctx, "xfreerdp-"+name, Command{
		Args: append([]string{
			"xfreerdp", fmt.Sprintf("/v:127.0.0.1:%d", s.Port), "/u:" + s.User, "/p:" + s.Password, "/cert:ignore",
			fmt.Sprintf("/size:%dx%d", Width, Height), "-decorations", "/log-level:INFO",
		}, args...),
		Env: []string{"DISPLAY=" + clientDisplay, "HOME=" + filepath.Join(s.Dir, "client")},
	})
	return x
}

// Screenshot returns what xfreerdp shows.
func (x *XFreeRDP) Screenshot(ctx context.Context) (*image.RGBA, error) {
	return x.s.Box.Screen(ctx, x.display, x.s.Dir)
}

// Stop ends it.
func (x *XFreeRDP) Stop() { x.stop() }
