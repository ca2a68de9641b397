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

// The ports of StartShadow's servers inside the box.
const (
	shadowNLA = 3389
	shadowTLS = 3390
)

// StartShadow runs FreeRDP's server over one virtual X display, twice: with network level authentication, and with TLS alone, which lets
// everybody in.
func StartShadow(t testing.TB, o Options) (nla, tls *Server) {
	t.Helper()
	for _, program := range []string{"freerdp-shadow-cli", "winpr-hash", "Xvfb", "xterm", "xsetroot", "xclock", "xwd"} {
		pamtest.Peer(t, program)
	}
	nla = newServer(t, "shadow NLA", shadowNLA, nil)
	ctx := context.Background()
	nla.startDisplay(ShadowDisplay)
	nla.Start(ctx, "session", Command{Args: nla.session(o), Env: []string{"DISPLAY=" + ShadowDisplay, "HOME=" + nla.Home}})
	nla.Wait(t, "session", func() bool { return nla.Ready(ShadowDisplay) }, "session")
	sam, err := nla.Output(ctx, Command{Args: []string{"winpr-hash", "-u", nla.User, "-p", nla.Password, "-f", "sam"}})
	if err != nil {
		t.Fatal(err)
	}
	samFile := nla.WriteFile("sam", string(sam), 0o600)
	// It takes its certificate from here, and would make one that nobody knows.
	for _, ext := range []string{"crt", "key"} {
		p, err := os.ReadFile(filepath.Join(nla.Dir, "tls."+ext))
		if err != nil {
			t.Fatal(err)
		}
		nla.WriteFile("config/freerdp/shadow/shadow."+ext, string(p), 0o600)
	}
	run := func(name string, port int, args ...string) {
		nla.Start(ctx, name, Command{
			Args: append([]string{"freerdp-shadow-cli", fmt.Sprintf("/port:%d", port), "/bind-address:127.0.0.1"}, args...),
			Env:  []string{"DISPLAY=" + ShadowDisplay, "HOME=" + nla.Dir, "XDG_CONFIG_HOME=" + filepath.Join(nla.Dir, "config"), "WLOG_LEVEL=INFO"},
		})
		nla.WaitPort(t, port, name)
	}
	run("shadow-nla", shadowNLA, "/sec:nla", "/sam-file:"+samFile)
	run("shadow-tls", shadowTLS, "/sec:tls", "-auth")
	same := *nla
	tls = &same
	tls.Name, tls.Port = "shadow TLS", shadowTLS
	nla.Addr, tls.Addr = nla.Relay(shadowNLA), nla.Relay(shadowTLS)
	return nla, tls
}
