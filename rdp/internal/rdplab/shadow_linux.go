package rdplab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// ShadowDisplay is the X display that a shadow server shows.
const ShadowDisplay = ":71"

// Shadow is FreeRDP's server over one virtual X display, once for each way to sign in. Only NLA checks the password.
type Shadow struct{ NLA, TLS, Standard *Server }

// StartShadow runs it. The three share a box.
func StartShadow(t testing.TB, o Options) Shadow {
	t.Helper()
	for _, program := range []string{"freerdp-shadow-cli", "winpr-hash", "Xvfb", "xterm", "xsetroot", "xclock", "xwd"} {
		pamtest.Peer(t, program)
	}
	s := newServer(t, "shadow", 3389, nil)
	s.Display = ShadowDisplay
	ctx := context.Background()
	s.startDisplay(ShadowDisplay)
	s.Start(ctx, "session", Command{Args: s.session(o), Env: []string{"DISPLAY=" + ShadowDisplay, "HOME=" + s.Home}})
	s.Wait(t, "session", func() bool { return s.Ready() }, "session")
	sam, err := s.Output(ctx, Command{Args: []string{"winpr-hash", "-u", s.User, "-p", s.Password, "-f", "sam"}})
	if err != nil {
		t.Fatal(err)
	}
	samFile := s.WriteFile("sam", string(sam), 0o600)
	// It takes its certificate from here, and would make one that nobody knows.
	for _, ext := range []string{"crt", "key"} {
		p, err := os.ReadFile(filepath.Join(s.Dir, "tls."+ext))
		if err != nil {
			t.Fatal(err)
		}
		s.WriteFile("config/freerdp/shadow/shadow."+ext, string(p), 0o600)
	}
	run := func(name string, port int, args ...string) *Server {
		s.Start(ctx, name, Command{
			Args: append([]string{"freerdp-shadow-cli", fmt.Sprintf("/port:%d", port), "/bind-address:127.0.0.1"}, args...),
			Env:  []string{"DISPLAY=" + ShadowDisplay, "HOME=" + s.Dir, "XDG_CONFIG_HOME=" + filepath.Join(s.Dir, "config"), "WLOG_LEVEL=INFO"},
		})
		s.WaitPort(t, port, name)
		return s.at(name, port)
	}
	return Shadow{
		NLA:      run("shadow-nla", s.Port, "/sec:nla", "/sam-file:"+samFile),
		TLS:      run("shadow-tls", s.Port+1, "/sec:tls", "-auth"),
		Standard: run("shadow-standard", s.Port+2, "/sec:rdp", "-auth"),
	}
}
