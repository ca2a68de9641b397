package pdu

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Protocols is a set of security protocols ([MS-RDPBCGR] 2.2.1.1.1). The zero value is standard RDP security.
type Protocols uint32

// The protocols.
const (
	ProtocolRDP      Protocols = 0    // PROTOCOL_RDP: standard RDP security
	ProtocolSSL      Protocols = 1    // PROTOCOL_SSL: TLS
	ProtocolHybrid   Protocols = 2    // PROTOCOL_HYBRID: CredSSP
	ProtocolRDSTLS   Protocols = 4    // PROTOCOL_RDSTLS
	ProtocolHybridEx Protocols = 8    // PROTOCOL_HYBRID_EX: CredSSP with early user authorization
	ProtocolAAD      Protocols = 0x10 // PROTOCOL_RDSAAD
)

// String lists the names.
func (p Protocols) String() string {
	if p == ProtocolRDP {
		return "RDP"
	}
	var names []string
	for _, n := range []struct {
		p    Protocols
		name string
	}{{ProtocolSSL, "TLS"}, {ProtocolHybrid, "CredSSP"}, {ProtocolRDSTLS, "RDSTLS"}, {ProtocolHybridEx, "CredSSP-EX"}, {ProtocolAAD, "AAD"}} {
		if p&n.p != 0 {
			names = append(names, n.name)
			p &^= n.p
		}
	}
	if p != 0 {
		names = append(names, fmt.Sprintf("%#x", uint32(p)))
	}
	return strings.Join(names, "|")
}

// Flags of a NegotiationRequest (2.2.1.1.1).
const (
	RestrictedAdminRequired = 0x01 // RESTRICTED_ADMIN_MODE_REQUIRED
	RedirectedAuthRequired  = 0x02 // REDIRECTED_AUTHENTICATION_MODE_REQUIRED
	CorrelationInfoPresent  = 0x08 // CORRELATION_INFO_PRESENT
)

// Flags of a NegotiationResponse (2.2.1.2.1).
const (
	ExtendedClientDataSupported = 0x01
	GraphicsPipelineSupported   = 0x02 // DYNVC_GFX_PROTOCOL_SUPPORTED
	RestrictedAdminSupported    = 0x08
	RedirectedAuthSupported     = 0x10
)

// Types of the negotiation structures.
const (
	negoRequest  = 0x01
	negoResponse = 0x02
	negoFailure  = 0x03
	negoSize     = 1 /* type */ + 1 /* flags */ + 2 /* length */ + 4 /* protocols or code */
)

// Limits of what a connection request carries.
const (
	maxCookie       = 255
	correlationInfo = 36 // RDP_NEG_CORRELATION_INFO, 2.2.1.1.2
)

// ConnectionRequest is the first PDU of a client: X.224 Connection Request with RDP_NEG_REQ (2.2.1.1).
type ConnectionRequest struct {
	// Cookie is the user name of "Cookie: mstshash=", Token a load balancer's routing token, a line without its end. At most one.
	Cookie, Token string
	Negotiate     bool // there is an RDP_NEG_REQ; without, only standard RDP security is asked for
	Flags         uint8
	Protocols     Protocols
}

const cookiePrefix = "Cookie: mstshash="

// AppendBinary appends the PDU as a TPKT.
func (p *ConnectionRequest) AppendBinary(b []byte) ([]byte, error) {
	var v []byte
	switch {
	case p.Cookie != "" && p.Token != "":
		return nil, fmt.Errorf("connection request: a cookie and a routing token")
	case p.Cookie != "":
		v = append(v, cookiePrefix+p.Cookie+"\r\n"...)
	case p.Token != "":
		v = append(v, p.Token+"\r\n"...)
	}
	if len(v) > maxCookie || strings.ContainsAny(p.Cookie+p.Token, "\r\n") {
		return nil, fmt.Errorf("connection request: cookie or token of %d bytes; want one line of at most %d", len(v), maxCookie)
	}
	if p.Negotiate {
		v = appendNego(v, negoRequest, p.Flags, uint32(p.Protocols))
	}
	return appendX224(b, x224Request, v)
}

func appendNego(b []byte, kind, flags uint8, value uint32) []byte {
	return wire.AppendU32LE(wire.AppendU16LE(append(b, kind, flags), negoSize), value)
}

// appendX224 appends a CR or CC with the given variable part.
func appendX224(b []byte, code uint8, v []byte) ([]byte, error) {
	const fixed = 1 /* code */ + 2 /* DST-REF */ + 2 /* SRC-REF */ + 1 /* class */
	n := fixed + len(v)
	if n > 254 {
		return nil, fmt.Errorf("X.224: length indicator of %d, at most 254", n)
	}
	return AppendTPKT(b, append([]byte{byte(n), code, 0, 0, 0, 0, 0}, v...))
}

// takeX224 returns the variable part of a CR or CC.
func takeX224(unit []byte, code uint8) (wire.Reader, error) {
	p, err := TPKTPayload(unit)
	if err != nil {
		return wire.Reader{}, err
	}
	r := wire.NewReader(p)
	r.Want("length indicator", uint64(r.U8("length indicator")), uint64(len(p)-1))
	r.Want("code", uint64(r.U8("code")&0xf0), uint64(code))
	r.Skip("DST-REF, SRC-REF, class", 5)
	return r, r.Err()
}

// UnmarshalBinary takes a whole TPKT.
func (p *ConnectionRequest) UnmarshalBinary(unit []byte) error {
	*p = ConnectionRequest{}
	r, err := takeX224(unit, x224Request)
	if err != nil {
		return fmt.Errorf("connection request: %w", err)
	}
	rest := r.Peek(r.Len())
	if i := bytes.Index(rest, []byte("\r\n")); i >= 0 && (i < negoSize || rest[0] != negoRequest) {
		r.Limit("cookie", uint64(i), maxCookie)
		line := string(r.Bytes("cookie", i))
		r.Skip("end of cookie", 2)
		if name, ok := strings.CutPrefix(line, cookiePrefix); ok {
			p.Cookie = name
		} else {
			p.Token = line
		}
	}
	if r.Len() == 0 {
		return r.Close("connection request")
	}
	p.Negotiate = true
	r.Want("type", uint64(r.U8("type")), negoRequest)
	p.Flags = r.U8("flags")
	r.Want("length", uint64(r.U16LE("length")), negoSize)
	p.Protocols = Protocols(r.U32LE("requestedProtocols"))
	if p.Flags&CorrelationInfoPresent != 0 {
		r.Skip("correlation info", correlationInfo)
		p.Flags &^= CorrelationInfoPresent // nothing here needs it
	}
	return r.Close("connection request")
}

// FailureCode is why a server refuses the protocols that were asked for (2.2.1.2.2).
type FailureCode uint32

// The codes.
const (
	SSLRequired            FailureCode = 1 // SSL_REQUIRED_BY_SERVER
	SSLNotAllowed          FailureCode = 2 // SSL_NOT_ALLOWED_BY_SERVER
	SSLCertNotOnServer     FailureCode = 3 // SSL_CERT_NOT_ON_SERVER
	InconsistentFlags      FailureCode = 4 // INCONSISTENT_FLAGS
	HybridRequired         FailureCode = 5 // HYBRID_REQUIRED_BY_SERVER
	SSLWithUserAuthRequest FailureCode = 6 // SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER
)

// String describes the code for people.
func (c FailureCode) String() string {
	switch c {
	case SSLRequired:
		return "the server demands TLS"
	case SSLNotAllowed:
		return "the server allows standard RDP security alone"
	case SSLCertNotOnServer:
		return "the server has no certificate for TLS"
	case InconsistentFlags:
		return "the server found the request inconsistent"
	case HybridRequired:
		return "the server demands network level authentication"
	case SSLWithUserAuthRequest:
		return "the server demands TLS with a client certificate"
	}
	return fmt.Sprintf("negotiation failure %#x", uint32(c))
}

// ConnectionConfirm is the server's answer: X.224 Connection Confirm with RDP_NEG_RSP or RDP_NEG_FAILURE (2.2.1.2).
type ConnectionConfirm struct {
	Negotiated bool // there is one of them; without, the server speaks standard RDP security and knows no other
	Flags      uint8
	Selected   Protocols
	Failure    FailureCode // 0: none
}

// AppendBinary appends the PDU as a TPKT.
func (p *ConnectionConfirm) AppendBinary(b []byte) ([]byte, error) {
	var v []byte
	switch {
	case p.Failure != 0:
		v = appendNego(v, negoFailure, 0, uint32(p.Failure))
	case p.Negotiated:
		v = appendNego(v, negoResponse, p.Flags, uint32(p.Selected))
	}
	return appendX224(b, x224Confirm, v)
}

// UnmarshalBinary takes a whole TPKT.
func (p *ConnectionConfirm) UnmarshalBinary(unit []byte) error {
	*p = ConnectionConfirm{}
	r, err := takeX224(unit, x224Confirm)
	if err != nil {
		return fmt.Errorf("connection confirm: %w", err)
	}
	if r.Len() == 0 {
		return nil
	}
	p.Negotiated = true
	kind := r.U8("type")
	flags := r.U8("flags")
	r.Want("length", uint64(r.U16LE("length")), negoSize)
	value := r.U32LE("selectedProtocol or failureCode")
	switch {
	case kind == negoResponse:
		p.Flags, p.Selected = flags, Protocols(value)
	case kind == negoFailure && value != 0:
		p.Failure = FailureCode(value)
	default:
		r.Failf("type: got %#x with value %#x, want a response or a failure", kind, value)
	}
	return r.Close("connection confirm")
}
