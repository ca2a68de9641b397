package pdu

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// ShareKind is the type of a share control PDU ([MS-RDPBCGR] 2.2.8.1.1.1.1).
type ShareKind uint8

// The types.
const (
	ShareDemandActive  ShareKind = 0x1 // PDUTYPE_DEMANDACTIVEPDU
	ShareConfirmActive ShareKind = 0x3 // PDUTYPE_CONFIRMACTIVEPDU
	ShareDeactivateAll ShareKind = 0x6 // PDUTYPE_DEACTIVATEALLPDU
	ShareData          ShareKind = 0x7 // PDUTYPE_DATAPDU
	ShareRedirection   ShareKind = 0xa // PDUTYPE_SERVER_REDIR_PKT
)

const (
	shareVersion       = 0x10                                      // TS_PROTOCOL_VERSION, in the type field
	shareControlHeader = 2 /* totalLength */ + 2 /* pduType */ + 2 /* PDUSource */
	flowMarker         = 0x8000
)

// ShareControl is a share control PDU: header and body.
type ShareControl struct {
	Kind   ShareKind
	Source ChannelID
	Body   []byte // aliases what was decoded
}

// AppendBinary appends the PDU.
func (p *ShareControl) AppendBinary(b []byte) ([]byte, error) {
	n := shareControlHeader + len(p.Body)
	if n > 0x3fff {
		return nil, fmt.Errorf("share control PDU of %d bytes, at most %d", n, 0x3fff)
	}
	b = wire.AppendU16LE(wire.AppendU16LE(b, uint16(n)), uint16(p.Kind)|shareVersion)
	return append(wire.AppendU16LE(b, uint16(p.Source)), p.Body...), nil
}

// TakeShareControl takes the next PDU of b, since several may stand in one Send Data Indication, and returns what follows it. A
// flow control message (2.2.8.1.1.1.1 of T.128, which real servers still send) gives nil and no error.
func TakeShareControl(b []byte) (p *ShareControl, rest []byte, err error) {
	r := wire.NewReader(b)
	n := int(r.U16LE("totalLength"))
	if n == flowMarker {
		const size = 2 /* flowMarker */ + 1 /* pad */ + 1 /* pduTypeFlow */ + 1 /* flowIdentifier */ + 1 /* flowNumber */ + 2 /* pduSource */
		r.Skip("flow PDU", size-2)
		rest = r.Rest()
		return nil, rest, r.Done("flow PDU")
	}
	const least = shareControlHeader - 2 // some servers leave the source of a Deactivate All out
	if r.Err() == nil && n < least {
		r.Failf("totalLength: got %d, want at least %d", n, least)
	}
	kind := r.U16LE("pduType")
	p = &ShareControl{Kind: ShareKind(kind & 0x0f)}
	if n > least {
		p.Source = ChannelID(r.U16LE("PDUSource"))
		p.Body = r.Bytes("body", n-shareControlHeader)
	}
	rest = r.Rest()
	if err := r.Done("share control header"); err != nil {
		return nil, nil, err
	}
	return p, rest, nil
}

// DataKind is the type of a share data PDU (2.2.8.1.1.1.2).
type DataKind uint8

// The types.
const (
	DataUpdate                DataKind = 0x02
	DataControl               DataKind = 0x14
	DataPointer               DataKind = 0x1b
	DataInput                 DataKind = 0x1c
	DataSynchronize           DataKind = 0x1f
	DataRefreshRect           DataKind = 0x21
	DataPlaySound             DataKind = 0x22
	DataSuppressOutput        DataKind = 0x23
	DataShutdownRequest       DataKind = 0x24
	DataShutdownDenied        DataKind = 0x25
	DataSaveSessionInfo       DataKind = 0x26
	DataFontList              DataKind = 0x27
	DataFontMap               DataKind = 0x28
	DataSetKeyboardIndicators DataKind = 0x29
	DataSetErrorInfo          DataKind = 0x2f
	DataARCStatus             DataKind = 0x32
	DataStatusInfo            DataKind = 0x36
	DataMonitorLayout         DataKind = 0x37
	DataFrameAcknowledge      DataKind = 0x38
)

const (
	streamLow       = 1                                                                                                                              // STREAM_LOW
	shareDataHeader = 4 /* shareId */ + 1 /* pad1 */ + 1 /* streamId */ + 2 /* uncompressedLength */ + 1 /* pduType2 */ + 1 /* compressedType */ + 2 /* compressedLength */
)

// Data is the body of a share control PDU of type ShareData.
type Data struct {
	ShareID     uint32
	Kind        DataKind
	Compression uint8  // flags of package bulk; 0: the body is as it is
	Size        uint16 // of the body when decompressed, with the header, as the peer says
	Body        []byte // aliases what was decoded
}

// AppendBinary appends the PDU, not compressed.
func (p *Data) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendU32LE(b, p.ShareID)
	b = append(b, 0, streamLow)
	b = wire.AppendU16LE(b, uint16(len(p.Body)+shareDataHeader+shareControlHeader-14)) // counts from pduType2 on
	b = append(b, byte(p.Kind), 0)
	return append(wire.AppendU16LE(b, 0), p.Body...), nil
}

// UnmarshalBinary decodes the PDU.
func (p *Data) UnmarshalBinary(b []byte) error {
	r := wire.NewReader(b)
	p.ShareID = r.U32LE("shareId")
	r.Skip("pad1, streamId", 2)
	p.Size = r.U16LE("uncompressedLength")
	p.Kind = DataKind(r.U8("pduType2"))
	p.Compression = r.U8("compressedType")
	r.U16LE("compressedLength")
	p.Body = r.Rest()
	return r.Done("share data header")
}

// Actions of a Control PDU (2.2.1.15).
const (
	ControlRequest   uint16 = 1 // CTRLACTION_REQUEST_CONTROL
	ControlGranted   uint16 = 2
	ControlDetach    uint16 = 3
	ControlCooperate uint16 = 4
)

// AppendSynchronize appends the body of a Synchronize PDU (2.2.1.14).
func AppendSynchronize(b []byte, target ChannelID) []byte {
	return wire.AppendU16LE(wire.AppendU16LE(b, 1), uint16(target)) // SYNCMSGTYPE_SYNC
}

// AppendControl appends the body of a Control PDU.
func AppendControl(b []byte, action uint16, grant ChannelID, control uint32) []byte {
	return wire.AppendU32LE(wire.AppendU16LE(wire.AppendU16LE(b, action), uint16(grant)), control)
}

// TakeControl returns the action of a Control PDU's body.
func TakeControl(b []byte) (action uint16, err error) {
	r := wire.NewReader(b)
	action = r.U16LE("action")
	r.U16LE("grantId")
	r.U32LE("controlId")
	return action, r.Close("control PDU")
}

// AppendFontList appends the body of a Font List PDU (2.2.1.18), or of a Font Map PDU (2.2.1.22), which looks the same.
func AppendFontList(b []byte) []byte {
	for _, v := range []uint16{0, 0, 0x0003 /* first and last of the sequence */, 0x0032 /* size of an entry */} {
		b = wire.AppendU16LE(b, v)
	}
	return b
}
