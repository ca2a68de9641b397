package eventlog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// SyslogConfig is what NewSyslog needs.
type SyslogConfig struct {
	// Network is unixgram, udp, unix, tcp or tls. Over the last three, messages are framed by octet counting (RFC 6587 3.4.1,
	// RFC 5425 4.3).
	Network string
	Address string      // host:port, or the path of a socket ("/dev/log")
	TLS     *tls.Config // of tls; nil: the system's authorities and the host of Address. It is copied

	Facility int    // 1 to 23; zero means 13, log audit
	Host     string // HOSTNAME of the messages; empty: os.Hostname
	App      string // APP-NAME; empty: "sallyport"
	// SDID names the structured data element, name@number with the host's private enterprise number. Empty:
	// "sallyport@32473", of the number that is reserved for examples.
	SDID string
}

// Syslog sends each event as one message of RFC 5424. It is a pam.EventSink. It connects at the first event and again when a
// connection is lost; what was on its way then may be lost or there twice, which the numbers show.
type Syslog struct {
	c      SyslogConfig
	header string // between time stamp and MSGID

	turn chan struct{} // one token: one message at a time
	mu   sync.Mutex    // guards all below
	conn *peer
	shut bool
	wg   sync.WaitGroup // of the goroutine of conn
}

// peer is a connection that notices when the other side is gone.
type peer struct {
	net.Conn
	gone chan struct{}
}

// streams are the networks whose messages need a frame.
var streams = map[string]bool{"unixgram": false, "udp": false, "unix": true, "tcp": true, "tls": true}

// NewSyslog returns a sink over a copy of c, or an error that says what is wrong with it. It does not connect yet.
func NewSyslog(c SyslogConfig) (*Syslog, error) {
	if _, ok := streams[c.Network]; !ok {
		return nil, fmt.Errorf("eventlog: SyslogConfig.Network is %q; want unixgram, udp, unix, tcp or tls", c.Network)
	}
	if c.Address == "" {
		return nil, errors.New("eventlog: SyslogConfig.Address is empty")
	}
	if c.Network == "tls" {
		if c.TLS == nil {
			c.TLS = &tls.Config{}
		}
		c.TLS = c.TLS.Clone()
		c.TLS.MinVersion = max(c.TLS.MinVersion, tls.VersionTLS12)
		if c.TLS.ServerName == "" {
			host, _, err := net.SplitHostPort(c.Address)
			if err != nil {
				return nil, fmt.Errorf("eventlog: SyslogConfig.Address: %w", err)
			}
			c.TLS.ServerName = host
		}
	}
	if c.Facility == 0 {
		c.Facility = 13
	}
	if c.Facility < 1 || c.Facility > 23 {
		return nil, fmt.Errorf("eventlog: SyslogConfig.Facility is %d; want 1 to 23, or 0 for 13", c.Facility)
	}
	if c.Host == "" {
		c.Host, _ = os.Hostname() // empty is the nil value of the format
	}
	if c.App == "" {
		c.App = "sallyport"
	}
	if c.SDID == "" {
		c.SDID = "sallyport@32473"
	}
	for _, field := range []struct {
		name, value string
		most        int
	}{{"Host", c.Host, 255}, {"App", c.App, 48}, {"SDID", c.SDID, 32}} {
		if len(field.value) > field.most || strings.ContainsFunc(field.value, func(r rune) bool { return r <= ' ' || r > '~' }) ||
			field.name == "SDID" && strings.ContainsAny(field.value, `=]"`) {
			return nil, fmt.Errorf("eventlog: SyslogConfig.%s is %q; want at most %d bytes of printable ASCII", field.name, field.value, field.most)
		}
	}
	s := &Syslog{c: c, turn: make(chan struct{}, 1)}
	s.header = fmt.Sprintf("%s %s %d", orNil(c.Host), c.App, os.Getpid())
	s.turn <- struct{}{}
	return s, nil
}

// Write implements pam.EventSink. A nil error says that the operating system has taken the message.
func (s *Syslog) Write(ctx context.Context, e pam.Event) error {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { s.turn <- struct{}{} }()
	msg := s.format(e)
	if streams[s.c.Network] {
		msg = append(strconv.AppendInt(nil, int64(len(msg)), 10), append([]byte{' '}, msg...)...)
	}
	var err error
	for range 2 { // a connection that broke since the last event is made anew, once
		var p *peer
		if p, err = s.connect(ctx); err != nil {
			break
		}
		if err = p.send(ctx, msg); err == nil {
			return nil
		}
		s.drop(p)
		if ctx.Err() != nil {
			break
		}
	}
	return fmt.Errorf("eventlog: syslog %s %s: %w", s.c.Network, s.c.Address, err)
}

// send writes one message, for as long as ctx lasts.
func (p *peer) send(ctx context.Context, msg []byte) error {
	if err := p.SetWriteDeadline(time.Time{}); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = p.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err := p.Write(msg)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// connect returns the connection, a new one if there is none or its other side is gone.
func (s *Syslog) connect(ctx context.Context) (*peer, error) {
	s.mu.Lock()
	p, shut := s.conn, s.shut
	s.mu.Unlock()
	if shut {
		return nil, net.ErrClosed
	}
	if p != nil {
		select {
		case <-p.gone:
			s.drop(p)
		default:
			return p, nil
		}
	}
	var conn net.Conn
	var err error
	if s.c.Network == "tls" {
		conn, err = (&tls.Dialer{Config: s.c.TLS}).DialContext(ctx, "tcp", s.c.Address)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, s.c.Network, s.c.Address)
	}
	if err != nil {
		return nil, err
	}
	p = &peer{conn, make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
	s.conn = p
	if streams[s.c.Network] { // nothing is ever said to us but the end, without which the first message after it would vanish
		s.wg.Go(func() {
			defer close(p.gone)
			_, _ = io.Copy(io.Discard, conn)
		})
	}
	return p, nil
}

// drop closes a connection and forgets it.
func (s *Syslog) drop(p *peer) {
	_ = p.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == p {
		s.conn = nil
	}
}

// Close closes the connection. Writes fail afterwards.
func (s *Syslog) Close() error {
	s.mu.Lock()
	s.shut = true
	p := s.conn
	s.mu.Unlock()
	if p != nil {
		s.drop(p)
	}
	s.wg.Wait()
	return nil
}

// The severities that are used (RFC 5424 6.2.1).
const (
	severityWarning = 4 // of denials
	severityNotice  = 5
)

// format writes an event as a message of RFC 5424.
func (s *Syslog) format(e pam.Event) []byte {
	severity := severityNotice
	if e.Code != "" && e.Code != pam.CodeAllowed && e.Verb != pam.CompleteSession && e.Verb != pam.LeaveSession {
		severity = severityWarning
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<%d>1 %s %s %s [%s", s.c.Facility*8+severity, e.At.UTC().Format("2006-01-02T15:04:05.000000Z"), s.header, msgID(e.Verb), s.c.SDID)
	for _, p := range []struct{ name, value string }{
		{"seq", strconv.FormatUint(e.Seq, 10)},
		{"gateway", e.Gateway},
		{"user", string(e.User)},
		{"login", e.Login},
		{"asset", string(e.Asset)},
		{"session", string(e.Session)},
		{"client", e.ClientAddr},
		{"socket", e.SocketAddr},
		{"code", string(e.Code)},
		{"reason", string(e.Reason)},
		{"detail", e.Detail},
	} {
		if p.value != "" {
			fmt.Fprintf(&b, ` %s="%s"`, p.name, sdValue(p.value))
		}
	}
	for _, r := range e.Rules {
		fmt.Fprintf(&b, ` rule="%s"`, sdValue(r))
	}
	if e.Policy != 0 {
		fmt.Fprintf(&b, ` policy="%d"`, e.Policy)
	}
	b.WriteString("] ")
	b.WriteString(visible(string(e.Verb)))
	if e.Code != "" {
		b.WriteString(": " + visible(string(e.Code)))
	}
	return []byte(b.String())
}

// visible writes what acts as \uXXXX and a backslash as two, so that the text can be read back. Bytes that are no UTF-8
// become U+FFFD.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case acts(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// sdEscapes are the three characters that end or escape within a parameter's value (RFC 5424 6.3.3).
var sdEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)

// sdValue writes a parameter's value: made visible first, then escaped as the format asks.
func sdValue(text string) string { return sdEscapes.Replace(visible(text)) }

// msgID is a verb as MSGID: printable ASCII without blanks, at most 32 bytes.
func msgID(v pam.Verb) string {
	id := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, string(v))
	return orNil(id[:min(len(id), 32)])
}

// orNil is the format's way to say nothing.
func orNil(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
