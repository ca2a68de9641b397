package bulk

import "github.com/sallyport/sallyport/rdp/internal/wire"

// Flags of the first level of XCRUSH ([MS-RDPEGDI] 2.2.2.4.1).
const (
	xcrushCompressed   = 0x01 // L1_COMPRESSED
	xcrushUncompressed = 0x02 // L1_NO_COMPRESSION
	xcrushAtFront      = 0x04 // L1_PACKET_AT_FRONT
)

// xcrushHistory is the size of the history of the first level (3.1.8.2.2).
const xcrushHistory = 2_000_000

// maxMatches bounds the matches of one packet: each makes a byte at least, and a packet makes no more than 64 KiB.
const maxMatches = 64 << 10

// xcrush is the compression of RDP 6.1 ([MS-RDPEGDI] 3.1.8.2): long matches in a large history, and what they leave over is
// compressed once more by MPPC.
type xcrush struct {
	history []byte
	at      int
	inner   *mppc
}

func newXCRUSH() *xcrush {
	return &xcrush{history: make([]byte, xcrushHistory), inner: newMPPC(64 << 10)}
}

func (x *xcrush) decompress(flags uint8, src []byte) ([]byte, error) {
	if flags&Flushed != 0 {
		x.at = 0
		clear(x.history)
	}
	if flags&Compressed == 0 {
		return src, nil
	}
	r := wire.NewReader(src)
	first, second := r.U8("Level1ComprFlags"), r.U8("Level2ComprFlags")
	data := r.Rest()
	if err := r.Err(); err != nil {
		return nil, corruptf("xcrush: %v", err)
	}
	if second&Compressed != 0 {
		var err error
		if data, err = x.inner.decompress(second, data); err != nil {
			return nil, err
		}
	}
	if first&xcrushAtFront != 0 {
		x.at = 0
	}
	start := x.at
	switch {
	case first&xcrushUncompressed != 0:
		if !x.put(data) {
			return nil, corruptf("xcrush: history is full")
		}
	case first&xcrushCompressed != 0:
		if err := x.expand(data); err != nil {
			return nil, err
		}
	default:
		return nil, corruptf("xcrush: flags %#x of the first level", first)
	}
	return x.history[start:x.at], nil
}

func (x *xcrush) put(p []byte) bool {
	if len(p) > len(x.history)-x.at {
		return false
	}
	x.at += copy(x.history[x.at:], p)
	return true
}

// expand puts literals and matches together (RDP61_COMPRESSED_DATA, 2.2.2.4.1.1).
func (x *xcrush) expand(data []byte) error {
	r := wire.NewReader(data)
	const matchSize = 2 /* MatchLength */ + 2 /* MatchOutputOffset */ + 4 /* MatchHistoryOffset */
	n := r.Count("MatchCount", uint64(r.U16LE("MatchCount")), matchSize, maxMatches)
	matches := r.Sub("MatchDetails", n*matchSize)
	literals := r.Rest()
	if err := r.Err(); err != nil {
		return corruptf("xcrush: %v", err)
	}
	made := 0
	for range n {
		length, output := int(matches.U16LE("MatchLength")), int(matches.U16LE("MatchOutputOffset"))
		from := uint64(matches.U32LE("MatchHistoryOffset"))
		gap := output - made
		if gap < 0 || gap > len(literals) || !x.put(literals[:gap]) {
			return corruptf("xcrush: match at %d after %d bytes, %d literals left", output, made, len(literals))
		}
		literals = literals[gap:]
		if from+uint64(length) > uint64(len(x.history)) || length > len(x.history)-x.at {
			return corruptf("xcrush: match of %d bytes from %d", length, from)
		}
		for i := range length { // it may reach into what it writes
			x.history[x.at+i] = x.history[int(from)+i]
		}
		x.at += length
		made = output + length
	}
	if !x.put(literals) {
		return corruptf("xcrush: history is full")
	}
	return nil
}
