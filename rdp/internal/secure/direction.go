package secure

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/rc4"
	"errors"
	"slices"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// updateAfter is how many packets one RC4 key is for (5.3.7).
const updateAfter = 4096

var errMAC = errors.New("standard security: a message authentication code is wrong")

// fipsVector is the first initialization vector (5.3.5.2).
var fipsVector = []byte{0x12, 0x34, 0x56, 0x78, 0x90, 0xab, 0xcd, 0xef}

// direction is one way of a session. It belongs to one goroutine.
type direction struct {
	keys    *Keys
	count   uint32 // packets so far
	initial []byte
	current []byte
	used    int // packets under the current key
	stream  *rc4.Cipher
	block   cipher.BlockMode // FIPS; it keeps the vector
}

func newDirection(k *Keys, fromClient, encrypt bool) (*direction, error) {
	key := k.server
	if fromClient {
		key = k.client
	}
	d := &direction{keys: k, initial: key, current: key}
	if k.method != pdu.EncryptionFIPS {
		d.stream = newRC4(key)
		return d, nil
	}
	c, err := des.NewTripleDESCipher(key)
	if err != nil {
		return nil, err
	}
	if encrypt {
		d.block = cipher.NewCBCEncrypter(c, fipsVector)
	} else {
		d.block = cipher.NewCBCDecrypter(c, fipsVector)
	}
	return d, nil
}

func newRC4(key []byte) *rc4.Cipher {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic(err) // keys have 8 or 16 bytes
	}
	return c
}

// seal returns the code of data and data encrypted; pad is how many bytes were appended.
func (d *direction) seal(data []byte, salt bool) (mac, sealed []byte, pad int) {
	mac = d.keys.macOf(data, salt, d.count)
	if d.block != nil {
		pad = -len(data) & (des.BlockSize - 1)
		data = append(slices.Clone(data), make([]byte, pad)...)
	}
	return mac, d.crypt(data), pad
}

// open decrypts data, of which the last pad bytes are no part, and checks its code.
func (d *direction) open(mac, sealed []byte, pad int, salt bool) ([]byte, error) {
	if d.block != nil && (len(sealed)%des.BlockSize != 0 || pad >= des.BlockSize || pad > len(sealed)) {
		return nil, errors.New("standard security: padding is wrong")
	}
	count := d.count
	data := d.crypt(sealed)
	data = data[:len(data)-pad]
	if !hmac.Equal(mac, d.keys.macOf(data, salt, count)) {
		return nil, errMAC
	}
	return data, nil
}

func (d *direction) crypt(data []byte) []byte {
	out := make([]byte, len(data))
	d.count++
	if d.block != nil {
		d.block.CryptBlocks(out, data)
		return out
	}
	if d.used == updateAfter {
		d.current = updated(d.keys.method, d.initial, d.current)
		d.stream, d.used = newRC4(d.current), 0
	}
	d.used++
	d.stream.XORKeyStream(out, data)
	return out
}
