package credssp

import (
	"bytes"
	"crypto/md5"
	"crypto/rc4"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// ntlmFlags are NEGOTIATE flags ([MS-NLMP] 2.2.2.5).
type ntlmFlags uint32

const (
	flagUnicode         ntlmFlags = 0x00000001
	flagRequestTarget   ntlmFlags = 0x00000004
	flagSign            ntlmFlags = 0x00000010
	flagSeal            ntlmFlags = 0x00000020
	flagNTLM            ntlmFlags = 0x00000200
	flagAlwaysSign      ntlmFlags = 0x00008000
	flagExtendedSession ntlmFlags = 0x00080000
	flagTargetInfo      ntlmFlags = 0x00800000
	flagVersion         ntlmFlags = 0x02000000
	flag128             ntlmFlags = 0x20000000
	flagKeyExchange     ntlmFlags = 0x40000000
	flag56              ntlmFlags = 0x80000000

	// What is asked for, and what of it there is no doing without: messages must be sealed with strong keys.
	wantFlags = flagUnicode | flagRequestTarget | flagSign | flagSeal | flagNTLM | flagAlwaysSign | flagExtendedSession | flagTargetInfo |
		flagVersion | flag128 | flagKeyExchange | flag56
	needFlags = flagUnicode | flagSeal | flagSign | flagNTLM | flagExtendedSession | flag128 | flagKeyExchange
)

var ntlmSignature = []byte("NTLMSSP\x00")

const (
	messageNegotiate    = 1
	messageChallenge    = 2
	messageAuthenticate = 3

	versionSize  = 8
	micSize      = 16
	maxChallenge = 16 << 10
	maxPairs     = 64
)

// ntlmVersion says that this is a client of Windows 6.1 with NTLM revision 15 (2.2.2.10).
var ntlmVersion = []byte{6, 1, 0xb1, 0x1d, 0, 0, 0, 15}

// Ids of AV_PAIRs (2.2.2.1).
const (
	avEOL             = 0
	avComputerName    = 1
	avDomainName      = 2
	avFlags           = 6
	avTimestamp       = 7
	avTargetName      = 9
	avChannelBindings = 10

	avFlagMIC = 0x2
)

// avPair is one statement of a target's information.
type avPair struct {
	id    uint16
	value []byte
}

func takePairs(r *wire.Reader) (pairs []avPair) {
	for range maxPairs {
		id := r.U16LE("AvId")
		value := r.Bytes("Value", int(r.U16LE("AvLen")))
		if r.Err() != nil || id == avEOL {
			return pairs
		}
		pairs = append(pairs, avPair{id, value})
	}
	r.Failf("more than %d pairs", maxPairs)
	return nil
}

func appendPairs(b []byte, pairs []avPair) []byte {
	for _, p := range append(pairs, avPair{avEOL, nil}) {
		b = wire.AppendU16LE(wire.AppendU16LE(b, p.id), uint16(len(p.value)))
		b = append(b, p.value...)
	}
	return b
}

// Credentials are what a user signs in with.
type Credentials struct {
	Domain, User string
	Password     string
}

// Format writes no part of the credentials but whose they are.
func (c Credentials) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{%q %q [redacted]}", c.Domain, c.User)
}

// ntlmClient is the client's side of one NTLMv2 exchange.
type ntlmClient struct {
	cred      Credentials
	target    string // service principal name, for example TERMSRV/host
	bindings  []byte // of the TLS channel; nil: none
	now       func() time.Time
	random    io.Reader
	negotiate []byte

	out, in *sealer
}

// start returns the NEGOTIATE_MESSAGE (2.2.1.1).
func (n *ntlmClient) start() []byte {
	b := bytes.Clone(ntlmSignature)
	b = wire.AppendU32LE(b, messageNegotiate)
	b = wire.AppendU32LE(b, uint32(wantFlags))
	b = wire.AppendZeros(b, 8+8) // DomainNameFields, WorkstationFields
	n.negotiate = append(b, ntlmVersion...)
	return n.negotiate
}

// challenge is a CHALLENGE_MESSAGE (2.2.1.2).
type challenge struct {
	flags  ntlmFlags
	server []byte // ServerChallenge
	info   []avPair
}

func parseChallenge(b []byte) (challenge, error) {
	var c challenge
	if len(b) > maxChallenge {
		return c, fmt.Errorf("NTLM challenge of %d bytes, at most %d", len(b), maxChallenge)
	}
	r := wire.NewReader(b)
	if sig := r.Bytes("Signature", len(ntlmSignature)); r.Err() == nil && !bytes.Equal(sig, ntlmSignature) {
		r.Failf("Signature: got %q", sig)
	}
	r.Want("MessageType", uint64(r.U32LE("MessageType")), messageChallenge)
	r.Skip("TargetNameFields", 8)
	c.flags = ntlmFlags(r.U32LE("NegotiateFlags"))
	c.server = r.Bytes("ServerChallenge", 8)
	r.Skip("Reserved", 8)
	size := int(r.U16LE("TargetInfoLen"))
	r.U16LE("TargetInfoMaxLen")
	offset := r.Limit("TargetInfoBufferOffset", uint64(r.U32LE("TargetInfoBufferOffset")), uint64(len(b)))
	if r.Err() == nil && offset+size > len(b) {
		r.Failf("TargetInfo: %d bytes at %d of %d", size, offset, len(b))
	}
	if r.Err() == nil && size > 0 {
		info := wire.NewReader(b[offset : offset+size])
		c.info = takePairs(&info)
		r.Fail(info.Err())
	}
	if r.Err() == nil && c.flags&needFlags != needFlags {
		r.Failf("NegotiateFlags: got %#x, want at least %#x", uint32(c.flags), uint32(needFlags))
	}
	return c, r.Done("NTLM challenge")
}

// answer returns the AUTHENTICATE_MESSAGE (2.2.1.3) to a challenge and sets up the seals.
func (n *ntlmClient) answer(msg []byte) ([]byte, error) {
	c, err := parseChallenge(msg)
	if err != nil {
		return nil, err
	}
	var nonce [8]byte
	exported := make([]byte, 16)
	for _, b := range [][]byte{nonce[:], exported} {
		if _, err := io.ReadFull(n.random, b); err != nil {
			return nil, fmt.Errorf("random source: %w", err)
		}
	}
	info, stamp := n.targetInfo(c.info)
	key := responseKey(n.cred.User, n.cred.Domain, n.cred.Password)
	// 3.3.2: the blob that the proof is over.
	temp := wire.AppendZeros([]byte{1, 1}, 6)
	temp = append(append(temp, stamp...), nonce[:]...)
	temp = wire.AppendZeros(temp, 4)
	temp = appendPairs(temp, info)
	temp = wire.AppendZeros(temp, 4)
	proof := hmacMD5(key, c.server, temp)
	base := hmacMD5(key, proof)
	rc, err := rc4.NewCipher(base)
	if err != nil {
		return nil, err
	}
	wrapped := make([]byte, len(exported))
	rc.XORKeyStream(wrapped, exported)
	n.out, n.in = newSealer(exported, clientToServer), newSealer(exported, serverToClient)

	// A client that has the server's time sends no LM response (3.1.5.1.2).
	out := n.authenticate(c.flags&wantFlags, make([]byte, 24), append(proof, temp...), wrapped)
	mic := hmacMD5(exported, n.negotiate, msg, out)
	copy(out[micOffset:], mic)
	return out, nil
}

// targetInfo completes the server's statements with ours, and returns the time to use.
func (n *ntlmClient) targetInfo(from []avPair) (info []avPair, stamp []byte) {
	flags := uint32(avFlagMIC)
	for _, p := range from {
		switch {
		case p.id == avTimestamp && len(p.value) == 8:
			stamp = p.value
		case p.id == avFlags && len(p.value) == 4:
			flags |= binary.LittleEndian.Uint32(p.value)
			continue
		case p.id == avFlags, p.id == avTargetName, p.id == avChannelBindings: // ours alone
			continue
		}
		info = append(info, p)
	}
	if stamp == nil {
		stamp = fileTime(n.now())
	}
	bindings := make([]byte, md5.Size) // all zero: none
	if n.bindings != nil {
		bindings = n.bindings
	}
	return append(info,
		avPair{avFlags, wire.AppendU32LE(nil, flags)},
		avPair{avChannelBindings, bindings},
		avPair{avTargetName, wire.AppendUTF16(nil, n.target)},
	), stamp
}

// fileTime is a FILETIME: 100 ns since 1601.
func fileTime(t time.Time) []byte {
	const to1970 = 116444736000000000
	return wire.AppendU64LE(nil, uint64(t.UnixNano()/100+to1970))
}

// Where the payload of an AUTHENTICATE_MESSAGE begins, and its MIC before it.
const (
	micOffset     = 8 /* Signature */ + 4 /* MessageType */ + 6*8 /* fields */ + 4 /* NegotiateFlags */ + versionSize
	payloadOffset = micOffset + micSize
)

func (n *ntlmClient) authenticate(flags ntlmFlags, lm, nt, wrapped []byte) []byte {
	b := bytes.Clone(ntlmSignature)
	b = wire.AppendU32LE(b, messageAuthenticate)
	var payload []byte
	for _, field := range [][]byte{
		lm, nt, wire.AppendUTF16(nil, n.cred.Domain), wire.AppendUTF16(nil, n.cred.User), nil /* workstation */, wrapped,
	} {
		b = wire.AppendU16LE(wire.AppendU16LE(b, uint16(len(field))), uint16(len(field)))
		b = wire.AppendU32LE(b, uint32(payloadOffset+len(payload)))
		payload = append(payload, field...)
	}
	b = wire.AppendU32LE(b, uint32(flags))
	b = append(b, ntlmVersion...)
	b = wire.AppendZeros(b, micSize)
	return append(b, payload...)
}

var errNotSigned = errors.New("the server's message is not sealed with the session's key")
