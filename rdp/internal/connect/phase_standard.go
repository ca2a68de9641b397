package connect

import (
	"fmt"
	"io"
	"math/bits"
	"slices"

	"github.com/sallyport/sallyport/rdp/internal/license"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/secure"
)

// Standard RDP security ([MS-RDPBCGR] 5.3), of sequences whose Config says Standard.

// standardMethods are what such a client offers.
const standardMethods = pdu.Encryption40 | pdu.Encryption56 | pdu.Encryption128 | pdu.EncryptionFIPS

func (c *Config) methods() pdu.EncryptionMethods {
	if c.Methods == 0 {
		return standardMethods
	}
	return c.Methods & standardMethods
}

// acceptStandard checks the server's part of the security settings (2.2.1.4.3). A server that encrypts nothing is refused.
func (c *Connector) acceptStandard() error {
	s := &c.server
	if s.Level == pdu.LevelNone && s.Method == 0 {
		return fmt.Errorf("%w: it encrypts nothing", ErrDowngrade)
	}
	if s.Level == pdu.LevelNone || bits.OnesCount32(uint32(s.Method)) != 1 || s.Method&^c.cfg.methods() != 0 {
		return fmt.Errorf("%w: encryption method %#x at level %d", ErrDowngrade, uint32(s.Method), s.Level)
	}
	c.exchange.random, c.exchange.certificate = slices.Clone(s.Random), slices.Clone(s.Certificate)
	return nil
}

// afterJoin is what follows when all channels are joined.
func (c *Connector) afterJoin() phase {
	if c.cfg.Standard {
		return sendExchange{}
	}
	return sendInfo{}
}

// sendExchange sends the client's random to the server, for its key (2.2.1.10).
type sendExchange struct{}

func (sendExchange) name() string { return "security exchange" }
func (sendExchange) need() Need   { return NeedNone }

func (sendExchange) step(c *Connector, _ []byte) (phase, []byte, error) {
	random := make([]byte, secure.RandomSize)
	if _, err := io.ReadFull(c.cfg.Random, random); err != nil {
		return nil, nil, err
	}
	encrypted, err := license.EncryptFor(c.exchange.certificate, random)
	if err != nil {
		return nil, nil, fmt.Errorf("server certificate: %w", err)
	}
	keys, err := secure.Derive(c.server.Method, random, c.exchange.random)
	if err != nil {
		return nil, nil, err
	}
	c.exchange.keys, c.exchange.own = keys, random
	out, err := c.send(c.res.IO, pdu.AppendSecurityExchange(nil, encrypted))
	return encrypt{}, out, err
}

// encrypt waits for the keys to be under the connection.
type encrypt struct{}

func (encrypt) name() string { return "encryption" }
func (encrypt) need() Need   { return NeedCipher }

func (encrypt) step(*Connector, []byte) (phase, []byte, error) { return sendInfo{}, nil, nil }

// Keys returns the keys of standard security, which NeedCipher asks for.
func (c *Connector) Keys() *secure.Keys { return c.exchange.keys }

// Method returns the encryption method of standard security, 0 with any other.
func (c *Connector) Method() pdu.EncryptionMethods { return c.server.Method }
