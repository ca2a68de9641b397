package rdp_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// badWay is one direction of the network that S40 names: 300 ms there and back, 64 KB a second, one packet in twenty lost.
var badWay = pamtest.Quality{Delay: 150 * time.Millisecond, Rate: 64 << 10, Lose: 20, Again: 300 * time.Millisecond}

// farGateway is a gateway with a network between it and its users.
func farGateway(t *testing.T, asset pam.Asset, secret string) (*pamtest.Host, *pamtest.BadLink) {
	t.Helper()
	h, link := pamtest.StartFarHost(t, protocol(t, rdp.ProtocolConfig{}), asset, map[string]string{pam.FieldPassword: secret})
	h.Policy.Set(owner, asset.ID, grants)
	return h, link
}

// downs are the scancodes of keys, and the buttons, that a desktop was told of and that are not up again, in their order.
func downs(events []rdptest.Event) (keys []uint16, buttons int) {
	for _, e := range events {
		switch {
		case e.Kind == rdptest.EventScancode && e.Down:
			keys = append(keys, e.Code)
		case e.Kind == rdptest.EventScancode:
			keys = slices.DeleteFunc(keys, func(c uint16) bool { return c == e.Code })
		case e.Kind == rdptest.EventMouse && e.Flags&rdptest.PointerButton1 != 0 && e.Flags&rdptest.PointerDown != 0:
			buttons++
		case e.Kind == rdptest.EventMouse && e.Flags&rdptest.PointerButton1 != 0:
			buttons--
		}
	}
	return keys, buttons
}

// TestBroker_S40_BadNetwork: over a bad network keys sent as they are typed arrive in order. When it breaks, what was held down is lifted, by the gateway;
// the page that comes back sees the desktop as it is, types with no key stuck, and nothing is typed again.
func TestBroker_S40_BadNetwork(t *testing.T) {
	server := newServer(t, func(c *rdptest.Config) { c.Codec = rdptest.CodecPlanar }) // raw pictures would take a minute
	h, link := farGateway(t, desktopAsset(t, server), password)
	g := &gateway{h, server}
	s, id, far := g.begin(t)
	link.Up(badWay)
	link.Down(badWay)
	hello := []uint16{0x23, 0x12, 0x26, 0x26, 0x18}
	s.typed(t, hello...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	typed := func(want string) {
		t.Helper()
		if err := far.Wait(ctx, func(*rdptest.Desktop) bool { return far.Text() == want }); err != nil {
			t.Fatalf("typed %q, want %q: %v", far.Text(), want, err)
		}
	}
	typed("hello")

	const leftShift, leftControl = 0x2a, 0x1d
	want := "hello"
	for range 3 {
		for _, e := range [][]byte{key(leftShift, true), key(leftControl, true)} {
			if err := s.Events(t.Context(), pam.InputKey, e); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Events(t.Context(), pam.InputPointer, pointer(2, 0x81, 300, 300, 0)); err != nil {
			t.Fatal(err)
		}
		held := func(keys, buttons int) func(*rdptest.Desktop) bool {
			return func(*rdptest.Desktop) bool {
				k, b := downs(far.Events())
				return len(k) == keys && b == buttons
			}
		}
		if err := far.Wait(ctx, held(2, 1)); err != nil {
			t.Fatal(err)
		}
		link.Reset()
		<-s.Gone()
		if err := far.Wait(ctx, held(0, 0)); err != nil {
			k, b := downs(far.Events())
			t.Fatalf("keys %x and %d buttons are held by nobody: %v", k, b, err)
		}
		s = g.sit(t, h.Browser(owner), id)
		s.shows(t, far)
		s.typed(t, hello...)
		want += "hello"
		typed(want)
	}

	// A network that stands still takes no key and loses none.
	link.Stall()
	s.typed(t, hello...)
	link.Resume()
	typed(want + "hello")
	s.shows(t, far)
}
