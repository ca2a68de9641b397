package recorder

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// A signed chunk's payload is body, signature, length of the body. With the length last, a seal can be found
// from the end of a file.
const (
	trailerLen = ed25519.SignatureSize + 4
	minSigned  = 2 /* {} */ + trailerLen
)

// Header says what a recording is of. It is signed when the recording is opened.
type Header struct {
	Meta  pam.RecordingMeta
	Key   string // id of the signing key, see KeyID
	Nonce string // random; tells two recordings of one session apart
}

// headerBody is the stored form of Header: JSON with names of its own, so that a renamed Go field changes no file.
type headerBody struct {
	Key      string          `json:"key"`
	Nonce    string          `json:"nonce"`
	Session  pam.SessionID   `json:"session"`
	Asset    pam.AssetID     `json:"asset"`
	Name     string          `json:"name,omitempty"`
	Protocol string          `json:"protocol"`
	User     pam.UserID      `json:"user"`
	UserName string          `json:"user_name,omitempty"`
	Started  time.Time       `json:"started"`
	Size     pam.ResizeEntry `json:"size"`
	Term     string          `json:"term,omitempty"`
	Rules    []string        `json:"rules,omitempty"`
	Policy   uint64          `json:"policy,omitempty"`
}

func (h Header) body() headerBody {
	m := h.Meta
	return headerBody{
		Key: h.Key, Nonce: h.Nonce, Session: m.Session, Asset: m.Asset, Name: m.Name, Protocol: m.Protocol, User: m.User,
		UserName: m.UserName, Started: m.Started, Term: m.Term, Rules: m.Rules, Policy: m.Policy,
		Size: pam.ResizeEntry{Cols: m.Size.Cols, Rows: m.Size.Rows, Width: m.Size.Width, Height: m.Size.Height},
	}
}

func (b headerBody) header() Header {
	return Header{Key: b.Key, Nonce: b.Nonce, Meta: pam.RecordingMeta{
		Session: b.Session, Asset: b.Asset, Name: b.Name, Protocol: b.Protocol, User: b.User, UserName: b.UserName,
		Started: b.Started, Term: b.Term, Rules: b.Rules, Policy: b.Policy,
		Size: pam.Size{Cols: b.Size.Cols, Rows: b.Size.Rows, Width: b.Size.Width, Height: b.Size.Height},
	}}
}

// Checkpoint signs the chain up to its own place.
type Checkpoint struct {
	Key     string `json:"key"`     // id of the signing key
	Entries uint64 `json:"entries"` // so far
	Raw     uint64 `json:"raw"`     // bytes of entries before compression, so far
	// At is the time of the newest entry and Wall the time of day at which this was signed: anchors of the one in the other, from which a clock
	// that was set meanwhile can be seen. Neither orders anything.
	At   time.Duration `json:"at_ns,omitempty"`
	Wall time.Time     `json:"wall,omitzero"`
}

// Seal is the signed end of a recording.
type Seal struct {
	Checkpoint
	Complete bool         `json:"complete"`          // every entry that was appended is in it
	End      pam.EndEntry `json:"end"`               // how the session ended
	Sealed   time.Time    `json:"sealed"`            // wall clock
	Adopted  bool         `json:"adopted,omitempty"` // by a later start, after a crash
	Cut      int64        `json:"cut,omitempty"`     // bytes of a torn tail that the adopter removed
}

// KeyID names a public key: the first 16 bytes of SHA-256 over its PKIX form, as lower-case hex.
func KeyID(pub ed25519.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "" // only for something that is no Ed25519 key
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:16])
}

// signingKey is a checked crypto.Signer.
type signingKey struct {
	signer crypto.Signer
	pub    ed25519.PublicKey
	id     string
}

func newSigningKey(s crypto.Signer) (signingKey, error) {
	if s == nil {
		return signingKey{}, errors.New("Config.Key is nil")
	}
	if k, ok := s.(ed25519.PrivateKey); ok && len(k) != ed25519.PrivateKeySize {
		return signingKey{}, fmt.Errorf("Config.Key: an Ed25519 key has %d bytes, got %d", ed25519.PrivateKeySize, len(k))
	}
	pub, ok := s.Public().(ed25519.PublicKey)
	if !ok || len(pub) != ed25519.PublicKeySize {
		return signingKey{}, fmt.Errorf("Config.Key: public key is %T; want Ed25519", s.Public())
	}
	return signingKey{signer: s, pub: pub, id: KeyID(pub)}, nil
}

// signedMessage is what a signature covers: what kind of statement it is, the chain so far, the statement.
func signedMessage(t chunkType, prev [hashLen]byte, body []byte) []byte {
	m := append([]byte("sallyport recording v1 signed\x00"), byte(t))
	m = append(m, prev[:]...)
	return append(m, body...)
}

// appendSigned builds a signed chunk in buf's memory.
func appendSigned(buf []byte, key signingKey, t chunkType, prev [hashLen]byte, body any) (chunk []byte, link [hashLen]byte, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, link, fmt.Errorf("%s: %w", t, err)
	}
	if len(text)+trailerLen > maxSigned {
		return nil, link, fmt.Errorf("%s: %d bytes, want at most %d", t, len(text), maxSigned-trailerLen)
	}
	sig, err := key.signer.Sign(nil, signedMessage(t, prev, text), crypto.Hash(0))
	if err != nil {
		return nil, link, fmt.Errorf("%s: %w: %w", t, ErrSign, err)
	}
	if len(sig) != ed25519.SignatureSize {
		return nil, link, fmt.Errorf("%s: %w: signature of %d bytes, want %d", t, ErrSign, len(sig), ed25519.SignatureSize)
	}
	f := newFrame(buf)
	f.buf = append(f.buf, text...)
	f.buf = append(f.buf, sig...)
	f.buf = binary.BigEndian.AppendUint32(f.buf, uint32(len(text)))
	chunk, link = f.finish(prev, chunkHead{typ: t, raw: uint32(len(text) + trailerLen)})
	return chunk, link, nil
}

// signedParts splits a signed chunk's payload.
func signedParts(payload []byte) (body, sig []byte, err error) {
	if len(payload) < minSigned {
		return nil, nil, fmt.Errorf("signed chunk: got %d bytes, want at least %d", len(payload), minSigned)
	}
	n := len(payload) - trailerLen
	if got := binary.BigEndian.Uint32(payload[len(payload)-4:]); int64(got) != int64(n) {
		return nil, nil, fmt.Errorf("signed chunk: length of body is %d, want %d", got, n)
	}
	return payload[:n], payload[n : n+ed25519.SignatureSize], nil
}

// keyRing holds the public keys that a verifier trusts, by id.
type keyRing map[string]ed25519.PublicKey

func newKeyRing(keys []ed25519.PublicKey) (keyRing, error) {
	r := make(keyRing, len(keys))
	for i, k := range keys {
		if len(k) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("public key %d: got %d bytes, want %d", i+1, len(k), ed25519.PublicKeySize)
		}
		r[KeyID(k)] = k
	}
	return r, nil
}

// verify checks one signed chunk. The id in the file only selects among the given keys.
func (r keyRing) verify(t chunkType, prev [hashLen]byte, id string, payload []byte) error {
	body, sig, err := signedParts(payload)
	if err != nil {
		return err
	}
	key, ok := r[id]
	if !ok {
		return fmt.Errorf("%s: signed with key %q, which is not among the %d given", t, id, len(r))
	}
	if !ed25519.Verify(key, signedMessage(t, prev, body), sig) {
		return fmt.Errorf("%s: the signature does not match key %s", t, id)
	}
	return nil
}
