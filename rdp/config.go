package rdp

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam/dial"
	"github.com/sallyport/sallyport/rdp/internal/codec"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// Defaults of Config.
const (
	DefaultHandshakeTimeout = 30 * time.Second
	DefaultWriteTimeout     = 30 * time.Second
	DefaultAnswerTimeout    = 30 * time.Second
	DefaultWidth            = 1280
	DefaultHeight           = 800

	minSide = 200
)

// Security says what a client offers the server.
type Security uint8

// The choices.
const (
	SecurityAny Security = iota // network level authentication or TLS alone, as the server prefers
	SecurityNLA                 // network level authentication alone: the password is never sent to a server that does not know it
	SecurityTLS                 // TLS alone; the server gets the password
	// SecurityStandard is RDP's own encryption alone, for servers that have nothing else. Whoever stands in between reads and changes
	// everything, the password too: Config.InsecureAllowStandardSecurity must be set.
	SecurityStandard
)

// Password is a secret that does not print itself.
type Password string

// Format writes a mark for every verb.
func (Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// Credentials are what a user signs in with. User may be DOMAIN\name, or name@domain, if Domain is empty.
type Credentials struct {
	User, Domain string
	Password     Password
}

// split takes the domain out of DOMAIN\name. A user principal name stays as it is: servers take it whole.
func (c Credentials) split() (domain, user string) {
	if d, u, ok := strings.Cut(c.User, `\`); ok && c.Domain == "" {
		return d, u
	}
	return c.Domain, c.User
}

// Config says what a Client wants and whom it trusts. The zero value trusts nobody, and signs nobody in.
type Config struct {
	// Credentials is asked once the certificate was accepted, and not before. Nil signs in without a name, which only servers
	// without network level authentication take, and show their own sign-in for.
	Credentials func(ctx context.Context) (Credentials, error)
	// Security is what is offered.
	Security Security
	// RestrictedAdmin keeps the password at home: the server gets a proof of it alone. It needs SecurityNLA.
	RestrictedAdmin bool

	// Pins are certificates that are trusted, as sha256: and the hash of the DER in hexadecimal; colons and case do not count. With
	// Pins, nothing else is trusted.
	Pins []string
	// RootCAs are authorities whose certificates are trusted for ServerName. With RootCAs, nothing else but Pins is.
	RootCAs *x509.CertPool
	// ServerName is the name that the certificate must have. Empty means the host of Dial's address.
	ServerName string
	// ConfirmCertificate decides when there are neither Pins nor RootCAs; only nil accepts the certificate, for this one
	// connection. The host keeps Fingerprint as a pin if it is to be known from then on. Nil refuses.
	ConfirmCertificate func(ctx context.Context, c UnknownCertificate) error
	// InsecureAcceptAnyCertificate trusts whoever answers, when there are neither Pins nor RootCAs. Credentials can then be stolen by
	// whoever stands in between.
	InsecureAcceptAnyCertificate bool

	// InsecureAllowStandardSecurity allows SecurityStandard, which proves no server's identity: Pins, RootCAs and ConfirmCertificate have
	// nothing to say there, and must not be set.
	InsecureAllowStandardSecurity bool
	methods                       pdu.EncryptionMethods // of standard security: for tests

	// Width and Height are the desktop that is asked for, in pixels: 200 to 8192, at most 33 million pixels, an odd width is one
	// less. Zero means DefaultWidth and DefaultHeight. The server has the last word: see Client.Size.
	Width, Height int
	// Depth is the colour depth on the wire: 15, 16, 24 or 32. Zero means 32.
	Depth int
	// RemoteFX and NSCodec offer these codecs.
	RemoteFX, NSCodec bool
	// Compression offers bulk compression up to the given type.
	Compression Compression
	// ManualFrameAck leaves it to the caller to call AckFrame; otherwise Next acknowledges the frame that it returned before.
	ManualFrameAck bool
	// Scale is how large the session is to draw things, in percent, 100 to 500. Zero means 100.
	Scale int
	// Experience is what the session is to do without.
	Experience Experience
	// KeyboardLayout is the input locale, such as 0x407 for German. Zero means 0x409, US English.
	KeyboardLayout uint32
	// ClientName is shown by the server as the computer. At most 15 characters count. Empty means sallyport.
	ClientName string
	// Reconnect is what a Client before this one got for coming back: see Client.Reconnect. Nil begins anew.
	Reconnect *Reconnect
	// StartProgram and WorkingDir start a program instead of the desktop, where the server allows it.
	StartProgram, WorkingDir string
	// Console asks for the console, or administrative, session.
	Console bool

	// Clipboard shares the clipboard. Nil does not, and the server is not even asked for it.
	Clipboard *Clipboard
	// Drive gives the session a drive. Nil does not.
	Drive *Drive
	// Audio brings the session's sound to Client.NextSound. Nil means that the session has none.
	Audio *Audio
	// Resize offers display control, which Client.Resize needs.
	Resize bool

	// Dialer opens the connection. Nil means a net.Dialer.
	Dialer dial.Dialer
	// HandshakeTimeout covers everything up to the active desktop. Zero means DefaultHandshakeTimeout.
	HandshakeTimeout time.Duration
	// WriteTimeout is how long the server may take nothing of what is sent. Zero means DefaultWriteTimeout.
	WriteTimeout time.Duration
	// AnswerTimeout is how long a server may answer nothing after input: after a third of it, and again after two, it is asked to draw
	// what is there. It counts for servers that were seen to answer that. Zero means DefaultAnswerTimeout, negative for ever.
	AnswerTimeout time.Duration
}

// Experience is what a session does without, to be quicker ([MS-RDPBCGR] 2.2.1.11.1.1.1). The zero value leaves out nothing.
type Experience struct{ NoWallpaper, NoThemes, NoFontSmoothing, NoAnimations bool }

// Compression is a type of bulk compression.
type Compression uint8

// The types; each offers those before it too.
const (
	CompressionNone   Compression = iota
	Compression8K                 // MPPC with 8 KiB of history
	Compression64K                // MPPC with 64 KiB
	CompressionNCRUSH             // RDP 6.0
	CompressionXCRUSH             // RDP 6.1
)

// validate checks a Config and returns a copy with its defaults.
func (c *Config) validate() (*Config, error) {
	d := Config{}
	if c != nil {
		d = *c
	}
	defaults := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	defaults(&d.Width, DefaultWidth)
	defaults(&d.Height, DefaultHeight)
	defaults(&d.Depth, 32)
	d.Width &^= 1
	for _, side := range []int{d.Width, d.Height} {
		if side < minSide || side > codec.MaxSide {
			return nil, fmt.Errorf("rdp: Config: desktop of %dx%d: want %d to %d a side", d.Width, d.Height, minSide, codec.MaxSide)
		}
	}
	if d.Width*d.Height > codec.MaxPixels {
		return nil, fmt.Errorf("rdp: Config: desktop of %dx%d: want at most %d pixels", d.Width, d.Height, codec.MaxPixels)
	}
	switch d.Depth {
	case 15, 16, 24, 32:
	default:
		return nil, fmt.Errorf("rdp: Config: Depth %d: want 15, 16, 24 or 32", d.Depth)
	}
	defaults(&d.Scale, 100)
	if d.Scale < 100 || d.Scale > 500 {
		return nil, fmt.Errorf("rdp: Config: Scale %d: want 100 to 500", d.Scale)
	}
	if (d.Security == SecurityStandard) != d.InsecureAllowStandardSecurity {
		return nil, fmt.Errorf("rdp: Config: SecurityStandard and InsecureAllowStandardSecurity belong together")
	}
	if d.Security == SecurityStandard && (len(d.Pins) > 0 || d.RootCAs != nil || d.ConfirmCertificate != nil) {
		return nil, fmt.Errorf("rdp: Config: SecurityStandard shows no certificate that Pins, RootCAs or ConfirmCertificate could decide about")
	}
	if d.Security > SecurityStandard || d.Compression > CompressionXCRUSH {
		return nil, fmt.Errorf("rdp: Config: Security %d, Compression %d: unknown", d.Security, d.Compression)
	}
	if d.RestrictedAdmin && d.Security != SecurityNLA {
		return nil, fmt.Errorf("rdp: Config: RestrictedAdmin needs Security to be SecurityNLA")
	}
	for i, pin := range d.Pins {
		if err := CheckPin(pin); err != nil {
			return nil, fmt.Errorf("rdp: Config: Pins[%d]: %w", i, err)
		}
	}
	if d.Drive != nil {
		v, err := d.Drive.validate()
		if err != nil {
			return nil, err
		}
		d.Drive = v
	}
	if d.KeyboardLayout == 0 {
		d.KeyboardLayout = 0x409
	}
	if d.ClientName == "" {
		d.ClientName = "sallyport"
	}
	if d.Dialer == nil {
		d.Dialer = &net.Dialer{}
	}
	if d.HandshakeTimeout <= 0 {
		d.HandshakeTimeout = DefaultHandshakeTimeout
	}
	if d.WriteTimeout <= 0 {
		d.WriteTimeout = DefaultWriteTimeout
	}
	if d.AnswerTimeout == 0 {
		d.AnswerTimeout = DefaultAnswerTimeout
	}
	return &d, nil
}
