package license

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha1"
	"slices"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// keys are what both sides derive from the pre-master secret ([MS-RDPELE] 5.1.2, 5.1.3).
type keys struct{ salt, cipher []byte }

func deriveKeys(preMaster, clientRandom, serverRandom []byte) *keys {
	master := expand(preMaster, clientRandom, serverRandom)
	session := expand(master, serverRandom, clientRandom)
	h := md5.New()
	h.Write(session[16:32])
	h.Write(clientRandom)
	h.Write(serverRandom)
	return &keys{salt: session[:16], cipher: h.Sum(nil)}
}

// expand makes 48 bytes of a secret and two randoms.
func expand(secret, first, second []byte) (out []byte) {
	for _, letters := range []string{"A", "BB", "CCC"} {
		s := sha1.New()
		s.Write([]byte(letters))
		s.Write(secret)
		s.Write(first)
		s.Write(second)
		m := md5.New()
		m.Write(secret)
		m.Write(s.Sum(nil))
		out = m.Sum(out)
	}
	return out
}

// crypt encrypts or decrypts one field; each begins the key stream anew.
func (k *keys) crypt(b []byte) []byte {
	c, err := rc4.NewCipher(k.cipher)
	if err != nil {
		panic(err) // the key has 16 bytes
	}
	out := make([]byte, len(b))
	c.XORKeyStream(out, b)
	return out
}

// mac is the message authentication code of a field (5.1.6).
func (k *keys) mac(b []byte) []byte {
	s := sha1.New()
	s.Write(k.salt)
	s.Write(slices.Repeat([]byte{0x36}, 40))
	s.Write(wire.AppendU32LE(nil, uint32(len(b))))
	s.Write(b)
	m := md5.New()
	m.Write(k.salt)
	m.Write(slices.Repeat([]byte{0x5c}, 48))
	m.Write(s.Sum(nil))
	return m.Sum(nil)
}

func (k *keys) verify(b, mac []byte) bool { return hmac.Equal(k.mac(b), mac) }
