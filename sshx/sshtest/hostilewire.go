package sshtest

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Message numbers, RFC 4250 section 4.1.2.
const (
	msgDisconnect      = 1
	msgIgnore          = 2
	msgDebug           = 4
	msgServiceRequest  = 5
	msgServiceAccept   = 6
	msgKexInit         = 20
	msgNewKeys         = 21
	msgECDHInit        = 30
	msgECDHReply       = 31
	msgAuthRequest     = 50
	msgAuthSuccess     = 52
	msgAuthBanner      = 53
	msgGlobalRequest   = 80
	msgRequestSuccess  = 81
	msgRequestFailure  = 82
	msgChannelOpen     = 90
	msgChannelConfirm  = 91
	msgChannelRefuse   = 92
	msgWindowAdjust    = 93
	msgChannelData     = 94
	msgChannelExtended = 95
	msgChannelEOF      = 96
	msgChannelClose    = 97
	msgChannelRequest  = 98
	msgChannelSuccess  = 99
	msgChannelFailure  = 100
)

// wire is the server's half of an SSH transport (RFC 4253) that sends whatever it is told to. It knows one algorithm
// of each kind, those that every client of today has. It is no server to trust anything with.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	key  ed25519.PrivateKey

	strict  bool                        // offers strict key exchange
	hostKey []byte                      // shown in place of key, if set
	sign    func(hash []byte) []byte    // signs in place of key, if set
	early   func()                      // called before NEWKEYS of the first exchange, if set
	mutate  func(payload []byte) []byte // changes what is sent after sign-in, if set

	clientVersion, serverVersion string
	session                      []byte // hash of the first exchange
	in                           sealer // of the reading goroutine
	nextIn                       chan sealer

	mu     sync.Mutex // guards what follows; held while a packet is written
	out    sealer
	signed bool // sign-in is over
}

// sealer is one direction of aes128-gcm@openssh.com (RFC 5647); the zero value is no encryption.
type sealer struct {
	aead  cipher.AEAD
	nonce [12]byte
}

func newSealer(key, iv []byte) sealer {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has the length that was cut
	}
	s := sealer{}
	if s.aead, err = cipher.NewGCM(block); err != nil {
		panic(err)
	}
	copy(s.nonce[:], iv)
	return s
}

func (s *sealer) step() {
	binary.BigEndian.PutUint64(s.nonce[4:], binary.BigEndian.Uint64(s.nonce[4:])+1)
}

const (
	wireVersion   = "SSH-2.0-hostile"
	maxWirePacket = 1 << 20
)

func newWire(conn net.Conn, key ed25519.PrivateKey) *wire {
	return &wire{conn: conn, r: bufio.NewReader(conn), key: key, strict: true, serverVersion: wireVersion, nextIn: make(chan sealer, 1)}
}

// raw writes bytes as they are.
func (w *wire) raw(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.conn.Write(b)
	return err
}

// send writes one packet.
func (w *wire) send(payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sendLocked(payload)
}

func (w *wire) sendLocked(payload []byte) error {
	if w.mutate != nil && w.signed {
		if payload = w.mutate(payload); len(payload) == 0 {
			return nil
		}
	}
	_, err := w.conn.Write(w.seal(payload))
	return err
}

// seal makes a packet of a payload.
func (w *wire) seal(payload []byte) []byte {
	block, head := 8, 5 // in clear the length is part of the block
	if w.out.aead != nil {
		block, head = aes.BlockSize, 1
	}
	pad := block - (head+len(payload))%block
	if pad < 4 {
		pad += block
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+pad))
	b = append(b, byte(pad))
	b = append(b, payload...)
	b = append(b, make([]byte, pad)...)
	if w.out.aead != nil {
		b = w.out.aead.Seal(b[:4], w.out.nonce[:], b[4:], b[:4])
		w.out.step()
	}
	return b
}

// receive reads the client's next packet. One goroutine calls it.
func (w *wire) receive() ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(w.r, head); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head))
	if n < 5 || n > maxWirePacket {
		return nil, fmt.Errorf("a packet of %d bytes", n)
	}
	if w.in.aead != nil {
		n += w.in.aead.Overhead()
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(w.r, b); err != nil {
		return nil, err
	}
	if w.in.aead != nil {
		var err error
		if b, err = w.in.aead.Open(b[:0], w.in.nonce[:], b, head); err != nil {
			return nil, err
		}
		w.in.step()
	}
	pad := int(b[0])
	if pad+2 > len(b) {
		return nil, errors.New("more padding than packet")
	}
	payload := b[1 : len(b)-pad]
	if payload[0] == msgNewKeys {
		w.in = <-w.nextIn // exchange has made them before it said NEWKEYS itself
	}
	return payload, nil
}

// hear reads the client's version line. A client says it at once, so that on a pipe it must be read before anything
// is written.
func (w *wire) hear() error {
	line, err := w.r.ReadString('\n')
	w.clientVersion = strings.TrimRight(line, "\r\n")
	return err
}

// versions exchanges the version lines.
func (w *wire) versions() error {
	if err := w.hear(); err != nil {
		return err
	}
	return w.raw([]byte(w.serverVersion + "\r\n"))
}

type kexInit struct {
	Cookie                                         [16]byte
	Kex, HostKey                                   []string
	CiphersIn, CiphersOut, MACsIn, MACsOut         []string
	CompressionIn, CompressionOut, LangIn, LangOut []string
	Follows                                        bool
	Reserved                                       uint32
}

func (w *wire) kexInit() []byte {
	m := kexInit{
		Kex: []string{"curve25519-sha256"}, HostKey: []string{ssh.KeyAlgoED25519},
		CiphersIn: []string{ssh.CipherAES128GCM}, CiphersOut: []string{ssh.CipherAES128GCM},
		MACsIn: []string{ssh.HMACSHA256}, MACsOut: []string{ssh.HMACSHA256},
		CompressionIn: []string{"none"}, CompressionOut: []string{"none"},
	}
	if w.strict {
		m.Kex = append(m.Kex, "kex-strict-s-v00@openssh.com")
	}
	if w.hostKey != nil {
		m.HostKey = []string{ssh.KeyAlgoRSASHA256}
	}
	_, _ = rand.Read(m.Cookie[:])
	return append([]byte{msgKexInit}, ssh.Marshal(m)...)
}

// exchange runs a key exchange (RFC 8731). next gives the client's messages of it.
func (w *wire) exchange(next func(kind byte) ([]byte, error)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	mine := w.kexInit()
	if _, err := w.conn.Write(w.seal(mine)); err != nil {
		return err
	}
	theirs, err := next(msgKexInit)
	if err != nil {
		return err
	}
	init, err := next(msgECDHInit)
	if err != nil {
		return err
	}
	var q struct{ Q []byte }
	if err := ssh.Unmarshal(init[1:], &q); err != nil {
		return err
	}
	peer, err := ecdh.X25519().NewPublicKey(q.Q)
	if err != nil {
		return err
	}
	own, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	shared, err := own.ECDH(peer)
	if err != nil {
		return err
	}
	blob := w.hostKey
	if blob == nil {
		pub, err := ssh.NewPublicKey(w.key.Public())
		if err != nil {
			return err
		}
		blob = pub.Marshal()
	}
	k := mpint(shared)
	h := sha256.New()
	for _, part := range [][]byte{[]byte(w.clientVersion), []byte(w.serverVersion), theirs, mine, blob, q.Q, own.PublicKey().Bytes()} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	h.Write(k)
	hash := h.Sum(nil)
	if w.session == nil {
		w.session = hash
	}
	sign := w.sign
	if sign == nil {
		sign = func(hash []byte) []byte {
			return ssh.Marshal(struct {
				Format string
				Blob   []byte
			}{ssh.KeyAlgoED25519, ed25519.Sign(w.key, hash)})
		}
	}
	reply := append([]byte{msgECDHReply}, ssh.Marshal(struct{ Key, Q, Signature []byte }{blob, own.PublicKey().Bytes(), sign(hash)})...)
	if _, err := w.conn.Write(w.seal(reply)); err != nil {
		return err
	}
	if w.early != nil && w.out.aead == nil {
		w.early()
	}
	derive := func(letter byte) []byte {
		h := sha256.New()
		h.Write(k)
		h.Write(hash)
		h.Write([]byte{letter})
		h.Write(w.session)
		return h.Sum(nil)
	}
	w.nextIn <- newSealer(derive('C')[:16], derive('A'))
	if _, err := w.conn.Write(w.seal([]byte{msgNewKeys})); err != nil {
		return err
	}
	w.out = newSealer(derive('D')[:16], derive('B'))
	_, err = next(msgNewKeys)
	return err
}

// mpint encodes a positive number, RFC 4251 section 5.
func mpint(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) > 0 && b[0] >= 0x80 {
		b = append([]byte{0}, b...)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}
