package rdp_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

func TestMain(m *testing.M) { pamtest.VerifyNoLeaks(m) }

const (
	password = "Tr0ub4dor&3-canary"
	patience = 2 * time.Minute // nothing waits for so long but what hangs
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// newServer is an rdptest server.
func newServer(t *testing.T, change func(*rdptest.Config)) *rdptest.Server {
	t.Helper()
	cfg := rdptest.Config{Passwords: map[string]string{"anna": password}, Still: true, Now: noon}
	if change != nil {
		change(&cfg)
	}
	s, err := rdptest.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// server is an rdptest server on a free port.
func server(t *testing.T, change func(*rdptest.Config)) (s *rdptest.Server, addr string) {
	t.Helper()
	s = newServer(t, change)
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	return s, addr
}

func as(user, pass string) func(context.Context) (rdp.Credentials, error) {
	return func(context.Context) (rdp.Credentials, error) {
		return rdp.Credentials{User: user, Password: rdp.Password(pass)}, nil
	}
}

func dial(t *testing.T, addr string, cfg rdp.Config) (*rdp.Client, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cfg.HandshakeTimeout = patience
	c, err := rdp.Dial(ctx, addr, &cfg)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// session dials as anna and draws until the picture is the server's.
func session(t *testing.T, s *rdptest.Server, addr string, cfg rdp.Config) (*rdp.Client, *rdptest.Session, *rdp.Framebuffer) {
	t.Helper()
	cfg.Credentials, cfg.Pins = as("anna", password), []string{rdp.Fingerprint(s.Certificate())}
	c, err := dial(t, addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	far, err := s.WaitSession(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	f, err := rdp.NewFramebuffer(c.Size())
	if err != nil {
		t.Fatal(err)
	}
	return c, far, f
}

// draw applies updates until ok.
func draw(t *testing.T, c *rdp.Client, f *rdp.Framebuffer, ok func(u rdp.Update) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		u, err := c.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Apply(u); err != nil {
			t.Fatal(err)
		}
		if ok(u) {
			return
		}
	}
}

// area is how many pixels an update covers.
func area(u rdp.Update) (n int) {
	if b, ok := u.(*rdp.Bitmap); ok {
		for _, tile := range b.Tiles {
			n += tile.W * tile.H
		}
	}
	return n
}

// TestDial_ShowsTheDesktop: by every way to sign in, path and depth, the framebuffer shows what the server does.
func TestDial_ShowsTheDesktop(t *testing.T) {
	for _, security := range []rdp.Security{rdp.SecurityAny, rdp.SecurityNLA, rdp.SecurityTLS} {
		for depth, tolerance := range map[int]int{32: 0, 24: 0, 16: 7, 15: 7} {
			s, addr := server(t, func(c *rdptest.Config) { c.SlowPath = depth == 24 })
			c, far, f := session(t, s, addr, rdp.Config{Security: security, Depth: depth, Width: 801, Height: 600})
			if w, h := c.Size(); w != 800 || h != 600 {
				t.Fatalf("desktop of %dx%d", w, h)
			}
			want := far.Desktop().Image()
			drawn := 0
			draw(t, c, f, func(u rdp.Update) bool { drawn += area(u); return drawn >= 800*600 })
			for i, v := range f.Image().Pix {
				if d := int(v) - int(want.Pix[i]); d > tolerance || -d > tolerance {
					t.Fatalf("security %d, depth %d: byte %d is %d, not %d", security, depth, i, v, want.Pix[i])
				}
			}
			info := c.Info()
			if info.TLSVersion != "TLS 1.3" || info.Fingerprint != rdp.Fingerprint(s.Certificate()) || (info.Protocol == "TLS") != (security == rdp.SecurityTLS) {
				t.Errorf("security %d: %+v", security, info)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if _, err := c.Next(t.Context()); rdp.CodeOf(err) == "" {
				t.Errorf("after Close: %v", err)
			}
			s.Close()
		}
	}
}

// TestDial_S05_NothingSecretBeforeTheCertificate: whatever makes a certificate untrusted, the credentials are not even asked for, and the
// server hears of no sign-in.
func TestDial_S05_NothingSecretBeforeTheCertificate(t *testing.T) {
	other, _ := server(t, nil)
	refusal := errors.New("the host says no")
	for name, change := range map[string]func(*rdp.Config){
		"nothing is known":  func(*rdp.Config) {},
		"another pin":       func(c *rdp.Config) { c.Pins = []string{rdp.Fingerprint(other.Certificate())} },
		"another authority": func(c *rdp.Config) { c.RootCAs = pool(other.Certificate()) },
		"the host refuses": func(c *rdp.Config) {
			c.ConfirmCertificate = func(context.Context, rdp.UnknownCertificate) error { return refusal }
		},
		"insecure does not beat a pin": func(c *rdp.Config) {
			c.InsecureAcceptAnyCertificate, c.Pins = true, []string{rdp.Fingerprint(other.Certificate())}
		},
	} {
		for _, security := range []rdp.Security{rdp.SecurityNLA, rdp.SecurityTLS} {
			s, addr := server(t, nil)
			asked := false
			cfg := rdp.Config{Security: security, Credentials: func(context.Context) (rdp.Credentials, error) {
				asked = true
				return rdp.Credentials{User: "anna", Password: password}, nil
			}}
			change(&cfg)
			_, err := dial(t, addr, cfg)
			var e *rdp.Error
			if !errors.As(err, &e) || e.Code != rdp.CodeCertificate || e.Fingerprint != rdp.Fingerprint(s.Certificate()) {
				t.Errorf("%s: %v", name, err)
			}
			if asked || len(s.Attempts()) != 0 {
				t.Errorf("%s: credentials asked for: %v; the server heard %v", name, asked, s.Attempts())
			}
			s.Close()
		}
	}
}

func pool(certs ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}

// TestDial_Trust: each way to trust a certificate works, and consent sees the fingerprint.
func TestDial_Trust(t *testing.T) {
	s, addr := server(t, nil)
	seen := ""
	for name, change := range map[string]func(*rdp.Config){
		"pin": func(c *rdp.Config) {
			c.Pins = []string{"sha256:00" + rdp.Fingerprint(s.Certificate())[9:], rdp.Fingerprint(s.Certificate())}
		},
		"consent": func(c *rdp.Config) {
			c.ConfirmCertificate = func(_ context.Context, u rdp.UnknownCertificate) error { seen = u.Fingerprint; return nil }
		},
		"insecure":  func(c *rdp.Config) { c.InsecureAcceptAnyCertificate = true },
		"authority": func(c *rdp.Config) { c.RootCAs, c.ServerName = pool(s.Certificate()), "rdptest" },
	} {
		cfg := rdp.Config{Credentials: as(`corp\anna`, password)}
		change(&cfg)
		c, err := dial(t, addr, cfg)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.Close()
	}
	if seen != rdp.Fingerprint(s.Certificate()) {
		t.Errorf("consent saw %q", seen)
	}
	for _, a := range s.Attempts() {
		if a.Domain != "corp" || a.User != "anna" {
			t.Errorf("signed in as %+v", a)
		}
	}
}

// TestDial_Refused: what keeps a session from coming about has a code of its own.
func TestDial_Refused(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	anySecurity, addr := server(t, nil)
	_, tlsOnly := server(t, func(c *rdptest.Config) { c.Security = rdptest.SecurityTLS })
	_ = anySecurity
	noVault := errors.New("the vault is closed")
	for name, c := range map[string]struct {
		addr string
		cfg  rdp.Config
		want rdp.Code
	}{
		"nobody listens":      {gone.Addr().String(), rdp.Config{}, rdp.CodeUnreachable},
		"wrong password, NLA": {addr, rdp.Config{Credentials: as("anna", "wrong"), Security: rdp.SecurityNLA}, rdp.CodeAuth},
		"wrong password, TLS": {addr, rdp.Config{Credentials: as("anna", "wrong"), Security: rdp.SecurityTLS}, rdp.CodeAuth},
		"NLA alone":           {tlsOnly, rdp.Config{Credentials: as("anna", password), Security: rdp.SecurityNLA}, rdp.CodeNegotiation},
	} {
		c.cfg.InsecureAcceptAnyCertificate = true
		if _, err := dial(t, c.addr, c.cfg); rdp.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	cfg := rdp.Config{InsecureAcceptAnyCertificate: true, Credentials: func(context.Context) (rdp.Credentials, error) { return rdp.Credentials{}, noVault }}
	if _, err := dial(t, addr, cfg); !errors.Is(err, noVault) {
		t.Errorf("no credentials: %v", err)
	}
	for _, cfg := range []rdp.Config{{Depth: 8}, {Width: 100}, {Width: 8192, Height: 8192}, {Pins: []string{"md5:00"}}, {RestrictedAdmin: true}, {Security: 9}} {
		if _, err := dial(t, addr, cfg); err == nil || rdp.CodeOf(err) != "" {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// TestCheckPin_Forms: colons and case do not count, everything else does.
func TestCheckPin_Forms(t *testing.T) {
	digits := strings.Repeat("aB", 32)
	for pin, well := range map[string]bool{
		"sha256:" + digits:                    true,
		"SHA256:" + strings.ToUpper(digits):   true,
		"sha256:" + strings.Repeat("aB:", 32): true,
		digits:                                false,
		"sha256:" + digits[2:]:                false,
		"sha256:" + digits + "ab":             false,
		"sha256:" + digits[1:] + "g":          false,
		"sha256: " + digits:                   false,
		"md5:" + digits:                       false,
		"sha256:":                             false,
	} {
		if err := rdp.CheckPin(pin); (err == nil) != well {
			t.Errorf("%q: %v", pin, err)
		}
	}
}

// TestDial_ContextAndSilence: a server that says nothing holds a caller up as long as its context or the timeout let it, and not longer.
func TestDial_ContextAndSilence(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		_, _ = far.Read(make([]byte, 1<<10))
		cancel()
	}()
	if _, err := rdp.NewClient(ctx, near, nil); rdp.CodeOf(err) != rdp.CodeCanceled || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	<-heard
	near, far = net.Pipe()
	defer far.Close()
	if _, err := rdp.NewClient(t.Context(), near, &rdp.Config{HandshakeTimeout: time.Millisecond}); rdp.CodeOf(err) != rdp.CodeTimeout {
		t.Errorf("silent: %v", err)
	}
}

// TestClient_Input: keys, text, mouse and wheel arrive, and what they do is drawn.
func TestClient_Input(t *testing.T) {
	s, addr := server(t, nil)
	c, far, f := session(t, s, addr, rdp.Config{Width: 800, Height: 600})
	drawn := 0
	draw(t, c, f, func(u rdp.Update) bool { drawn += area(u); return drawn >= 800*600 })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.SetLockKeys(rdp.LockKeys{}))
	must(c.Keys(rdp.KeyLeftShift, 0x23)) // H
	must(c.Key(0x17, true))
	must(c.Key(0x17, false))
	must(c.Type(" Grüße 😀"))
	must(c.MouseMove(704, 144))
	must(c.MouseButton(rdp.ButtonLeft, true, 704, 144))
	must(c.MouseButton(rdp.ButtonLeft, false, 704, 144))
	must(c.MouseWheel(false, -240, 100, 400))
	must(c.MouseButton(rdp.ButtonX2, true, 9000, -3))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(far.Desktop().Wait(ctx, func(d *rdptest.Desktop) bool {
		e := d.Events()
		return len(e) > 0 && e[len(e)-1].Kind == rdptest.EventMouseX
	}))
	if got := far.Desktop().Text(); got != "Hi Grüße 😀" {
		t.Errorf("text %q", got)
	}
	if last := far.Desktop().Events(); last[len(last)-1].X != 799 || last[len(last)-1].Y != 0 {
		t.Errorf("beyond the desktop: %+v", last[len(last)-1])
	}
	want := far.Desktop().Image()
	same := func() bool {
		for i, v := range f.Image().Pix {
			if v != want.Pix[i] {
				return false
			}
		}
		return true
	}
	draw(t, c, f, func(rdp.Update) bool { return same() })
	// What was drawn once comes again when it is asked for.
	must(c.SuppressOutput(true))
	must(c.SuppressOutput(false))
	must(c.Refresh())
	drawn = 0
	draw(t, c, f, func(u rdp.Update) bool { drawn += area(u); return drawn >= 800*600 })
}

// TestClient_Ends: each way in which a server ends a session has its code.
func TestClient_Ends(t *testing.T) {
	for code, want := range map[uint32]rdp.Code{
		0x1: rdp.CodeAdmin, 0x2: rdp.CodeAdmin, 0x3: rdp.CodeIdle, 0x5: rdp.CodeReplaced, 0xb: rdp.CodeDisconnected,
		0xc: rdp.CodeLoggedOff, 0x104: rdp.CodeLicence, 0x6: rdp.CodeServer,
	} {
		s, addr := server(t, nil)
		c, far, _ := session(t, s, addr, rdp.Config{Width: 400, Height: 300})
		far.Disconnect(code)
		if err := untilEnd(t, c); rdp.CodeOf(err) != want {
			t.Errorf("%#x: %v, want %s", code, err, want)
		}
		s.Close()
	}
	s, addr := server(t, nil)
	c, _, _ := session(t, s, addr, rdp.Config{Width: 400, Height: 300})
	s.Drop()
	err := untilEnd(t, c)
	if rdp.CodeOf(err) != rdp.CodeNetwork {
		t.Errorf("dropped: %v", err)
	}
	if _, again := c.Next(t.Context()); !errors.Is(again, err) {
		t.Errorf("Next after the end: %v", again)
	}
	if err := c.Type("x"); err == nil {
		t.Error("input after the end is taken")
	}
}

func untilEnd(t *testing.T, c *rdp.Client) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if _, err := c.Next(ctx); err != nil {
			return err
		}
	}
}

// TestClient_CloseWakesNext: a Next that waits ends with Close, and with its context.
func TestClient_CloseWakesNext(t *testing.T) {
	s, addr := server(t, nil)
	c, _, f := session(t, s, addr, rdp.Config{Width: 800, Height: 600})
	drawn := 0
	draw(t, c, f, func(u rdp.Update) bool { drawn += area(u); return drawn >= 800*600 })
	ended := make(chan error)
	go func() { ended <- untilEnd(t, c) }()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; rdp.CodeOf(err) == "" {
		t.Errorf("Next: %v", err)
	}
	c, _, _ = session(t, s, addr, rdp.Config{Width: 800, Height: 600})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var err error
	for err == nil {
		_, err = c.Next(ctx)
	}
	if rdp.CodeOf(err) != rdp.CodeCanceled {
		t.Errorf("Next: %v", err)
	}
}
