package pdu

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// EncryptionLevel is how standard RDP security is applied ([MS-RDPBCGR] 2.2.1.4.3).
type EncryptionLevel uint32

// The levels.
const (
	LevelNone             EncryptionLevel = 0
	LevelLow              EncryptionLevel = 1 // client to server alone
	LevelClientCompatible EncryptionLevel = 2
	LevelHigh             EncryptionLevel = 3
	LevelFIPS             EncryptionLevel = 4
)

// ServerData is what a server says of itself in its GCC response (2.2.1.4).
type ServerData struct {
	Version           uint32
	Requested         Protocols // what the client asked for, once more
	EarlyCapabilities uint32
	Method            EncryptionMethods // 0: none, as with TLS
	Level             EncryptionLevel
	Random            []byte      // server's random; aliases what was decoded
	Certificate       []byte      // of standard RDP security; aliases what was decoded
	IOChannel         ChannelID   // of the desktop
	Channels          []ChannelID // of the client's channels, in its order; 0: refused
	MessageChannel    ChannelID   // 0: none
}

// SkipJoinSupported is a flag of EarlyCapabilities: RNS_UD_SC_SKIP_CHANNELJOIN_SUPPORTED (2.2.1.4.2).
const SkipJoinSupported uint32 = 0x00000008

const (
	serverRandomSize = 32
	maxCertificate   = 16 << 10
)

// AppendBinary appends the blocks.
func (p *ServerData) AppendBinary(b []byte) ([]byte, error) {
	if len(p.Channels) > MaxChannels {
		return nil, fmt.Errorf("server data: %d channels, at most %d", len(p.Channels), MaxChannels)
	}
	c := wire.AppendU32LE(nil, p.Version)
	c = wire.AppendU32LE(c, uint32(p.Requested))
	b = appendBlock(b, scCore, wire.AppendU32LE(c, p.EarlyCapabilities))

	c = wire.AppendU32LE(wire.AppendU32LE(nil, uint32(p.Method)), uint32(p.Level))
	if p.Method != 0 || p.Level != LevelNone {
		if len(p.Random) != serverRandomSize || len(p.Certificate) == 0 || len(p.Certificate) > maxCertificate {
			return nil, fmt.Errorf("server data: random of %d and certificate of %d bytes", len(p.Random), len(p.Certificate))
		}
		c = wire.AppendU32LE(wire.AppendU32LE(c, serverRandomSize), uint32(len(p.Certificate)))
		c = append(append(c, p.Random...), p.Certificate...)
	}
	b = appendBlock(b, scSecurity, c)

	c = wire.AppendU16LE(wire.AppendU16LE(nil, uint16(p.IOChannel)), uint16(len(p.Channels)))
	for _, id := range p.Channels {
		c = wire.AppendU16LE(c, uint16(id))
	}
	if len(p.Channels)%2 != 0 {
		c = wire.AppendU16LE(c, 0) // pad
	}
	b = appendBlock(b, scNet, c)
	if p.MessageChannel != 0 {
		b = appendBlock(b, scMessageChannel, wire.AppendU16LE(nil, uint16(p.MessageChannel)))
	}
	return b, nil
}

// UnmarshalBinary decodes the blocks. Unknown ones are ignored.
func (p *ServerData) UnmarshalBinary(blocks []byte) error {
	*p = ServerData{}
	var core, net bool
	err := eachBlock(blocks, func(kind uint16, r *wire.Reader) error {
		switch kind {
		case scCore:
			core = true
			p.Version = r.U32LE("version")
			if r.Len() > 0 {
				p.Requested = Protocols(r.U32LE("clientRequestedProtocols"))
			}
			if r.Len() > 0 {
				p.EarlyCapabilities = r.U32LE("earlyCapabilityFlags")
			}
		case scSecurity:
			p.Method = EncryptionMethods(r.U32LE("encryptionMethod"))
			p.Level = EncryptionLevel(r.U32LE("encryptionLevel"))
			if p.Method == 0 && p.Level == LevelNone {
				return nil // some servers write empty lengths behind
			}
			r.Want("serverRandomLen", uint64(r.U32LE("serverRandomLen")), serverRandomSize)
			n := r.Limit("serverCertLen", uint64(r.U32LE("serverCertLen")), maxCertificate)
			p.Random = r.Bytes("serverRandom", serverRandomSize)
			p.Certificate = r.Bytes("serverCertificate", n)
		case scNet:
			net = true
			p.IOChannel = ChannelID(r.U16LE("MCSChannelId"))
			n := r.Count("channelCount", uint64(r.U16LE("channelCount")), 2, MaxChannels)
			for range n {
				p.Channels = append(p.Channels, ChannelID(r.U16LE("channelId")))
			}
		case scMessageChannel:
			p.MessageChannel = ChannelID(r.U16LE("MCSChannelID"))
		}
		return r.Err()
	})
	if err == nil && (!core || !net) {
		err = fmt.Errorf("core or network data are missing")
	}
	if err != nil {
		return fmt.Errorf("server data: %w", err)
	}
	return nil
}
