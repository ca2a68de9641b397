package rdptest_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// TestSound_Plays: a client that takes sound gets it in whatever format, and says so; one that takes none gets none.
func TestSound_Plays(t *testing.T) {
	s := newServer(t, func(c *rdptest.Config) { c.Sound = true })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := dialAs(ctx, t, s, rdp.Config{Audio: &rdp.Audio{Buffer: time.Minute}})
	far := session(t, s)
	copies(t, c)
	samples := bytes.Repeat([]byte{1, 2, 3, 4}, 2000)
	for _, f := range []struct{ rate, channels int }{{44100, 2}, {22050, 1}, {8000, 1}} {
		if err := far.Play(ctx, f.rate, f.channels, samples); err != nil {
			t.Fatal(err)
		}
		got, err := c.NextSound(ctx)
		if err != nil || got.Rate != f.rate || got.Channels != f.channels || !bytes.Equal(got.Samples, samples) {
			t.Errorf("%+v: %+v, %v", f, got, err)
		}
	}
	if err := far.Desktop().Wait(ctx, func(*rdptest.Desktop) bool { return far.Heard() == 3 }); err != nil {
		t.Errorf("%d pieces confirmed: %v", far.Heard(), err)
	}
	if err := far.Play(ctx, 96000, 2, samples); !errors.Is(err, rdptest.ErrNoSound) {
		t.Errorf("a rate that is not offered: %v", err)
	}

	s = newServer(t, func(c *rdptest.Config) { c.Sound = true })
	copies(t, dialAs(ctx, t, s, rdp.Config{}))
	if err := session(t, s).Play(ctx, 44100, 2, samples); !errors.Is(err, rdptest.ErrNoSound) {
		t.Errorf("a client without sound: %v", err)
	}
}

// TestSound_Button: the desktop's button sounds while it is held, each colour at its own pitch.
func TestSound_Button(t *testing.T) {
	s := newServer(t, func(c *rdptest.Config) { c.Sound = true })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := dialAs(ctx, t, s, rdp.Config{Audio: &rdp.Audio{Buffer: time.Minute}})
	far := session(t, s)
	copies(t, c)
	at := far.Desktop().Image().Bounds().Max
	at.X, at.Y = at.X-100, 134 // on the button, whatever the desktop's size
	for _, want := range rdptest.Tones {
		if err := c.MouseButton(rdp.ButtonLeft, true, at.X, at.Y); err != nil {
			t.Fatal(err)
		}
		var samples []byte
		for len(samples) < 44100*2*2/5 { // longer than a click is heard, unless it is held
			got, err := c.NextSound(ctx)
			if err != nil {
				t.Fatal(err)
			}
			samples = append(samples, got.Samples...)
		}
		if err := c.MouseButton(rdp.ButtonLeft, false, at.X, at.Y); err != nil {
			t.Fatal(err)
		}
		if got := pitchOf(samples); math.Abs(got-want) > want/50 {
			t.Errorf("heard %.0f Hz, want %.0f", got, want)
		}
		for fading := false; !fading; { // only the last block ends softly
			got, err := c.NextSound(ctx)
			if err != nil {
				t.Fatal(err)
			}
			const most, end = 3000, 2 * 4 * 44 // the last two milliseconds
			fading = loudness(got.Samples[len(got.Samples)-end:]) < most
		}
	}
}

// pitchOf counts how often the left channel rises through zero in a second.
func pitchOf(samples []byte) float64 {
	rises, first, last := 0, 0, 0
	for i := 4; i+1 < len(samples); i += 4 {
		before, now := int16(binary.LittleEndian.Uint16(samples[i-4:])), int16(binary.LittleEndian.Uint16(samples[i:]))
		if before < 0 && now >= 0 {
			if rises == 0 {
				first = i / 4
			}
			rises, last = rises+1, i/4
		}
	}
	return float64(rises-1) * 44100 / float64(last-first)
}

func loudness(samples []byte) (most int) {
	for i := 0; i+1 < len(samples); i += 2 {
		v := int(int16(binary.LittleEndian.Uint16(samples[i:])))
		most = max(most, v, -v)
	}
	return most
}
