//go:build linux

package rdp_test

import (
	"context"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/internal/rdplab"
)

// TestXrdp_C2_J4_Adapter: the adapter shows what a real xrdp does, pixel for pixel, to who was there and to who comes late; keys arrive; nothing
// is drawn while nobody looks, and all is afterwards; it takes another size.
func TestXrdp_C2_J4_Adapter(t *testing.T) {
	s := rdplab.StartXrdp(t, rdplab.LayerTLS, rdplab.Options{})
	r := pam.ConnectRequest{
		Asset: pam.Asset{
			ID: "xrdp", Address: s.Addr, Account: s.User,
			Attributes: map[string]string{rdp.AttrCertificates: rdp.Fingerprint(s.Certificate)},
		},
		Params: pam.Params{rdp.ParamCodec: "lossless"}, Size: pam.Size{Cols: 80, Rows: 24, Width: rdplab.Width, Height: rdplab.Height},
		Capabilities: pam.NewCapabilities(pam.Declarations{pam.Keyboard: pam.Allow}),
		Field:        func(context.Context, string) (pam.Secret, error) { return pam.NewSecret(s.Password), nil },
	}
	c, err := protocol(t, rdp.ProtocolConfig{}).Connect(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	d := runTab(t, c)
	s.Wait(t, "session", s.Ready, "xrdp", "xrdp-sesman")
	same := func(what string) {
		t.Helper()
		s.Wait(t, what, func() bool {
			truth, err := s.Screen(t.Context())
			if err != nil {
				return false
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			return rdplab.MeanError(d.picture.Image(), truth) == 0
		}, "xrdp")
	}
	same("the picture")
	watched := c.(pam.Watched)
	watched.Looking(false)
	d.input(t, pam.InputKey, key(0x1e, true), key(0x1e, false), key(0x30, true), key(0x30, false))
	watched.Looking(true)
	same("the picture after nobody looked")
	late := newPage()
	s.Wait(t, "the picture for who comes late", func() bool {
		frames, _, err := c.(pam.KeyFramer).KeyFrame(t.Context())
		truth, serr := s.Screen(t.Context())
		if err != nil || serr != nil {
			return false
		}
		late.show(frames...)
		return rdplab.MeanError(late.picture.Image(), truth) == 0
	}, "xrdp")
	if err := c.(pam.Resizer).Resize(t.Context(), pam.Size{Width: 900, Height: 650}); err != nil {
		t.Fatal(err)
	}
	same("the picture in another size")
	if size := d.picture.Image().Rect.Size(); size.X != 900 || size.Y != 650 {
		t.Errorf("%v", size)
	}
}
