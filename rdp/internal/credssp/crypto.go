package credssp

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"encoding/binary"
	"strings"

	"golang.org/x/crypto/md4" //lint:ignore SA1019 NTLM is made of it

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// The algorithms are old and weak by themselves. They are what the protocol is; all of it runs inside TLS.

func hmacMD5(key []byte, parts ...[]byte) []byte {
	m := hmac.New(md5.New, key)
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

func md5Of(parts ...[]byte) []byte {
	m := md5.New()
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

// responseKey is NTOWFv2 ([MS-NLMP] 3.3.2): what proves a password.
func responseKey(user, domain, password string) []byte {
	h := md4.New()
	h.Write(wire.AppendUTF16(nil, password))
	return hmacMD5(h.Sum(nil), wire.AppendUTF16(nil, strings.ToUpper(user)+domain))
}

// sealer protects one direction after the sign-in ([MS-NLMP] 3.4).
type sealer struct {
	signKey []byte
	cipher  *rc4.Cipher
	seq     uint32
}

// newSealer derives the keys of a direction (3.4.5.2, 3.4.5.3).
func newSealer(exported []byte, direction string) *sealer {
	const sign, seal = " signing key magic constant\x00", " sealing key magic constant\x00"
	c, err := rc4.NewCipher(md5Of(exported, []byte("session key to "+direction+seal)))
	if err != nil {
		panic(err) // the length of a key is fixed
	}
	return &sealer{signKey: md5Of(exported, []byte("session key to "+direction+sign)), cipher: c}
}

const (
	clientToServer = "client-to-server"
	serverToClient = "server-to-client"

	signatureSize = 16
)

// seal returns signature and encrypted message (3.4.4.2, 3.4.6).
func (s *sealer) seal(message []byte) []byte {
	out := make([]byte, signatureSize+len(message))
	s.cipher.XORKeyStream(out[signatureSize:], message)
	s.sign(out[:signatureSize], message)
	return out
}

func (s *sealer) sign(sig, message []byte) {
	var seq [4]byte
	binary.LittleEndian.PutUint32(seq[:], s.seq)
	binary.LittleEndian.PutUint32(sig, 1) // version
	s.cipher.XORKeyStream(sig[4:12], hmacMD5(s.signKey, seq[:], message)[:8])
	copy(sig[12:], seq[:])
	s.seq++
}

// open reverses seal. It reports whether the signature is right.
func (s *sealer) open(sealed []byte) (message []byte, ok bool) {
	if len(sealed) < signatureSize {
		return nil, false
	}
	message = make([]byte, len(sealed)-signatureSize)
	s.cipher.XORKeyStream(message, sealed[signatureSize:])
	var sig [signatureSize]byte
	s.sign(sig[:], message)
	return message, hmac.Equal(sig[:], sealed[:signatureSize])
}
