package pamtest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// Host is a host application over the fakes of this package, for the tests of an adapter: a broker, served at a loopback address,
// to whose users a cookie is proof enough. Only the adapter is real. What a test wants to be permitted it tells Policy.
type Host struct {
	URL      string // origin of its pages; the broker is mounted at /pam
	Policy   *Policy
	Events   *EventSink
	Recorder *Recorder

	client *http.Client
}

// StartHost starts a host before one asset, with the secrets that its vault has for it. It is shut down when the test ends.
func StartHost(t testing.TB, protocol pam.Protocol, asset pam.Asset, secrets map[string]string) *Host {
	t.Helper()
	return startHost(t, protocol, asset, secrets, nil)
}

// StartFarHost is StartHost with a network between the host and its users: URL is where that begins for them.
func StartFarHost(t testing.TB, protocol pam.Protocol, asset pam.Asset, secrets map[string]string) (*Host, *BadLink) {
	t.Helper()
	var near atomic.Value // the host's address: it is made after the link, whose address is one of its origins
	link := NewBadLinkTo(t, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", near.Load().(string))
	})
	far := "http://" + link.Addr()
	h := startHost(t, protocol, asset, secrets, []string{far})
	near.Store(strings.TrimPrefix(h.URL, "http://"))
	h.URL = far
	t.Cleanup(link.Close) // before the host, whose listener waits for its connections
	return h, link
}

func startHost(t testing.TB, protocol pam.Protocol, asset pam.Asset, secrets map[string]string, origins []string) *Host {
	t.Helper()
	h := &Host{Policy: &Policy{}, Events: &EventSink{}, Recorder: &Recorder{}, client: &http.Client{Transport: &http.Transport{}}}
	vault := &Vault{}
	for field, v := range secrets {
		vault.Set(asset.ID, field, v)
	}
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	h.URL = web.URL
	cfg := pam.Config{
		Identify:  identifyByCookie,
		Inventory: NewInventory(asset), Vault: vault, Policy: h.Policy, Events: h.Events, Store: pam.NewMemoryStore(), Recorder: h.Recorder,
		Protocols: []pam.Protocol{protocol}, Origins: append(origins, web.URL),
	}
	Unthrottle(&cfg.Limits)
	b, err := pam.New(cfg)
	if err != nil {
		web.Close()
		t.Fatal(err)
	}
	mux.Handle("/pam/", http.StripPrefix("/pam", b.Handler()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := b.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		h.client.CloseIdleConnections()
		web.Close()
	})
	return h
}

// Browser returns the browser of a user.
func (h *Host) Browser(u pam.UserID) *Browser {
	return &Browser{Base: h.URL + "/pam", Client: h.client, Header: http.Header{"Origin": {h.URL}, "Cookie": {"login=" + string(u)}}}
}

// identifyByCookie takes the cookie's word for who somebody is.
func identifyByCookie(r *http.Request) (pam.Identity, error) {
	c, err := r.Cookie("login")
	if err != nil {
		return pam.Identity{}, pam.ErrUnauthenticated
	}
	return pam.Identity{User: pam.UserID(c.Value), LoginID: c.Value, Cookie: true}, nil
}
