package pdu

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// SecurityFlags are the flags of a security header ([MS-RDPBCGR] 2.2.8.1.1.2.1).
type SecurityFlags uint16

// The flags.
const (
	SecurityExchange        SecurityFlags = 0x0001 // SEC_EXCHANGE_PKT
	SecurityTransportReq    SecurityFlags = 0x0002 // SEC_TRANSPORT_REQ
	SecurityEncrypt         SecurityFlags = 0x0008 // SEC_ENCRYPT
	SecurityInfo            SecurityFlags = 0x0040 // SEC_INFO_PKT
	SecurityLicense         SecurityFlags = 0x0080 // SEC_LICENSE_PKT
	SecurityLicenseEncrypt  SecurityFlags = 0x0200 // SEC_LICENSE_ENCRYPT_CS
	SecurityRedirection     SecurityFlags = 0x0400 // SEC_REDIRECTION_PKT
	SecuritySaltedChecksum  SecurityFlags = 0x0800 // SEC_SECURE_CHECKSUM
	SecurityAutoDetectReq   SecurityFlags = 0x1000 // SEC_AUTODETECT_REQ
	SecurityAutoDetectRsp   SecurityFlags = 0x2000 // SEC_AUTODETECT_RSP
	SecurityHeartbeat       SecurityFlags = 0x4000 // SEC_HEARTBEAT
	SecurityHighFlagsIgnore SecurityFlags = 0x8000 // SEC_FLAGSHI_VALID
)

// AppendSecurityHeader appends a basic security header.
func AppendSecurityHeader(b []byte, f SecurityFlags) []byte {
	return wire.AppendU16LE(wire.AppendU16LE(b, uint16(f)), 0) // flagsHi
}

// TakeSecurityHeader takes a basic security header off, and returns what follows, which aliases b.
func TakeSecurityHeader(b []byte) (SecurityFlags, []byte, error) {
	r := wire.NewReader(b)
	f := SecurityFlags(r.U16LE("flags"))
	r.U16LE("flagsHi")
	rest := r.Rest()
	return f, rest, r.Done("security header")
}

// LicenseError is a licensing error alert (2.2.1.12.1.3). With LicenseValidClient it is how a server says that all is well.
type LicenseError struct {
	Code       uint32
	Transition uint32
}

// Codes of a LicenseError.
const (
	LicenseValidClient     uint32 = 0x07 // STATUS_VALID_CLIENT
	LicenseNoTransition    uint32 = 0x02 // ST_NO_TRANSITION
	licenseErrorAlert             = 0xff
	licenseVersion3               = 0x03
	licensePreamble               = 1 /* bMsgType */ + 1 /* flags */ + 2 /* wMsgSize */
	licenseBlobError              = 0x0004                               // BB_ERROR_BLOB
	maxLicenseErrorDetails        = 4 << 10
)

// Types of other licensing messages ([MS-RDPELE] 2.2.2).
const (
	LicenseRequestMessage    = 0x01
	PlatformChallengeMessage = 0x02
	NewLicenseMessage        = 0x03
	UpgradeLicenseMessage    = 0x04
)

// LicenseKind returns the type of a licensing message.
func LicenseKind(b []byte) (uint8, error) {
	r := wire.NewReader(b)
	kind := r.U8("bMsgType")
	r.U8("flags")
	r.Want("wMsgSize", uint64(r.U16LE("wMsgSize")), uint64(len(b)))
	return kind, r.Done("licensing message")
}

// AppendBinary appends the message.
func (p *LicenseError) AppendBinary(b []byte) ([]byte, error) {
	const size = licensePreamble + 4 /* dwErrorCode */ + 4 /* dwStateTransition */ + 2 /* wBlobType */ + 2 /* wBlobLen */
	b = wire.AppendU16LE(append(b, licenseErrorAlert, licenseVersion3), size)
	b = wire.AppendU32LE(wire.AppendU32LE(b, p.Code), p.Transition)
	return wire.AppendU16LE(wire.AppendU16LE(b, licenseBlobError), 0), nil
}

// UnmarshalBinary decodes the message. What the blob says is not kept.
func (p *LicenseError) UnmarshalBinary(b []byte) error {
	r := wire.NewReader(b)
	r.Want("bMsgType", uint64(r.U8("bMsgType")), licenseErrorAlert)
	r.U8("flags")
	r.Want("wMsgSize", uint64(r.U16LE("wMsgSize")), uint64(len(b)))
	p.Code, p.Transition = r.U32LE("dwErrorCode"), r.U32LE("dwStateTransition")
	r.U16LE("wBlobType")
	n := r.Limit("wBlobLen", uint64(r.U16LE("wBlobLen")), maxLicenseErrorDetails)
	r.Skip("blob", n)
	return r.Close("licensing error")
}

// Error describes the alert.
func (p *LicenseError) Error() string {
	name, ok := map[uint32]string{
		0x01: "invalid server certificate", 0x02: "no licence", 0x03: "invalid MAC", 0x04: "invalid scope", 0x06: "no licence server",
		0x08: "invalid client", 0x0b: "invalid product id", 0x0c: "invalid message length",
	}[p.Code]
	if !ok {
		name = fmt.Sprintf("code %#x", p.Code)
	}
	return "licensing: " + name
}
