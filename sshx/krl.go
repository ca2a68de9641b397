package sshx

import (
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/ssh"
)

// krl is a key revocation list of OpenSSH, as ssh-keygen -k makes it (PROTOCOL.krl). Signatures in it are not looked at:
// the file is the host's own, like the list of what it trusts.
type krl struct {
	keys    map[string]struct{} // blobs of public keys
	sha1    map[string]struct{} // raw sums of blobs
	sha256  map[string]struct{}
	sets    []krlCertificates
	entries int
}

// krlCertificates are revoked certificates of one authority.
type krlCertificates struct {
	authority string // blob of its key; "": every authority
	serials   map[uint64]struct{}
	ranges    []krlRange
	bitmaps   []krlBitmap
	ids       map[string]struct{}
}

type krlRange struct{ Min, Max uint64 }

type krlBitmap struct {
	offset uint64
	bits   *big.Int
}

const (
	krlMagic   = "SSHKRL\n\x00"
	krlVersion = 1
	maxKRL     = 1 << 20 // entries of all kinds
)

// Types of sections and, for certificates, of subsections.
const (
	krlSectionCertificates = 1
	krlSectionKeys         = 2
	krlSectionSHA1         = 3
	krlSectionSignature    = 4
	krlSectionSHA256       = 5
	krlSectionExtension    = 255

	krlSerialList   = 0x20
	krlSerialRange  = 0x21
	krlSerialBitmap = 0x22
	krlKeyIDs       = 0x23
	krlExtension    = 0x39
)

type krlHeader struct {
	Version            uint32
	Number, Date, Flag uint64
	Reserved, Comment  []byte
	Rest               []byte `ssh:"rest"`
}

type krlSection struct {
	Type byte
	Data []byte
	Rest []byte `ssh:"rest"`
}

type krlString struct {
	S    []byte
	Rest []byte `ssh:"rest"`
}

// parseKRL refuses what it does not understand: a revocation that is skipped would be a hole.
func parseKRL(b []byte) (*krl, error) {
	var h krlHeader
	if len(b) < len(krlMagic) || string(b[:len(krlMagic)]) != krlMagic {
		return nil, errors.New("not a key revocation list")
	}
	if err := ssh.Unmarshal(b[len(krlMagic):], &h); err != nil {
		return nil, fmt.Errorf("key revocation list: header: %w", err)
	}
	if h.Version != krlVersion {
		return nil, fmt.Errorf("key revocation list: version %d, want %d", h.Version, krlVersion)
	}
	k := &krl{keys: make(map[string]struct{}), sha1: make(map[string]struct{}), sha256: make(map[string]struct{})}
	for rest := h.Rest; len(rest) > 0; {
		var s krlSection
		if err := ssh.Unmarshal(rest, &s); err != nil {
			return nil, fmt.Errorf("key revocation list: section: %w", err)
		}
		rest = s.Rest
		var err error
		switch s.Type {
		case krlSectionCertificates:
			err = k.certificates(s.Data)
		case krlSectionKeys:
			err = k.strings(s.Data, k.keys, 0)
		case krlSectionSHA1:
			err = k.strings(s.Data, k.sha1, sha1.Size)
		case krlSectionSHA256:
			err = k.strings(s.Data, k.sha256, sha256.Size)
		case krlSectionSignature:
		case krlSectionExtension:
			err = extension(s.Data)
		default:
			err = errors.New("unknown")
		}
		if err != nil {
			return nil, fmt.Errorf("key revocation list: section of type %d: %w", s.Type, err)
		}
	}
	return k, nil
}

// count keeps the sum of all entries bounded.
func (k *krl) count() error {
	if k.entries++; k.entries > maxKRL {
		return fmt.Errorf("more than %d entries", maxKRL)
	}
	return nil
}

// strings reads strings up to the end of b into set; size is what each must have, 0 for any.
func (k *krl) strings(b []byte, set map[string]struct{}, size int) error {
	for len(b) > 0 {
		var s krlString
		if err := ssh.Unmarshal(b, &s); err != nil {
			return err
		}
		if size != 0 && len(s.S) != size {
			return fmt.Errorf("a sum of %d bytes, want %d", len(s.S), size)
		}
		if err := k.count(); err != nil {
			return err
		}
		set[string(s.S)] = struct{}{}
		b = s.Rest
	}
	return nil
}

func (k *krl) certificates(b []byte) error {
	var head struct {
		Authority, Reserved []byte
		Rest                []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(b, &head); err != nil {
		return err
	}
	set := krlCertificates{authority: string(head.Authority), serials: make(map[uint64]struct{}), ids: make(map[string]struct{})}
	for rest := head.Rest; len(rest) > 0; {
		var s krlSection
		if err := ssh.Unmarshal(rest, &s); err != nil {
			return err
		}
		rest = s.Rest
		var err error
		switch s.Type {
		case krlSerialList:
			err = k.serials(s.Data, &set)
		case krlSerialRange:
			var r krlRange
			if err = ssh.Unmarshal(s.Data, &r); err == nil {
				set.ranges = append(set.ranges, r)
				err = k.count()
			}
		case krlSerialBitmap:
			var m struct {
				Offset uint64
				Bits   []byte
			}
			if err = ssh.Unmarshal(s.Data, &m); err == nil {
				set.bitmaps = append(set.bitmaps, krlBitmap{m.Offset, new(big.Int).SetBytes(m.Bits)})
				err = k.count()
			}
		case krlKeyIDs:
			err = k.strings(s.Data, set.ids, 0)
		case krlExtension:
			err = extension(s.Data)
		default:
			err = errors.New("unknown")
		}
		if err != nil {
			return fmt.Errorf("certificates of type %#x: %w", s.Type, err)
		}
	}
	k.sets = append(k.sets, set)
	return nil
}

func (k *krl) serials(b []byte, set *krlCertificates) error {
	for len(b) > 0 {
		var s struct {
			Serial uint64
			Rest   []byte `ssh:"rest"`
		}
		if err := ssh.Unmarshal(b, &s); err != nil {
			return err
		}
		if err := k.count(); err != nil {
			return err
		}
		set.serials[s.Serial] = struct{}{}
		b = s.Rest
	}
	return nil
}

// extension refuses those that must be understood: none is.
func extension(b []byte) error {
	var e struct {
		Name     string
		Critical bool
		Contents []byte
	}
	if err := ssh.Unmarshal(b, &e); err != nil {
		return err
	}
	if e.Critical {
		return fmt.Errorf("critical extension %q", plainText(e.Name, 64))
	}
	return nil
}

func (k *krl) revokesKey(key ssh.PublicKey) bool {
	blob := key.Marshal()
	if _, ok := k.keys[string(blob)]; ok {
		return true
	}
	short, long := sha1.Sum(blob), sha256.Sum256(blob)
	_, inShort := k.sha1[string(short[:])]
	_, inLong := k.sha256[string(long[:])]
	return inShort || inLong
}

func (k *krl) revokesCertificate(cert *ssh.Certificate) bool {
	authority := string(cert.SignatureKey.Marshal())
	for _, s := range k.sets {
		if (s.authority == "" || s.authority == authority) && s.has(cert) {
			return true
		}
	}
	return false
}

func (s *krlCertificates) has(cert *ssh.Certificate) bool {
	if _, ok := s.ids[cert.KeyId]; ok {
		return true
	}
	n := cert.Serial
	if n == 0 {
		return false // the authority gives no serials
	}
	if _, ok := s.serials[n]; ok {
		return true
	}
	for _, r := range s.ranges {
		if r.Min <= n && n <= r.Max {
			return true
		}
	}
	for _, m := range s.bitmaps {
		if n >= m.offset && n-m.offset < uint64(m.bits.BitLen()) && m.bits.Bit(int(n-m.offset)) == 1 {
			return true
		}
	}
	return false
}
