package pdu

import (
	"fmt"
	"io"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Flags of a ClientInfo ([MS-RDPBCGR] 2.2.1.11.1.1).
const (
	InfoMouse              uint32 = 0x00000001
	InfoDisableCtrlAltDel  uint32 = 0x00000002
	InfoAutoLogon          uint32 = 0x00000008
	InfoUnicode            uint32 = 0x00000010
	InfoMaximizeShell      uint32 = 0x00000020
	InfoLogonNotify        uint32 = 0x00000040
	InfoCompression        uint32 = 0x00000080
	InfoEnableWindowsKey   uint32 = 0x00000100
	InfoRemoteConsoleAudio uint32 = 0x00002000
	InfoLogonErrors        uint32 = 0x00010000
	InfoMouseHasWheel      uint32 = 0x00020000
	InfoPasswordIsPIN      uint32 = 0x00040000
	InfoNoAudioPlayback    uint32 = 0x00080000
	InfoVideoDisable       uint32 = 0x00400000
	infoCompressionShift          = 9 // of the four bits that say which compression the server may use
)

// Performance flags of a ClientInfo (2.2.1.11.1.1.1).
const (
	PerfNoWallpaper      uint32 = 0x00000001
	PerfNoFullWindowDrag uint32 = 0x00000002
	PerfNoMenuAnimations uint32 = 0x00000004
	PerfNoThemes         uint32 = 0x00000008
	PerfNoCursorShadow   uint32 = 0x00000020
	PerfNoCursorBlink    uint32 = 0x00000040
	PerfFontSmoothing    uint32 = 0x00000080
	PerfComposition      uint32 = 0x00000100
)

// Password is a secret that does not print itself.
type Password string

// Format writes a mark for every verb.
func (Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// ClientInfo is TS_INFO_PACKET: who signs in, and how the session shall be (2.2.1.11.1.1).
type ClientInfo struct {
	Layout      uint32 // CodePage: with InfoUnicode the input locale
	Flags       uint32 // InfoUnicode is always set
	Compression uint8  // type of bulk compression, of InfoCompression
	Domain      string
	User        string
	Password    Password
	Shell       string // AlternateShell: a program to start instead of the desktop
	Directory   string // WorkingDir
	Address     string // of the client, for the server's log
	Performance uint32
	Reconnect   []byte // ARC_CS_PRIVATE_PACKET (5.5), 28 bytes; nil: none
}

// Limits of the texts, in bytes without the NUL (2.2.1.11.1.1).
const (
	maxInfoText    = 512
	timeZoneSize   = 172
	reconnectSize  = 28
	addressFamily4 = 2
)

// AppendBinary appends the packet, without its security header.
func (p *ClientInfo) AppendBinary(b []byte) ([]byte, error) {
	texts := []string{p.Domain, p.User, string(p.Password), p.Shell, p.Directory}
	b = wire.AppendU32LE(b, p.Layout)
	flags := p.Flags | InfoUnicode
	if flags&InfoCompression != 0 {
		flags |= uint32(p.Compression&0x0f) << infoCompressionShift
	}
	b = wire.AppendU32LE(b, flags)
	var body []byte
	for i, s := range texts {
		before := len(body)
		body = wire.AppendUTF16(body, s)
		n := len(body) - before
		if n > maxInfoText {
			return nil, fmt.Errorf("client info: text %d is %d bytes, at most %d", i, n, maxInfoText)
		}
		b = wire.AppendU16LE(b, uint16(n))
		body = wire.AppendU16LE(body, 0)
	}
	b = append(b, body...)
	b = wire.AppendU16LE(b, addressFamily4)
	for _, s := range []string{p.Address, ""} { // clientAddress, clientDir: their sizes count the NUL
		text := wire.AppendU16LE(wire.AppendUTF16(nil, s), 0)
		if len(text) > maxInfoText {
			return nil, fmt.Errorf("client info: address of %d bytes, at most %d", len(text), maxInfoText)
		}
		b = append(wire.AppendU16LE(b, uint16(len(text))), text...)
	}
	b = wire.AppendZeros(b, timeZoneSize) // UTC
	b = wire.AppendU32LE(b, 0)            // clientSessionId
	b = wire.AppendU32LE(b, p.Performance)
	if p.Reconnect != nil && len(p.Reconnect) != reconnectSize {
		return nil, fmt.Errorf("client info: reconnect cookie of %d bytes, want %d", len(p.Reconnect), reconnectSize)
	}
	return append(wire.AppendU16LE(b, uint16(len(p.Reconnect))), p.Reconnect...), nil
}

// UnmarshalBinary decodes the packet. The extended part may be missing, and may be longer than what is known.
func (p *ClientInfo) UnmarshalBinary(b []byte) error {
	*p = ClientInfo{}
	r := wire.NewReader(b)
	p.Layout = r.U32LE("CodePage")
	p.Flags = r.U32LE("flags")
	if r.Err() == nil && p.Flags&InfoUnicode == 0 {
		r.Failf("flags: got %#x, want Unicode", p.Flags)
	}
	if p.Flags&InfoCompression != 0 {
		p.Compression = uint8(p.Flags >> infoCompressionShift & 0x0f)
		p.Flags &^= 0x0f << infoCompressionShift
	}
	var sizes [5]int
	for i := range sizes {
		sizes[i] = r.Limit("size of text", uint64(r.U16LE("size of text")), maxInfoText)
	}
	var password string
	for i, into := range []*string{&p.Domain, &p.User, &password, &p.Shell, &p.Directory} {
		*into = r.UTF16("text", sizes[i])
		r.Skip("NUL", 2)
	}
	p.Password = Password(password)
	if r.Len() == 0 {
		return r.Done("client info")
	}
	r.U16LE("clientAddressFamily")
	p.Address = r.UTF16("clientAddress", r.Limit("cbClientAddress", uint64(r.U16LE("cbClientAddress")), maxInfoText))
	r.Skip("clientDir", r.Limit("cbClientDir", uint64(r.U16LE("cbClientDir")), maxInfoText))
	r.Skip("clientTimeZone", timeZoneSize)
	r.U32LE("clientSessionId")
	p.Performance = r.U32LE("performanceFlags")
	if r.Len() >= 2 {
		if n := int(r.U16LE("cbAutoReconnectCookie")); n > 0 {
			r.Want("cbAutoReconnectCookie", uint64(n), reconnectSize)
			p.Reconnect = append([]byte(nil), r.Bytes("autoReconnectCookie", n)...)
		}
	}
	return r.Done("client info")
}
