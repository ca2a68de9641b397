package secure

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// RandomSize is the size of the random of each side, in bytes (5.3.4).
const RandomSize = 32

// Keys is what both sides have derived.
type Keys struct {
	method pdu.EncryptionMethods
	mac    []byte
	client []byte // from client to server
	server []byte // from server to client
}

// Derive makes the keys of a session (5.3.5) with one method.
func Derive(method pdu.EncryptionMethods, clientRandom, serverRandom []byte) (*Keys, error) {
	if len(clientRandom) != RandomSize || len(serverRandom) != RandomSize {
		return nil, fmt.Errorf("standard security: randoms of %d and %d bytes, want %d", len(clientRandom), len(serverRandom), RandomSize)
	}
	switch method {
	case pdu.Encryption40, pdu.Encryption56, pdu.Encryption128:
		return deriveRC4(method, clientRandom, serverRandom), nil
	case pdu.EncryptionFIPS:
		return deriveFIPS(clientRandom, serverRandom), nil
	}
	return nil, fmt.Errorf("standard security: encryption method %#x", uint32(method))
}

// deriveRC4 makes keys of 40, 56 or 128 bits (5.3.5.1).
func deriveRC4(method pdu.EncryptionMethods, clientRandom, serverRandom []byte) *Keys {
	randoms := slices.Concat(clientRandom, serverRandom)
	expand := func(secret []byte, letters ...string) (out []byte) {
		for _, l := range letters {
			inner := sha1.Sum(slices.Concat([]byte(l), secret, randoms))
			outer := md5.Sum(slices.Concat(secret, inner[:]))
			out = append(out, outer[:]...)
		}
		return out
	}
	master := expand(slices.Concat(clientRandom[:24], serverRandom[:24]), "A", "BB", "CCC")
	blob := expand(master, "X", "YY", "ZZZ")
	final := func(part []byte) []byte {
		sum := md5.Sum(slices.Concat(part, randoms))
		return weaken(method, sum[:])
	}
	return &Keys{method: method, mac: weaken(method, slices.Clone(blob[:16])), server: final(blob[16:32]), client: final(blob[32:48])}
}

// weaken cuts a key of 128 bits down to what the method is allowed to have.
func weaken(method pdu.EncryptionMethods, key []byte) []byte {
	switch method {
	case pdu.Encryption40:
		key = key[:8]
		copy(key, []byte{0xd1, 0x26, 0x9e})
	case pdu.Encryption56:
		key = key[:8]
		key[0] = 0xd1
	}
	return key
}

// deriveFIPS makes keys for 3DES (5.3.5.2).
func deriveFIPS(clientRandom, serverRandom []byte) *Keys {
	client := sha1.Sum(slices.Concat(clientRandom[16:], serverRandom[16:]))
	server := sha1.Sum(slices.Concat(clientRandom[:16], serverRandom[:16]))
	mac := sha1.Sum(slices.Concat(server[:], client[:]))
	return &Keys{method: pdu.EncryptionFIPS, mac: mac[:], client: tripleDES(client[:]), server: tripleDES(server[:])}
}

// tripleDES makes 24 bytes of a key of 160 bits: its first eight bits once more, and then each seven bits, the lowest of a byte first, in one
// byte with odd parity.
func tripleDES(t []byte) []byte {
	in := append(slices.Clone(t), t[0])
	out := make([]byte, 0, 24)
	for i := range 24 {
		var v byte
		for j := range 7 {
			at := 7*i + j
			v |= in[at/8] >> (at % 8) & 1 << j
		}
		if v &^= 1; bits.OnesCount8(v)%2 == 0 {
			v |= 1
		}
		out = append(out, v)
	}
	return out
}

// updated is the key that follows current, after initial was the first one (5.3.7.1).
func updated(method pdu.EncryptionMethods, initial, current []byte) []byte {
	inner := sha1.Sum(slices.Concat(initial, pad1, current))
	outer := md5.Sum(slices.Concat(initial, pad2, inner[:]))
	temp := outer[:len(current)]
	next := make([]byte, len(temp))
	newRC4(temp).XORKeyStream(next, temp)
	return weaken(method, next)
}

var (
	pad1 = slices.Repeat([]byte{0x36}, 40)
	pad2 = slices.Repeat([]byte{0x5c}, 48)
)

const macSize = 8

// mac is the message authentication code of data (5.3.6.1); with salt it counts what was encrypted before (5.3.6.1.1).
func (k *Keys) macOf(data []byte, salt bool, count uint32) []byte {
	size, number := binary.LittleEndian.AppendUint32(nil, uint32(len(data))), binary.LittleEndian.AppendUint32(nil, count)
	if k.method == pdu.EncryptionFIPS { // 5.3.6.2
		h := hmac.New(sha1.New, k.mac)
		h.Write(data)
		h.Write(number)
		return h.Sum(nil)[:macSize]
	}
	s := sha1.New()
	for _, part := range [][]byte{k.mac, pad1, size, data} {
		s.Write(part)
	}
	if salt {
		s.Write(number)
	}
	m := md5.Sum(slices.Concat(k.mac, pad2, s.Sum(nil)))
	return m[:macSize]
}
