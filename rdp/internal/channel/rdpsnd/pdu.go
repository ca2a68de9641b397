package rdpsnd

import (
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Type is what a PDU is (msgType of SNDPROLOG, 2.2.1).
type Type uint8

// The types.
const (
	TypeClose       Type = 1
	TypeWaveInfo    Type = 2 // the audio follows in a message without a header
	TypeVolume      Type = 3
	TypePitch       Type = 4
	TypeWaveConfirm Type = 5
	TypeTraining    Type = 6
	TypeFormats     Type = 7
	TypeQualityMode Type = 12
	TypeWave2       Type = 13
)

const (
	version    = 8 // of the client: it takes Wave2
	capAlive   = 1 // TSSNDCAPS_ALIVE
	maxFormats = 512
	pcm        = 1 // WAVE_FORMAT_PCM
	quality    = 2 // HIGH_QUALITY: as good as the link allows
)

// message is a PDU: prolog and body. size is that of the body, which may be more than what follows.
func message(t Type, size int, body []byte) []byte {
	return append(wire.AppendU16LE([]byte{uint8(t), 0}, uint16(size)), body...)
}

// TakeProlog cuts a PDU into its type, the size that it claims for its body, and its body.
func TakeProlog(b []byte) (t Type, size int, body []byte, err error) {
	r := wire.NewReader(b)
	t = Type(r.U8("msgType"))
	r.Skip("pad", 1)
	size = int(r.U16LE("bodySize"))
	body = r.Rest()
	return t, size, body, r.Done("sound PDU")
}

// Format is a way that sound may come in (AUDIO_FORMAT, 2.2.2.1.1).
type Format struct {
	Tag                uint16 // 1 for plain samples
	Channels           uint16
	Rate               uint32 // samples in a second
	ByteRate           uint32
	BlockAlign, Sample uint16 // bytes of a sample of all channels, bits of one
	Extra              string
}

// PCM is the format of plain samples of 16 bits, which have a sign.
func PCM(rate, channels int) Format {
	align := 2 * channels
	return Format{pcm, uint16(channels), uint32(rate), uint32(rate * align), uint16(align), 16, ""}
}

// PCM8 is the format of plain samples of 8 bits, which have none: 128 is silence.
func PCM8(rate, channels int) Format {
	return Format{pcm, uint16(channels), uint32(rate), uint32(rate * channels), uint16(channels), 8, ""}
}

// plain says whether it is PCM of so many bits, as this package takes it.
func (f Format) plain(bits uint16) bool {
	return f.Tag == pcm && f.Sample == bits && (f.Channels == 1 || f.Channels == 2) && f.BlockAlign == bits/8*f.Channels && f.Rate >= 8000 && f.Rate <= 48000
}

// widen returns samples of 8 bits as those of 16: the middle becomes zero.
func widen(b []byte) []byte {
	out := make([]byte, 2*len(b))
	for i, v := range b {
		out[2*i+1] = v ^ 0x80 // the upper byte, with its sign
	}
	return out
}

// Formats are the Server or the Client Audio Formats and Version (2.2.2.1, 2.2.2.2).
type Formats struct {
	Flags     uint32
	LastBlock uint8
	Version   uint16
	Formats   []Format
}

// Append returns the PDU.
func (f *Formats) Append() []byte {
	b := wire.AppendZeros(wire.AppendU32LE(nil, f.Flags), 4 /* volume */ +4 /* pitch */ +2 /* port of UDP */)
	b = append(wire.AppendU16LE(b, uint16(len(f.Formats))), f.LastBlock)
	b = append(wire.AppendU16LE(b, f.Version), 0)
	for _, a := range f.Formats {
		b = wire.AppendU32LE(wire.AppendU16LE(wire.AppendU16LE(b, a.Tag), a.Channels), a.Rate)
		b = wire.AppendU16LE(wire.AppendU16LE(wire.AppendU32LE(b, a.ByteRate), a.BlockAlign), a.Sample)
		b = append(wire.AppendU16LE(b, uint16(len(a.Extra))), a.Extra...)
	}
	return message(TypeFormats, len(b), b)
}

// TakeFormats takes the body.
func TakeFormats(body []byte) (f Formats, err error) {
	r := wire.NewReader(body)
	f.Flags = r.U32LE("flags")
	r.Skip("volume, pitch, port", 10)
	n := r.U16LE("numberOfFormats")
	f.LastBlock, f.Version = r.U8("lastBlockConfirmed"), r.U16LE("version")
	r.Skip("pad", 1)
	const length = 18 // without extra bytes
	for range r.Count("numberOfFormats", uint64(n), length, maxFormats) {
		a := Format{Tag: r.U16LE("formatTag"), Channels: r.U16LE("channels"), Rate: r.U32LE("samplesPerSec"), ByteRate: r.U32LE("avgBytesPerSec")}
		a.BlockAlign, a.Sample = r.U16LE("blockAlign"), r.U16LE("bitsPerSample")
		a.Extra = string(r.Bytes("data", int(r.U16LE("size"))))
		f.Formats = append(f.Formats, a)
	}
	return f, r.Done("audio formats")
}

// Training is the Training PDU with a pack of that many bytes, or without data its confirmation (2.2.3.1, 2.2.3.2).
func Training(stamp uint16, data []byte) []byte {
	b := wire.AppendU16LE(nil, stamp)
	if len(data) == 0 {
		return message(TypeTraining, 4, wire.AppendU16LE(b, 0))
	}
	return message(TypeTraining, 4+len(data), append(wire.AppendU16LE(b, uint16(8+len(data))), data...))
}

// TakeTraining takes the body of either.
func TakeTraining(body []byte) (stamp, size uint16, err error) {
	r := wire.NewReader(body)
	stamp, size = r.U16LE("timeStamp"), r.U16LE("packSize")
	return stamp, size, r.Done("training")
}

// Wave is a piece of sound, in whatever PDUs it comes.
type Wave struct {
	Stamp  uint16 // in milliseconds, on the server's clock
	Format uint16 // index into the client's formats
	Block  uint8
	Data   []byte
}

const (
	waveHead = 8 // of WaveInfo and Wave2: time stamp, format, block, padding
	inInfo   = 4 // bytes of the sound that stand in the WaveInfo PDU, and are zeros in the Wave PDU
)

func (w *Wave) head() []byte {
	return append(wire.AppendU16LE(wire.AppendU16LE(nil, w.Stamp), w.Format), w.Block, 0, 0, 0)
}

// Info returns the WaveInfo PDU and the Wave PDU (2.2.3.3, 2.2.3.4). The sound has at least four bytes.
func (w *Wave) Info() [][]byte {
	info := message(TypeWaveInfo, waveHead+len(w.Data), append(w.head(), w.Data[:inInfo]...))
	return [][]byte{info, append(make([]byte, inInfo), w.Data[inInfo:]...)}
}

// Append returns the Wave2 PDU (2.2.3.10).
func (w *Wave) Append() []byte {
	b := append(wire.AppendU32LE(w.head(), 0 /* audio time stamp */), w.Data...)
	return message(TypeWave2, len(b), b)
}

// takeWave takes the head of a WaveInfo or Wave2 PDU, and what stands behind it.
func takeWave(t Type, body []byte) (w Wave, err error) {
	r := wire.NewReader(body)
	w = Wave{Stamp: r.U16LE("timeStamp"), Format: r.U16LE("formatNo"), Block: r.U8("blockNo")}
	r.Skip("pad", 3)
	if t == TypeWave2 {
		r.U32LE("audioTimeStamp")
		w.Data = r.Rest()
		return w, r.Done("wave")
	}
	w.Data = r.Bytes("data", inInfo)
	return w, r.Done("wave info")
}

// Confirm is the Wave Confirm PDU (2.2.3.8).
func Confirm(stamp uint16, block uint8) []byte {
	return message(TypeWaveConfirm, 4, append(wire.AppendU16LE(nil, stamp), block, 0))
}

// TakeConfirm takes the body.
func TakeConfirm(body []byte) (stamp uint16, block uint8, err error) {
	r := wire.NewReader(body)
	stamp, block = r.U16LE("timeStamp"), r.U8("confirmedBlockNo")
	return stamp, block, r.Done("wave confirm")
}

// QualityMode is the Quality Mode PDU (2.2.2.3), which asks for good sound.
func QualityMode() []byte {
	return message(TypeQualityMode, 4, wire.AppendU16LE(wire.AppendU16LE(nil, quality), 0))
}

// Close is the Close PDU (2.2.3.9).
func Close() []byte { return message(TypeClose, 0, nil) }
