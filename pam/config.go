package pam

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rcrowley/go-metrics"
)

// Config is what a host gives the broker. New copies and validates it.
type Config struct {
	// Identify, Inventory, Vault, Policy, Events and Store are required.
	Identify  IdentifyFunc
	Inventory Inventory
	Vault     Vault
	Policy    Policy
	Events    EventSink
	Store     Store // NewMemoryStore() keeps all in memory

	// MFA checks second factors. Nil: a decision that asks for one is refused (L4).
	MFA MFAVerifier

	// Notifier is told of access requests. Nil: nobody is.
	Notifier Notifier

	// Gateway names this broker among those that share a Store or an event log; it must not change from one start to the
	// next. Empty is a name like any other, for a broker that shares nothing. At most 100 bytes of printable ASCII. Whoever is
	// in a session can read it in the statistics.
	Gateway string

	// Protocols are the adapters, by Name; a name twice is an error. At least one.
	Protocols []Protocol

	// Recorder makes recordings. Nil: a session whose profile says Record is refused (E6).
	Recorder Recorder

	// UI serves the session page and the client's files. Nil: no pages; the API and the WebSocket remain.
	UI UI

	// Origins are the exact origins ("https://pam.example.com", "http://127.0.0.1:8080") under which browsers
	// reach the handler; required. The list of allowed Host headers follows from it.
	Origins []string

	// FrameAncestors are origins that may frame the session page. Empty: none may.
	FrameAncestors []string

	// AssetURL is the host's page of an asset, same origin ("/assets/7"). Nil: no links back.
	AssetURL func(AssetID) string

	// LoginURL is where an anonymous browser that opens a session page is sent. Nil: it gets a plain 401.
	LoginURL func(next string) string

	// TrustedProxies are the hops whose X-Forwarded-For is believed. Empty: the socket's address counts (S34).
	TrustedProxies []netip.Prefix

	// Limits bounds times and sizes. The zero value of each field is its default.
	Limits Limits

	Log     *slog.Logger     // nil discards
	Metrics metrics.Registry // nil: a private registry; never the package's default one
	Now     func() time.Time // wall clock of stamps; nil: time.Now
}

// Limits are times and sizes of sessions. Zero means the default that each field names.
type Limits struct {
	Requested      time.Duration // from creation to the first attach; 30 s
	Ticket         time.Duration // life of an attach ticket; 30 s
	FirstMessage   time.Duration // from the socket's opening to its ticket; 5 s
	Unattached     int           // sockets of one address, and of one user, that have sent no ticket yet; 16
	Anonymous      int           // such sockets whose user is not known, of all addresses together; 1,000
	PendingUser    int           // launches of one user that wait to be attached; 10
	PendingAddr    int           // the same from one address; 50
	PendingAsset   int           // the same on one asset; 50
	UserRate       int           // starts, joins, attaches and sockets of one user a minute, each for itself, on this gateway; 120
	AddrRate       int           // the same from one address; 1,200. An address is an IPv4 address or an IPv6 /64
	MFAAddrRate    int           // second factors tried from one address a minute; 60
	DenialRate     int           // audit events of denials of one user a minute; 30. The next one tells how many were left out
	Body           time.Duration // for the body of a request to come; 10 s
	Connect        time.Duration // recorder, vault and target together; 60 s
	Reconnect      time.Duration // window in which an owner may come back (C2); 60 s
	MaxDuration    time.Duration // of a session; 12 h
	Idle           time.Duration // without input by anyone in it; 30 min, negative: never ends one (C4)
	Warning        time.Duration // before MaxDuration or Idle ends a session; 60 s
	Drain          time.Duration // how long Shutdown lets live sessions go on; zero: they end at once
	Review         time.Duration // between sweeps that decide about live sessions anew (S11); 15 s
	Heartbeat      time.Duration // between pings to a viewer; 20 s
	WriteTimeout   time.Duration // one write to a viewer, and one pong; 30 s
	RecorderLag    time.Duration // how long a required recorder may be behind before the session ends (S27); 10 s
	CloseTimeout   time.Duration // orderly end of connection and recording; 5 s
	Audit          time.Duration // one write to the event sink, waiting for earlier ones included (S31); 5 s
	Backlog        int           // bytes of output kept for readers that are behind; 1 MiB
	Window         int           // unacknowledged bytes per viewer; 512 KiB
	Sessions       int           // live sessions of this broker; 2,000
	PerUser        int           // live sessions of one user; 20
	PerAsset       int           // live sessions on one asset; 100
	Joiners        int           // people who have joined one session; 10 (J1)
	Upload         int64         // bytes of one file that is uploaded; 64 GiB
	Transfer       time.Duration // how long a transfer of a file may lie still before it is given up; 10 min
	Requests       int           // access requests of one user that are open; 20
	RequestLongest time.Duration // time that a request may ask for, where the workflow does not say; 8 h
	RequestAhead   time.Duration // how far in the future a request may begin; 31 days
	RequestLife    time.Duration // until a request expires whose time begins with its approval; 24 h
	MFATries       int           // second factors of a user that may fail before the lock; 5
	MFALock        time.Duration // how long failures are counted, and how long the lock is; 5 min
	MFAResult      time.Duration // life of a verified second factor whose launch failed, for the same launch; 60 s (L4)
}

func (l Limits) withDefaults() Limits {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	num := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	def(&l.Requested, 30*time.Second)
	def(&l.Ticket, 30*time.Second)
	def(&l.FirstMessage, 5*time.Second)
	num(&l.Unattached, 16)
	num(&l.Anonymous, 1000)
	num(&l.PendingUser, 10)
	num(&l.PendingAddr, 50)
	num(&l.PendingAsset, 50)
	num(&l.UserRate, 120)
	num(&l.AddrRate, 1200)
	num(&l.MFAAddrRate, 60)
	num(&l.DenialRate, 30)
	def(&l.Body, 10*time.Second)
	def(&l.Connect, 60*time.Second)
	def(&l.Reconnect, 60*time.Second)
	def(&l.MaxDuration, 12*time.Hour)
	def(&l.Idle, 30*time.Minute)
	def(&l.Warning, time.Minute)
	def(&l.Review, 15*time.Second)
	def(&l.Heartbeat, 20*time.Second)
	def(&l.WriteTimeout, 30*time.Second)
	def(&l.RecorderLag, 10*time.Second)
	def(&l.CloseTimeout, 5*time.Second)
	def(&l.Audit, 5*time.Second)
	num(&l.Backlog, 1<<20)
	num(&l.Window, 512<<10)
	num(&l.Sessions, 2000)
	num(&l.PerUser, 20)
	num(&l.PerAsset, 100)
	num(&l.Joiners, 10)
	if l.Upload == 0 {
		l.Upload = 64 << 30
	}
	def(&l.Transfer, 10*time.Minute)
	num(&l.Requests, 20)
	def(&l.RequestLongest, 8*time.Hour)
	def(&l.RequestAhead, 31*24*time.Hour)
	def(&l.RequestLife, 24*time.Hour)
	num(&l.MFATries, 5)
	def(&l.MFALock, 5*time.Minute)
	def(&l.MFAResult, 60*time.Second)
	return l
}

func (l Limits) validate() error {
	var errs []error
	for name, d := range map[string]time.Duration{
		"Requested": l.Requested, "Ticket": l.Ticket, "FirstMessage": l.FirstMessage, "Connect": l.Connect, "Body": l.Body,
		"Reconnect": l.Reconnect, "MaxDuration": l.MaxDuration, "Review": l.Review, "Heartbeat": l.Heartbeat,
		"WriteTimeout": l.WriteTimeout, "RecorderLag": l.RecorderLag, "CloseTimeout": l.CloseTimeout,
		"MFALock": l.MFALock, "MFAResult": l.MFAResult, "Warning": l.Warning,
		"Drain": l.Drain, "Audit": l.Audit, "Transfer": l.Transfer,
		"RequestLongest": l.RequestLongest, "RequestAhead": l.RequestAhead, "RequestLife": l.RequestLife,
	} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("pam: Config.Limits.%s is %v; want a positive time, or 0 for the default", name, d))
		}
	}
	for name, n := range map[string]int{
		"Unattached": l.Unattached, "Backlog": l.Backlog, "Window": l.Window, "Sessions": l.Sessions, "PerUser": l.PerUser,
		"PerAsset": l.PerAsset, "Joiners": l.Joiners, "MFATries": l.MFATries, "Requests": l.Requests,
		"Anonymous": l.Anonymous, "PendingUser": l.PendingUser, "PendingAddr": l.PendingAddr, "PendingAsset": l.PendingAsset,
		"UserRate": l.UserRate, "AddrRate": l.AddrRate, "MFAAddrRate": l.MFAAddrRate, "DenialRate": l.DenialRate,
	} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("pam: Config.Limits.%s is %d; want a positive number, or 0 for the default", name, n))
		}
	}
	if l.Upload < 0 {
		errs = append(errs, fmt.Errorf("pam: Config.Limits.Upload is %d; want a positive number, or 0 for the default", l.Upload))
	}
	return errors.Join(errs...)
}

// prepare returns a copy of c with defaults filled in, or every fault it finds.
func (c Config) prepare() (Config, error) {
	var errs []error
	missing := func(name string, nil bool) {
		if nil {
			errs = append(errs, fmt.Errorf("pam: Config.%s is nil", name))
		}
	}
	missing("Identify", c.Identify == nil)
	missing("Inventory", c.Inventory == nil)
	missing("Vault", c.Vault == nil)
	missing("Policy", c.Policy == nil)
	missing("Events", c.Events == nil)
	missing("Store", c.Store == nil)

	c.Protocols = slices.Clone(c.Protocols)
	if len(c.Protocols) == 0 {
		errs = append(errs, errors.New("pam: Config.Protocols is empty; give at least one adapter, for example sshx.New"))
	}
	seen := map[string]bool{}
	for i, p := range c.Protocols {
		switch {
		case p == nil:
			errs = append(errs, fmt.Errorf("pam: Config.Protocols[%d] is nil", i))
		case p.Name() == "":
			errs = append(errs, fmt.Errorf("pam: Config.Protocols[%d] has no name", i))
		case seen[p.Name()]:
			errs = append(errs, fmt.Errorf("pam: Config.Protocols has %q twice", p.Name()))
		default:
			seen[p.Name()] = true
		}
	}

	if len(c.Gateway) > 100 || strings.ContainsFunc(c.Gateway, func(r rune) bool { return r <= ' ' || r > '~' }) {
		errs = append(errs, fmt.Errorf("pam: Config.Gateway is %q; want at most 100 bytes of printable ASCII without blanks", c.Gateway))
	}

	c.Origins = slices.Clone(c.Origins)
	if len(c.Origins) == 0 {
		errs = append(errs, errors.New(`pam: Config.Origins is empty; list the exact origins, for example "https://pam.example.com"`))
	}
	for i, o := range c.Origins {
		n, err := canonicalOrigin(o)
		if err != nil {
			errs = append(errs, fmt.Errorf("pam: Config.Origins[%d]: %w", i, err))
			continue
		}
		c.Origins[i] = n
	}
	c.FrameAncestors = slices.Clone(c.FrameAncestors)
	for i, o := range c.FrameAncestors {
		n, err := canonicalOrigin(o)
		if err != nil {
			errs = append(errs, fmt.Errorf("pam: Config.FrameAncestors[%d]: %w", i, err))
			continue
		}
		c.FrameAncestors[i] = n
	}
	c.TrustedProxies = slices.Clone(c.TrustedProxies)

	if err := c.Limits.validate(); err != nil {
		errs = append(errs, err)
	}
	c.Limits = c.Limits.withDefaults()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = metrics.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, errors.Join(errs...)
}

// canonicalOrigin checks that o is scheme://host[:port] and nothing more, and returns it in lower case, as
// browsers send it.
func canonicalOrigin(o string) (string, error) {
	u, err := url.Parse(o)
	if err != nil {
		return "", fmt.Errorf("%q is no origin: %w", o, err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Contains(u.Host, "*") {
		return "", fmt.Errorf("%q is no origin; want exactly scheme://host[:port] with http or https", o)
	}
	if bare := u.Scheme + "://" + u.Host; !strings.EqualFold(bare, o) {
		return "", fmt.Errorf("%q has more than an origin; want %q", o, bare)
	}
	host := strings.ToLower(u.Host)
	// Browsers leave out a scheme's own port.
	if u.Scheme == "http" {
		host = strings.TrimSuffix(host, ":80")
	} else {
		host = strings.TrimSuffix(host, ":443")
	}
	return u.Scheme + "://" + host, nil
}

// discardEvents is what InsecureDiscardEvents returns.
type discardEvents struct{}

func (discardEvents) Write(context.Context, Event) error { return nil }

// InsecureDiscardEvents returns a sink that keeps no audit trail. It is for tests and first steps.
func InsecureDiscardEvents() EventSink { return discardEvents{} }
