package bulk

import (
	"errors"
	"fmt"
)

// Flags of a compressed packet ([MS-RDPBCGR] 2.2.8.1.1.1.2).
const (
	TypeMask   = 0x0f
	Type8K     = 0x00 // PACKET_COMPR_TYPE_8K
	Type64K    = 0x01 // PACKET_COMPR_TYPE_64K
	TypeNCRUSH = 0x02 // PACKET_COMPR_TYPE_RDP6
	TypeXCRUSH = 0x03 // PACKET_COMPR_TYPE_RDP61

	Compressed = 0x20 // PACKET_COMPRESSED
	AtFront    = 0x40 // PACKET_AT_FRONT
	Flushed    = 0x80 // PACKET_FLUSHED
)

// ErrCorrupt is what every error matches.
var ErrCorrupt = errors.New("corrupt compressed data")

func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// algorithm is one kind of compression with its history.
type algorithm interface {
	// decompress returns what src stands for. The result is valid until the next call.
	decompress(flags uint8, src []byte) ([]byte, error)
}

// Decompressor holds the histories of one direction of a connection. Each is made when the first packet needs it.
type Decompressor struct {
	kinds  [4]algorithm
	broken error
}

// NewDecompressor returns a Decompressor with empty histories.
func NewDecompressor() *Decompressor { return &Decompressor{} }

// Decompress returns the contents of a packet with the given flags. The result may alias src, and is valid until the next call.
func (d *Decompressor) Decompress(flags uint8, src []byte) ([]byte, error) {
	if d.broken != nil {
		return nil, d.broken
	}
	kind := flags & TypeMask
	if int(kind) >= len(d.kinds) {
		d.broken = corruptf("unknown type %d", kind)
		return nil, d.broken
	}
	if d.kinds[kind] == nil {
		switch kind {
		case Type8K:
			d.kinds[kind] = newMPPC(8 << 10)
		case Type64K:
			d.kinds[kind] = newMPPC(64 << 10)
		case TypeNCRUSH:
			d.kinds[kind] = newNCRUSH()
		case TypeXCRUSH:
			d.kinds[kind] = newXCRUSH()
		}
	}
	out, err := d.kinds[kind].decompress(flags, src)
	if err != nil {
		d.broken = err
	}
	return out, err
}
