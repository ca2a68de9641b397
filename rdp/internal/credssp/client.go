package credssp

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// version is the highest version of CredSSP that is spoken ([MS-CSSP] 2.2.1): 5 and 6 bind the TLS key by a hash with a nonce.
const (
	version      = 6
	leastVersion = 2
	nonceVersion = 5
)

// ErrDenied is what a server's refusal of the credentials matches.
var ErrDenied = errors.New("the server refused the credentials")

// StatusError is the NTSTATUS with which a server ends the exchange.
type StatusError struct{ Status uint32 }

// Error names the status.
func (e *StatusError) Error() string {
	name, ok := statusNames[e.Status]
	if !ok {
		name = fmt.Sprintf("NTSTATUS %#08x", e.Status)
	}
	return name
}

// Is reports whether the status means that the credentials are wrong or not good enough.
func (e *StatusError) Is(target error) bool {
	_, known := statusNames[e.Status]
	return target == ErrDenied && known
}

// statusNames are the statuses that mean a refusal ([MS-ERREF] 2.3.1).
var statusNames = map[uint32]string{
	0xc000006d: "wrong user name or password",
	0xc000006e: "the account is restricted",
	0xc000006f: "the account may not sign in at this time",
	0xc0000070: "the account may not sign in from here",
	0xc0000071: "the password has expired",
	0xc0000072: "the account is disabled",
	0xc0000193: "the account has expired",
	0xc0000224: "the password must be changed first",
	0xc0000234: "the account is locked",
	0xc0000022: "access denied",
	0xc000015b: "the account may not sign in remotely",
	0xc000005e: "no domain controller is available",
}

// Config is what an exchange needs. Certificate and Target are required.
type Config struct {
	Credentials Credentials
	Certificate *x509.Certificate // of the server, from the TLS handshake; its identity is verified already
	Target      string            // service principal name: TERMSRV/host
	// RestrictedAdmin keeps the credentials at home: the server gets a proof of them alone.
	RestrictedAdmin bool
	Now             func() time.Time // nil: time.Now
	Random          io.Reader        // nil: crypto/rand
}

// Client is the client's side of one exchange.
type Client struct {
	cfg   Config
	ntlm  ntlmClient
	key   []byte // SubjectPublicKey of the server
	nonce []byte
	state func(*request) (*request, error)
	err   error
	peer  int
}

// NewClient checks cfg and prepares an exchange. Call Start next.
func NewClient(cfg Config) (*Client, error) {
	if cfg.Certificate == nil || cfg.Target == "" {
		return nil, errors.New("credssp: Certificate and Target are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	key, err := subjectPublicKey(cfg.Certificate)
	if err != nil {
		return nil, err
	}
	return &Client{
		cfg: cfg, key: key, peer: version,
		ntlm: ntlmClient{cred: cfg.Credentials, target: cfg.Target, bindings: channelBindings(cfg.Certificate), now: cfg.Now, random: cfg.Random},
	}, nil
}

// subjectPublicKey returns the contents of the certificate's subjectPublicKey ([MS-CSSP] 3.1.5).
func subjectPublicKey(c *x509.Certificate) ([]byte, error) {
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil, fmt.Errorf("credssp: public key of the certificate: %w", err)
	}
	return info.Key.RightAlign(), nil
}

// channelBindings is the hash of tls-server-end-point bindings (RFC 5929 4, [MS-NLMP] 3.1.5.1.2).
func channelBindings(c *x509.Certificate) []byte {
	var sum []byte
	switch c.SignatureAlgorithm { // the certificate's own hash, but SHA-256 for the broken ones
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		h := sha512.Sum384(c.Raw)
		sum = h[:]
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		h := sha512.Sum512(c.Raw)
		sum = h[:]
	default:
		h := sha256.Sum256(c.Raw)
		sum = h[:]
	}
	data := append([]byte("tls-server-end-point:"), sum...)
	b := wire.AppendZeros(nil, 4*4) // no addresses
	b = append(wire.AppendU32LE(b, uint32(len(data))), data...)
	h := md5.Sum(b)
	return h[:]
}

// Start returns the first TSRequest.
func (c *Client) Start() ([]byte, error) {
	c.nonce = make([]byte, 32)
	if _, err := io.ReadFull(c.cfg.Random, c.nonce); err != nil {
		return nil, c.fail(fmt.Errorf("random source: %w", err))
	}
	c.state = c.challenged
	return c.encode(&request{version: version, token: c.ntlm.start()})
}

// Done reports whether the server has everything: nothing more is to be read.
func (c *Client) Done() bool { return c.state == nil && c.err == nil && c.nonce != nil }

// Step takes the server's next TSRequest and returns the answer to send. Errors stick.
func (c *Client) Step(der []byte) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	if c.state == nil {
		return nil, c.fail(errors.New("nothing is expected"))
	}
	var q request
	if err := q.parse(der); err != nil {
		return nil, c.fail(err)
	}
	if q.errorCode != 0 {
		return nil, c.fail(&StatusError{q.errorCode})
	}
	if q.version < leastVersion {
		return nil, c.fail(fmt.Errorf("version %d, want at least %d", q.version, leastVersion))
	}
	c.peer = min(c.peer, q.version)
	answer, err := c.state(&q)
	if err != nil {
		return nil, c.fail(err)
	}
	return c.encode(answer)
}

func (c *Client) fail(err error) error {
	c.err = fmt.Errorf("credssp: %w", err)
	return c.err
}

func (c *Client) encode(q *request) ([]byte, error) {
	b, err := q.append()
	if err != nil {
		return nil, c.fail(err)
	}
	return b, nil
}

// challenged answers the NTLM challenge, and binds the TLS key to it ([MS-CSSP] 3.1.5, step 2 and 3).
func (c *Client) challenged(q *request) (*request, error) {
	if q.token == nil {
		return nil, errors.New("the server sent no challenge")
	}
	token, err := c.ntlm.answer(q.token)
	if err != nil {
		return nil, err
	}
	c.state = c.bound
	a := &request{version: version, token: token}
	if c.peer >= nonceVersion {
		a.nonce = c.nonce
		a.pubKeyAuth = c.ntlm.out.seal(c.keyHash("CredSSP Client-To-Server Binding Hash\x00"))
	} else {
		a.pubKeyAuth = c.ntlm.out.seal(c.key)
	}
	return a, nil
}

func (c *Client) keyHash(magic string) []byte {
	h := sha256.New()
	_, _ = io.WriteString(h, magic)
	h.Write(c.nonce)
	h.Write(c.key)
	return h.Sum(nil)
}

// bound checks that the server has seen the same TLS key, and hands the credentials over (step 4 and 5).
func (c *Client) bound(q *request) (*request, error) {
	if q.pubKeyAuth == nil {
		return nil, errors.New("the server did not prove its key")
	}
	got, ok := c.ntlm.in.open(q.pubKeyAuth)
	if !ok {
		return nil, errNotSigned
	}
	want := c.keyHash("CredSSP Server-To-Client Binding Hash\x00")
	if c.peer < nonceVersion {
		want = append([]byte(nil), c.key...)
		want[0]++ // the first byte is one more
	}
	if !hmac.Equal(got, want) {
		return nil, errors.New("the server sees another TLS key: somebody is in between")
	}
	var domain, user, password []byte
	if !c.cfg.RestrictedAdmin {
		domain = wire.AppendUTF16(nil, c.cfg.Credentials.Domain)
		user = wire.AppendUTF16(nil, c.cfg.Credentials.User)
		password = wire.AppendUTF16(nil, c.cfg.Credentials.Password)
	}
	cred, err := passwordCredentials(domain, user, password)
	if err != nil {
		return nil, err
	}
	c.state = nil
	return &request{version: version, authInfo: c.ntlm.out.seal(cred)}, nil
}
