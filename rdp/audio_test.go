package rdp

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/channel/drdynvc"
	"github.com/sallyport/sallyport/rdp/internal/channel/rdpdr"
	"github.com/sallyport/sallyport/rdp/internal/channel/rdpsnd"
)

var tone = rdpsnd.Wave{Stamp: 1, Block: 3, Data: bytes.Repeat([]byte{1, 2, 3, 4}, 441)}

// TestAudio_FromTheSession: sound comes by the static channel and by the dynamic one, and is confirmed once it was taken.
func TestAudio_FromTheSession(t *testing.T) {
	c, f, updates := pair(t, Config{Audio: &Audio{}})
	formats := (&rdpsnd.Formats{Version: 8, Formats: []rdpsnd.Format{rdpsnd.PCM(44100, 2)}}).Append()
	f.say(rdpsnd.Name, formats)
	f.next(rdpsnd.Name)
	f.next(rdpsnd.Name)
	take := func() {
		t.Helper()
		s, err := c.NextSound(t.Context())
		if err != nil || s.Rate != 44100 || s.Channels != 2 || s.Lost != 0 || !bytes.Equal(s.Samples, tone.Data) {
			t.Errorf("%+v, %v", s, err)
		}
	}
	f.say(rdpsnd.Name, tone.Info()...)
	take()
	confirm := func(b []byte) {
		t.Helper()
		kind, _, body, err := rdpsnd.TakeProlog(b)
		if err != nil || kind != rdpsnd.TypeWaveConfirm {
			t.Fatal(kind, err)
		}
		if _, block, err := rdpsnd.TakeConfirm(body); err != nil || block != tone.Block {
			t.Error(block, err)
		}
	}
	confirm(f.next(rdpsnd.Name))

	f.openDynamic(5, rdpsnd.DynamicName)
	send := func(messages ...[]byte) {
		for _, m := range messages {
			for _, b := range drdynvc.Cut(5, m) {
				f.say(dynamicChannel, b)
			}
		}
	}
	send(formats)
	f.nextDynamic()
	f.nextDynamic()
	send(tone.Append(), tone.Append())
	f.show(updates)
	take()
	take()
	confirm(f.nextDynamic().Data)
	confirm(f.nextDynamic().Data)

	// There is no drive, and no device is announced.
	id := rdpdr.ID{Major: 1, Minor: 12, Client: 1}
	f.say(driveChannel, id.Append(rdpdr.PacketServerAnnounce), id.Append(rdpdr.PacketClientID), rdpdr.UserLoggedOn())
	f.next(driveChannel)
	f.next(driveChannel)
	for range 2 {
		if got := f.next(driveChannel); !bytes.Equal(got, rdpdr.DeviceList()) {
			t.Errorf("% x", got)
		}
	}
}

// TestAudio_Ends: waiting for sound ends with the context and with the client; without the Config there is none.
func TestAudio_Ends(t *testing.T) {
	c, _, _ := pair(t, Config{})
	if _, err := c.NextSound(t.Context()); !errors.Is(err, ErrNotConfigured) {
		t.Error(err)
	}
	c, _, _ = pair(t, Config{Audio: &Audio{}}, rdpsnd.Name)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.NextSound(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	done := make(chan error)
	go func() {
		_, err := c.NextSound(context.Background())
		done <- err
	}()
	c.Close()
	if err := <-done; CodeOf(err) != CodeClosed {
		t.Error(err)
	}
}

// TestAudio_Payloads: what a page is sent is what the page's tests read, byte for byte.
func TestAudio_Payloads(t *testing.T) {
	b, err := os.ReadFile("testdata/sounds.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name             string
		Rate, Channels   int
		Lost             int64
		Samples, Payload string
		Refused          bool // by the page; nothing here would send it
	}
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, v := range vectors {
		if v.Refused {
			continue
		}
		samples, err := hex.DecodeString(v.Samples)
		if err != nil {
			t.Fatal(err)
		}
		s := Sound{Rate: v.Rate, Channels: v.Channels, Samples: samples, Lost: time.Duration(v.Lost) * time.Millisecond}
		if got := hex.EncodeToString(s.payload()); got != v.Payload {
			t.Errorf("%s: %s, want %s", v.Name, got, v.Payload)
		}
		sent++
	}
	if sent < 5 {
		t.Errorf("%d vectors are sent", sent)
	}
	if got := (&Sound{Rate: 8000, Channels: 1, Lost: 1 << 62}).payload(); hex.EncodeToString(got[5:9]) != "ffffffff" {
		t.Errorf("a time without end becomes % x", got)
	}
}
