package rdpsnd

import (
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/channel"
)

// Names of the channels, static and dynamic ([MS-RDPEA] 2.1).
const (
	Name        = "rdpsnd"
	DynamicName = "AUDIO_PLAYBACK_DVC"
)

const (
	// MaxMessage is the greatest message that a server may send: a second of sound is less.
	MaxMessage = 512 << 10
	// DefaultBuffer is that of Config.
	DefaultBuffer = 500 * time.Millisecond
	maxPieces     = 256 // blocks have numbers of one byte
	wantQuality   = 6   // version from which servers take QualityMode
)

// Config says how much may wait.
type Config struct {
	Buffer time.Duration    // of sound that waits for Next; zero means DefaultBuffer
	Now    func() time.Time // nil means time.Now
}

// Sound is a piece of sound: samples of 16 bits, little-endian, those of the channels one after the other.
type Sound struct {
	Rate, Channels int
	Samples        []byte
	Lost           time.Duration // sound that was pushed out before this piece
}

// length is how long it plays.
func (s *Sound) length() time.Duration {
	return time.Duration(len(s.Samples)/(2*s.Channels)) * time.Second / time.Duration(s.Rate)
}

// Client is the client's side of one channel. It belongs to one caller at a time.
type Client struct {
	cfg     Config
	formats []Format // agreed on
	info    *Wave    // its sound comes with the next message
	size    int      // of that sound
	queue   []piece
	waiting time.Duration // sound in queue
	lost    time.Duration
}

// piece is sound that waits.
type piece struct {
	Sound
	stamp uint16
	block uint8
	came  time.Time
}

var _ channel.Processor = (*Client)(nil)

// New returns a channel on which nothing has come yet.
func New(cfg Config) *Client {
	if cfg.Buffer <= 0 {
		cfg.Buffer = DefaultBuffer
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Client{cfg: cfg}
}

// Receive takes a message of the server.
func (c *Client) Receive(b []byte) ([][]byte, error) {
	if c.info != nil {
		return c.rest(b)
	}
	t, size, body, err := TakeProlog(b)
	if err != nil {
		return nil, err
	}
	switch t {
	case TypeFormats:
		return c.agree(body)
	case TypeTraining:
		stamp, pack, err := TakeTraining(body)
		if err != nil {
			return nil, err
		}
		answer := Training(stamp, nil)
		answer[6], answer[7] = uint8(pack), uint8(pack>>8)
		return [][]byte{answer}, nil
	case TypeWaveInfo:
		w, err := takeWave(t, body)
		if err != nil {
			return nil, err
		}
		if c.size = size - waveHead; c.size < inInfo {
			return nil, fmt.Errorf("wave info: a sound of %d bytes", c.size)
		}
		w.Data = slices.Clone(w.Data)
		c.info = &w
		return nil, nil
	case TypeWave2:
		w, err := takeWave(t, body)
		if err != nil {
			return nil, err
		}
		return c.play(&w)
	}
	// Close: what waits is still to be heard. Volume and pitch were not offered.
	return nil, nil
}

// agree answers with those of the server's formats that are taken, in its order (3.2.5.2.1.1). Samples of 8 bits are taken of a server that
// has no others: many take the first format that is answered, and would sound worse than they can.
func (c *Client) agree(body []byte) ([][]byte, error) {
	f, err := TakeFormats(body)
	if err != nil {
		return nil, err
	}
	c.formats, c.info = nil, nil
	for _, bits := range []uint16{16, 8} {
		for _, a := range f.Formats {
			if a.plain(bits) {
				a.Extra = ""
				c.formats = append(c.formats, a)
			}
		}
		if len(c.formats) > 0 {
			break
		}
	}
	out := [][]byte{(&Formats{Flags: capAlive, Version: version, Formats: c.formats}).Append()}
	if f.Version >= wantQuality {
		out = append(out, QualityMode())
	}
	return out, nil
}

// rest takes the Wave PDU that follows a WaveInfo PDU: it has no header, and four zeros where the sound begins.
func (c *Client) rest(b []byte) ([][]byte, error) {
	w := c.info
	c.info = nil
	if len(b) < c.size {
		return nil, fmt.Errorf("wave: %d bytes, want %d", len(b), c.size)
	}
	w.Data = append(w.Data, b[inInfo:c.size]...)
	return c.play(w)
}

// play queues sound. What then waits too long is lost, and confirmed.
func (c *Client) play(w *Wave) (out [][]byte, err error) {
	if int(w.Format) >= len(c.formats) {
		return nil, fmt.Errorf("wave: format %d of %d", w.Format, len(c.formats))
	}
	f := c.formats[w.Format]
	p := piece{stamp: w.Stamp, block: w.Block, came: c.cfg.Now()}
	whole := len(w.Data) - len(w.Data)%int(f.BlockAlign)
	samples := slices.Clone(w.Data[:whole])
	if f.Sample == 8 {
		samples = widen(samples)
	}
	p.Sound = Sound{Rate: int(f.Rate), Channels: int(f.Channels), Samples: samples}
	c.queue = append(c.queue, p)
	c.waiting += p.length()
	for len(c.queue) > 1 && c.waiting > c.cfg.Buffer || len(c.queue) > maxPieces {
		old, confirm := c.pop()
		c.lost += old.length()
		out = append(out, confirm)
	}
	return out, nil
}

// pop takes the piece that has waited longest, and says that it was played.
func (c *Client) pop() (p piece, confirm []byte) {
	p = c.queue[0]
	c.queue[0] = piece{}
	c.queue = c.queue[1:]
	c.waiting -= p.length()
	elapsed := c.cfg.Now().Sub(p.came).Milliseconds()
	return p, Confirm(p.stamp+uint16(max(elapsed, 0)), p.block)
}

// Next takes the piece that has waited longest, nil if there is none, and what is then to be said to the server.
func (c *Client) Next() (s *Sound, out [][]byte) {
	if len(c.queue) == 0 {
		return nil, nil
	}
	p, confirm := c.pop()
	p.Lost, c.lost = c.lost, 0
	return &p.Sound, [][]byte{confirm}
}

// Waits reports whether Next has something.
func (c *Client) Waits() bool { return len(c.queue) > 0 }
