package rdptest

import (
	"bufio"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/secure"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Encryption is the method of standard RDP security (5.3.2).
type Encryption uint8

const (
	Encryption128  Encryption = iota // RC4 with 128 bits
	Encryption56                     // RC4 with 56 bits
	Encryption40                     // RC4 with 40 bits
	EncryptionFIPS                   // 3DES
)

var encryptionMethods = [...]pdu.EncryptionMethods{pdu.Encryption128, pdu.Encryption56, pdu.Encryption40, pdu.EncryptionFIPS}

// standard is what a server with standard security has: its key and how it shows it.
type standard struct {
	key         *rsa.PrivateKey
	certificate []byte // SERVER_CERTIFICATE
	method      pdu.EncryptionMethods
}

// Bits of the server's key. What it protects is not safe with a longer one either.
const standardKeyBits = 1024

func newStandard(cfg *Config) (*standard, error) {
	if int(cfg.Encryption) >= len(encryptionMethods) {
		return nil, fmt.Errorf("Config.Encryption is %d", cfg.Encryption)
	}
	key, err := rsa.GenerateKey(rand.Reader, standardKeyBits)
	if err != nil {
		return nil, err
	}
	s := &standard{key: key, method: encryptionMethods[cfg.Encryption]}
	if !cfg.CertificateChain {
		s.certificate = proprietary(&key.PublicKey)
		return s, nil
	}
	s.certificate, err = chain(key)
	return s, err
}

// The key that signs proprietary certificates, of which 5.3.3.1.1 tells both halves to everybody, least byte first.
var (
	signingModulus = []byte{
		0x3d, 0x3a, 0x5e, 0xbd, 0x72, 0x43, 0x3e, 0xc9, 0x4d, 0xbb, 0xc1, 0x1e, 0x4a, 0xba, 0x5f, 0xcb,
		0x3e, 0x88, 0x20, 0x87, 0xef, 0xf5, 0xc1, 0xe2, 0xd7, 0xb7, 0x6b, 0x9a, 0xf2, 0x52, 0x45, 0x95,
		0xce, 0x63, 0x65, 0x6b, 0x58, 0x3a, 0xfe, 0xef, 0x7c, 0xe7, 0xbf, 0xfe, 0x3d, 0xf6, 0x5c, 0x7d,
		0x6c, 0x5e, 0x06, 0x09, 0x1a, 0xf5, 0x61, 0xbb, 0x20, 0x93, 0x09, 0x5f, 0x05, 0x6d, 0xea, 0x87,
	}
	signingExponent = []byte{
		0x87, 0xa7, 0x19, 0x32, 0xda, 0x11, 0x87, 0x55, 0x58, 0x00, 0x16, 0x16, 0x25, 0x65, 0x68, 0xf8,
		0x24, 0x3e, 0xe6, 0xfa, 0xe9, 0x67, 0x49, 0x94, 0xcf, 0x92, 0xcc, 0x33, 0x99, 0xe8, 0x08, 0x60,
		0x17, 0x9a, 0x12, 0x9f, 0x24, 0xdd, 0xb1, 0x24, 0x99, 0xc7, 0x3a, 0xb8, 0x0a, 0x7b, 0x0d, 0xdd,
		0x35, 0x07, 0x79, 0x17, 0x0b, 0x51, 0x9b, 0xb3, 0xc7, 0x10, 0x01, 0x13, 0xe7, 0x3f, 0xf3, 0x5f,
	}
)

// keyPadding follows keys and what is encrypted for them.
const keyPadding = 8

// proprietary is a PROPRIETARYSERVERCERTIFICATE (2.2.1.4.3.1.1).
func proprietary(key *rsa.PublicKey) []byte {
	const (
		algorithm     = 1 // SIGNATURE_ALG_RSA, KEY_EXCHANGE_ALG_RSA
		keyBlob       = 6 // BB_RSA_KEY_BLOB
		signatureBlob = 8 // BB_RSA_SIGNATURE_BLOB
	)
	size := key.Size()
	blob := append([]byte("RSA1"), littleEndian(big.NewInt(int64(size+keyPadding)), 4)...)
	blob = wire.AppendU32LE(wire.AppendU32LE(blob, uint32(8*size)), uint32(size-1))
	blob = append(wire.AppendU32LE(blob, uint32(key.E)), littleEndian(key.N, size)...)
	blob = wire.AppendZeros(blob, keyPadding)
	b := wire.AppendU32LE(wire.AppendU32LE(wire.AppendU32LE(nil, 1 /* version */), algorithm), algorithm)
	b = append(wire.AppendU16LE(wire.AppendU16LE(b, keyBlob), uint16(len(blob))), blob...)

	hash := md5.Sum(b)
	sum := append(hash[:], 0) // 5.3.3.1.2
	sum = append(append(sum, slices.Repeat([]byte{0xff}, 45)...), 1)
	n := fromLittleEndian(signingModulus)
	signature := new(big.Int).Exp(fromLittleEndian(sum), fromLittleEndian(signingExponent), n)
	b = wire.AppendU16LE(wire.AppendU16LE(b, signatureBlob), uint16(len(signingModulus)+keyPadding))
	return wire.AppendZeros(append(b, littleEndian(signature, len(signingModulus))...), keyPadding)
}

// chain is an X509 _CERTIFICATE_CHAIN of an authority and the server ([MS-RDPELE] 2.2.1.4.2).
func chain(key *rsa.PrivateKey) ([]byte, error) {
	template := func(name string, serial int64) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			IsCA: serial == 1, BasicConstraintsValid: true,
		}
	}
	root := template("rdptest authority", 1)
	first, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	last, err := x509.CreateCertificate(rand.Reader, template("rdptest", 2), root, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	b := wire.AppendU32LE(wire.AppendU32LE(nil, 2 /* version */), 2 /* certificates */)
	for _, der := range [][]byte{first, last} {
		b = append(wire.AppendU32LE(b, uint32(len(der))), der...)
	}
	return wire.AppendZeros(b, 8+4*2), nil
}

func littleEndian(v *big.Int, size int) []byte {
	b := v.FillBytes(make([]byte, size))
	slices.Reverse(b)
	return b
}

func fromLittleEndian(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

// offer fills in the server's security settings (2.2.1.4.3).
func (s *standard) offer(offered pdu.EncryptionMethods, data *pdu.ServerData) error {
	if offered&s.method == 0 {
		return fmt.Errorf("rdptest: the client offers the encryption methods %#x, not %v", uint32(offered), s.method)
	}
	data.Method, data.Level = s.method, pdu.LevelClientCompatible
	if s.method == pdu.EncryptionFIPS {
		data.Level = pdu.LevelFIPS
	}
	data.Random, data.Certificate = make([]byte, secure.RandomSize), s.certificate
	_, err := rand.Read(data.Random)
	return err
}

// encrypt takes the client's random, which is in c.pending, puts standard security under the connection, and reads on to the client info.
func (c *Session) encrypt(serverRandom []byte) error {
	s := c.server.standard
	encrypted, err := pdu.TakeSecurityExchange(c.pending)
	if err != nil {
		return err
	}
	if len(encrypted) != s.key.Size()+keyPadding {
		return fmt.Errorf("rdptest: a random of %d encrypted bytes", len(encrypted))
	}
	m := fromLittleEndian(encrypted)
	if m.Exp(m, s.key.D, s.key.N).BitLen() > 8*secure.RandomSize {
		return errors.New("rdptest: the client's random is not encrypted for this server")
	}
	c.clientRandom = littleEndian(m, secure.RandomSize)
	keys, err := secure.Derive(s.method, c.clientRandom, serverRandom)
	if err != nil {
		return err
	}
	conn, err := secure.NewConn(c.conn, c.r, keys, true, pdu.GlobalChannel)
	if err != nil {
		return err
	}
	c.wmu.Lock()
	c.conn, c.secure = conn, conn
	c.wmu.Unlock()
	c.r = bufio.NewReader(conn)
	for {
		p, err := c.readMCS()
		if err != nil {
			return err
		}
		if p != nil && p.Kind == pdu.MCSSendDataRequest {
			c.pending = p.Data
			return nil
		}
	}
}
