package rdplab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// Layer is the security layer of an xrdp.
type Layer string

// The layers.
const (
	LayerNegotiate Layer = "negotiate"
	LayerTLS       Layer = "tls"
	LayerRDP       Layer = "rdp"
)

// XrdpDisplay is the X display of the one session that StartXrdp's account gets, whatever the colour depth of who signs in.
const XrdpDisplay = ":10"

// StartXrdp runs xrdp and its session manager, with an account of their own. The session starts with the first sign-in.
func StartXrdp(t testing.TB, layer Layer, o Options) *Server {
	t.Helper()
	for _, program := range []string{"xrdp", "xrdp-sesman", "/usr/lib/xorg/Xorg", "xterm", "xsetroot", "xclock", "xwd"} {
		pamtest.Peer(t, program)
	}
	s := newServer(t, "xrdp "+string(layer), 3389, pamtest.NewAccount(t))
	s.Display = XrdpDisplay
	s.WriteFile("startwm.sh", "#!/bin/sh\nexec "+strings.Join(s.session(o), " ")+"\n", 0o755)
	policy := "Default"
	if o.Apart {
		policy = "UBC"
	}
	sesman := s.edit("/etc/xrdp/sesman.ini", "sesman.ini", map[string]string{
		"EnableUserWindowManager": "false", "DefaultWindowManager": filepath.Join(s.Dir, "startwm.sh"),
		"LogFile": s.logFile("xrdp-sesman-own"), "LogLevel": "DEBUG", "EnableSyslog": "false",
		"KillDisconnected": "false", "X11DisplayOffset": strings.TrimPrefix(XrdpDisplay, ":"), "Policy": policy,
	})
	ctx := context.Background()
	if _, err := s.Output(ctx, Command{Args: []string{"sh", "/usr/share/xrdp/socksetup"}}); err != nil {
		t.Fatal(err)
	}
	s.Start(ctx, "xrdp-sesman", Command{Args: []string{"xrdp-sesman", "-n", "-c", sesman}})
	s.WaitPort(t, 3350, "xrdp-sesman")
	config := s.edit("/etc/xrdp/xrdp.ini", "xrdp.ini", map[string]string{
		"port": fmt.Sprintf("tcp://127.0.0.1:%d", s.Port), "security_layer": string(layer), "certificate": filepath.Join(s.Dir, "tls.crt"),
		"key_file": filepath.Join(s.Dir, "tls.key"), "LogFile": s.logFile("xrdp-own"), "LogLevel": "DEBUG", "EnableSyslog": "false",
		"autorun": "Xorg",
	})
	s.Start(ctx, "xrdp", Command{Args: []string{"xrdp", "-n", "-c", config}})
	s.WaitPort(t, s.Port, "xrdp")
	s.Addr = s.Relay(s.Port)
	return s
}

// edit writes a copy of a configuration file with other values for some of its keys, and returns its path. A key that the file does not
// have fails the test: it would change nothing.
func (s *Server) edit(file, name string, values map[string]string) string {
	s.t.Helper()
	p, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	lines := strings.Split(string(p), "\n")
	met := make(map[string]bool)
	for i, line := range lines {
		key, _, ok := strings.Cut(line, "=")
		value, known := values[key]
		// The same key in a later section is another one.
		if ok && known && !met[key] {
			lines[i], met[key] = key+"="+value, true
		}
	}
	for key := range values {
		if !met[key] {
			s.t.Fatalf("rdplab: %s has no %s", file, key)
		}
	}
	return s.WriteFile(name, strings.Join(lines, "\n"), 0o644)
}
