package rdptest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/channel/rdpsnd"
)

// ErrNoSound says that a client takes no sound, or not this kind.
var ErrNoSound = errors.New("rdptest: the client does not take this sound")

// Tones are the pitches of the desktop's button, in Hz, one for each colour that it has.
var Tones = [...]float64{440, 554, 660, 880}

// How the button sounds: in blocks of sound, for at least as long as a click is heard and at most as long as somebody can bear.
const (
	soundRate  = 44100
	soundBlock = 20 * time.Millisecond
	soundLeast = 300 * time.Millisecond
	soundMost  = time.Minute
	soundFade  = 10 * time.Millisecond
	soundLevel = 0.3
)

// soundFormats are what the server can play; most clients take the first.
var soundFormats = []rdpsnd.Format{rdpsnd.PCM(soundRate, 2), rdpsnd.PCM(22050, 1), rdpsnd.PCM(8000, 1)}

// sound is the server's side of the channel ([MS-RDPEA]).
type sound struct {
	channel *static // nil: there is none

	mu      sync.Mutex // guards what follows; held while sound is sent
	formats []rdpsnd.Format
	block   uint8
	heard   int           // blocks that the client has confirmed
	ready   chan struct{} // closed when the client can be played to
}

// openSound begins with a client that has the channel (1.3.2.1).
func (c *Session) openSound() error {
	s := &c.sound
	s.ready = make(chan struct{})
	if s.channel = c.openStatic(rdpsnd.Name, rdpsnd.MaxMessage, c.hearSound); s.channel == nil {
		return nil
	}
	const version = 8 // of Wave2
	return c.say(s.channel, (&rdpsnd.Formats{Version: version, Formats: soundFormats}).Append(), false)
}

// hearSound takes a message of the client: what it can play, then that it has had the training, then what it has played.
func (c *Session) hearSound(m []byte) error {
	kind, _, body, err := rdpsnd.TakeProlog(m)
	if err != nil {
		return err
	}
	s := &c.sound
	s.mu.Lock()
	defer s.mu.Unlock()
	switch kind {
	case rdpsnd.TypeFormats:
		f, err := rdpsnd.TakeFormats(body)
		if err != nil {
			return err
		}
		s.formats = f.Formats
		const stamp, pack = 1, 1024
		return c.say(s.channel, rdpsnd.Training(stamp, make([]byte, pack)), false)
	case rdpsnd.TypeTraining:
		select {
		case <-s.ready:
		default:
			close(s.ready)
		}
	case rdpsnd.TypeWaveConfirm:
		if _, _, err := rdpsnd.TakeConfirm(body); err != nil {
			return err
		}
		s.heard++
		c.desktop.changedNow()
	}
	return nil
}

// Play plays samples of 16 bits, little-endian, the channels' one after the other: at once, whoever wants time to pass between pieces waits
// before the next. It waits until the client has said what it takes.
func (c *Session) Play(ctx context.Context, rate, channels int, samples []byte) error {
	s := &c.sound
	if s.channel == nil {
		return ErrNoSound
	}
	select {
	case <-s.ready:
	case <-ctx.Done():
		return fmt.Errorf("rdptest: the client says nothing of sound: %w", context.Cause(ctx))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := slices.Index(s.formats, rdpsnd.PCM(rate, channels))
	if n < 0 {
		return ErrNoSound
	}
	s.block++
	w := rdpsnd.Wave{Stamp: uint16(c.server.cfg.Now().UnixMilli()), Format: uint16(n), Block: s.block, Data: samples}
	return c.say(s.channel, w.Append(), false)
}

// Heard returns how many pieces of sound the client has taken.
func (c *Session) Heard() int {
	c.sound.mu.Lock()
	defer c.sound.mu.Unlock()
	return c.sound.heard
}

// sing sounds while the desktop's button is held, and a moment at least.
func (c *Session) sing(ctx context.Context) error {
	for {
		var pitch float64
		if err := c.desktop.Wait(ctx, func(d *Desktop) bool {
			var on bool
			pitch, on = d.pushed()
			return on
		}); err != nil {
			return nil // the session ends
		}
		if err := c.singTone(ctx, pitch); err != nil {
			return err
		}
	}
}

// singTone plays a tone by the clock of the machine, as a program would that has it from a file.
func (c *Session) singTone(ctx context.Context, pitch float64) error {
	t := time.NewTicker(soundBlock)
	defer t.Stop()
	wave := tone{step: 2 * math.Pi * pitch / soundRate}
	for start := time.Now(); ; {
		passed := time.Since(start)
		_, on := c.desktop.pushed()
		last := passed > soundMost || passed > soundLeast && !on
		err := c.Play(ctx, soundRate, 2, wave.next(soundBlock, last))
		if last || errors.Is(err, ErrNoSound) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tone is a sine that swells at its beginning and its end: it would click otherwise.
type tone struct {
	step, phase, level float64
}

// next returns the samples of a time that follow, for two channels.
func (t *tone) next(length time.Duration, last bool) []byte {
	n := int(length * soundRate / time.Second)
	const slope = float64(time.Second) / float64(soundFade) / soundRate
	b := make([]byte, 0, n*2*2)
	for i := range n {
		if last && float64(n-i)*slope < 1 {
			t.level = float64(n-i) * slope
		} else {
			t.level = min(1, t.level+slope)
		}
		v := uint16(int16(soundLevel * t.level * math.MaxInt16 * math.Sin(t.phase)))
		b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, v), v)
		t.phase += t.step
	}
	return b
}

// pushed says whether the button is held, and how that sounds.
func (d *Desktop) pushed() (pitch float64, on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Tones[d.state.clicks%len(Tones)], d.state.pressed
}

// changedNow wakes those who Wait.
func (d *Desktop) changedNow() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notify()
}
