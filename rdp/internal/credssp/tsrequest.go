package credssp

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// MaxRequest is the largest TSRequest that is taken, in bytes.
const MaxRequest = 64 << 10

// request is a TSRequest ([MS-CSSP] 2.2.1).
type request struct {
	version    int
	token      []byte // the first negoToken
	authInfo   []byte
	pubKeyAuth []byte
	errorCode  uint32 // NTSTATUS; 0: none
	nonce      []byte // clientNonce
}

func context(n uint8) asn1.Tag { return asn1.Tag(n).Constructed().ContextSpecific() }

func (q *request) append() ([]byte, error) {
	var b cryptobyte.Builder
	octets := func(b *cryptobyte.Builder, tag uint8, v []byte) {
		if v != nil {
			b.AddASN1(context(tag), func(b *cryptobyte.Builder) { b.AddASN1OctetString(v) })
		}
	}
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(q.version)) })
		if q.token != nil {
			b.AddASN1(context(1), func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { octets(b, 0, q.token) })
				})
			})
		}
		octets(b, 2, q.authInfo)
		octets(b, 3, q.pubKeyAuth)
		if q.errorCode != 0 {
			b.AddASN1(context(4), func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(int32(q.errorCode))) })
		}
		octets(b, 5, q.nonce)
	})
	return b.Bytes()
}

var errNotTSRequest = errors.New("not a TSRequest")

// parse decodes exactly one TSRequest. Its fields alias der.
func (q *request) parse(der []byte) error {
	*q = request{}
	if len(der) > MaxRequest {
		return fmt.Errorf("TSRequest of %d bytes, at most %d", len(der), MaxRequest)
	}
	in := cryptobyte.String(der)
	var seq, field cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() {
		return errNotTSRequest
	}
	var version int64
	if !seq.ReadASN1(&field, context(0)) || !field.ReadASN1Integer(&version) || version < 0 || version > 1<<16 {
		return fmt.Errorf("%w: version", errNotTSRequest)
	}
	q.version = int(version)
	var has bool
	if !seq.ReadOptionalASN1(&field, &has, context(1)) {
		return fmt.Errorf("%w: negoTokens", errNotTSRequest)
	}
	if has {
		var list, item, token cryptobyte.String
		if !field.ReadASN1(&list, asn1.SEQUENCE) || !list.ReadASN1(&item, asn1.SEQUENCE) || !item.ReadASN1(&token, context(0)) ||
			!token.ReadASN1Bytes(&q.token, asn1.OCTET_STRING) {
			return fmt.Errorf("%w: negoTokens", errNotTSRequest)
		}
	}
	for _, f := range []struct {
		tag  uint8
		into *[]byte
	}{{2, &q.authInfo}, {3, &q.pubKeyAuth}, {4, nil}, {5, &q.nonce}} {
		if !seq.ReadOptionalASN1(&field, &has, context(f.tag)) {
			return fmt.Errorf("%w: field %d", errNotTSRequest, f.tag)
		}
		if !has {
			continue
		}
		if f.into == nil {
			var code int64 // NTSTATUS, written as a signed or as an unsigned number
			if !field.ReadASN1Integer(&code) || code < -1<<31 || code >= 1<<32 {
				return fmt.Errorf("%w: errorCode", errNotTSRequest)
			}
			q.errorCode = uint32(code)
			continue
		}
		if !field.ReadASN1Bytes(f.into, asn1.OCTET_STRING) {
			return fmt.Errorf("%w: field %d", errNotTSRequest, f.tag)
		}
	}
	if !seq.Empty() {
		return fmt.Errorf("%w: %d bytes left", errNotTSRequest, len(seq))
	}
	return nil
}

// RequestSize returns the size of the TSRequest that begins with head, 0 if head is too short to tell. Six bytes always tell.
func RequestSize(head []byte) (int, error) {
	if len(head) < 2 {
		return 0, nil
	}
	if head[0] != 0x30 {
		return 0, fmt.Errorf("%w: it begins with %#x", errNotTSRequest, head[0])
	}
	n := int(head[1])
	if n < 0x80 {
		return 2 + n, nil
	}
	count := n & 0x7f
	if count == 0 || count > 4 {
		return 0, fmt.Errorf("%w: length of %d bytes", errNotTSRequest, count)
	}
	if len(head) < 2+count {
		return 0, nil
	}
	size := uint64(0)
	for _, b := range head[2 : 2+count] {
		size = size<<8 | uint64(b)
	}
	if size > MaxRequest {
		return 0, fmt.Errorf("TSRequest of %d bytes, at most %d", size, MaxRequest)
	}
	return 2 + count + int(size), nil
}

// passwordCredentials is TSCredentials with TSPasswordCreds ([MS-CSSP] 2.2.1.2). All empty is what Restricted Admin mode sends.
func passwordCredentials(domain, user, password []byte) ([]byte, error) {
	var inner, b cryptobyte.Builder
	inner.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for i, v := range [][]byte{domain, user, password} {
			b.AddASN1(context(uint8(i)), func(b *cryptobyte.Builder) { b.AddASN1OctetString(v) })
		}
	})
	der, err := inner.Bytes()
	if err != nil {
		return nil, err
	}
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddASN1Int64(1) }) // credType: password
		b.AddASN1(context(1), func(b *cryptobyte.Builder) { b.AddASN1OctetString(der) })
	})
	return b.Bytes()
}
