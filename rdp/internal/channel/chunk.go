package channel

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Flags of CHANNEL_PDU_HEADER ([MS-RDPBCGR] 2.2.6.1.1). Those of compression are shifted to what package bulk takes.
const (
	flagFirst         uint32 = 0x00000001
	flagLast          uint32 = 0x00000002
	flagShowProtocol  uint32 = 0x00000010
	flagSuspend       uint32 = 0x00000020
	flagResume        uint32 = 0x00000040
	compressionShift         = 16
	compressionFlags  uint32 = 0x00ef0000
	chunkHeader              = 4 /* length */ + 4 /* flags */
	ChunkLength              = 1600               // CHANNEL_CHUNK_LENGTH: the most data of a chunk, unless the server allows more
	DefaultMaxMessage        = 16 << 20           // what a Joiner takes without a limit of its own
)

// Chunks calls send with each chunk of a message, header included: the data of one Send Data Request or Indication each. show
// says that the channel was opened with ChannelShowProtocol. The chunk is valid until send returns.
func Chunks(message []byte, show bool, send func(chunk []byte) error) error {
	if uint64(len(message)) > 0xffffffff {
		return fmt.Errorf("message of %d bytes", len(message))
	}
	buf := make([]byte, 0, chunkHeader+min(len(message), ChunkLength))
	for rest, first := message, true; first || len(rest) > 0; first = false {
		n := min(len(rest), ChunkLength)
		var flags uint32
		if first {
			flags |= flagFirst
		}
		if n == len(rest) {
			flags |= flagLast
		}
		if show {
			flags |= flagShowProtocol
		}
		buf = wire.AppendU32LE(wire.AppendU32LE(buf[:0], uint32(len(message))), flags)
		if err := send(append(buf, rest[:n]...)); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// Decompressor undoes the bulk compression of a chunk; package bulk has one. All channels of a connection share it with the
// updates ([MS-RDPBCGR] 3.1.8.2).
type Decompressor interface {
	Decompress(flags uint8, src []byte) ([]byte, error)
}

// Joiner joins the chunks of one channel. The zero value takes messages of up to DefaultMaxMessage bytes, and nothing that is
// compressed.
type Joiner struct {
	// Max is the greatest message, in bytes; 0 means DefaultMaxMessage. A longer one is an error, and no memory is taken for it.
	Max int
	// Skip leaves longer messages out instead: Skipped counts them. They take no memory either.
	Skip bool
	// Bulk decompresses. Nil refuses compressed chunks.
	Bulk Decompressor
	// Skipped is how many messages were left out.
	Skipped int

	buf   []byte
	got   int // bytes of the message so far
	total int
	open  bool
}

// Join takes one chunk. It returns a message when the chunk was its last, valid until the next call: done reports whether there is one.
// Memory grows with what has come, not with what was announced. After an error the channel is unusable.
func (j *Joiner) Join(chunk []byte) (message []byte, done bool, err error) {
	most := j.Max
	if most == 0 {
		most = DefaultMaxMessage
	}
	r := wire.NewReader(chunk)
	length := uint64(r.U32LE("length"))
	if !j.Skip {
		r.Limit("length", length, uint64(most))
	}
	total := int(length)
	flags := r.U32LE("flags")
	data := r.Rest()
	if err := r.Done("channel PDU header"); err != nil {
		return nil, false, err
	}
	if flags&(flagSuspend|flagResume) != 0 {
		return nil, false, nil // 2.2.6.1.1: only flow control of old servers, which carries nothing
	}
	switch first := flags&flagFirst != 0; {
	case first && j.open:
		return nil, false, fmt.Errorf("channel chunk: a message begins after %d bytes of %d of another", j.got, j.total)
	case !first && !j.open:
		return nil, false, fmt.Errorf("channel chunk: there is no message to go on with")
	case !first && total != j.total:
		return nil, false, fmt.Errorf("channel chunk: length: got %d, want %d as before", total, j.total)
	case first:
		j.buf, j.got, j.total, j.open = j.buf[:0], 0, total, true
	}
	if flags&compressionFlags != 0 {
		if j.Bulk == nil {
			return nil, false, fmt.Errorf("channel chunk: it is compressed, which was not agreed on")
		}
		if data, err = j.Bulk.Decompress(uint8(flags&compressionFlags>>compressionShift), data); err != nil {
			return nil, false, err
		}
	}
	if len(data) > j.total-j.got {
		return nil, false, fmt.Errorf("channel chunk: %d bytes after %d, but the message has %d", len(data), j.got, j.total)
	}
	j.got += len(data)
	last := flags&flagLast != 0
	if last && j.got != j.total {
		return nil, false, fmt.Errorf("channel chunk: the message ends after %d bytes of %d", j.got, j.total)
	}
	j.open = !last
	switch {
	case j.total > most:
		if last {
			j.Skipped++
		}
		return nil, false, nil
	case last && len(j.buf) == 0: // most messages are one chunk: no copy
		return data, true, nil
	}
	j.buf = append(j.buf, data...)
	if !last {
		return nil, false, nil
	}
	return j.buf, true, nil
}
