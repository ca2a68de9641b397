//go:build linux

package rdp_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/internal/rdplab"
)

// cell is something that is tried with every server. It returns how the connection failed, and fails the test by itself when what should
// come of a connection does not.
type cell struct {
	name string
	run  func(t *testing.T, r *real) error
}

// cells are in the order in which they are run: the last one may end the session.
var cells = []cell{
	{"connect", connects},
	{"wrong-certificate", meetsAnother},
	{"picture", showsTheSame},
	{"input", typesAndClicks},
	{"reconnect", comesBack},
	{"wrong-password", isRefused},
	{"disconnect", hangsUp},
	{"resize", resizes},
	{"sign-out", signsOut},
}

// connects: ok is a desktop of the size that was asked for, by the protocol that the server is known for.
func connects(t *testing.T, r *real) error {
	v, err := view(t, r.Server, r.cfg)
	if err != nil {
		return err
	}
	if w, h := v.Size(); w != rdplab.Width || h != rdplab.Height {
		t.Errorf("desktop of %dx%d", w, h)
	}
	info := v.Info()
	fingerprint := rdp.Fingerprint(r.Certificate)
	if r.cfg.Security == rdp.SecurityStandard {
		fingerprint = "" // there is no certificate
	}
	if info.Protocol != r.protocol || info.Fingerprint != fingerprint || r.cipher != "" && info.CipherSuite != r.cipher {
		t.Errorf("%+v", info)
	}
	t.Logf("%s, %s, %s", info.Protocol, info.TLSVersion, info.CipherSuite)
	return nil
}

// meetsAnother pins another certificate; the credentials must not even be asked for.
func meetsAnother(t *testing.T, r *real) error {
	cfg := r.cfg
	cfg.Pins = []string{"sha256:" + strings.Repeat("ab", 32)}
	cfg.Credentials = func(context.Context) (rdp.Credentials, error) {
		t.Error("the credentials were asked for")
		return rdp.Credentials{}, errors.New("none")
	}
	_, err := view(t, r.Server, cfg)
	return err
}

// showsTheSame: ok is the picture that xfreerdp shows of the same screen, which stands still. xfreerdp comes first where a session has one
// client at a time, and stays where the picture has pointers in it.
func showsTheSame(t *testing.T, r *real) error {
	for attempt := 1; ; attempt++ {
		e, err := r.compare(t)
		switch {
		case err == nil:
			t.Logf("mean error %.3f", e)
			return nil
		case rdp.CodeOf(err) != "" || r.renew == nil:
			return err
		case attempt == attempts:
			t.Fatal(err)
		}
		t.Logf("attempt %d: %v", attempt, err)
		r.renew(t)
	}
}

// attempts are how many daemons get their chance where each is a new one: GNOME's at times stops to send pictures to one of two clients.
const attempts = 3

func (r *real) compare(t *testing.T) (float64, error) {
	const tolerance = 2 // what xfreerdp gets may be coded with loss
	x := r.XFreeRDP(t, r.name, "/bpp:32", "/gfx:RFX")
	defer x.Stop()
	truth := x.Screenshot
	if r.Display != "" {
		shot := awaitSame(t, x.Screenshot, r.truth, tolerance)
		x.Stop()
		truth = still(shot)
	}
	v, err := view(t, r.Server, r.cfg)
	if err != nil {
		return 0, err
	}
	if r.renew == nil {
		return v.shows(t, tolerance, truth), nil
	}
	return v.match(t, patience/attempts, tolerance, truth)
}

// typesAndClicks: ok is a shell on the screen that has run what was typed, where the mouse gave it the focus.
func typesAndClicks(t *testing.T, r *real) error {
	v, err := r.alone(t)
	if err != nil {
		return err
	}
	v.run(t, r.Server, "echo hello", "typed", "hello\n")
	return nil
}

// comesBack: ok is a shell that still knows what it was told by a connection before.
func comesBack(t *testing.T, r *real) error {
	for _, command := range []string{"keep=42; echo $keep", "echo $keep"} {
		v, err := r.alone(t)
		if err != nil {
			return err
		}
		v.run(t, r.Server, command, fmt.Sprintf("kept%d", len(command)), "42\n")
		if r.watcher == nil {
			v.stop()
		}
	}
	return nil
}

// isRefused: ok is a server that lets in whoever comes, or xrdp, whose window says that the sign-in has failed.
func isRefused(t *testing.T, r *real) error {
	cfg := r.cfg
	cfg.Credentials = as(r.User, r.Password+"!")
	v, err := view(t, r.Server, cfg)
	if err != nil {
		return err
	}
	if strings.HasPrefix(r.name, "xrdp") {
		r.Wait(t, "refusal", func() bool { return strings.Contains(r.Log("xrdp-own"), "login failed for user "+r.User) })
		keep(t, "refused", v.picture())
	}
	return nil
}

// hangsUp: ok is a connection that the server lets go of too, and a Client that says who has closed it.
func hangsUp(t *testing.T, r *real) error {
	v, err := view(t, r.Server, r.cfg)
	if err != nil {
		return err
	}
	before := r.Connections()
	if err := v.Close(); err != nil {
		return err
	}
	r.Wait(t, "end of the connection", func() bool { return r.Connections() < before })
	<-v.done
	if code := rdp.CodeOf(v.err); code != rdp.CodeClosed {
		t.Errorf("Next ends with %q: %v", code, v.err)
	}
	return nil
}

// resizes: ok is a desktop that becomes as large as it is asked to, and shows the screen, and then as large as before.
func resizes(t *testing.T, r *real) error {
	cfg := r.cfg
	cfg.Resize = true
	v, err := view(t, r.Server, cfg)
	if err != nil {
		return err
	}
	for _, size := range [][2]int{{1000, 700}, {rdplab.Width, rdplab.Height}} {
		r.Wait(t, "display control", func() bool {
			err = v.Resize(size[0], size[1], 0)
			return !errors.Is(err, rdp.ErrNotOffered)
		})
		if err != nil {
			t.Fatal(err)
		}
		r.Wait(t, "the size", func() bool {
			w, h := v.Size()
			return w == size[0] && h == size[1]
		})
		t.Logf("%v: mean error %.3f", size, v.shows(t, 0, r.truth))
	}
	return nil
}

// signsOut: the error is the one that the session ends with when its shell does.
func signsOut(t *testing.T, r *real) error {
	v, err := r.alone(t)
	if err != nil {
		return err
	}
	v.run(t, r.Server, "echo bye", "bye", "bye\n")
	v.keys(t, "exit\n")
	<-v.done
	return v.err
}
