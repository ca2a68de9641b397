package secure

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Conn is a connection with standard security under it. Whole units are written to it, one or more at a time, and read from it as a
// stream. One goroutine reads, one writes.
type Conn struct {
	net.Conn
	r    *bufio.Reader
	io   pdu.ChannelID
	in   *direction
	out  *direction
	fips bool
	data pdu.MCSKind // what this side sends data in
	rest []byte      // of a unit that was read
	salt atomic.Bool
	// open is whether the other side can take encrypted licensing messages (SEC_LICENSE_ENCRYPT_CS).
	license atomic.Bool
}

// NewConn puts keys under a connection, of which r has what was read already. server is which side this is, channel the desktop's.
func NewConn(c net.Conn, r *bufio.Reader, k *Keys, server bool, channel pdu.ChannelID) (*Conn, error) {
	in, err := newDirection(k, server, false)
	if err != nil {
		return nil, err
	}
	out, err := newDirection(k, !server, true)
	if err != nil {
		return nil, err
	}
	s := &Conn{Conn: c, r: r, io: channel, in: in, out: out, fips: k.method == pdu.EncryptionFIPS, data: pdu.MCSSendDataRequest}
	if server {
		s.data = pdu.MCSSendDataIndication
		s.license.Store(true)
	}
	return s, nil
}

// Salt makes codes count packets from here on, which the other side must have announced (ENC_SALTED_CHECKSUM). What comes is checked as it
// says.
func (c *Conn) Salt() { c.salt.Store(true) }

// Read gives units whose data are decrypted, and have a security header only where they would have one inside TLS.
func (c *Conn) Read(b []byte) (int, error) {
	for len(c.rest) == 0 {
		unit, err := ReadUnit(c.r)
		if err != nil {
			return 0, err
		}
		if c.rest, err = c.openUnit(unit); err != nil {
			return 0, err
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// ReadUnit reads a TPKT or a fast-path PDU, whole.
func ReadUnit(r *bufio.Reader) ([]byte, error) {
	for n := 2; ; n++ {
		head, err := r.Peek(n)
		if err != nil {
			return nil, err
		}
		size, err := pdu.FrameSize(head)
		if err != nil {
			return nil, err
		}
		if size > 0 {
			unit := make([]byte, size)
			_, err := io.ReadFull(r, unit)
			return unit, err
		}
	}
}

// fipsHeader is what stands before the code with FIPS: its own length, a version and the padding (2.2.8.1.1.2.3).
const (
	fipsLength  = 0x10
	fipsVersion = 1
)

// take reads the code and what else stands before encrypted data, and opens these.
func (c *Conn) take(r *wire.Reader, salt bool) ([]byte, error) {
	pad := 0
	if c.fips {
		r.Want("length", uint64(r.U16LE("length")), fipsLength)
		r.Want("version", uint64(r.U8("version")), fipsVersion)
		pad = int(r.U8("padlen"))
	}
	mac := r.Bytes("dataSignature", macSize)
	sealed := r.Rest()
	if err := r.Done("security header"); err != nil {
		return nil, err
	}
	return c.in.open(mac, sealed, pad, salt)
}

// appendSealed appends what take reads.
func (c *Conn) appendSealed(b, data []byte) []byte {
	mac, sealed, pad := c.out.seal(data, c.salt.Load())
	if c.fips {
		b = append(wire.AppendU16LE(b, fipsLength), fipsVersion, byte(pad))
	}
	return append(append(b, mac...), sealed...)
}

// headed are PDUs that have a security header inside TLS too.
const headed = pdu.SecurityInfo | pdu.SecurityLicense | pdu.SecurityAutoDetectReq | pdu.SecurityAutoDetectRsp | pdu.SecurityHeartbeat | pdu.SecurityTransportReq

func (c *Conn) openUnit(unit []byte) ([]byte, error) {
	if pdu.IsFastPath(unit) {
		return c.openFast(unit)
	}
	payload, err := pdu.DataPayload(unit)
	if err != nil {
		return nil, err
	}
	var m pdu.MCS
	if err := m.UnmarshalBinary(payload); err != nil {
		return nil, err
	}
	if m.Kind != pdu.MCSSendDataIndication && m.Kind != pdu.MCSSendDataRequest {
		return unit, nil
	}
	flags, body, err := pdu.TakeSecurityHeader(m.Data)
	if err != nil {
		return nil, err
	}
	if flags&pdu.SecurityEncrypt != 0 {
		r := wire.NewReader(body)
		if body, err = c.take(&r, flags&pdu.SecuritySaltedChecksum != 0); err != nil {
			return nil, err
		}
	} else if flags&pdu.SecurityLicense == 0 {
		return nil, fmt.Errorf("standard security: data with the flags %#x are not encrypted", uint16(flags))
	}
	if flags&pdu.SecurityLicense != 0 {
		c.license.Store(flags&pdu.SecurityLicenseEncrypt != 0)
	}
	if flags&headed != 0 {
		body = append(pdu.AppendSecurityHeader(nil, flags&headed), body...)
	}
	m.Data = body
	return wrap(&m)
}

func wrap(m *pdu.MCS) ([]byte, error) {
	b, err := m.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return pdu.AppendData(nil, b)
}

func (c *Conn) openFast(unit []byte) ([]byte, error) {
	var p pdu.FastPath
	if err := p.UnmarshalBinary(unit); err != nil {
		return nil, err
	}
	if !p.Encrypted {
		return nil, fmt.Errorf("standard security: a fast-path PDU is not encrypted")
	}
	r := wire.NewReader(p.Body)
	body, err := c.take(&r, p.Salted)
	if err != nil {
		return nil, err
	}
	return (&pdu.FastPath{Events: p.Events, Body: body}).AppendBinary(nil)
}

// Write encrypts whole units.
func (c *Conn) Write(b []byte) (int, error) {
	var out []byte
	for rest := b; len(rest) > 0; {
		n, err := pdu.FrameSize(rest)
		if err != nil || n == 0 || n > len(rest) {
			return 0, fmt.Errorf("standard security: %d bytes are no whole units: %v", len(rest), err)
		}
		unit, err := c.sealUnit(rest[:n])
		if err != nil {
			return 0, err
		}
		out, rest = append(out, unit...), rest[n:]
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *Conn) sealUnit(unit []byte) ([]byte, error) {
	if pdu.IsFastPath(unit) {
		var p pdu.FastPath
		if err := p.UnmarshalBinary(unit); err != nil {
			return nil, err
		}
		p.Encrypted, p.Salted = true, c.salt.Load()
		p.Body = c.appendSealed(nil, p.Body)
		return p.AppendBinary(nil)
	}
	payload, err := pdu.DataPayload(unit)
	if err != nil {
		return nil, err
	}
	var m pdu.MCS
	if err := m.UnmarshalBinary(payload); err != nil {
		return nil, err
	}
	if m.Kind != c.data {
		return unit, nil
	}
	flags, body, err := c.headerOf(&m)
	if err != nil {
		return nil, err
	}
	if flags&pdu.SecurityLicense != 0 && !c.license.Load() {
		return unit, nil
	}
	flags |= pdu.SecurityEncrypt
	if c.salt.Load() {
		flags |= pdu.SecuritySaltedChecksum
	}
	m.Data = c.appendSealed(pdu.AppendSecurityHeader(nil, flags), body)
	return wrap(&m)
}

// headerOf returns the flags of a security header that data have already, or none. On the desktop's channel every other PDU has a type where
// such a header has two zeros (2.2.8.1.1.1.1).
func (c *Conn) headerOf(m *pdu.MCS) (flags pdu.SecurityFlags, body []byte, err error) {
	const header = 4
	if m.Channel != c.io || len(m.Data) < header || m.Data[2]|m.Data[3] != 0 {
		return 0, m.Data, nil
	}
	return pdu.TakeSecurityHeader(m.Data)
}
