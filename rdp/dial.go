package rdp

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/connect"
	"github.com/sallyport/sallyport/rdp/internal/credssp"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/secure"
)

const (
	readBuffer = 64 << 10
	build      = 7601 // of the client: a number that servers know
)

// Dial connects to a server and returns once its desktop is active. addr is host:port. ctx and Config.HandshakeTimeout bound the
// whole of it; what ctx ends afterwards is nothing. Every error is an *Error, but for those of the Config.
func Dial(ctx context.Context, addr string, cfg *Config) (*Client, error) {
	c, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &Error{Code: CodeUnreachable, Phase: "dial", Err: err}
	}
	if c.ServerName == "" {
		c.ServerName = host
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.HandshakeTimeout, errHandshakeTimeout)
	defer cancel()
	conn, err := c.Dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		if ctx.Err() != nil {
			return nil, asError("dial", context.Cause(ctx))
		}
		return nil, &Error{Code: CodeUnreachable, Phase: "dial", Err: err}
	}
	return c.start(ctx, conn)
}

// NewClient is Dial on a connection that is there already, which it takes over: it is closed with the Client, and by an error. Without
// Config.ServerName certificates of RootCAs cannot be verified.
func NewClient(ctx context.Context, conn net.Conn, cfg *Config) (*Client, error) {
	c, err := cfg.validate()
	if err != nil {
		conn.Close()
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.HandshakeTimeout, errHandshakeTimeout)
	defer cancel()
	return c.start(ctx, conn)
}

// errHandshakeTimeout is the cause of a handshake that took too long.
var errHandshakeTimeout = errors.New("the server did not show a desktop in time")

// past is before any deadline: it ends waits at once.
var past = time.Unix(1, 0)

func (c *Config) start(ctx context.Context, conn net.Conn) (*Client, error) {
	heard := &heard{Conn: conn}
	h := handshake{cfg: c, conn: heard, heard: heard, r: bufio.NewReaderSize(heard, readBuffer)}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
	err := h.run(ctx)
	if !stop() && err == nil { // ctx ended last of all, and its deadline is on the connection
		err = ctx.Err()
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		if ctx.Err() != nil && CodeOf(err) == "" {
			err = context.Cause(ctx)
		}
		return nil, asError(h.phase(), err)
	}
	return newClient(c, &h), nil
}

// handshake drives the connection sequence over a connection.
type handshake struct {
	cfg   *Config
	conn  net.Conn // TLS from a point on
	heard *heard   // below TLS
	r     *bufio.Reader
	seq   *connect.Connector
	tls   tls.ConnectionState
}

func (h *handshake) phase() string {
	if h.seq == nil {
		return "connect"
	}
	return h.seq.Phase()
}

func (h *handshake) run(ctx context.Context) error {
	var err error
	if h.seq, err = connect.New(h.cfg.sequence()); err != nil {
		return err
	}
	if h.cfg.Security == SecurityStandard { // no certificate comes that could be trusted or not
		if err := h.credentials(ctx); err != nil {
			return err
		}
	}
	for {
		need := h.seq.Need()
		var in []byte
		switch need {
		case connect.NeedDone:
			return nil
		case connect.NeedFrame:
			in, err = h.unit(pdu.FrameSize)
		case connect.NeedToken:
			if in, err = h.unit(credssp.RequestSize); err != nil && h.goodbye() {
				return errHungUp
			}
		case connect.NeedEarly:
			in = make([]byte, 4)
			_, err = io.ReadFull(h.r, in)
		case connect.NeedTLS:
			err = h.secure(ctx)
		case connect.NeedCipher:
			err = h.encrypt()
		}
		if err != nil {
			// Some servers answer a wrong password by hanging up, at any time after they have seen it (rdp server policies differ).
			if (need == connect.NeedToken || need == connect.NeedEarly) && codeOf("", err) == CodeNetwork && ctx.Err() == nil {
				return errors.Join(errHungUp, err)
			}
			return err
		}
		out, err := h.seq.Step(in)
		// Even beside an error there may be something to say.
		if len(out) > 0 {
			if _, werr := h.conn.Write(out); werr != nil && err == nil {
				err = werr
			}
		}
		if err != nil {
			return err
		}
	}
}

// secure does the TLS handshake, and fetches the credentials when the certificate was accepted.
func (h *handshake) secure(ctx context.Context) error {
	t := tls.Client(h.conn, h.cfg.tlsConfig(ctx, h.seq.Secured))
	if err := t.HandshakeContext(ctx); err != nil {
		return err
	}
	h.conn, h.r, h.tls = t, bufio.NewReaderSize(t, readBuffer), t.ConnectionState()
	return h.credentials(ctx)
}

// encrypt puts standard security under the connection.
func (h *handshake) encrypt() error {
	c, err := secure.NewConn(h.conn, h.r, h.seq.Keys(), false, h.seq.Result().IO)
	if err != nil {
		return err
	}
	h.conn, h.r = c, bufio.NewReaderSize(c, readBuffer)
	return nil
}

// credentials fetches who signs in.
func (h *handshake) credentials(ctx context.Context) error {
	if h.cfg.Credentials == nil {
		return nil
	}
	cred, err := h.cfg.Credentials(ctx)
	if err != nil {
		return err
	}
	domain, user := cred.split()
	h.seq.Authenticate(domain, user, pdu.Password(cred.Password))
	return nil
}

// unit reads one unit, whose size a function tells from its beginning.
func (h *handshake) unit(size func([]byte) (int, error)) ([]byte, error) {
	n, err := peekSize(h.r, size)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err = io.ReadFull(h.r, b)
	return b, err
}

// goodbye says whether the server has taken its leave instead of going on with CredSSP. GNOME's does when the password is wrong, as FreeRDP has
// it: by a Deactivate All PDU of a session that never was, from a user that there is not.
func (h *handshake) goodbye() bool {
	const longest = 64 // bytes; it has less than half of that
	n, err := peekSize(h.r, pdu.FrameSize)
	if err != nil || n > longest {
		return false
	}
	unit, err := h.r.Peek(n)
	if err == nil {
		_, err = pdu.DataPayload(unit)
	}
	return err == nil
}

// peekSize returns the size of the next unit without taking any of it.
func peekSize(r *bufio.Reader, size func([]byte) (int, error)) (int, error) {
	for have := 2; ; have++ {
		head, err := r.Peek(have)
		if err != nil {
			if len(head) > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		if n, err := size(head); n > 0 || err != nil {
			return n, err
		}
	}
}

// sequence is what the connector is told.
func (c *Config) sequence() connect.Config {
	protocols := map[Security]pdu.Protocols{
		SecurityAny: pdu.ProtocolSSL | pdu.ProtocolHybrid | pdu.ProtocolHybridEx,
		SecurityNLA: pdu.ProtocolHybrid | pdu.ProtocolHybridEx,
		SecurityTLS: pdu.ProtocolSSL,
	}[c.Security] // none with standard security
	core := pdu.ClientCore{
		Version: pdu.Version10, Width: uint16(c.Width), Height: uint16(c.Height), KeyboardLayout: c.KeyboardLayout, Build: build,
		Name: c.ClientName, KeyboardType: 4, FunctionKeys: 12, Depth: uint16(min(c.Depth, 24)),
		SupportedDepths:   pdu.Depths15 | pdu.Depths16 | pdu.Depths24 | pdu.Depths32,
		EarlyCapabilities: pdu.EarlyErrorInfo | pdu.EarlyStatusInfo | pdu.EarlyStrongKeys | pdu.EarlyConnectionType | pdu.EarlySkipJoin,
		ConnectionType:    pdu.ConnectionLAN, DesktopScale: uint32(c.Scale), DeviceScale: 100, // servers use RemoteFX in a LAN alone
	}
	if c.Depth == 32 {
		core.EarlyCapabilities |= pdu.EarlyWant32
	}
	info := pdu.ClientInfo{
		Layout: c.KeyboardLayout, Shell: c.StartProgram, Directory: c.WorkingDir,
		Flags: pdu.InfoMouse | pdu.InfoDisableCtrlAltDel | pdu.InfoAutoLogon | pdu.InfoMaximizeShell | pdu.InfoLogonNotify |
			pdu.InfoEnableWindowsKey | pdu.InfoLogonErrors | pdu.InfoMouseHasWheel | pdu.InfoNoAudioPlayback,
		Performance: c.Experience.flags(),
	}
	if c.Credentials == nil {
		info.Flags &^= pdu.InfoAutoLogon
	}
	if c.Audio != nil {
		info.Flags &^= pdu.InfoNoAudioPlayback
	}
	if c.Compression != CompressionNone {
		info.Flags |= pdu.InfoCompression
		info.Compression = uint8(c.Compression - Compression8K)
	}
	cluster := pdu.ClusterRedirection | pdu.ClusterVersion4
	if c.Console {
		cluster |= pdu.ClusterSessionID
	}
	var cookie *pdu.ReconnectCookie
	if c.Reconnect != nil {
		cookie = &c.Reconnect.cookie
	}
	return connect.Config{
		Reconnect: cookie,
		Protocols: protocols, Standard: c.Security == SecurityStandard, Methods: c.methods, Target: c.ServerName, RestrictedAdmin: c.RestrictedAdmin, Info: info, Core: core, Cluster: cluster, Channels: c.channels(),
		Caps: pdu.ClientCaps{
			Depth: uint16(c.Depth), Layout: c.KeyboardLayout, RemoteFX: c.RemoteFX, NSCodec: c.NSCodec, FrameAck: framesAhead,
			MaxRequest: maxFragments, FastPathOutput: true, LargePointers: true,
		},
		Now: time.Now, Random: rand.Reader,
	}
}

// flags are those of a ClientInfo.
func (e Experience) flags() uint32 {
	var f uint32
	if e.NoWallpaper {
		f |= pdu.PerfNoWallpaper
	}
	if e.NoThemes {
		f |= pdu.PerfNoThemes
	}
	if !e.NoFontSmoothing {
		f |= pdu.PerfFontSmoothing
	}
	if e.NoAnimations {
		f |= pdu.PerfNoMenuAnimations | pdu.PerfNoFullWindowDrag | pdu.PerfNoCursorShadow
	}
	return f
}

// framesAhead is how many frames a server may send before the first of them is acknowledged.
const framesAhead = 2
