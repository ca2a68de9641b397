package pdu

import (
	"bytes"
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// CodecKind is a bitmap codec that is known here.
type CodecKind uint8

// The codecs.
const (
	CodecUnknown CodecKind = iota
	CodecNSCodec
	CodecRemoteFX
)

// GUIDs of bitmap codecs ([MS-RDPBCGR] 2.2.7.2.10.1.1), as they stand on the wire.
var codecGUIDs = [...][]byte{
	CodecNSCodec:  {0xb9, 0x1b, 0x8d, 0xca, 0x0f, 0x00, 0x4f, 0x15, 0x58, 0x9f, 0xae, 0x2d, 0x1a, 0x87, 0xe2, 0xd6},
	CodecRemoteFX: {0x12, 0x2f, 0x77, 0x76, 0x72, 0xbd, 0x63, 0x44, 0xaf, 0xb3, 0xb7, 0x3c, 0x9c, 0x6f, 0x78, 0x86},
}

const guidSize = 16

// BitmapCodec is one codec of a Bitmap Codecs set (2.2.7.2.10.1).
type BitmapCodec struct {
	Kind       CodecKind
	ID         uint8  // that surface bits name it by
	Properties []byte // aliases what was decoded
}

// AppendBitmapCodecs appends the body of a Bitmap Codecs set (2.2.7.2.10).
func AppendBitmapCodecs(b []byte, codecs []BitmapCodec) ([]byte, error) {
	b = append(b, byte(len(codecs)))
	for _, c := range codecs {
		if c.Kind == CodecUnknown || int(c.Kind) >= len(codecGUIDs) {
			return nil, fmt.Errorf("bitmap codec %d has no GUID", c.Kind)
		}
		b = append(append(b, codecGUIDs[c.Kind]...), c.ID)
		b = append(wire.AppendU16LE(b, uint16(len(c.Properties))), c.Properties...)
	}
	return b, nil
}

// TakeBitmapCodecs decodes the body of a Bitmap Codecs set.
func TakeBitmapCodecs(b []byte) ([]BitmapCodec, error) {
	r := wire.NewReader(b)
	n := r.Count("supportedCodecs", uint64(r.U8("supportedCodecs")), guidSize+1 /* codecID */ +2 /* length */, 0xff)
	codecs := make([]BitmapCodec, 0, n)
	for range n {
		guid := r.Bytes("codecGUID", guidSize)
		c := BitmapCodec{ID: r.U8("codecID"), Properties: r.Bytes("codecProperties", int(r.U16LE("codecPropertiesLength")))}
		for kind := CodecNSCodec; int(kind) < len(codecGUIDs); kind++ {
			if bytes.Equal(guid, codecGUIDs[kind]) {
				c.Kind = kind
			}
		}
		codecs = append(codecs, c)
	}
	return codecs, r.Done("bitmap codecs")
}
