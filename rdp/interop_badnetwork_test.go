//go:build linux

package rdp_test

import (
	"context"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/internal/rdplab"
)

// TestXrdp_S40_BadNetwork: over a bad network, keys sent to a real xrdp as they are typed are run by the shell there, in order; a Shift that is held
// when the network breaks is not held when the page comes back.
func TestXrdp_S40_BadNetwork(t *testing.T) {
	x := rdplab.StartXrdp(t, rdplab.LayerTLS, rdplab.Options{})
	asset := pam.Asset{
		ID: desktop, Name: "xrdp", Type: pam.AssetType{ID: "linux", Protocol: "rdp", OS: pam.OSUnix}, Address: x.Addr, Account: x.User,
		Attributes: map[string]string{rdp.AttrCertificates: rdp.Fingerprint(x.Certificate)},
	}
	h, link := farGateway(t, asset, x.Password)
	b := h.Browser(owner)
	id, err := b.Start(t.Context(), desktop, pam.Params{rdp.ParamCodec: "lossless"})
	if err != nil {
		t.Fatal(err)
	}
	attach := func() *pamtest.Page {
		p, err := b.Attach(t.Context(), id, pamtest.PageOptions{Width: rdplab.Width, Height: rdplab.Height})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		if err := p.Await(t.Context(), func(v pamtest.PageView) bool { return v.Counted > 0 }); err != nil {
			t.Fatal(err)
		}
		return p
	}
	page := attach()
	x.Wait(t, "session", x.Ready, "xrdp", "xrdp-sesman")
	link.Up(badWay)
	link.Down(badWay)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	press := func(code uint16, down bool) {
		t.Helper()
		if err := page.Events(ctx, pam.InputKey, key(code, down)); err != nil {
			t.Fatal(err)
		}
	}
	const leftShift = 0x2a
	typed := func(text string) {
		t.Helper()
		for _, c := range text {
			code := map[rune]uint16{'e': 0x12, 'c': 0x2e, 'h': 0x23, 'o': 0x18, ' ': 0x39, '4': 0x05, '0': 0x0b, '1': 0x02, '>': 0x34, '\n': 0x1c}[c]
			if c == '>' {
				press(leftShift, true)
			}
			press(code, true)
			press(code, false)
			if c == '>' {
				press(leftShift, false)
			}
		}
	}
	typed("echo 40 >c\n")
	if err := x.Typed(ctx, "c", "40\n"); err != nil {
		t.Fatal(err)
	}
	press(leftShift, true)
	link.Reset()
	<-page.Gone()
	page = attach()
	typed("echo 41 >h\n")
	if err := x.Typed(ctx, "h", "41\n"); err != nil {
		t.Fatal(err)
	}
}
