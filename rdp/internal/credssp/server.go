package credssp

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// statusLogonFailure is STATUS_LOGON_FAILURE.
const statusLogonFailure = 0xc000006d

// ServerConfig is what the server's side of an exchange needs. It serves tests and demonstrations: users are a function.
type ServerConfig struct {
	Certificate *x509.Certificate
	Random      io.Reader
	// Password returns the password of a user, and whether there is one.
	Password func(domain, user string) (password string, ok bool)
	Version  int // to announce; 0: the newest
}

// Server is the server's side of one exchange.
type Server struct {
	cfg       ServerConfig
	key       []byte
	negotiate []byte
	challenge []byte
	in, out   *sealer
	state     func(*request) (*request, error)

	// User and Credentials are set when Done: who signed in, and what was handed over (empty with Restricted Admin).
	Domain, User string
	Credentials  Credentials
}

// NewServer prepares an exchange.
func NewServer(cfg ServerConfig) (*Server, error) {
	key, err := subjectPublicKey(cfg.Certificate)
	if err != nil {
		return nil, err
	}
	if cfg.Version == 0 {
		cfg.Version = version
	}
	s := &Server{cfg: cfg, key: key}
	s.state = s.greeted
	return s, nil
}

// Done reports whether the credentials are there.
func (s *Server) Done() bool { return s.state == nil }

// Step takes the client's next TSRequest. An answer is to be sent even with an error, if there is one.
func (s *Server) Step(der []byte) ([]byte, error) {
	if s.state == nil {
		return nil, errors.New("credssp: nothing is expected")
	}
	var q request
	if err := q.parse(der); err != nil {
		return nil, fmt.Errorf("credssp: %w", err)
	}
	a, err := s.state(&q)
	if err != nil && a == nil && q.version >= 3 {
		a = &request{version: s.cfg.Version, errorCode: statusLogonFailure}
	}
	if a == nil {
		return nil, err
	}
	out, eerr := a.append()
	return out, errors.Join(err, eerr)
}

func (s *Server) greeted(q *request) (*request, error) {
	if len(q.token) < 16 || !bytes.HasPrefix(q.token, ntlmSignature) {
		return nil, errors.New("credssp: no NTLM message")
	}
	s.negotiate = bytes.Clone(q.token)
	var nonce [8]byte
	if _, err := io.ReadFull(s.cfg.Random, nonce[:]); err != nil {
		return nil, err
	}
	b := wire.AppendU32LE(bytes.Clone(ntlmSignature), messageChallenge)
	target := wire.AppendUTF16(nil, "RDPTEST")
	info := appendPairs(nil, []avPair{{avDomainName, target}, {avComputerName, target}, {avTimestamp, make([]byte, 8)}})
	const header = 8 + 4 + 8 + 4 + 8 + 8 + 8 + versionSize
	field := func(b []byte, n, offset int) []byte {
		return wire.AppendU32LE(wire.AppendU16LE(wire.AppendU16LE(b, uint16(n)), uint16(n)), uint32(offset))
	}
	b = field(b, len(target), header)
	b = wire.AppendU32LE(b, uint32(wantFlags))
	b = append(b, nonce[:]...)
	b = wire.AppendZeros(b, 8)
	b = field(b, len(info), header+len(target))
	b = append(b, ntlmVersion...)
	s.challenge = append(append(b, target...), info...)
	s.state = s.answered
	return &request{version: s.cfg.Version, token: s.challenge}, nil
}

// answered checks the proof of the password and that of the TLS key.
func (s *Server) answered(q *request) (*request, error) {
	exported, err := s.verify(q.token)
	if err != nil {
		return nil, fmt.Errorf("credssp: %w", err)
	}
	s.in, s.out = newSealer(exported, clientToServer), newSealer(exported, serverToClient)
	got, ok := s.in.open(q.pubKeyAuth)
	if !ok {
		return nil, errors.New("credssp: the key is not sealed")
	}
	want, answer := s.key, append([]byte(nil), s.key...)
	answer[0]++
	if min(q.version, s.cfg.Version) >= nonceVersion {
		c := Client{key: s.key, nonce: q.nonce}
		want = c.keyHash("CredSSP Client-To-Server Binding Hash\x00")
		answer = c.keyHash("CredSSP Server-To-Client Binding Hash\x00")
	}
	if !hmac.Equal(got, want) {
		return nil, errors.New("credssp: the client sees another TLS key")
	}
	s.state = s.delegated
	return &request{version: s.cfg.Version, pubKeyAuth: s.out.seal(answer)}, nil
}

// verify checks an AUTHENTICATE_MESSAGE and returns the session key.
func (s *Server) verify(msg []byte) ([]byte, error) {
	r := wire.NewReader(msg)
	r.Skip("Signature, MessageType", 12)
	var field [6][]byte // LM, NT, domain, user, workstation, session key
	for i := range field {
		n := int(r.U16LE("Len"))
		r.U16LE("MaxLen")
		at := r.Limit("BufferOffset", uint64(r.U32LE("BufferOffset")), uint64(len(msg)))
		if r.Err() != nil || at+n > len(msg) {
			return nil, errors.New("NTLM message is cut short")
		}
		field[i] = msg[at : at+n]
	}
	if len(msg) < payloadOffset || len(field[1]) < 48 || len(field[5]) != 16 {
		return nil, errors.New("NTLM message is cut short")
	}
	s.Domain, s.User = wire.DecodeUTF16(field[2]), wire.DecodeUTF16(field[3])
	password, ok := s.cfg.Password(s.Domain, s.User)
	key := responseKey(s.User, s.Domain, password)
	proof, temp := field[1][:16], field[1][16:]
	if !hmac.Equal(proof, hmacMD5(key, s.challenge[24:32], temp)) || !ok {
		return nil, ErrDenied
	}
	rc, err := rc4.NewCipher(hmacMD5(key, proof))
	if err != nil {
		return nil, err
	}
	exported := make([]byte, 16)
	rc.XORKeyStream(exported, field[5])
	plain := bytes.Clone(msg)
	clear(plain[micOffset:payloadOffset])
	if !hmac.Equal(msg[micOffset:payloadOffset], hmacMD5(exported, s.negotiate, s.challenge, plain)) {
		return nil, errors.New("the NTLM messages were changed on the way")
	}
	blob := wire.NewReader(temp)
	blob.Skip("header", 28)
	for _, p := range takePairs(&blob) {
		// All zero means that the client does not bind, as some do ([MS-NLMP] 2.2.2.1); the TLS key is bound by CredSSP all the same.
		if p.id == avChannelBindings && !bytes.Equal(p.value, make([]byte, md5.Size)) && !bytes.Equal(p.value, channelBindings(s.cfg.Certificate)) {
			return nil, errors.New("the sign-in is bound to another TLS channel")
		}
	}
	return exported, nil
}

// delegated takes the credentials.
func (s *Server) delegated(q *request) (*request, error) {
	der, ok := s.in.open(q.authInfo)
	if !ok {
		return nil, errors.New("credssp: the credentials are not sealed")
	}
	in := cryptobyte.String(der)
	var seq, field, inner cryptobyte.String
	var kind int64
	var creds [3][]byte
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1(&field, context(0)) || !field.ReadASN1Integer(&kind) || kind != 1 ||
		!seq.ReadASN1(&field, context(1)) || !field.ReadASN1(&inner, asn1.OCTET_STRING) || !inner.ReadASN1(&seq, asn1.SEQUENCE) {
		return nil, errors.New("credssp: no password credentials")
	}
	for i := range creds {
		if !seq.ReadASN1(&field, context(uint8(i))) || !field.ReadASN1Bytes(&creds[i], asn1.OCTET_STRING) {
			return nil, errors.New("credssp: no password credentials")
		}
	}
	s.Credentials = Credentials{Domain: wire.DecodeUTF16(creds[0]), User: wire.DecodeUTF16(creds[1]), Password: wire.DecodeUTF16(creds[2])}
	s.state = nil
	return nil, nil
}
