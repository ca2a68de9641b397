//go:build linux

package rdp_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/internal/rdplab"
)

// TestXrdp_S35_Stopped: a real xrdp, or the X server behind it, that is stopped while its machine goes on to take what is sent ends the session with a
// code that says so. Before that it is a desktop that stands still and is touched now and then, and lives on.
func TestXrdp_S35_Stopped(t *testing.T) {
	const answer = 3 * time.Second // the default is ten times that
	for program, codec := range map[string]string{"xrdp": "lossless", "Xorg": "remotefx"} {
		t.Run(program, func(t *testing.T) {
			s := rdplab.StartXrdp(t, rdplab.LayerTLS, rdplab.Options{})
			r := pam.ConnectRequest{
				Asset: pam.Asset{
					ID: "xrdp", Address: s.Addr, Account: s.User,
					Attributes: map[string]string{rdp.AttrCertificates: rdp.Fingerprint(s.Certificate)},
				},
				Params: pam.Params{rdp.ParamCodec: codec}, Size: pam.Size{Cols: 80, Rows: 24, Width: rdplab.Width, Height: rdplab.Height},
				Capabilities: pam.NewCapabilities(pam.Declarations{pam.Keyboard: pam.Allow}),
				Field:        func(context.Context, string) (pam.Secret, error) { return pam.NewSecret(s.Password), nil },
			}
			c, err := protocol(t, rdp.ProtocolConfig{AnswerTimeout: answer}).Connect(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			d := runTab(t, c)
			s.Wait(t, "session", s.Ready, "xrdp", "xrdp-sesman")
			s.Wait(t, "a server that draws what it is asked to", func() bool { return rdp.Answers(c) }, "xrdp")

			const leftShift = 0x2a // which draws nothing
			for range 4 {
				d.input(t, pam.InputKey, key(leftShift, true), key(leftShift, false))
				s.Wait(t, "a still desktop to answer", func() bool { return rdp.Answers(c) }, "xrdp")
			}
			select {
			case <-d.done:
				t.Fatalf("a still desktop was given up: %v", d.end)
			default:
			}

			if err := s.Signal(t.Context(), "STOP", program); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Signal(context.Background(), "CONT", program) })
			d.input(t, pam.InputKey, key(leftShift, true), key(leftShift, false))
			select {
			case <-d.done:
			case <-time.After(patience):
				t.Fatal("it was not found out")
			}
			var end *pam.End
			if !errors.As(d.end, &end) || end.Reason != pam.EndTargetError || end.Code != pam.CodeTargetUnresponsive {
				t.Errorf("end %v, want %s", d.end, pam.CodeTargetUnresponsive)
			}
		})
	}
}
