package rdp

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/channel"
	"github.com/sallyport/sallyport/rdp/internal/channel/rdpdr"
	"github.com/sallyport/sallyport/rdp/internal/channel/rdpsnd"
)

// DefaultAudioBuffer is that of Audio.
const DefaultAudioBuffer = rdpsnd.DefaultBuffer

// Audio brings the session's sound here ([MS-RDPEA]), as plain samples.
type Audio struct {
	// Buffer is how much sound may wait for NextSound; what comes then pushes out what has waited longest: sound may be lost, it is never late. Zero means
	// DefaultAudioBuffer.
	Buffer time.Duration
}

// Sound is a piece of the session's sound: samples of 16 bits, little-endian, those of the channels one after the other.
type Sound struct {
	Rate     int // samples in a second, 8000 to 48000; it may change from piece to piece
	Channels int // 1 or 2
	Samples  []byte
	Lost     time.Duration // sound that nobody took in time, before this piece
}

// audio is the state of a Client's sound. Servers have it on a static channel, or on a dynamic one.
type audio struct {
	sources []audioSource
	wake    chan struct{} // there may be something to take
}

type audioSource struct {
	do     func(f func() ([][]byte, error)) error
	client func() *rdpsnd.Client
}

func newAudio(c *Client, add adder, d *dynamics) *audio {
	a := &audio{wake: make(chan struct{}, 1)}
	cfg := rdpsnd.Config{Buffer: c.cfg.Audio.Buffer}
	fixed := rdpsnd.New(cfg)
	s := add(rdpsnd.Name, rdpsnd.MaxMessage, false, fixed)
	s.after = func() Update { return a.look(fixed) }
	var opened *rdpsnd.Client // of the dynamic channel; guarded by its mu
	dyn := d.listen(rdpsnd.DynamicName, rdpsnd.MaxMessage, func() channel.Processor {
		opened = rdpsnd.New(cfg)
		return opened
	})
	dyn.after = func() Update { return a.look(opened) }
	a.sources = []audioSource{{s.do, func() *rdpsnd.Client { return fixed }}, {dyn.do, func() *rdpsnd.Client { return opened }}}
	if c.cfg.Drive == nil {
		// Windows has no sound for a client that does not speak of devices, of which there may be none.
		add(driveChannel, rdpdr.MaxMessage, false, rdpdr.New(rdpdr.Drive{Computer: c.cfg.ClientName}))
	}
	return a
}

// look wakes NextSound.
func (a *audio) look(client *rdpsnd.Client) Update {
	if client != nil && client.Waits() {
		signal(a.wake)
	}
	return nil
}

// NextSound returns the next piece of the session's sound, and waits for it. It belongs to one goroutine, beside that of Next, which must be running.
func (c *Client) NextSound(ctx context.Context) (*Sound, error) {
	if c.audio == nil {
		return nil, ErrNotConfigured
	}
	for {
		for _, s := range c.audio.sources {
			var got *rdpsnd.Sound
			err := s.do(func() (out [][]byte, err error) {
				got, out = s.client().Next()
				return out, nil
			})
			if err != nil && !errors.Is(err, ErrNotOffered) {
				return nil, asError("session", err)
			}
			if got != nil {
				return &Sound{Rate: got.Rate, Channels: got.Channels, Samples: got.Samples, Lost: got.Lost}, nil
			}
		}
		select {
		case <-c.audio.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.ctx.Done():
			return nil, &Error{Code: CodeClosed, Phase: "session", Err: context.Cause(c.ctx)}
		}
	}
}
