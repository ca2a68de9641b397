package license

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Types of messages ([MS-RDPELE] 2.2.2).
const (
	newLicenseRequest         = 0x13
	platformChallengeResponse = 0x15
	version3                  = 0x03
	preamble                  = 4
)

// Types of blobs ([MS-RDPBCGR] 2.2.1.12.1.2).
const (
	blobRandom      = 0x0002
	blobCertificate = 0x0003
	blobEncrypted   = 0x0009
	blobKeyExchange = 0x000d
	blobScope       = 0x000e
	blobUser        = 0x000f
	blobMachine     = 0x0010
)

// Limits of what a server sends.
const (
	maxText      = 4 << 10
	maxBlob      = 16 << 10
	maxScopes    = 16
	maxChallenge = 1 << 10
)

const (
	randomSize   = 32
	preMaster    = 48
	keyExchRSA   = 1
	platformID   = 0x04010000 // CLIENT_OS_ID_WINNT_POST_52, CLIENT_IMAGE_ID_MICROSOFT
	clientOther  = 0xff00     // OTHER_PLATFORM_CHALLENGE_TYPE
	detailOnly   = 0x0003     // LICENSE_DETAIL_DETAIL
	responseVer  = 0x0100
	challengeMAC = 16
)

// errMAC says that a message is not from whoever the keys were agreed on with.
var errMAC = errors.New("MAC does not match")

// Client is one exchange.
type Client struct {
	user, machine string
	random        io.Reader
	keys          *keys // once they are agreed on
}

// NewClient returns an exchange before its first message. user and machine are for the server's records.
func NewClient(user, machine string, random io.Reader) *Client {
	return &Client{user: user, machine: machine, random: random}
}

// Step takes a licensing message with its preamble and returns the answer, if one is due. done: the server is content.
func (c *Client) Step(msg []byte) (answer []byte, done bool, err error) {
	kind, err := pdu.LicenseKind(msg)
	if err != nil {
		return nil, false, err
	}
	switch kind {
	case pdu.LicenseRequestMessage:
		answer, err = c.request(msg[preamble:])
	case pdu.PlatformChallengeMessage:
		answer, err = c.challenge(msg[preamble:])
	case pdu.NewLicenseMessage, pdu.UpgradeLicenseMessage:
		return nil, true, c.take(msg[preamble:])
	default:
		var alert pdu.LicenseError
		if err := alert.UnmarshalBinary(msg); err != nil {
			return nil, false, err
		}
		if alert.Code != pdu.LicenseValidClient || alert.Transition != pdu.LicenseNoTransition {
			return nil, false, &alert
		}
		return nil, true, nil
	}
	return answer, false, err
}

// request answers a Server License Request (2.2.2.1) with a Client New License Request (2.2.2.2).
func (c *Client) request(body []byte) ([]byte, error) {
	if c.keys != nil {
		return nil, errors.New("licence request: it comes twice")
	}
	r := wire.NewReader(body)
	serverRandom := r.Bytes("ServerRandom", randomSize)
	r.U32LE("dwVersion")
	r.Skip("pbCompanyName", r.Limit("cbCompanyName", uint64(r.U32LE("cbCompanyName")), maxText))
	r.Skip("pbProductId", r.Limit("cbProductId", uint64(r.U32LE("cbProductId")), maxText))
	takeBlob(&r, "KeyExchangeList", blobKeyExchange)
	certificate := takeBlob(&r, "ServerCertificate", blobCertificate)
	n := r.Count("ScopeCount", uint64(r.U32LE("ScopeCount")), preamble, maxScopes)
	for range n {
		takeBlob(&r, "Scope", blobScope)
	}
	if err := r.Done("licence request"); err != nil {
		return nil, err
	}
	key, err := publicKey(certificate)
	if err != nil {
		return nil, fmt.Errorf("licence request: %w", err)
	}
	secrets := make([]byte, randomSize+preMaster)
	if _, err := io.ReadFull(c.random, secrets); err != nil {
		return nil, err
	}
	clientRandom, secret := secrets[:randomSize], secrets[randomSize:]
	encrypted, err := key.encrypt(secret)
	if err != nil {
		return nil, fmt.Errorf("licence request: %w", err)
	}
	c.keys = deriveKeys(secret, clientRandom, serverRandom)

	b := wire.AppendU32LE(wire.AppendU32LE(begin(newLicenseRequest), keyExchRSA), platformID)
	b = append(b, clientRandom...)
	b = appendBlob(b, blobRandom, encrypted)
	b = appendBlob(b, blobUser, append([]byte(c.user), 0))
	b = appendBlob(b, blobMachine, append([]byte(c.machine), 0))
	return finish(b)
}

// challenge answers a Server Platform Challenge (2.2.2.4) with a response (2.2.2.5).
func (c *Client) challenge(body []byte) ([]byte, error) {
	r := wire.NewReader(body)
	r.U32LE("ConnectFlags")
	encrypted := takeBlob(&r, "EncryptedPlatformChallenge", 0)
	mac := r.Bytes("MACData", challengeMAC)
	if err := r.Done("platform challenge"); err != nil {
		return nil, err
	}
	if c.keys == nil {
		return nil, errors.New("platform challenge: no keys were agreed on")
	}
	if len(encrypted) > maxChallenge {
		return nil, fmt.Errorf("platform challenge of %d bytes, at most %d", len(encrypted), maxChallenge)
	}
	plain := c.keys.crypt(encrypted)
	if !c.keys.verify(plain, mac) {
		return nil, fmt.Errorf("platform challenge: %w", errMAC)
	}
	response := wire.AppendU16LE(wire.AppendU16LE(nil, responseVer), clientOther)
	response = wire.AppendU16LE(wire.AppendU16LE(response, detailOnly), uint16(len(plain)))
	response = append(response, plain...)
	// The hardware id only has to be the same each time (2.2.3.1).
	id := md5.Sum([]byte(c.machine))
	hardware := append(wire.AppendU32LE(nil, platformID), id[:]...)

	b := begin(platformChallengeResponse)
	b = appendBlob(b, blobEncrypted, c.keys.crypt(response))
	b = appendBlob(b, blobEncrypted, c.keys.crypt(hardware))
	return finish(append(b, c.keys.mac(append(response, hardware...))...))
}

// take checks a New License or an Upgrade License (2.2.2.6, 2.2.2.7), and forgets it.
func (c *Client) take(body []byte) error {
	r := wire.NewReader(body)
	encrypted := takeBlob(&r, "EncryptedLicenseInfo", 0)
	mac := r.Bytes("MACData", challengeMAC)
	if err := r.Done("new licence"); err != nil {
		return err
	}
	if c.keys == nil {
		return errors.New("new licence: no keys were agreed on")
	}
	if !c.keys.verify(c.keys.crypt(encrypted), mac) {
		return fmt.Errorf("new licence: %w", errMAC)
	}
	return nil
}

// takeBlob takes a LICENSE_BINARY_BLOB. Servers are careless about types; kind 0 and empty blobs are of any.
func takeBlob(r *wire.Reader, field string, kind uint16) []byte {
	got := r.U16LE(field + ": wBlobType")
	n := r.Limit(field+": wBlobLen", uint64(r.U16LE(field+": wBlobLen")), maxBlob)
	if n > 0 && kind != 0 {
		r.Want(field+": wBlobType", uint64(got), uint64(kind))
	}
	return r.Bytes(field, n)
}

func appendBlob(b []byte, kind uint16, data []byte) []byte {
	return append(wire.AppendU16LE(wire.AppendU16LE(b, kind), uint16(len(data))), data...)
}

// begin starts a message, whose size finish fills in.
func begin(kind uint8) []byte { return []byte{kind, version3, 0, 0} }

func finish(b []byte) ([]byte, error) {
	if len(b) > maxBlob {
		return nil, fmt.Errorf("licensing message of %d bytes", len(b))
	}
	wire.PutU16LE(b, 2, uint16(len(b)))
	return b, nil
}
