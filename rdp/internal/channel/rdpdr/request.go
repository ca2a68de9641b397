package rdpdr

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Major is what a request wants (MajorFunction, 2.2.1.4).
type Major uint32

// The requests.
const (
	MajorCreate      Major = 0x00
	MajorClose       Major = 0x02
	MajorRead        Major = 0x03
	MajorWrite       Major = 0x04
	MajorQuery       Major = 0x05
	MajorSet         Major = 0x06
	MajorQueryVolume Major = 0x0a
	MajorSetVolume   Major = 0x0b
	MajorDirectory   Major = 0x0c // MinorQueryDirectory, MinorNotifyChange
	MajorControl     Major = 0x0e
	MajorLock        Major = 0x11

	MinorQueryDirectory uint32 = 1
	MinorNotifyChange   uint32 = 2
)

const (
	// MaxData is the most bytes that one request may read or write.
	MaxData = 4 << 20
	// MaxMessage is the greatest message that a server may send.
	MaxMessage = MaxData + 4<<10
	maxPath    = 2 * 4096 // in bytes
)

// Request is a Device I/O Request (2.2.1.4). Which of the fields after Minor count depends on Major. Slices alias what was decoded.
type Request struct {
	Device, File, ID uint32
	Major            Major
	Minor            uint32

	// MajorCreate (2.2.3.3.1).
	Access      uint32
	Allocation  uint64
	Attributes  uint32
	Share       uint32
	Disposition uint32
	Options     uint32

	Path   string // MajorCreate, MinorQueryDirectory; as the server has it
	Offset uint64 // MajorRead, MajorWrite
	Length uint32 // MajorRead, MajorQuery, MajorQueryVolume: what the server takes
	Data   []byte // MajorWrite, MajorSet, MajorSetVolume: what it gives
	Class  uint32 // MajorQuery, MajorSet, MajorQueryVolume, MajorSetVolume, MinorQueryDirectory
	First  bool   // MinorQueryDirectory: the listing begins anew
	Tree   bool   // MinorNotifyChange: below the folder too
	Filter uint32 // MinorNotifyChange
	Code   uint32 // MajorControl
}

// Append returns the PDU.
func (q *Request) Append() []byte {
	b := header(PacketRequest)
	for _, v := range []uint32{q.Device, q.File, q.ID, uint32(q.Major), q.Minor} {
		b = wire.AppendU32LE(b, v)
	}
	path := append(wire.AppendUTF16(nil, q.Path), 0, 0)
	switch q.Major {
	case MajorCreate:
		b = wire.AppendU64LE(wire.AppendU32LE(b, q.Access), q.Allocation)
		for _, v := range []uint32{q.Attributes, q.Share, q.Disposition, q.Options, uint32(len(path))} {
			b = wire.AppendU32LE(b, v)
		}
		return append(b, path...)
	case MajorClose:
		return wire.AppendZeros(b, 32)
	case MajorRead:
		return wire.AppendZeros(wire.AppendU64LE(wire.AppendU32LE(b, q.Length), q.Offset), 20)
	case MajorWrite:
		b = wire.AppendU64LE(wire.AppendU32LE(b, uint32(len(q.Data))), q.Offset)
		return append(wire.AppendZeros(b, 20), q.Data...)
	case MajorQuery, MajorQueryVolume:
		return wire.AppendZeros(wire.AppendU32LE(wire.AppendU32LE(b, q.Class), q.Length), 24)
	case MajorSet, MajorSetVolume:
		b = wire.AppendU32LE(wire.AppendU32LE(b, q.Class), uint32(len(q.Data)))
		return append(wire.AppendZeros(b, 24), q.Data...)
	case MajorControl:
		b = wire.AppendU32LE(wire.AppendU32LE(b, q.Length), uint32(len(q.Data)))
		return append(wire.AppendZeros(wire.AppendU32LE(b, q.Code), 20), q.Data...)
	case MajorDirectory:
		if q.Minor == MinorNotifyChange {
			return wire.AppendZeros(wire.AppendU32LE(append(b, flag(q.Tree)), q.Filter), 27)
		}
		b = append(wire.AppendU32LE(b, q.Class), flag(q.First))
		if q.Path == "" {
			path = nil
		}
		return append(wire.AppendZeros(wire.AppendU32LE(b, uint32(len(path))), 23), path...)
	}
	return b
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// TakeRequest takes the body of a PDU. One that asks for something unknown is taken too: it gets an answer.
func TakeRequest(body []byte) (q Request, err error) {
	r := wire.NewReader(body)
	q = Request{Device: r.U32LE("deviceId"), File: r.U32LE("fileId"), ID: r.U32LE("completionId")}
	q.Major, q.Minor = Major(r.U32LE("majorFunction")), r.U32LE("minorFunction")
	switch q.Major {
	case MajorCreate:
		q.Access, q.Allocation = r.U32LE("desiredAccess"), r.U64LE("allocationSize")
		q.Attributes, q.Share = r.U32LE("fileAttributes"), r.U32LE("sharedAccess")
		q.Disposition, q.Options = r.U32LE("createDisposition"), r.U32LE("createOptions")
		q.Path = takePath(&r, r.U32LE("pathLength"))
	case MajorRead:
		q.Length, q.Offset = r.U32LE("length"), r.U64LE("offset")
	case MajorWrite:
		n := r.Limit("length", uint64(r.U32LE("length")), MaxData)
		q.Offset = r.U64LE("offset")
		r.Skip("padding", 20)
		q.Data = r.Bytes("writeData", n)
	case MajorQuery, MajorQueryVolume:
		q.Class, q.Length = r.U32LE("fsInformationClass"), r.U32LE("length")
	case MajorSet, MajorSetVolume:
		q.Class = r.U32LE("fsInformationClass")
		n := r.Limit("length", uint64(r.U32LE("length")), MaxData)
		r.Skip("padding", 24)
		q.Data = r.Bytes("setBuffer", n)
	case MajorControl:
		q.Length = r.U32LE("outputBufferLength")
		n := r.Limit("inputBufferLength", uint64(r.U32LE("inputBufferLength")), MaxData)
		q.Code = r.U32LE("ioControlCode")
		r.Skip("padding", 20)
		q.Data = r.Bytes("inputBuffer", n)
	case MajorDirectory:
		switch q.Minor {
		case MinorQueryDirectory:
			q.Class, q.First = r.U32LE("fsInformationClass"), r.U8("initialQuery") != 0
			n := r.U32LE("pathLength")
			r.Skip("padding", 23)
			q.Path = takePath(&r, n)
		case MinorNotifyChange:
			q.Tree, q.Filter = r.U8("watchTree") != 0, r.U32LE("completionFilter")
		}
	}
	return q, r.Done(fmt.Sprintf("device request %#x", uint32(q.Major)))
}

// Sizes of the bodies of answers that say nothing more.
const (
	createBody = 4 /* fileId */ + 1 /* information */
	closeBody  = 4
	lengthBody = 4
	lockBody   = 5
)

// emptyBody is the body of an answer that is a refusal: as long as it would be without data (2.2.1.5).
func (q *Request) emptyBody() []byte {
	n := lengthBody
	switch q.Major {
	case MajorCreate:
		n = createBody
	case MajorLock:
		n = lockBody
	case MajorClose:
		n = closeBody
	case MajorWrite, MajorDirectory:
		n = lengthBody + 1 // and padding
	}
	return make([]byte, n)
}

// lengthAnd is the body of answers that have data.
func lengthAnd(data []byte) []byte {
	return append(wire.AppendU32LE(make([]byte, 0, lengthBody+len(data)), uint32(len(data))), data...)
}
