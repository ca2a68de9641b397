package sftp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Packet types, section 3 of the draft.
const (
	typeInit     = 1
	typeVersion  = 2
	typeOpen     = 3
	typeClose    = 4
	typeRead     = 5
	typeWrite    = 6
	typeLstat    = 7
	typeFstat    = 8
	typeFsetstat = 10
	typeOpendir  = 11
	typeReaddir  = 12
	typeRemove   = 13
	typeMkdir    = 14
	typeRmdir    = 15
	typeRealpath = 16
	typeStat     = 17
	typeRename   = 18
	typeReadlink = 19
	typeStatus   = 101
	typeHandle   = 102
	typeData     = 103
	typeName     = 104
	typeAttrs    = 105
	typeExtended = 200
)

// Bits of attributes, section 5.
const (
	attrSize        = 0x01
	attrOwner       = 0x02
	attrPermissions = 0x04
	attrTimes       = 0x08
	attrExtended    = 0x80000000
)

// Flags of Open, section 6.3.
const (
	FlagRead      = 0x01
	FlagWrite     = 0x02
	FlagCreate    = 0x08
	FlagExclusive = 0x20
)

const (
	version = 3
	// maxPacket bounds what one answer may hold, as OpenSSH's own client does.
	maxPacket = 256 << 10
	maxHandle = 256 // section 6.2: a handle is at most 256 bytes
	// chunk is what one request reads or writes: the greatest that every server takes.
	chunk    = 32 << 10
	overhead = 4 + 1 + 4 + 4 + maxHandle + 8 + 4 // of a write: length, type, id, handle, offset, length of data
)

// Attrs describes a file. All of it is the server's claim.
type Attrs struct {
	Size    uint64
	Mode    uint32 // as in stat(2); zero if not given
	ModTime time.Time
}

// reader takes an answer apart. The first error sticks: later reads give zero values.
type reader struct {
	b   []byte
	err error
}

var errShort = errors.New("it is cut short")

func (r *reader) bytes(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.b)) {
		if r.err == nil {
			r.err = errShort
		}
		r.b = nil
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) u32() uint32 {
	if p := r.bytes(4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if p := r.bytes(8); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

// str returns the bytes of a string. They are part of the packet.
func (r *reader) str() []byte { return r.bytes(uint64(r.u32())) }

func (r *reader) attrs() Attrs {
	var a Attrs
	flags := r.u32()
	if flags&attrSize != 0 {
		a.Size = r.u64()
	}
	if flags&attrOwner != 0 {
		r.bytes(8)
	}
	if flags&attrPermissions != 0 {
		a.Mode = r.u32()
	}
	if flags&attrTimes != 0 {
		r.u32()
		a.ModTime = time.Unix(int64(r.u32()), 0)
	}
	if flags&attrExtended != 0 {
		// Each pair takes bytes, so that the packet bounds the loop whatever the count says.
		for n := r.u32(); n > 0 && r.err == nil; n-- {
			r.str()
			r.str()
		}
	}
	return a
}

// end reports the first error, or bytes that are left over: a server that means something else by them is out of step.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		return fmt.Errorf("%d bytes are left over", len(r.b))
	}
	return r.err
}

// request is a packet that is being built. The first four bytes are for its length.
type request []byte

func newRequest(kind byte, id uint32) request {
	b := append(request(getBuffer()[:0]), 0, 0, 0, 0, kind)
	return b.u32(id)
}

func (q request) u32(v uint32) request { return binary.BigEndian.AppendUint32(q, v) }
func (q request) u64(v uint64) request { return binary.BigEndian.AppendUint64(q, v) }

func (q request) str(s string) request { return append(q.u32(uint32(len(s))), s...) }

func (q request) data(p []byte) request { return append(q.u32(uint32(len(p))), p...) }

// seal writes the length.
func (q request) seal() request {
	binary.BigEndian.PutUint32(q, uint32(len(q)-4))
	return q
}
