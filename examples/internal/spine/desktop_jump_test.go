//go:build unix

package spine_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// pictures takes the frames of a desktop, and says of each that begins one.
type pictures chan pam.Frame

// Emit implements pam.Sink.
func (p pictures) Emit(ctx context.Context, f pam.Frame) error {
	if f.Kind != pam.FrameScreen || f.Flags&pam.FlagKey == 0 {
		return nil
	}
	select {
	case p <- f:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A desktop behind a real jump host: its picture comes, it takes another size, and the end of the jump host is the loss of the target.
func TestOpenSSH_L7_DesktopBehindAJumpHost(t *testing.T) {
	gate := sshtest.StartOpenSSH(t, "MaxSessions 0", "PermitTTY no")
	jumps, err := sshx.New(sshx.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const password = "correct horse"
	desk, err := rdptest.NewServer(rdptest.Config{Passwords: map[string]string{"anna": password}, Still: true, DisplayControl: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { desk.Close() })
	address, err := desk.Listen()
	if err != nil {
		t.Fatal(err)
	}
	field := func(name, value string) func(context.Context, string) (pam.Secret, error) {
		return func(_ context.Context, asked string) (pam.Secret, error) {
			if asked != name {
				return pam.Secret{}, pam.ErrNoField
			}
			return pam.NewSecret(value), nil
		}
	}
	r := pam.ConnectRequest{
		Asset: pam.Asset{
			ID: "desk", Address: address, Account: "anna", Type: pam.AssetType{Protocol: "rdp", OS: pam.OSWindows},
			Attributes: map[string]string{rdp.AttrCertificates: rdp.Fingerprint(desk.Certificate())},
		},
		Size: pam.Size{Cols: 80, Rows: 24, Width: 640, Height: 480}, Capabilities: pam.NewCapabilities(pam.Declarations{pam.Keyboard: pam.Allow}),
		Field: field(pam.FieldPassword, password),
		Via: []pam.Hop{{
			Asset: pam.Asset{
				ID: "gate", Address: gate.Address, Account: gate.User, Type: pam.AssetType{Protocol: "ssh", OS: pam.OSUnix},
				Attributes: map[string]string{sshx.AttrHostKeys: gate.HostKey},
			},
			Field: field(pam.FieldPrivateKey, gate.PrivateKey),
		}},
	}
	connect := func(cfg rdp.ProtocolConfig) (pam.Conn, error) {
		p, err := rdp.NewProtocol(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return p.Connect(t.Context(), r)
	}
	var refused *pam.TargetError
	if _, err := connect(rdp.ProtocolConfig{}); !errors.As(err, &refused) || refused.Code != pam.CodeTargetConfig {
		t.Errorf("without Jumps: %v, want %s", err, pam.CodeTargetConfig)
	}
	c, err := connect(rdp.ProtocolConfig{Jumps: jumps})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	shown, ended := make(pictures), make(chan error, 1)
	go func() { ended <- c.Run(context.Background(), shown) }()
	await := func(what string) {
		t.Helper()
		select {
		case <-shown:
		case err := <-ended:
			t.Fatalf("%s: the session ended: %v", what, err)
		}
	}
	await("the picture")
	if err := c.(pam.Resizer).Resize(t.Context(), pam.Size{Width: 800, Height: 600}); err != nil {
		t.Fatal(err)
	}
	await("the picture of another size")
	if n := strings.Count(gate.Log(), "Accepted publickey"); n != 1 {
		t.Errorf("the jump host saw %d logins, want 1", n)
	}
	if _, err := gate.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var end *pam.End
	if err := <-ended; !errors.As(err, &end) || end.Reason != pam.EndTargetError || end.Code != pam.CodeTargetLost || !strings.Contains(err.Error(), `"gate"`) {
		t.Errorf("end = %v, want %s with the name of the jump host", err, pam.CodeTargetLost)
	}
}
