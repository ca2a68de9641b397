package rdplab

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
)

//go:embed templates/weston.ini
var westonConfig string

//go:embed templates/weston-terminal.sh
var westonTerminal string

//go:embed templates/gnome.sh
var gnomeScript string

// StartWeston runs weston with its RDP backend: TLS or standard security as the client likes, and whoever comes is let in. All clients see
// one desktop, which is empty until ShowTerminal.
func StartWeston(t testing.TB) *Server {
	t.Helper()
	for _, program := range []string{"weston", "weston-terminal", "tmux"} {
		pamtest.Peer(t, program)
	}
	const port = 3389
	s := newServer(t, "weston", port, nil)
	config := s.WriteFile("weston.ini", westonConfig, 0o644)
	run := filepath.Join(s.Dir, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	s.Start(context.Background(), "weston", Command{
		Args: []string{
			"weston", "--backend=rdp-backend.so", "--address=127.0.0.1", fmt.Sprintf("--port=%d", port), fmt.Sprintf("--width=%d", Width),
			fmt.Sprintf("--height=%d", Height), "--rdp-tls-cert=" + filepath.Join(s.Dir, "tls.crt"), "--rdp-tls-key=" + filepath.Join(s.Dir, "tls.key"),
			"--rdp4-key=" + filepath.Join(s.Dir, "tls.key"), "--config=" + config, "--socket=wl-lab",
		},
		Env: []string{"XDG_RUNTIME_DIR=" + run, "HOME=" + s.Home},
	})
	s.WaitPort(t, port, "weston")
	s.WriteFile("weston-terminal.sh", westonTerminal, 0o755)
	s.Addr = s.Relay(port)
	return s
}

// ShowTerminal puts the terminal on the screen of a weston. It needs a client that stays: weston shows only what somebody could type into
// when it appears.
func (s *Server) ShowTerminal(t testing.TB) {
	t.Helper()
	s.Start(context.Background(), "weston-terminal", Command{
		Args: []string{"sh", filepath.Join(s.Dir, "weston-terminal.sh"), s.Dir, s.Home},
		Env:  []string{"XDG_RUNTIME_DIR=" + filepath.Join(s.Dir, "run"), "HOME=" + s.Home, "WAYLAND_DISPLAY=wl-lab", "XDG_CONFIG_HOME=" + s.Dir},
	})
	s.Wait(t, "terminal", s.Ready, "weston", "weston-terminal")
}

const gnomeDaemon = "/usr/libexec/gnome-remote-desktop-daemon"

// StartGNOME runs GNOME's remote desktop over a headless compositor whose only monitor it mirrors: network level authentication alone.
func StartGNOME(t testing.TB) *Server {
	t.Helper()
	for _, program := range []string{
		gnomeDaemon, "grdctl", "mutter", "pipewire", "wireplumber", "gsettings", "gdbus", "dbus-run-session", "weston-terminal",
	} {
		pamtest.Peer(t, program)
	}
	const port = 3389
	account := pamtest.NewAccount(t)
	s := newServer(t, "GNOME", port, account)
	run := filepath.Join(s.Home, "run")
	script := s.WriteFile("gnome.sh", gnomeScript, 0o755)
	if err := os.WriteFile(filepath.Join(s.Home, "shell.sh"), fmt.Appendf(nil, "#!/bin/sh\nexec sh %s/terminal.sh %s/ready\n", s.Dir, s.Home), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{run, filepath.Join(s.Home, "shell.sh")} {
		if err := account.Own(path); err != nil {
			t.Fatal(err)
		}
	}
	s.Start(context.Background(), "gnome", Command{
		Args: []string{"dbus-run-session", "--", "sh", script, s.Dir, fmt.Sprint(port), gnomeDaemon},
		Env: []string{
			"XDG_RUNTIME_DIR=" + run, "XDG_SESSION_TYPE=wayland", "NO_AT_BRIDGE=1", "GSETTINGS_BACKEND=keyfile",
			"LAB_USER=" + s.User, "LAB_PASSWORD=" + s.Password,
		},
		As: account,
	})
	s.Wait(t, "GNOME", func() bool { return strings.Contains(s.Log("gnome"), "RDP server started") }, "gnome")
	s.WaitPort(t, port, "gnome")
	s.Wait(t, "terminal", func() bool { return s.Ready() }, "gnome")
	s.Addr = s.Relay(port)
	return s
}
