package disp_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/channel/disp"
)

func caps(t testing.TB, c disp.Caps) []byte {
	t.Helper()
	b, err := c.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestLayout_Rules: what [MS-RDPEDISP] 2.2.2.2.1 and the server's capabilities allow is asked for, and nothing else.
func TestLayout_Rules(t *testing.T) {
	c := disp.New()
	if _, err := c.Layout(800, 600, 100); !errors.Is(err, disp.ErrNotReady) {
		t.Error(err)
	}
	if out, err := c.Receive(caps(t, disp.Caps{Monitors: 2, FactorA: 1920, FactorB: 1080})); out != nil || err != nil {
		t.Fatal(out, err)
	}
	for _, ok := range []struct{ w, h, scale, wide, device int }{
		{800, 600, 100, 800, 100}, {801, 600, 139, 800, 100}, {200, 8192, 140, 200, 140}, {8192, 200, 500, 8192, 180}, {1920, 2160, 180, 1920, 180},
	} {
		b, err := c.Layout(ok.w, ok.h, ok.scale)
		if err != nil {
			t.Errorf("%+v: %v", ok, err)
			continue
		}
		got, err := disp.TakeLayout(b)
		want := []disp.Monitor{{Primary: true, Width: uint32(ok.wide), Height: uint32(ok.h), Scale: uint32(ok.scale), DeviceScale: uint32(ok.device)}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
		for n := range len(b) {
			if _, err := disp.TakeLayout(b[:n]); err == nil {
				t.Errorf("%d bytes of %d are taken", n, len(b))
			}
		}
	}
	for _, bad := range [][3]int{
		{199, 600, 100}, {201, 199, 100}, {8194, 600, 100}, {800, 8193, 100}, {-2, -2, 100}, {800, 600, 99}, {800, 600, 501}, {800, 600, 0},
	} {
		if _, err := c.Layout(bad[0], bad[1], bad[2]); err == nil || errors.Is(err, disp.ErrTooLarge) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if _, err := c.Layout(1922, 2160, 100); !errors.Is(err, disp.ErrTooLarge) {
		t.Error(err)
	}
}

// TestCaps_S09_Lies: capabilities that lie are errors, or harmless.
func TestCaps_S09_Lies(t *testing.T) {
	good := caps(t, disp.Caps{Monitors: 1, FactorA: 1, FactorB: 1})
	for n := range len(good) {
		if _, err := disp.New().Receive(good[:n]); err == nil {
			t.Errorf("%d bytes of %d are taken", n, len(good))
		}
	}
	for name, b := range map[string][]byte{
		"of another type": disp.AppendLayout(nil), "length 0": {5, 0, 0, 0, 0, 0, 0, 0}, "length beyond": {5, 0, 0, 0, 255, 255, 255, 255, 1, 1, 1, 1},
	} {
		if _, err := disp.New().Receive(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	c := disp.New()
	if _, err := c.Receive(caps(t, disp.Caps{Monitors: 1<<32 - 1, FactorA: 1<<32 - 1, FactorB: 1<<32 - 1})); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Layout(8192, 8192, 100); err != nil {
		t.Error(err)
	}
	if _, err := disp.TakeLayout(disp.AppendLayout(nil, make([]disp.Monitor, 17)...)); err == nil {
		t.Error("17 monitors are taken")
	}
}

// FuzzClient: whatever a server sends, no panic.
func FuzzClient(f *testing.F) {
	f.Add(caps(f, disp.Caps{Monitors: 1, FactorA: 3840, FactorB: 2400}))
	f.Add(disp.AppendLayout(nil, disp.Monitor{Primary: true, Width: 800, Height: 600}))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := disp.New()
		_, _ = c.Receive(b)
		_, _ = c.Layout(800, 600, 100)
		_, _ = disp.TakeLayout(b)
	})
}
