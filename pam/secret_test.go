package pam_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// TestSecret_S13_PrintsNothing: formatted, marshalled, logged, nested, in any way, a secret does not show.
func TestSecret_S13_PrintsNothing(t *testing.T) {
	canary := pamtest.NewCanary()
	scan := pamtest.NewScanner(t, canary)
	s := pam.NewSecret(canary)
	type inner struct{ s pam.Secret }
	type outer struct {
		Public  pam.Secret
		private pam.Secret
		ptr     *pam.Secret
		in      inner
		list    []pam.Secret
		m       map[string]pam.Secret
		any     any
	}
	o := outer{s, s, &s, inner{s}, []pam.Secret{s}, map[string]pam.Secret{"k": s}, s}
	for _, v := range []any{s, &s, o, &o, []any{s, o}, struct{ any }{o}, fmt.Errorf("wrapped: %v", s), map[string]any{"o": o}} {
		for _, verb := range strings.Split("v +v #v s q x X d b o c U e t T p 100.50v", " ") {
			scan.Bytes("%"+verb, fmt.Appendf(nil, "%"+verb, v))
		}
		b, err := json.Marshal(v)
		if err == nil {
			scan.Bytes("json", b)
		}
		for _, h := range []func(*bytes.Buffer) slog.Handler{
			func(w *bytes.Buffer) slog.Handler { return slog.NewTextHandler(w, nil) },
			func(w *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(w, nil) },
		} {
			var out bytes.Buffer
			slog.New(h(&out)).With("with", v).Info("text", "key", v, slog.Group("g", "k", v))
			scan.Bytes("slog", out.Bytes())
		}
		func() {
			defer func() { scan.Bytes("panic", fmt.Appendf(nil, "%v %+v", recover(), v)) }()
			panic(v)
		}()
	}
	scan.Verify()
	if s.Reveal() != canary || s.Empty() || !(pam.Secret{}).Empty() || (pam.Secret{}).Reveal() != "" {
		t.Error("Reveal or Empty")
	}
}

// TestCanary_S13_S30_NothingEscapes takes a password, and the target's address and account, through whole sessions (a good
// one, one that fails and one whose adapter panics) and looks for them in every byte that leaves: answers, socket, log,
// events, store and recording. A planted leak proves that the search finds them.
func TestCanary_S13_S30_NothingEscapes(t *testing.T) {
	password, address, account := pamtest.NewCanary(), "canary-address.example:2222", "canary-account-name"
	scan := pamtest.NewScanner(t, password, address, account)
	vault := &pamtest.Vault{}
	vault.Set(asset1, pam.FieldPassword, password)
	r := newRig(t, func(c *pam.Config) {
		c.Vault = vault
		c.Protocols = []pam.Protocol{asking{c.Protocols[0].(*pamtest.Protocol)}}
	})
	r.inventory.Put(pam.Asset{
		ID: asset1, Name: "Server", Type: pam.AssetType{Protocol: "ssh", OS: pam.OSUnix}, Address: address, Account: account,
		Attributes: map[string]string{"host_keys": address},
	})
	r.recorded(pam.Keyboard)
	answers := scan.Tap("HTTP")
	inner := r.server.Config.Handler
	r.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasSuffix(q.URL.Path, "/socket") {
			inner.ServeHTTP(w, q)
			return
		}
		rec := httptest.NewRecorder()
		inner.ServeHTTP(rec, q)
		_, _ = answers.Write(rec.Body.Bytes())
		_, _ = answers.Write(fmt.Append(nil, rec.Header()))
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
	p := r.alice()
	r.protocol.At("Connect", 2, pamtest.Fault{Err: fmt.Errorf("dial: %w", errFake)})
	r.protocol.At("Input", 2, pamtest.Fault{Panic: password})
	p.call("GET", "api/asset/server-1/access", nil)
	for n := range 3 {
		id := p.start()
		ticket := p.ticket(id)
		conn := p.dial(id)
		if err := conn.Write(r.ctx, helloMessage(ticket)); err != nil {
			t.Fatal(err)
		}
		for typed := false; ; {
			msg, err := conn.Read(r.ctx)
			if err != nil {
				scan.Bytes("close", []byte(err.Error()))
				break
			}
			scan.Bytes("WebSocket", msg)
			if bytes.Contains(msg, []byte(`"state":"active"`)) && !typed {
				typed = true
				_ = conn.Write(r.ctx, frame.Append(nil, frame.Frame{Kind: frame.Key, Payload: []byte("k")}))
				if n == 0 {
					_ = conn.Write(r.ctx, frame.Append(nil, frame.Frame{Kind: frame.Disconnect}))
				}
			}
			if n == 2 && typed {
				_ = conn.Write(r.ctx, frame.Append(nil, frame.Frame{Kind: frame.Key, Payload: []byte("k")}))
			}
		}
		conn.Abort()
		r.completed(id)
		p.call("GET", "api/session/"+string(id), nil)
	}
	p.call("GET", "api/sessions", nil)
	list, _ := r.store.Sessions(r.ctx, pam.SessionFilter{})
	for _, i := range list {
		scan.Bytes("store", fmt.Appendf(nil, "%+v", i))
	}
	for nth := 1; nth <= 3; nth++ {
		rec, err := r.recorder.Recording(r.ctx, nth)
		if err != nil {
			t.Fatal(err)
		}
		scan.Bytes("recording", fmt.Appendf(nil, "%+v", rec.Meta))
		for _, e := range rec.Entries() {
			scan.Bytes("recording", e.Data)
		}
	}
	for _, e := range r.events.Events() {
		scan.Bytes("event", fmt.Appendf(nil, "%+v", e))
	}
	scan.Bytes("log", []byte(r.log.String()))
	scan.Verify()
	if n := len(vault.Requests()); n != 3 {
		t.Errorf("the vault was asked %d times", n)
	}
	if missed := scan.Control(password, address, account); len(missed) != 0 {
		t.Errorf("the search would miss %v", missed)
	}
}

// TestListings_S01_GrantNothing: the members of what a user and a host can list, against the whole set that they may have.
func TestListings_S01_GrantNothing(t *testing.T) {
	store := newSpyStore()
	r := newRig(t, func(c *pam.Config) { c.Store = store })
	p := r.alice()
	id := p.start()
	ticket := p.ticket(id)
	may := map[string]bool{}
	for _, k := range strings.Fields("sessions id asset asset_name protocol user user_name state recorded created updated params channels") {
		may[k] = true
	}
	_, list := p.call("GET", "api/sessions", nil)
	_, one := p.call("GET", "api/session/"+string(id), nil)
	info, _ := r.broker.Session(r.ctx, id)
	raw, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	var host map[string]any
	if err := json.Unmarshal(raw, &host); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{"list": list, "one": one, "host": host} {
		walkMembers(v, func(k string) {
			if !may[k] {
				t.Errorf("%s has a member %q", name, k)
			}
		})
		text := fmt.Sprint(v)
		for what, secret := range map[string]string{
			"ticket": ticket, "participant": string(store.tickets[0].Participant), "login": "login-1", "address": "192.0.2.1", "account": "root",
		} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds the %s: %s", name, what, text)
			}
		}
	}
}

func walkMembers(v any, f func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, in := range v {
			f(k)
			walkMembers(in, f)
		}
	case []any:
		for _, in := range v {
			walkMembers(in, f)
		}
	}
}
