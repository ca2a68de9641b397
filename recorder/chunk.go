package recorder

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Sizes and limits of the container, FORMAT.md. Limits are checked before memory is taken.
const (
	preambleLen = 8 /* magic */ + 2 /* version */ + 6 /* reserved */
	hashLen     = sha256.Size
	headLen     = 1 /* type */ + 1 /* encoding */ + 2 /* reserved */ + 4 /* stored */ + 4 /* raw */ + 4 /* count */ + 8 /* first */ + 4 /* crc */
	crcAt       = headLen - 4

	formatVersion = 1

	// maxRaw bounds a chunk before compression: one entry of the greatest size, with room for its fields.
	maxRaw = maxData + 64<<10
	// maxSigned bounds header, checkpoint and seal.
	maxSigned = 1 << 20
)

// magic has a byte above 0x7f and both line endings, so that a transfer in text mode shows at once.
var magic = [8]byte{0x89, 'S', 'P', 'R', '\r', '\n', 0x1a, '\n'}

// chunkType says what a chunk holds. Values are stored: never renumber.
type chunkType uint8

const (
	chunkHeader     chunkType = 'H' // first, once: what the recording is of; signed
	chunkData       chunkType = 'D' // entries
	chunkCheckpoint chunkType = 'C' // signs the chain so far
	chunkSeal       chunkType = 'S' // last, once: signs the chain and says how it ended
)

func (t chunkType) signed() bool { return t == chunkHeader || t == chunkCheckpoint || t == chunkSeal }

// String returns the name of the type.
func (t chunkType) String() string {
	switch t {
	case chunkHeader:
		return "header"
	case chunkData:
		return "data"
	case chunkCheckpoint:
		return "checkpoint"
	case chunkSeal:
		return "seal"
	}
	return fmt.Sprintf("chunkType(%#x)", uint8(t))
}

// How a chunk's payload is stored.
const (
	encodingRaw  = 0
	encodingZstd = 1
)

// chunkHead is the fixed part of a chunk.
type chunkHead struct {
	typ      chunkType
	encoding uint8
	stored   uint32 // length of the payload in the file
	raw      uint32 // length of the payload before compression
	count    uint32 // entries; 0 in signed chunks
	first    uint64 // index of the first entry; 0 in signed chunks
}

// size returns the length of the whole chunk in the file.
func (h chunkHead) size() int64 { return headLen + int64(h.stored) + hashLen }

// put writes the head without its CRC.
func (h chunkHead) put(b []byte) {
	_ = b[headLen-1]
	b[0] = byte(h.typ)
	b[1] = h.encoding
	b[2], b[3] = 0, 0
	binary.BigEndian.PutUint32(b[4:], h.stored)
	binary.BigEndian.PutUint32(b[8:], h.raw)
	binary.BigEndian.PutUint32(b[12:], h.count)
	binary.BigEndian.PutUint64(b[16:], h.first)
}

// parseHead reads a head and checks every field that can be judged without the payload.
func parseHead(b []byte) (chunkHead, error) {
	if len(b) < headLen {
		return chunkHead{}, fmt.Errorf("chunk head: got %d bytes, want %d", len(b), headLen)
	}
	h := chunkHead{
		typ:      chunkType(b[0]),
		encoding: b[1],
		stored:   binary.BigEndian.Uint32(b[4:]),
		raw:      binary.BigEndian.Uint32(b[8:]),
		count:    binary.BigEndian.Uint32(b[12:]),
		first:    binary.BigEndian.Uint64(b[16:]),
	}
	if b[2] != 0 || b[3] != 0 {
		return h, fmt.Errorf("chunk head: reserved bytes are %#x %#x, want 0", b[2], b[3])
	}
	switch {
	case h.typ.signed():
		if h.encoding != encodingRaw || h.count != 0 || h.first != 0 || h.raw != h.stored {
			return h, fmt.Errorf("%s chunk: encoding %d, count %d, first %d, raw %d of stored %d; a signed chunk is raw and holds no entries",
				h.typ, h.encoding, h.count, h.first, h.raw, h.stored)
		}
		if h.stored < minSigned || h.stored > maxSigned {
			return h, fmt.Errorf("%s chunk: length %d, want %d to %d", h.typ, h.stored, minSigned, maxSigned)
		}
	case h.typ == chunkData:
		if h.raw == 0 || h.raw > maxRaw || h.stored == 0 || h.stored > h.raw {
			return h, fmt.Errorf("data chunk: stored %d of raw %d, want at most %d", h.stored, h.raw, maxRaw)
		}
		// Every entry takes at least minEntry bytes, so this also bounds what a reader may expect.
		if h.count == 0 || h.count > h.raw/minEntry || h.first == 0 {
			return h, fmt.Errorf("data chunk: %d entries from %d in %d bytes", h.count, h.first, h.raw)
		}
		switch {
		case h.encoding == encodingRaw && h.stored == h.raw:
		case h.encoding == encodingZstd && h.stored < h.raw:
		default:
			return h, fmt.Errorf("data chunk: encoding %d with stored %d of raw %d", h.encoding, h.stored, h.raw)
		}
	default:
		return h, fmt.Errorf("unknown chunk type %#x", uint8(h.typ))
	}
	return h, nil
}

// preamble returns the first bytes of every recording.
func preamble() [preambleLen]byte {
	var p [preambleLen]byte
	copy(p[:], magic[:])
	binary.BigEndian.PutUint16(p[8:], formatVersion)
	return p
}

// parsePreamble checks the first bytes of a file.
func parsePreamble(p []byte) error {
	want := preamble()
	if len(p) != preambleLen || [8]byte(p[:8]) != magic {
		return fmt.Errorf("not a recording: the magic is missing")
	}
	if v := binary.BigEndian.Uint16(p[8:]); v != formatVersion {
		return fmt.Errorf("version: got %d, want %d", v, formatVersion)
	}
	if [preambleLen]byte(p) != want {
		return fmt.Errorf("preamble: reserved bytes are not 0")
	}
	return nil
}

// chainSeed is the link before the header chunk.
func chainSeed() [hashLen]byte {
	p := preamble()
	return sha256.Sum256(append([]byte("sallyport recording v1\x00"), p[:]...))
}

// frame builds one chunk in place. A chunk buffer is laid out as previous link, head, payload, so that CRC and
// link are each one call over contiguous memory; the bytes for the file are buf[hashLen:].
type frame struct{ buf []byte }

// newFrame starts a frame in buf's memory.
func newFrame(buf []byte) frame {
	return frame{append(buf[:0], make([]byte, hashLen+headLen)...)}
}

// finish sets the head and appends the link. It returns the chunk as it goes to the file, and the new link.
func (f *frame) finish(prev [hashLen]byte, h chunkHead) (chunk []byte, link [hashLen]byte) {
	h.stored = uint32(len(f.buf) - hashLen - headLen)
	copy(f.buf, prev[:])
	h.put(f.buf[hashLen:])
	binary.BigEndian.PutUint32(f.buf[hashLen+crcAt:], chunkCRC(f.buf[hashLen:]))
	link = sha256.Sum256(f.buf)
	f.buf = append(f.buf, link[:]...)
	return f.buf[hashLen:], link
}

// chunkCRC is CRC-32C over head and payload without the CRC field itself.
func chunkCRC(chunk []byte) uint32 {
	t := crc32.MakeTable(crc32.Castagnoli) // returns the library's shared table
	return crc32.Update(crc32.Checksum(chunk[:crcAt], t), t, chunk[headLen:])
}
