package cliprdr

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Type is what a PDU is (msgType of CLIPRDR_HEADER, 2.2.1).
type Type uint16

// The types.
const (
	TypeMonitorReady         Type = 1
	TypeFormatList           Type = 2
	TypeFormatListResponse   Type = 3
	TypeFormatDataRequest    Type = 4
	TypeFormatDataResponse   Type = 5
	TypeTempDirectory        Type = 6
	TypeCapabilities         Type = 7
	TypeFileContentsRequest  Type = 8
	TypeFileContentsResponse Type = 9
	TypeLock                 Type = 10
	TypeUnlock               Type = 11
)

// Flags of a PDU (msgFlags, 2.2.1).
const (
	FlagOK    uint16 = 1
	FlagFail  uint16 = 2
	FlagASCII uint16 = 4 // short format names are not in UTF-16
)

// Capabilities of a side (generalFlags, 2.2.2.1.1.1).
const (
	CapLongNames uint32 = 0x02
	CapFiles     uint32 = 0x04
	CapNoPaths   uint32 = 0x08
	CapLock      uint32 = 0x10
)

// Standard formats ([MS-RDPECLIP] 1.3.1.2).
const (
	FormatText    uint32 = 1  // CF_TEXT
	FormatUnicode uint32 = 13 // CF_UNICODETEXT
)

const (
	capsVersion   = 2
	generalSet    = 1
	generalLength = 2 /* type */ + 2 /* length */ + 4 /* version */ + 4 /* flags */
	maxCapSets    = 16
	maxFormats    = 1024
	maxName       = 512 // of a long format name, in bytes
	shortName     = 32  // of a short one
	pathLength    = 520 // of CLIPRDR_TEMP_DIRECTORY, in bytes
)

// PDU is any PDU of the channel, cut from its header.
type PDU struct {
	Type  Type
	Flags uint16
	Body  []byte
}

// AppendBinary appends the PDU.
func (p *PDU) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendU16LE(wire.AppendU16LE(b, uint16(p.Type)), p.Flags)
	return append(wire.AppendU32LE(b, uint32(len(p.Body))), p.Body...), nil
}

// UnmarshalBinary takes a PDU, whose Body aliases b. Some peers pad PDUs at the end; that is left out.
func (p *PDU) UnmarshalBinary(b []byte) error {
	r := wire.NewReader(b)
	p.Type, p.Flags = Type(r.U16LE("msgType")), r.U16LE("msgFlags")
	p.Body = r.Bytes("body", int(r.U32LE("dataLen")))
	return r.Done("clipboard PDU")
}

// message is a PDU as bytes.
func message(t Type, flags uint16, body []byte) []byte {
	b, _ := (&PDU{t, flags, body}).AppendBinary(nil) // it has no error
	return b
}

// MonitorReady is the server's CB_MONITOR_READY (2.2.2.2).
func MonitorReady() []byte { return message(TypeMonitorReady, 0, nil) }

// Capabilities is CB_CLIP_CAPS with the general set (2.2.2.1).
func Capabilities(flags uint32) []byte {
	b := wire.AppendU16LE(wire.AppendU16LE(nil, 1), 0)
	b = wire.AppendU16LE(wire.AppendU16LE(b, generalSet), generalLength)
	return message(TypeCapabilities, 0, wire.AppendU32LE(wire.AppendU32LE(b, capsVersion), flags))
}

// TakeCapabilities takes the body of CB_CLIP_CAPS and returns the general flags.
func TakeCapabilities(body []byte) (flags uint32, err error) {
	r := wire.NewReader(body)
	n := r.Count("cCapabilitiesSets", uint64(r.U16LE("cCapabilitiesSets")), 4, maxCapSets)
	r.Skip("pad", 2)
	for range n {
		kind := r.U16LE("capabilitySetType")
		size := int(r.U16LE("lengthCapability"))
		set := r.Sub("capability set", size-4)
		if kind == generalSet {
			set.U32LE("version")
			flags = set.U32LE("generalFlags")
			r.Fail(set.Err())
		}
	}
	return flags, r.Done("clipboard capabilities")
}

// Format is one entry of a format list. Standard formats have no name.
type Format struct {
	ID   uint32
	Name string
}

// FormatList is CB_FORMAT_LIST (2.2.3.1), with long or with short names.
func FormatList(formats []Format, long bool) []byte {
	var b []byte
	for _, f := range formats {
		b = wire.AppendU32LE(b, f.ID)
		if long {
			b = wire.AppendU16LE(wire.AppendUTF16(b, f.Name), 0)
		} else {
			b = wire.AppendFixedUTF16(b, f.Name, shortName)
		}
	}
	return message(TypeFormatList, 0, b)
}

// TakeFormatList takes the body of CB_FORMAT_LIST.
func TakeFormatList(body []byte, flags uint16, long bool) (formats []Format, err error) {
	r := wire.NewReader(body)
	for r.Len() > 0 {
		if len(formats) == maxFormats {
			r.Fail(&wire.LimitError{Field: "formats", Got: maxFormats + 1, Max: maxFormats})
			break
		}
		f := Format{ID: r.U32LE("formatId")}
		switch {
		case long:
			f.Name = takeName(&r)
		case flags&FlagASCII != 0:
			f.Name = latin1(r.Bytes("formatName", shortName))
		default:
			f.Name = r.FixedUTF16("formatName", shortName)
		}
		formats = append(formats, f)
	}
	return formats, r.Done("format list")
}

// takeName takes UTF-16 that ends with a NUL.
func takeName(r *wire.Reader) string {
	var b []byte
	for len(b) <= maxName {
		u := r.Bytes("formatName", 2)
		if u == nil {
			return ""
		}
		if u[0] == 0 && u[1] == 0 {
			return wire.DecodeUTF16(b)
		}
		b = append(b, u...)
	}
	r.Fail(&wire.LimitError{Field: "formatName", Got: uint64(len(b)), Max: maxName})
	return ""
}

// FormatListResponse is CB_FORMAT_LIST_RESPONSE (2.2.3.2).
func FormatListResponse(ok bool) []byte { return message(TypeFormatListResponse, result(ok), nil) }

// FormatDataRequest is CB_FORMAT_DATA_REQUEST (2.2.5.1).
func FormatDataRequest(format uint32) []byte {
	return message(TypeFormatDataRequest, 0, wire.AppendU32LE(nil, format))
}

// TakeFormatDataRequest takes its body.
func TakeFormatDataRequest(body []byte) (format uint32, err error) {
	r := wire.NewReader(body)
	format = r.U32LE("requestedFormatId")
	return format, r.Close("format data request")
}

// FormatDataResponse is CB_FORMAT_DATA_RESPONSE (2.2.5.2).
func FormatDataResponse(ok bool, data []byte) []byte {
	return message(TypeFormatDataResponse, result(ok), data)
}

// FileContentsResponse is a CB_FILECONTENTS_RESPONSE that refuses a request of this stream (2.2.5.4).
func FileContentsResponse(stream uint32) []byte {
	return message(TypeFileContentsResponse, FlagFail, wire.AppendU32LE(nil, stream))
}

// FileContentsRequest is CB_FILECONTENTS_REQUEST for size bytes from offset of the file of that index (2.2.5.3).
func FileContentsRequest(stream, index uint32, offset uint64, size uint32) []byte {
	const contents = 2 // FILECONTENTS_RANGE
	b := wire.AppendU32LE(wire.AppendU32LE(wire.AppendU32LE(nil, stream), index), contents)
	return message(TypeFileContentsRequest, 0, wire.AppendU32LE(wire.AppendU64LE(b, offset), size))
}

// TempDirectory is CB_TEMP_DIRECTORY (2.2.2.3), which tells where a client keeps files. This client has none.
func TempDirectory(path string) []byte {
	return message(TypeTempDirectory, 0, wire.AppendFixedUTF16(nil, path, pathLength))
}

// TakeTempDirectory takes its body.
func TakeTempDirectory(body []byte) (path string, err error) {
	r := wire.NewReader(body)
	path = r.FixedUTF16("wszTempDir", pathLength)
	return path, r.Close("temporary directory")
}

// Lock is CB_LOCK_CLIPDATA, or with keep false CB_UNLOCK_CLIPDATA (2.2.4).
func Lock(id uint32, keep bool) []byte {
	t := TypeUnlock
	if keep {
		t = TypeLock
	}
	return message(t, 0, wire.AppendU32LE(nil, id))
}

func result(ok bool) uint16 {
	if ok {
		return FlagOK
	}
	return FlagFail
}

// String names the type.
func (t Type) String() string {
	names := []string{
		"", "monitor ready", "format list", "format list response", "format data request", "format data response", "temporary directory",
		"capabilities", "file contents request", "file contents response", "lock", "unlock",
	}
	if t > 0 && int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("Type(%d)", uint16(t))
}
