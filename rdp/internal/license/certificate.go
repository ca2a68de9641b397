package license

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Versions of a SERVER_CERTIFICATE ([MS-RDPBCGR] 2.2.1.4.3.1). The upper bit says that it is temporary.
const (
	versionMask        = 0x7fffffff
	versionProprietary = 1
	versionChain       = 2
)

const (
	blobRSAKey = 0x0006 // BB_RSA_KEY_BLOB
	magicRSA1  = 0x31415352
	keyPadding = 8
	minKey     = 64 // bytes of modulus; xrdp's certificate has this, the least that holds a pre-master secret
	maxKey     = 512
	maxChain   = 8
	maxCert    = 8 << 10
)

// rsaKey is a key of any size: such as servers have here crypto/rsa refuses. It protects nothing, see the package comment.
type rsaKey struct {
	modulus, exponent *big.Int
	size              int // of the modulus, in bytes
}

// publicKey returns the key of a SERVER_CERTIFICATE.
func publicKey(b []byte) (*rsaKey, error) {
	r := wire.NewReader(b)
	switch version := r.U32LE("dwVersion") & versionMask; version {
	case versionProprietary:
		return proprietaryKey(&r)
	case versionChain:
		return chainKey(&r)
	default:
		if err := r.Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("certificate of version %d", version)
	}
}

// proprietaryKey reads a PROPRIETARYSERVERCERTIFICATE (2.2.1.4.3.1.1). Its signature is made with a key that everybody knows.
func proprietaryKey(r *wire.Reader) (*rsaKey, error) {
	r.U32LE("dwSigAlgId")
	r.U32LE("dwKeyAlgId")
	r.Want("wPublicKeyBlobType", uint64(r.U16LE("wPublicKeyBlobType")), blobRSAKey)
	key := r.Sub("PublicKeyBlob", int(r.U16LE("wPublicKeyBlobLen")))
	if err := r.Err(); err != nil {
		return nil, err
	}
	key.Want("magic", uint64(key.U32LE("magic")), magicRSA1)
	size := key.Limit("keylen", uint64(key.U32LE("keylen")), maxKey+keyPadding)
	key.U32LE("bitlen")
	key.U32LE("datalen")
	exponent := key.U32LE("pubExp")
	modulus := key.Bytes("modulus", size)
	if err := key.Done("public key"); err != nil {
		return nil, err
	}
	return newKey(littleEndian(modulus), int64(exponent))
}

// chainKey reads the last certificate of an X509 _CERTIFICATE_CHAIN ([MS-RDPELE] 2.2.1.4.2), the licence server's own.
func chainKey(r *wire.Reader) (*rsaKey, error) {
	n := r.Count("NumCertBlobs", uint64(r.U32LE("NumCertBlobs")), 4, maxChain)
	var der []byte
	for range n {
		der = r.Bytes("abCert", r.Limit("cbCert", uint64(r.U32LE("cbCert")), maxCert))
	}
	if err := r.Done("certificate chain"); err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("certificate without an RSA key")
	}
	return newKey(key.N, int64(key.E))
}

func newKey(modulus *big.Int, exponent int64) (*rsaKey, error) {
	size := (modulus.BitLen() + 7) / 8
	if size < minKey || size > maxKey || exponent < 3 || modulus.Bit(0) == 0 {
		return nil, fmt.Errorf("RSA key of %d bits with exponent %d", modulus.BitLen(), exponent)
	}
	return &rsaKey{modulus: modulus, exponent: big.NewInt(exponent), size: size}, nil
}

// EncryptFor encrypts a secret for the key of a SERVER_CERTIFICATE ([MS-RDPBCGR] 2.2.1.4.3.1), whose signature proves nothing and is not
// looked at.
func EncryptFor(certificate, secret []byte) ([]byte, error) {
	key, err := publicKey(certificate)
	if err != nil {
		return nil, err
	}
	return key.encrypt(secret)
}

// encrypt encrypts a secret as the protocol does: without padding, least byte first, eight zeros behind (5.3.4.1).
func (k *rsaKey) encrypt(secret []byte) ([]byte, error) {
	m := littleEndian(secret)
	if m.Cmp(k.modulus) >= 0 {
		return nil, errors.New("RSA key is too small")
	}
	out := m.Exp(m, k.exponent, k.modulus).FillBytes(make([]byte, k.size))
	slices.Reverse(out)
	return append(out, make([]byte, keyPadding)...), nil
}

func littleEndian(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}
