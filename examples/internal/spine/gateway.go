// Package spine puts a whole gateway together for the integration tests and the benchmarks: the broker, the
// adapters, a recorder on disk, and a policy that lets one user in. Everything is the real thing but the login.
package spine

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/sshx"
)

// The one asset that may be worked on, with and without recording, and who may.
const (
	Recorded   = pam.AssetID("recorded")
	Unrecorded = pam.AssetID("unrecorded")
	User       = pam.UserID("operator")
	manager    = pam.UserID("manager") // may join
)

// Target is where the assets lead: a shell, or a desktop if it has a Certificate.
type Target struct {
	Address     string
	User        string
	HostKey     string // authorized_keys line
	Password    string
	KeyPEM      string
	Certificate string // fingerprint, as rdp.Fingerprint has it
}

// Config of a Gateway. Target is required.
type Config struct {
	Target Target
	Dir    string          // of recordings; empty: no recorder
	FS     recorder.FS     // instead of Dir
	MFA    pam.MFAVerifier // where the policy asks for it
	Limits pam.Limits
	Log    *slog.Logger
	Addr   string // to listen on; empty: a free port of 127.0.0.1
	Tune   func(*recorder.Config)
}

// Gateway is a running gateway.
type Gateway struct {
	Broker   *pam.Broker
	Recorder *recorder.Recorder
	Key      ed25519.PublicKey
	Events   *pamtest.EventSink
	Policy   *pamtest.Policy
	URL      string

	server *http.Server
	served chan error
}

// Start starts a gateway on loopback.
func Start(cfg Config) (*Gateway, error) {
	ssh, err := sshx.New(sshx.Config{})
	if err != nil {
		return nil, err
	}
	desktops, err := rdp.NewProtocol(rdp.ProtocolConfig{})
	if err != nil {
		return nil, err
	}
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, err
	}
	g := &Gateway{Events: &pamtest.EventSink{}, Policy: policy(), URL: "http://" + l.Addr().String(), served: make(chan error, 1)}
	pc := pam.Config{
		Identify: identify, Inventory: inventory(cfg.Target), Vault: vault(cfg.Target), Policy: g.Policy, Events: g.Events,
		Store: pam.NewMemoryStore(), Protocols: []pam.Protocol{ssh, desktops}, Origins: []string{g.URL}, Limits: cfg.Limits, Log: cfg.Log, MFA: cfg.MFA,
	}
	pamtest.Unthrottle(&pc.Limits)
	if cfg.Dir != "" || cfg.FS != nil {
		pub, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		g.Key = pub
		rc := recorder.Config{Dir: cfg.Dir, FS: cfg.FS, Key: key, InsecureNoFreeFloor: true, Log: cfg.Log}
		if cfg.Tune != nil {
			cfg.Tune(&rc)
		}
		if g.Recorder, err = recorder.New(rc); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		pc.Recorder = g.Recorder
	}
	if g.Broker, err = pam.New(pc); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("/pam/", http.StripPrefix("/pam", g.Broker.Handler()))
	g.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { g.served <- g.server.Serve(l) }()
	return g, nil
}

// Close ends all sessions and the server.
func (g *Gateway) Close(ctx context.Context) error {
	err := g.Broker.Shutdown(ctx)
	err = errors.Join(err, g.server.Close())
	if serr := <-g.served; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	if g.Recorder != nil {
		err = errors.Join(err, g.Recorder.Close(ctx))
	}
	return err
}

// Browser is a browser with the one login that there is.
func (g *Gateway) Browser() *pamtest.Browser { return Browser(g.URL) }

// Manager is the browser of somebody who may join the sessions of others.
func (g *Gateway) Manager() *pamtest.Browser { return Manager(g.URL) }

// Browser returns a browser for a gateway at url.
func Browser(url string) *pamtest.Browser {
	return &pamtest.Browser{Base: url + "/pam", Header: http.Header{"Origin": {url}, "Cookie": {"login=1"}}}
}

// Manager returns the browser of somebody who may join the sessions of others, for a gateway at url.
func Manager(url string) *pamtest.Browser {
	b := Browser(url)
	b.Header.Set("Cookie", "login="+string(manager))
	return b
}

func identify(r *http.Request) (pam.Identity, error) {
	c, err := r.Cookie("login")
	if err != nil {
		return pam.Identity{}, pam.ErrUnauthenticated
	}
	who := pam.Identity{User: User, LoginID: c.Value, Cookie: true}
	if c.Value == string(manager) {
		who.User = manager
	}
	return who, nil
}

func inventory(t Target) pam.Inventory {
	asset := func(id pam.AssetID) pam.Asset {
		a := pam.Asset{
			ID: id, Name: string(id), Type: pam.AssetType{ID: "server", Name: "Server", Protocol: "ssh", OS: pam.OSUnix},
			Address: t.Address, Account: t.User, Attributes: map[string]string{sshx.AttrHostKeys: t.HostKey},
		}
		if t.Certificate != "" {
			a.Type = pam.AssetType{ID: "desktop", Name: "Desktop", Protocol: "rdp", OS: pam.OSUnix}
			a.Attributes = map[string]string{rdp.AttrCertificates: t.Certificate}
		}
		return a
	}
	return pamtest.NewInventory(asset(Recorded), asset(Unrecorded))
}

func vault(t Target) pam.Vault {
	fields := map[string]string{pam.FieldPassword: t.Password, pam.FieldPrivateKey: t.KeyPEM}
	return vaultFunc(func(_ context.Context, r pam.FieldRequest) (pam.Secret, error) {
		if v := fields[r.Field]; v != "" {
			return pam.NewSecret(v), nil
		}
		return pam.Secret{}, fmt.Errorf("%s: %w", r.Field, pam.ErrNoField)
	})
}

type vaultFunc func(context.Context, pam.FieldRequest) (pam.Secret, error)

func (f vaultFunc) Field(ctx context.Context, r pam.FieldRequest) (pam.Secret, error) {
	return f(ctx, r)
}

func policy() *pamtest.Policy {
	p := &pamtest.Policy{}
	all := pamtest.Permit(pam.RoleOwner, pam.WebSession, pam.Keyboard, pam.ClipboardUpload, pam.ClipboardDownload, pam.SessionURL)
	p.Set(User, Unrecorded, all)
	p.Set(User, Recorded, pamtest.Recorded(all, pam.WebSession, pam.Keyboard))
	join := pamtest.Permit(pam.RoleManager, pam.WebSession, pam.Keyboard, pam.JoinMonitor, pam.JoinParticipate)
	p.Set(manager, Unrecorded, join)
	p.Set(manager, Recorded, pamtest.Recorded(join, pam.WebSession, pam.Keyboard))
	return p
}
