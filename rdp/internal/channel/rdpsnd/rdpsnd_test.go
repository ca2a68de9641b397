package rdpsnd_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/channel/rdpsnd"
)

var (
	adpcm   = rdpsnd.Format{Tag: 2, Channels: 2, Rate: 22050, ByteRate: 22000, BlockAlign: 1024, Sample: 4, Extra: "\x02\x00abc"}
	formats = []rdpsnd.Format{adpcm, rdpsnd.PCM(44100, 2), rdpsnd.PCM(8000, 1), rdpsnd.PCM8(44100, 2)}
)

// peer is a client and its server.
type peer struct {
	*rdpsnd.Client
	t   testing.TB
	now time.Time
}

func newPeer(t testing.TB, version uint16) *peer {
	p := &peer{t: t, now: time.Unix(1e9, 0)}
	p.Client = rdpsnd.New(rdpsnd.Config{Buffer: 100 * time.Millisecond, Now: func() time.Time { return p.now }})
	out := p.say((&rdpsnd.Formats{Version: version, Formats: formats}).Append())
	kind, _, body, err := rdpsnd.TakeProlog(out[0])
	if err != nil || kind != rdpsnd.TypeFormats {
		t.Fatal(kind, err)
	}
	got, err := rdpsnd.TakeFormats(body)
	if want := []rdpsnd.Format{formats[1], formats[2]}; err != nil || got.Version != 8 || got.Flags != 1 || !reflect.DeepEqual(got.Formats, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if quality := len(out) == 2 && bytes.Equal(out[1], rdpsnd.QualityMode()); quality != (version >= 6) {
		t.Errorf("version %d: % x", version, out)
	}
	return p
}

func (p *peer) say(messages ...[]byte) (out [][]byte) {
	p.t.Helper()
	for _, m := range messages {
		replies, err := p.Receive(m)
		if err != nil {
			p.t.Fatal(err)
		}
		out = append(out, replies...)
	}
	return out
}

// sound is so many milliseconds of the second format, 8 kHz and one channel.
func sound(ms int, block uint8) rdpsnd.Wave {
	return rdpsnd.Wave{Stamp: 65530, Format: 1, Block: block, Data: bytes.Repeat([]byte{block, 1}, 8*ms)}
}

// TestClient_Plays: sound comes out as it went in, by either kind of PDU, and is confirmed when it was taken, on the server's clock.
func TestClient_Plays(t *testing.T) {
	for _, version := range []uint16{5, 6, 8} {
		p := newPeer(t, version)
		out := p.say(rdpsnd.Training(7, make([]byte, 1016)))
		if want := rdpsnd.Training(7, nil); len(out) != 1 || len(out[0]) != 8 || !bytes.Equal(out[0][:6], want[:6]) || string(out[0][6:]) != "\x00\x04" {
			t.Errorf("training is answered with % x", out)
		}
		if s, out := p.Next(); s != nil || out != nil || p.Waits() {
			t.Error("sound from nowhere")
		}
		a, b := sound(20, 9), sound(10, 10)
		b.Data = append(b.Data, 0xff) // half a sample
		if out := p.say(append(a.Info(), b.Append(), rdpsnd.Close())...); out != nil {
			t.Errorf("% x", out)
		}
		p.now = p.now.Add(15 * time.Millisecond)
		for _, w := range []rdpsnd.Wave{a, b} {
			s, out := p.Next()
			if want := (&rdpsnd.Sound{Rate: 8000, Channels: 1, Samples: w.Data[:len(w.Data)&^1]}); !reflect.DeepEqual(s, want) {
				t.Errorf("block %d: %d samples, want %d", w.Block, len(s.Samples), len(want.Samples))
			}
			if len(out) != 1 || !bytes.Equal(out[0], rdpsnd.Confirm(9, w.Block)) { // 65530 + 15, in 16 bits
				t.Errorf("% x", out)
			}
		}
	}
}

// TestClient_EightBits: samples of 8 bits are taken of a server that has no others, and come out as those of 16.
func TestClient_EightBits(t *testing.T) {
	p := &peer{t: t}
	p.Client = rdpsnd.New(rdpsnd.Config{})
	wrong := rdpsnd.PCM8(8000, 2)
	wrong.BlockAlign = 4 // of 16 bits
	out := p.say((&rdpsnd.Formats{Version: 5, Formats: []rdpsnd.Format{adpcm, wrong, rdpsnd.PCM8(7999, 1), rdpsnd.PCM8(11025, 2)}}).Append())
	_, _, body, err := rdpsnd.TakeProlog(out[0])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := rdpsnd.TakeFormats(body); err != nil || !reflect.DeepEqual(got.Formats, []rdpsnd.Format{rdpsnd.PCM8(11025, 2)}) {
		t.Errorf("%+v, %v", got, err)
	}
	w := rdpsnd.Wave{Data: []byte{0x80, 0, 0xff, 0x7f, 0x81, 0x40, 0x99}} // and half a sample of both ears
	p.say(w.Append())
	want := &rdpsnd.Sound{Rate: 11025, Channels: 2, Samples: []byte{0, 0, 0, 0x80, 0, 0x7f, 0, 0xff, 0, 1, 0, 0xc0}}
	if s, _ := p.Next(); !reflect.DeepEqual(s, want) {
		t.Errorf("%+v, want %+v", s, want)
	}
}

// TestClient_LosesAndNeverLags: what waits too long is lost, confirmed, and told.
func TestClient_LosesAndNeverLags(t *testing.T) {
	p := newPeer(t, 8)
	confirmed := 0
	for i := range 100 {
		w := sound(20, uint8(i))
		confirmed += len(p.say(w.Append()))
	}
	if confirmed != 95 {
		t.Errorf("%d confirmed, want all but 100 ms", confirmed)
	}
	s, _ := p.Next()
	if s.Lost != 95*20*time.Millisecond || s.Samples[0] != 95 {
		t.Errorf("%v lost before block %d", s.Lost, s.Samples[0])
	}
	if s, _ = p.Next(); s.Lost != 0 {
		t.Errorf("%v lost twice", s.Lost)
	}
	p = newPeer(t, 8)
	long := sound(1000, 1)
	p.say(long.Append()) // longer than the buffer, and alone
	if s, _ := p.Next(); s == nil || len(s.Samples) != len(long.Data) {
		t.Error("a long piece is lost though none other waits")
	}
	for range 1000 {
		p.say((&rdpsnd.Wave{Format: 1}).Append()) // no sound at all
	}
	n := 0
	for s, _ := p.Next(); s != nil; s, _ = p.Next() {
		n++
	}
	if n > 256 {
		t.Errorf("%d pieces waited", n)
	}
}

// TestClient_S09_Lies: what lies about its length or its format is an error.
func TestClient_S09_Lies(t *testing.T) {
	wave := sound(20, 1)
	info := wave.Info()
	bad := wave
	bad.Format = 2
	many := make([]byte, 4+20)
	many[0], many[4+14], many[4+15] = byte(rdpsnd.TypeFormats), 0xff, 0xff
	for name, all := range map[string][][]byte{
		"nothing": {{}}, "prolog cut short": {{2, 0, 0}}, "65535 formats": {many}, "formats cut short": {(&rdpsnd.Formats{Formats: formats}).Append()[:60]},
		"training cut short": {{6, 0, 4, 0, 1}}, "format that was not agreed on": {bad.Append()}, "the same in two PDUs": bad.Info(),
		"wave cut short": {info[0], info[1][:len(info[1])-1]}, "empty wave": {info[0], {}}, "wave info cut short": {info[0][:10]}, "wave2 cut short": {wave.Append()[:14]},
		"wave info without sound": {append([]byte{2, 0, 11, 0}, info[0][4:]...)},
	} {
		p := newPeer(t, 8)
		var err error
		for i, m := range all {
			if _, err = p.Receive(m); err != nil && i != len(all)-1 {
				t.Fatalf("%s: message %d: %v", name, i, err)
			}
		}
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := rdpsnd.New(rdpsnd.Config{}).Receive(wave.Append()); err == nil || !strings.Contains(err.Error(), "format 1 of 0") {
		t.Error("before formats:", err)
	}
}

// FuzzClient: whatever a server sends, no panic, and no more waits than may.
func FuzzClient(f *testing.F) {
	w := sound(1, 1)
	f.Add(w.Info()[0], w.Info()[1], w.Append())
	f.Add(rdpsnd.Training(1, []byte("abc")), (&rdpsnd.Formats{Version: 6, Formats: formats}).Append(), rdpsnd.Close())
	f.Add(rdpsnd.Confirm(1, 2), rdpsnd.QualityMode(), []byte{3, 0, 4, 0, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, a, b, d []byte) {
		p := newPeer(t, 8)
		for _, m := range [][]byte{a, b, d} {
			if _, err := p.Receive(m); err != nil {
				return
			}
		}
		for s, _ := p.Next(); s != nil; s, _ = p.Next() {
			if s.Rate == 0 || len(s.Samples)%(2*s.Channels) != 0 {
				t.Fatalf("%+v", s)
			}
		}
	})
}
