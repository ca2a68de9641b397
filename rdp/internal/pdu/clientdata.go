package pdu

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Versions of the protocol ([MS-RDPBCGR] 2.2.1.3.2).
const (
	Version4  uint32 = 0x00080001
	Version5  uint32 = 0x00080004 // 5.0 to 8.1
	Version10 uint32 = 0x00080005 // 10.0
)

// Colour depths in ClientCore.SupportedDepths (2.2.1.3.2).
const (
	Depths24 uint16 = 0x0001
	Depths16 uint16 = 0x0002
	Depths15 uint16 = 0x0004
	Depths32 uint16 = 0x0008
)

// Flags of ClientCore.EarlyCapabilities (2.2.1.3.2).
const (
	EarlyErrorInfo        uint16 = 0x0001 // RNS_UD_CS_SUPPORT_ERRINFO_PDU
	EarlyWant32           uint16 = 0x0002 // RNS_UD_CS_WANT_32BPP_SESSION
	EarlyStatusInfo       uint16 = 0x0004 // RNS_UD_CS_SUPPORT_STATUSINFO_PDU
	EarlyStrongKeys       uint16 = 0x0008 // RNS_UD_CS_STRONG_ASYMMETRIC_KEYS
	EarlyMonitorLayout    uint16 = 0x0040 // RNS_UD_CS_SUPPORT_MONITOR_LAYOUT_PDU
	EarlyAutoDetect       uint16 = 0x0080 // RNS_UD_CS_SUPPORT_NETCHAR_AUTODETECT
	EarlyGraphicsPipeline uint16 = 0x0100 // RNS_UD_CS_SUPPORT_DYNVC_GFX_PROTOCOL
	EarlyConnectionType   uint16 = 0x0020 // RNS_UD_CS_VALID_CONNECTION_TYPE
	EarlySkipJoin         uint16 = 0x0800 // RNS_UD_CS_SUPPORT_SKIP_CHANNELJOIN
)

// ConnectionLAN is the connection type that servers want to see before they use RemoteFX (2.2.1.3.2).
const ConnectionLAN uint8 = 0x06

// ClientCore is TS_UD_CS_CORE (2.2.1.3.2).
type ClientCore struct {
	Version           uint32
	Width, Height     uint16
	KeyboardLayout    uint32 // input locale, for example 0x409
	Build             uint32
	Name              string // at most 15 characters count
	KeyboardType      uint32
	KeyboardSubType   uint32
	FunctionKeys      uint32
	Depth             uint16 // highColorDepth: 4, 8, 15, 16 or 24; 32 is EarlyWant32 beside 24
	SupportedDepths   uint16
	EarlyCapabilities uint16
	ConnectionType    uint8
	Selected          Protocols // what the server selected, once more: a man in the middle shows
	PhysicalWidth     uint32    // millimetres
	PhysicalHeight    uint32
	DesktopScale      uint32 // percent
	DeviceScale       uint32 // 100, 140 or 180
}

const (
	clientNameSize = 32
	imeNameSize    = 64
	productIDSize  = 64
)

func (p *ClientCore) append(b []byte) []byte {
	var c []byte
	c = wire.AppendU32LE(c, p.Version)
	c = wire.AppendU16LE(c, p.Width)
	c = wire.AppendU16LE(c, p.Height)
	c = wire.AppendU16LE(c, 0xca01) // colorDepth: RNS_UD_COLOR_8BPP, replaced by what follows
	c = wire.AppendU16LE(c, 0xaa03) // SASSequence: RNS_UD_SAS_DEL
	c = wire.AppendU32LE(c, p.KeyboardLayout)
	c = wire.AppendU32LE(c, p.Build)
	c = wire.AppendFixedUTF16(c, p.Name, clientNameSize)
	c = wire.AppendU32LE(c, p.KeyboardType)
	c = wire.AppendU32LE(c, p.KeyboardSubType)
	c = wire.AppendU32LE(c, p.FunctionKeys)
	c = wire.AppendZeros(c, imeNameSize)
	c = wire.AppendU16LE(c, 0xca01) // postBeta2ColorDepth
	c = wire.AppendU16LE(c, 1)      // clientProductId
	c = wire.AppendU32LE(c, 0)      // serialNumber
	c = wire.AppendU16LE(c, p.Depth)
	c = wire.AppendU16LE(c, p.SupportedDepths)
	c = wire.AppendU16LE(c, p.EarlyCapabilities)
	c = wire.AppendZeros(c, productIDSize)
	c = append(c, p.ConnectionType, 0)
	c = wire.AppendU32LE(c, uint32(p.Selected))
	c = wire.AppendU32LE(c, p.PhysicalWidth)
	c = wire.AppendU32LE(c, p.PhysicalHeight)
	c = wire.AppendU16LE(c, 0) // desktopOrientation: landscape
	c = wire.AppendU32LE(c, p.DesktopScale)
	c = wire.AppendU32LE(c, p.DeviceScale)
	return appendBlock(b, csCore, c)
}

// take decodes the block. Everything after imeFileName is optional, and what is missing stays zero.
func (p *ClientCore) take(r *wire.Reader) error {
	p.Version = r.U32LE("version")
	p.Width, p.Height = r.U16LE("desktopWidth"), r.U16LE("desktopHeight")
	r.Skip("colorDepth, SASSequence", 4)
	p.KeyboardLayout, p.Build = r.U32LE("keyboardLayout"), r.U32LE("clientBuild")
	p.Name = r.FixedUTF16("clientName", clientNameSize)
	p.KeyboardType, p.KeyboardSubType = r.U32LE("keyboardType"), r.U32LE("keyboardSubType")
	p.FunctionKeys = r.U32LE("keyboardFunctionKey")
	r.Skip("imeFileName", imeNameSize)
	for _, optional := range []func(){
		func() { r.U16LE("postBeta2ColorDepth") },
		func() { r.U16LE("clientProductId") },
		func() { r.U32LE("serialNumber") },
		func() { p.Depth = r.U16LE("highColorDepth") },
		func() { p.SupportedDepths = r.U16LE("supportedColorDepths") },
		func() { p.EarlyCapabilities = r.U16LE("earlyCapabilityFlags") },
		func() { r.Skip("clientDigProductId", productIDSize) },
		func() { p.ConnectionType = r.U8("connectionType") },
		func() { r.U8("pad1octet") },
		func() { p.Selected = Protocols(r.U32LE("serverSelectedProtocol")) },
		func() { p.PhysicalWidth = r.U32LE("desktopPhysicalWidth") },
		func() { p.PhysicalHeight = r.U32LE("desktopPhysicalHeight") },
		func() { r.U16LE("desktopOrientation") },
		func() { p.DesktopScale = r.U32LE("desktopScaleFactor") },
		func() { p.DeviceScale = r.U32LE("deviceScaleFactor") },
	} {
		if r.Len() == 0 {
			break
		}
		optional()
	}
	return r.Done("client core data")
}

// EncryptionMethods is a set of methods of standard RDP security (2.2.1.3.3).
type EncryptionMethods uint32

// The methods.
const (
	Encryption40   EncryptionMethods = 0x01
	Encryption128  EncryptionMethods = 0x02
	Encryption56   EncryptionMethods = 0x08
	EncryptionFIPS EncryptionMethods = 0x10
)

// String names the method, of a set of one.
func (m EncryptionMethods) String() string {
	switch m {
	case 0:
		return "none"
	case Encryption40:
		return "RC4-40"
	case Encryption56:
		return "RC4-56"
	case Encryption128:
		return "RC4-128"
	case EncryptionFIPS:
		return "3DES"
	}
	return fmt.Sprintf("%#x", uint32(m))
}

// ChannelOptions are the options of a static virtual channel (CHANNEL_DEF, 2.2.1.3.4.1).
type ChannelOptions uint32

// The options.
const (
	ChannelInitialized  ChannelOptions = 0x80000000
	ChannelCompressRDP  ChannelOptions = 0x00800000
	ChannelShowProtocol ChannelOptions = 0x00200000
)

// ChannelDef names a static virtual channel.
type ChannelDef struct {
	Name    string // at most 7 characters
	Options ChannelOptions
}

// MaxChannels is the greatest number of static virtual channels (2.2.1.3.4).
const MaxChannels = 31

const channelNameSize = 8

// Flags of ClientCluster (2.2.1.3.5): redirection is understood, in its version 4; a console session is asked for.
const (
	ClusterRedirection uint32 = 0x00000001 // REDIRECTION_SUPPORTED
	ClusterVersion4    uint32 = 0x0000000c // REDIRECTION_VERSION4 << 2
	ClusterSessionID   uint32 = 0x00000002 // REDIRECTED_SESSIONID_FIELD_VALID
)

// ClientData is what a client says of itself in its GCC request (2.2.1.3).
type ClientData struct {
	Core       ClientCore
	Encryption EncryptionMethods // for standard RDP security; 0 with any other
	Channels   []ChannelDef
	Cluster    uint32 // flags; 0: no such block
	ConsoleID  uint32 // of ClusterSessionID
	// MessageChannel asks for the channel of auto-detection and heartbeats (2.2.1.3.7).
	MessageChannel bool
}

// AppendBinary appends the blocks.
func (p *ClientData) AppendBinary(b []byte) ([]byte, error) {
	if len(p.Channels) > MaxChannels {
		return nil, fmt.Errorf("client data: %d channels, at most %d", len(p.Channels), MaxChannels)
	}
	b = p.Core.append(b)
	if p.Cluster != 0 {
		b = appendBlock(b, csCluster, wire.AppendU32LE(wire.AppendU32LE(nil, p.Cluster), p.ConsoleID))
	}
	b = appendBlock(b, csSecurity, wire.AppendU32LE(wire.AppendU32LE(nil, uint32(p.Encryption)), 0)) // extEncryptionMethods
	if len(p.Channels) > 0 {
		c := wire.AppendU32LE(nil, uint32(len(p.Channels)))
		for _, ch := range p.Channels {
			if ch.Name == "" || len(ch.Name) >= channelNameSize {
				return nil, fmt.Errorf("client data: channel name %q; want 1 to %d bytes", ch.Name, channelNameSize-1)
			}
			c = wire.AppendZeros(append(c, ch.Name...), channelNameSize-len(ch.Name))
			c = wire.AppendU32LE(c, uint32(ch.Options))
		}
		b = appendBlock(b, csNet, c)
	}
	if p.MessageChannel {
		b = appendBlock(b, csMessageChannel, wire.AppendU32LE(nil, 0))
	}
	return b, nil
}

// UnmarshalBinary decodes the blocks. Unknown ones are ignored (2.2.1.3.1).
func (p *ClientData) UnmarshalBinary(blocks []byte) error {
	*p = ClientData{}
	seen := false
	err := eachBlock(blocks, func(kind uint16, r *wire.Reader) error {
		switch kind {
		case csCore:
			seen = true
			return p.Core.take(r)
		case csSecurity:
			p.Encryption = EncryptionMethods(r.U32LE("encryptionMethods"))
			if ext := r.U32LE("extEncryptionMethods"); p.Encryption == 0 { // French locales once said it there
				p.Encryption = EncryptionMethods(ext)
			}
		case csNet:
			n := r.Count("channelCount", uint64(r.U32LE("channelCount")), channelNameSize+4, MaxChannels)
			for range n {
				name := cString(r.Bytes("name", channelNameSize))
				p.Channels = append(p.Channels, ChannelDef{name, ChannelOptions(r.U32LE("options"))})
			}
		case csCluster:
			p.Cluster, p.ConsoleID = r.U32LE("flags"), r.U32LE("redirectedSessionID")
		case csMessageChannel:
			r.U32LE("flags")
			p.MessageChannel = true
		}
		return r.Err()
	})
	if err == nil && !seen {
		err = fmt.Errorf("no core data")
	}
	if err != nil {
		return fmt.Errorf("client data: %w", err)
	}
	return nil
}

// cString returns the bytes before the first NUL.
func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
