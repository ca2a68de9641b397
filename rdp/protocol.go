package rdp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/dial"
	"github.com/sallyport/sallyport/rdp/drive"
)

const (
	protocolName = "rdp"
	defaultPort  = "3389"

	// With these a target that is gone is found within 25 s.
	keepAliveIdle     = 10 * time.Second
	keepAliveInterval = 5 * time.Second
	keepAliveCount    = 3
)

// ProtocolConfig says how targets are reached and trusted. The zero value works for assets that carry their own pins or authorities
// (AttrCertificates, AttrCertificateCAs) and refuses every other target.
type ProtocolConfig struct {
	// Dialer opens connections. Nil means a net.Dialer.
	Dialer dial.Dialer
	// Jumps leads to assets behind jump hosts (pam.Asset.Via); *sshx.Protocol is one that does. Nil refuses such assets.
	Jumps Jumps
	// CheckAddr refuses addresses after the name was resolved (S30). Nil means dial.CheckResolved with the default Dialer, and no resolving and no
	// check with a Dialer of your own.
	CheckAddr dial.Check
	// ConfirmCertificate decides about the certificate of an asset whose record names none; only nil accepts it, for this one connection. It
	// runs within HandshakeTimeout. Nil refuses.
	ConfirmCertificate func(ctx context.Context, a pam.Asset, c UnknownCertificate) error
	// InsecureAcceptAnyCertificate trusts whatever answers, for assets whose record names no certificate. Credentials can then be stolen by whoever
	// stands in between.
	InsecureAcceptAnyCertificate bool
	// Drive makes the file system of a session's drive; nil makes one in memory with the limits of package drive for each session. It is
	// asked only where files may be moved at all.
	Drive func(ctx context.Context, r pam.ConnectRequest) (drive.FileSystem, error)
	// DriveName is how the drive is called in sessions. Empty means DefaultDriveName.
	DriveName string
	// Compression is what is offered for the line between gateway and target. Zero offers none: it costs both more than it saves in a
	// data centre.
	Compression Compression
	// HandshakeTimeout covers everything up to the active desktop. Zero means DefaultHandshakeTimeout.
	HandshakeTimeout time.Duration
	// AnswerTimeout is how long a desktop may answer nothing after input before it counts as one that has stopped: see Config.AnswerTimeout.
	// Zero means DefaultAnswerTimeout, negative for ever.
	AnswerTimeout time.Duration
}

// Jumps opens connections to targets through the jump hosts of a request. address is host:port, and resolved by the last of them.
type Jumps interface {
	DialVia(ctx context.Context, r pam.ConnectRequest, address string) (net.Conn, error)
}

// Protocol is the adapter for desktops: it implements pam.Protocol. NewProtocol makes one.
type Protocol struct{ cfg ProtocolConfig }

var _ pam.Protocol = (*Protocol)(nil)

// NewProtocol checks the configuration.
func NewProtocol(cfg ProtocolConfig) (*Protocol, error) {
	if cfg.ConfirmCertificate != nil && cfg.InsecureAcceptAnyCertificate {
		return nil, errors.New("rdp: both ProtocolConfig.InsecureAcceptAnyCertificate and ProtocolConfig.ConfirmCertificate: the question would never be asked")
	}
	if cfg.HandshakeTimeout < 0 {
		return nil, fmt.Errorf("rdp: negative ProtocolConfig.HandshakeTimeout: %v", cfg.HandshakeTimeout)
	}
	if cfg.Compression > CompressionXCRUSH {
		return nil, fmt.Errorf("rdp: ProtocolConfig.Compression %d: unknown", cfg.Compression)
	}
	if err := checkDriveName(cfg.DriveName); err != nil {
		return nil, fmt.Errorf("rdp: ProtocolConfig.DriveName %w", err)
	}
	cfg.Dialer, cfg.CheckAddr = dial.Defaults(cfg.Dialer, cfg.CheckAddr)
	return &Protocol{cfg}, nil
}

// Name returns "rdp".
func (p *Protocol) Name() string { return protocolName }

// Connect signs in to the asset's address as its account, and waits for the desktop.
//
// The error is a [*pam.TargetError]: target_config for a record that cannot be used, target_unreachable, certificate_unknown,
// certificate_mismatch, target_security, target_auth_failed, target_licence, target_protocol, or invalid_param, capability_denied and internal.
func (p *Protocol) Connect(ctx context.Context, r pam.ConnectRequest) (pam.Conn, error) {
	c, err := p.connect(ctx, r)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (p *Protocol) connect(ctx context.Context, r pam.ConnectRequest) (*conn, error) {
	l, err := newLaunch(&r, p.Params())
	if err != nil {
		return nil, err
	}
	if len(r.Via) > 0 && p.cfg.Jumps == nil {
		return nil, &pam.TargetError{Code: pam.CodeTargetConfig, Err: fmt.Errorf("asset %s: it is behind jump hosts, and ProtocolConfig.Jumps leads through none", r.Asset.ID)}
	}
	way, err := p.way(&r, &l)
	if err != nil {
		return nil, err
	}
	if l.drive && (r.Capabilities.Permits(pam.FileUpload) || r.Capabilities.Permits(pam.FileDownload)) {
		if way.files, err = p.drive(ctx, r); err != nil {
			return nil, &pam.TargetError{Code: pam.CodeInternal, Err: fmt.Errorf("drive: %w", err)}
		}
		way.cfg.Drive = &Drive{Files: way.files, Name: p.cfg.DriveName}
	}
	size := l.fixed
	if size == [2]int{} {
		size[0], size[1] = desktopSize(r.Size.Width, r.Size.Height)
	}
	client, err := way.open(ctx, size, nil)
	if err != nil {
		return nil, err
	}
	log := r.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	info := client.Info()
	log.Info("desktop", "security", info.Protocol, "tls", info.TLSVersion, "certificate", info.Fingerprint)
	return newConn(way, client, l, size, log), nil
}

func (p *Protocol) drive(ctx context.Context, r pam.ConnectRequest) (drive.FileSystem, error) {
	if p.cfg.Drive == nil {
		return drive.NewMemory(drive.MemoryConfig{}), nil
	}
	return p.cfg.Drive(ctx, r)
}

// way is how a target is reached, as often as it takes.
type way struct {
	cfg   Config
	addr  string           // host:port
	files drive.FileSystem // nil: no drive
}

// way puts together what a request, its parameters and the configuration say.
func (p *Protocol) way(r *pam.ConnectRequest, l *launch) (*way, error) {
	host, port, err := dial.Split(r.Asset.Address, defaultPort)
	if err != nil {
		return nil, &pam.TargetError{Code: pam.CodeTargetConfig, Err: fmt.Errorf("asset %s: address: %w", r.Asset.ID, err)}
	}
	asset, field := r.Asset, r.Field
	w := &way{addr: net.JoinHostPort(host, port)}
	w.cfg = Config{
		Dialer: targets{&p.cfg, r}, HandshakeTimeout: p.cfg.HandshakeTimeout, AnswerTimeout: p.cfg.AnswerTimeout, Compression: p.cfg.Compression,
		Depth: l.depth, Scale: l.scale, KeyboardLayout: l.layout, Console: l.console, StartProgram: l.program, Experience: l.experience,
		RemoteFX: l.codec == "auto" || l.codec == "remotefx", NSCodec: l.codec == "nscodec",
		ManualFrameAck: true, Resize: l.fixed == [2]int{},
		Credentials: func(ctx context.Context) (Credentials, error) {
			password, err := field(ctx, pam.FieldPassword)
			if err != nil && !errors.Is(err, pam.ErrNoField) {
				return Credentials{}, &pam.TargetError{Code: pam.CodeInternal, Err: fmt.Errorf("vault: %w", err)}
			}
			return Credentials{User: asset.Account, Domain: asset.Attributes[AttrDomain], Password: Password(password.Reveal())}, nil
		},
	}
	if err := w.cfg.applyAsset(&asset); err != nil {
		return nil, err
	}
	if !w.cfg.known() {
		w.cfg.InsecureAcceptAnyCertificate = p.cfg.InsecureAcceptAnyCertificate
		if confirm := p.cfg.ConfirmCertificate; confirm != nil {
			w.cfg.ConfirmCertificate = func(ctx context.Context, c UnknownCertificate) error { return confirm(ctx, asset, c) }
		}
	}
	if up, down := r.Capabilities.Permits(pam.ClipboardUpload), r.Capabilities.Permits(pam.ClipboardDownload); up || down {
		w.cfg.Clipboard = &Clipboard{ToSession: up, FromSession: down}
	}
	if l.audio {
		w.cfg.Audio = &Audio{}
	}
	return w, nil
}

// open connects for a desktop of that size. cookie, if there is one, is what an earlier connection got for coming back.
func (w *way) open(ctx context.Context, size [2]int, cookie *Reconnect) (*Client, error) {
	cfg := w.cfg
	cfg.Width, cfg.Height, cfg.Reconnect = size[0], size[1], cookie
	client, err := Dial(ctx, w.addr, &cfg)
	if err != nil {
		return nil, w.failed(err)
	}
	return client, nil
}

// targets dials the address of a request's asset.
type targets struct {
	cfg     *ProtocolConfig
	request *pam.ConnectRequest
}

// DialContext connects to an address that was checked (S30), or through the jump hosts, as what they reach is their affair.
func (t targets) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	if len(t.request.Via) > 0 {
		return t.cfg.Jumps.DialVia(ctx, *t.request, address)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	sock, err := dial.To(ctx, t.cfg.Dialer, t.cfg.CheckAddr, host, port)
	if err != nil {
		return nil, err
	}
	if tcp, ok := sock.(interface {
		SetKeepAliveConfig(net.KeepAliveConfig) error
	}); ok { // a machine that is gone without a word is found by the transport (S35); for one that has stopped see alive
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount})
		_ = boundUnacked(sock, keepAliveIdle+keepAliveCount*keepAliveInterval)
	}
	return sock, nil
}
