package license

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// server is the other side of an exchange.
type server struct {
	modulus, private *big.Int
	random           []byte
	keys             *keys
}

// newServer makes a key of 512 bits, as xrdp has one and crypto/rsa makes none.
func newServer(t *testing.T) *server {
	t.Helper()
	one, e := big.NewInt(1), big.NewInt(65537)
	for {
		p, err := rand.Prime(rand.Reader, 256)
		if err != nil {
			t.Fatal(err)
		}
		q, err := rand.Prime(rand.Reader, 256)
		if err != nil {
			t.Fatal(err)
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		if d := new(big.Int).ModInverse(e, phi); d != nil && p.Cmp(q) != 0 {
			return &server{modulus: new(big.Int).Mul(p, q), private: d, random: bytes.Repeat([]byte{9}, randomSize)}
		}
	}
}

func (s *server) certificate() []byte {
	modulus := s.modulus.FillBytes(make([]byte, minKey))
	slices.Reverse(modulus)
	modulus = append(modulus, make([]byte, keyPadding)...)
	key := wire.AppendU32LE(nil, magicRSA1)
	for _, v := range []uint32{uint32(len(modulus)), 512, 63, 65537} {
		key = wire.AppendU32LE(key, v)
	}
	key = append(key, modulus...)
	b := wire.AppendU32LE(wire.AppendU32LE(wire.AppendU32LE(nil, versionProprietary), 1), 1)
	b = append(wire.AppendU16LE(wire.AppendU16LE(b, blobRSAKey), uint16(len(key))), key...)
	return append(wire.AppendU16LE(wire.AppendU16LE(b, 8), 72), make([]byte, 72)...) // a signature, which is not looked at
}

func (s *server) request(certificate []byte) []byte {
	b := append(begin(pdu.LicenseRequestMessage), s.random...)
	b = wire.AppendU32LE(b, 0x60000)
	for _, text := range []string{"Server Company", "A02"} {
		b = append(wire.AppendU32LE(b, uint32(len(text))), text...)
	}
	b = appendBlob(b, blobKeyExchange, wire.AppendU32LE(nil, keyExchRSA))
	b = appendBlob(b, blobCertificate, certificate)
	b = wire.AppendU32LE(b, 1)
	return must(finish(appendBlob(b, blobScope, []byte("example.com\x00"))))
}

// agree takes the client's request and derives the keys.
func (s *server) agree(t *testing.T, msg []byte) (user, machine string) {
	t.Helper()
	r := wire.NewReader(msg)
	r.Want("bMsgType", uint64(r.U8("bMsgType")), newLicenseRequest)
	r.U8("flags")
	r.Want("wMsgSize", uint64(r.U16LE("wMsgSize")), uint64(len(msg)))
	r.U32LE("PreferredKeyExchangeAlg")
	r.U32LE("PlatformId")
	clientRandom := r.Bytes("ClientRandom", randomSize)
	encrypted := takeBlob(&r, "EncryptedPreMasterSecret", blobRandom)
	u, m := takeBlob(&r, "ClientUserName", blobUser), takeBlob(&r, "ClientMachineName", blobMachine)
	if err := r.Close("new licence request"); err != nil {
		t.Fatal(err)
	}
	c := littleEndian(encrypted)
	secret := c.Exp(c, s.private, s.modulus).FillBytes(make([]byte, preMaster))
	slices.Reverse(secret)
	s.keys = deriveKeys(secret, clientRandom, s.random)
	return string(u), string(m)
}

func (s *server) challenge(text string) []byte {
	b := wire.AppendU32LE(begin(pdu.PlatformChallengeMessage), 0)
	b = appendBlob(b, blobEncrypted, s.keys.crypt([]byte(text)))
	return must(finish(append(b, s.keys.mac([]byte(text))...)))
}

func (s *server) license(kind uint8, text string) []byte {
	b := appendBlob(begin(kind), blobEncrypted, s.keys.crypt([]byte(text)))
	return must(finish(append(b, s.keys.mac([]byte(text))...)))
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// TestClient_WholeExchange: request, challenge and licence, with what the server finds in each answer.
func TestClient_WholeExchange(t *testing.T) {
	for _, last := range []uint8{pdu.NewLicenseMessage, pdu.UpgradeLicenseMessage} {
		s := newServer(t)
		c := NewClient("anna", "sallyport", rand.Reader)
		answer, done, err := c.Step(s.request(s.certificate()))
		if err != nil || done {
			t.Fatal(done, err)
		}
		if user, machine := s.agree(t, answer); user != "anna\x00" || machine != "sallyport\x00" {
			t.Errorf("asked by %q from %q", user, machine)
		}
		if answer, done, err = c.Step(s.challenge("challenge")); err != nil || done {
			t.Fatal(done, err)
		}
		r := wire.NewReader(answer[preamble:])
		response := s.keys.crypt(takeBlob(&r, "EncryptedPlatformChallengeResponse", blobEncrypted))
		hardware := s.keys.crypt(takeBlob(&r, "EncryptedHWID", blobEncrypted))
		mac := r.Bytes("MACData", challengeMAC)
		if err := r.Close("response"); err != nil || !s.keys.verify(append(response, hardware...), mac) || !bytes.HasSuffix(response, []byte("challenge")) {
			t.Errorf("response %q, %v", response, err)
		}
		if answer, done, err = c.Step(s.license(last, "a licence")); err != nil || !done || answer != nil {
			t.Error(answer, done, err)
		}
	}
}

// TestClient_Alerts: a server that is content says so; any other alert is its error.
func TestClient_Alerts(t *testing.T) {
	content := must((&pdu.LicenseError{Code: pdu.LicenseValidClient, Transition: pdu.LicenseNoTransition}).AppendBinary(nil))
	if _, done, err := NewClient("", "", rand.Reader).Step(content); err != nil || !done {
		t.Error(done, err)
	}
	for _, want := range []pdu.LicenseError{{Code: 2, Transition: 1}, {Code: 6, Transition: 2}, {Code: pdu.LicenseValidClient, Transition: 1}} {
		var got *pdu.LicenseError
		if _, _, err := NewClient("", "", rand.Reader).Step(must(want.AppendBinary(nil))); !errors.As(err, &got) || *got != want {
			t.Errorf("%v: %v", want, err)
		}
	}
}

// TestClient_S09_Poison: messages that are cut short, forged, out of turn or beyond a limit are errors.
func TestClient_S09_Poison(t *testing.T) {
	s := newServer(t)
	fresh := func() *Client { return NewClient("anna", "sallyport", rand.Reader) }
	agreed := func() *Client {
		c := fresh()
		answer, _, err := c.Step(s.request(s.certificate()))
		if err != nil {
			t.Fatal(err)
		}
		s.agree(t, answer)
		return c
	}
	whole := s.request(s.certificate())
	for n := range whole {
		b := slices.Clone(whole[:n])
		if n >= preamble {
			wire.PutU16LE(b, 2, uint16(n))
		}
		if _, _, err := fresh().Step(b); err == nil {
			t.Fatalf("%d bytes of %d are enough", n, len(whole))
		}
	}
	agreed()
	forged := s.challenge("x")
	forged[len(forged)-1]++
	for name, msg := range map[string][]byte{"challenge": s.challenge("x"), "licence": s.license(pdu.NewLicenseMessage, "x"), "nothing": nil, "unknown": must(finish(begin(0x42)))} {
		if _, _, err := fresh().Step(msg); err == nil {
			t.Errorf("%s before the keys is taken", name)
		}
	}
	if _, _, err := agreed().Step(forged); !errors.Is(err, errMAC) {
		t.Errorf("forged challenge: %v", err)
	}
	if _, _, err := agreed().Step(whole); err == nil {
		t.Error("a second request is taken")
	}
	c := agreed()
	if _, _, err := c.Step(s.challenge(string(make([]byte, maxChallenge+1)))); err == nil {
		t.Error("an endless challenge is taken")
	}
	license := s.license(pdu.NewLicenseMessage, "x")
	license[preamble+4]++
	if _, _, err := c.Step(license); !errors.Is(err, errMAC) {
		t.Errorf("forged licence: %v", err)
	}
	even := s.certificate()
	even[12+4+20] &^= 1 // the least bit of the modulus
	small := s.certificate()
	wire.PutU32LE(small, 12+4+4, 8)
	for name, b := range map[string][]byte{"even modulus": even, "small modulus": small, "version 3": {3, 0, 0, 0}, "empty chain": {2, 0, 0, 0, 0, 0, 0, 0}, "no chain": {2, 0, 0, 0, 255, 0, 0, 0}} {
		if _, _, err := fresh().Step(s.request(b)); err == nil {
			t.Errorf("%s: the certificate is taken", name)
		}
	}
}

// TestClient_Chain: the key of an X.509 chain is that of its last certificate.
func TestClient_Chain(t *testing.T) {
	chain := wire.AppendU32LE(wire.AppendU32LE(nil, versionChain|0x80000000), 2)
	for _, der := range [][]byte{{1, 2, 3}, leafDER(t)} {
		chain = append(wire.AppendU32LE(chain, uint32(len(der))), der...)
	}
	key, err := publicKey(append(chain, make([]byte, 16)...)) // padding
	if err != nil || key.size != 256 {
		t.Fatalf("%+v %v", key, err)
	}
	b, err := key.encrypt(make([]byte, preMaster))
	if err != nil || len(b) != 256+keyPadding {
		t.Error(len(b), err)
	}
}

func leafDER(t *testing.T) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// FuzzClient: whatever a server says in two messages, no panic.
func FuzzClient(f *testing.F) {
	s := &server{modulus: new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 511), 0, 1), random: bytes.Repeat([]byte{9}, randomSize)}
	s.keys = deriveKeys(make([]byte, preMaster), s.random, s.random)
	f.Add(s.request(s.certificate()), s.challenge("x"))
	f.Add(s.request(s.certificate()), s.license(pdu.NewLicenseMessage, "x"))
	f.Add(must((&pdu.LicenseError{Code: 7, Transition: 2}).AppendBinary(nil)), []byte{})
	f.Fuzz(func(_ *testing.T, a, b []byte) {
		c := NewClient("anna", "sallyport", zeros{})
		_, _, _ = c.Step(a)
		_, _, _ = c.Step(b)
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
