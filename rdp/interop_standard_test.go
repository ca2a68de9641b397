//go:build linux

package rdp_test

import (
	"testing"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/internal/rdplab"
)

// TestXrdp_StandardSecurity: an xrdp that has nothing else than standard RDP security signs the user in and shows its screen, encrypted with 128
// bits; a client that does not ask for that security by name refuses it.
func TestXrdp_StandardSecurity(t *testing.T) {
	s := rdplab.StartXrdp(t, rdplab.LayerRDP, rdplab.Options{})
	if _, err := view(t, s, rdp.Config{}); rdp.CodeOf(err) != rdp.CodeNegotiation && rdp.CodeOf(err) != rdp.CodeDowngrade {
		t.Errorf("without asking for it: %v", err)
	}
	c, err := dial(t, s.Addr, rdp.Config{
		Security: rdp.SecurityStandard, InsecureAllowStandardSecurity: true, Credentials: as(s.User, s.Password), Width: rdplab.Width, Height: rdplab.Height,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Info().CipherSuite; got != "RC4-128" {
		t.Errorf("encrypted by %s", got)
	}
	v := watch(t, c)
	s.Wait(t, "session", s.Ready, "xrdp", "xrdp-sesman")
	v.shows(t, 0, s.Screen)
}
