package edge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// clientFrame is a masked frame with a payload of n bytes, all of them 0x89, which is how a ping begins.
func clientFrame(first byte, n int) []byte {
	b := []byte{first}
	switch {
	case n < length16:
		b = append(b, maskBit|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, maskBit|length16), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, maskBit|length64), uint64(n))
	}
	b = append(b, 1, 2, 3, 4)
	for range n {
		b = append(b, 0x89)
	}
	return b
}

const (
	binaryFrame = 0x82
	fragment    = 0x00
	pingFrame   = 0x89
	pongFrame   = 0x8a
)

// TestWatch_S29_Floods: frames without content are bounded in rate, and only they.
func TestWatch_S29_Floods(t *testing.T) {
	now := time.Unix(0, 0)
	for _, tc := range []struct {
		name  string
		frame []byte
		flood bool
	}{
		{"pings", clientFrame(pingFrame, 0), true},
		{"pings with payload", clientFrame(pingFrame, 125), true},
		{"pongs", clientFrame(pongFrame, 8), true},
		{"empty fragments", clientFrame(fragment, 0), true},
		{"empty messages", clientFrame(binaryFrame, 0), true},
		{"fragments", clientFrame(fragment, 1), false},
		{"messages", clientFrame(binaryFrame, 125), false},
		{"messages of 126 bytes", clientFrame(binaryFrame, 126), false},
		{"messages of 65,535 bytes", clientFrame(binaryFrame, 65535), false},
		{"messages of 65,536 bytes", clientFrame(binaryFrame, 65536), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWatch()
			for n := range 10 * idleFrameBurst {
				err := w.feed(tc.frame, now)
				if want := tc.flood && n >= idleFrameBurst; want != errors.Is(err, ErrFlood) {
					t.Fatalf("frame %d: %v, want a flood: %v", n, err, want)
				}
			}
		})
	}
}

// TestWatch_S29_SlowPingsPass: what other clients do is no flood.
func TestWatch_S29_SlowPingsPass(t *testing.T) {
	w := newWatch()
	now := time.Unix(0, 0)
	for n := range 1000 {
		now = now.Add(time.Second / idleFrames)
		if err := w.feed(clientFrame(pingFrame, 4), now); err != nil {
			t.Fatalf("ping %d: %v", n, err)
		}
	}
}

// TestWatch_S29_AnyCut: wherever the network cuts the stream, the same frames are seen, and no payload is taken for one.
func TestWatch_S29_AnyCut(t *testing.T) {
	var stream []byte
	random := rand.New(rand.NewPCG(29, 1))
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536, 70000} {
		for range 3 {
			stream = append(stream, clientFrame(binaryFrame, n)...)
		}
	}
	for range idleFrameBurst - 3 { // three of the messages are empty
		stream = append(stream, clientFrame(pingFrame, random.IntN(126))...)
	}
	for round := range 200 {
		w := newWatch()
		most := 1 + random.IntN(1<<(1+round%17))
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), 1+random.IntN(most))
			if err := w.feed(rest[:n], time.Unix(0, 0)); err != nil {
				t.Fatalf("cuts of up to %d bytes: %v", most, err)
			}
			rest = rest[n:]
		}
		if w.have != 0 || w.skip != 0 {
			t.Errorf("cuts of up to %d bytes: not at the end of a frame: %d, %d", most, w.have, w.skip)
		}
		if err := w.feed(clientFrame(pingFrame, 0), time.Unix(0, 0)); !errors.Is(err, ErrFlood) {
			t.Errorf("cuts of up to %d bytes: a frame was not counted", most)
		}
	}
}

// FuzzWatch: no bytes make it panic, and an error stays.
func FuzzWatch(f *testing.F) {
	for _, n := range []int{0, 125, 126, 65536} {
		f.Add(clientFrame(binaryFrame, n))
	}
	f.Add([]byte{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWatch()
		err := w.feed(b, time.Unix(0, 0))
		if again := w.feed(b, time.Unix(0, 0)); err != nil && fmt.Sprint(again) != fmt.Sprint(err) {
			t.Errorf("%v, then %v", err, again)
		}
	})
}
