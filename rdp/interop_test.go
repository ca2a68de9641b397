//go:build linux

package rdp_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"image"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/internal/rdplab"
)

// What is expected of each real server: by the names of cells an outcome, which is "ok", "error:" and a rdp.Code, or "n/a: " and the reason why
// there is nothing to try; by the names of drawings what comes of them. Where an outcome alone does not tell, the cell says what ok is.
//
//go:embed testdata/interop.json
var interopJSON []byte

type expectation struct {
	Cells    map[string]string   `json:"cells"`
	Drawings map[string]expected `json:"drawings"` // those that are tried
}

// expected is what a drawing is to look like.
type expected struct {
	Codec string  `json:"codec"`      // the only one that may come
	Error float64 `json:"mean_error"` // the largest that is right: zero where the codec is exact
}

// interop returns the table, in which each of the servers has each of the cells, and no other has any.
func interop(t *testing.T) map[string]expectation {
	t.Helper()
	var table map[string]expectation
	if err := json.Unmarshal(interopJSON, &table); err != nil {
		t.Fatal(err)
	}
	return table
}

// real is a real server as the table knows it.
type real struct {
	*rdplab.Server
	name     string     // in the table
	cfg      rdp.Config // what it takes to come in
	protocol string     // what Info says then
	cipher   string     // and that, if it must be this one
	// truth is what the screen shows: its X server, or the watcher.
	truth   func(context.Context) (*image.RGBA, error)
	watcher *viewer // another client, where there is no X server
	// renew starts the server anew for each cell and drawing, if it does not bear several connections.
	renew func(t *testing.T)
}

// watch makes v the watcher.
func (r *real) watch(v *viewer) {
	r.watcher, r.truth = v, v.show
}

// alone is view for who types: the watcher leaves, since weston gives the focus to one client only, and the new one is the watcher then.
func (r *real) alone(t *testing.T) (*viewer, error) {
	t.Helper()
	for attempt := 1; ; attempt++ {
		if r.watcher != nil {
			r.watcher.stop()
		}
		v, err := view(t, r.Server, r.cfg)
		if err != nil {
			return nil, err
		}
		if r.Display == "" {
			r.watch(v)
		}
		if r.renew == nil || attempt == attempts {
			v.shows(t, anything, r.truth)
			return v, nil
		}
		if _, err = v.match(t, patience/attempts, anything, r.truth); err == nil {
			return v, nil
		}
		t.Logf("attempt %d: %v", attempt, err)
		v.stop()
		r.renew(t)
	}
}

// names of the servers, each of which one of the tests below starts.
var realServers = []string{
	"xrdp-negotiate", "xrdp-tls", "xrdp-standard", "shadow-nla", "shadow-tls", "shadow-standard-40", "shadow-standard-56", "shadow-standard-128",
	"shadow-standard-fips", "weston-tls", "weston-standard", "gnome-nla",
}

// TestInterop_Table: the table has every cell of every server, nothing else, and only outcomes that can be.
func TestInterop_Table(t *testing.T) {
	table := interop(t)
	if got := slices.Sorted(maps.Keys(table)); !slices.Equal(got, slices.Sorted(slices.Values(realServers))) {
		t.Errorf("the table has the servers %v", got)
	}
	columns := make([]string, len(cells))
	for i, c := range cells {
		columns[i] = c.name
	}
	slices.Sort(columns)
	for name, e := range table {
		if got := slices.Sorted(maps.Keys(e.Cells)); !slices.Equal(got, columns) {
			t.Errorf("%s has the cells %v, want %v", name, got, columns)
		}
		for cell, outcome := range e.Cells {
			code, failed := strings.CutPrefix(outcome, "error:")
			reason, na := strings.CutPrefix(outcome, "n/a: ")
			if outcome != "ok" && (!failed || code == "") && (!na || reason == "") {
				t.Errorf("%s, %s: outcome %q", name, cell, outcome)
			}
		}
		for drawing := range e.Drawings {
			if _, ok := drawings[drawing]; !ok {
				t.Errorf("%s: unknown drawing %q", name, drawing)
			}
		}
	}
}

// prove runs the cells of a server, in order, and then its drawings.
func prove(t *testing.T, r *real) {
	t.Helper()
	want, ok := interop(t)[r.name]
	if !ok {
		t.Fatalf("%s is not in the table", r.name)
	}
	for _, c := range cells {
		t.Run(r.name+"/"+c.name, func(t *testing.T) {
			outcome := want.Cells[c.name]
			switch {
			case outcome == "":
				t.Fatal("the table has no row for this")
			case strings.HasPrefix(outcome, "n/a: "):
				t.Log(outcome)
				return
			}
			if r.renew != nil {
				r.renew(t)
			}
			got := "ok"
			if err := c.run(t, r); err != nil {
				got = "error:" + string(rdp.CodeOf(err))
				t.Log(err)
			}
			if got != outcome {
				t.Errorf("%s, want %s", got, outcome)
			}
		})
	}
}

// draw runs the drawings of a server.
func (r *real) draw(t *testing.T) {
	t.Helper()
	for name, e := range interop(t)[r.name].Drawings {
		t.Run(r.name+"/"+name, func(t *testing.T) {
			cfg, d := r.cfg, drawings[name]
			cfg.Depth, cfg.RemoteFX, cfg.NSCodec, cfg.Compression = d.Depth, d.RemoteFX, d.NSCodec, d.Compression
			for attempt := 1; ; attempt++ {
				wait := patience
				if r.renew != nil {
					r.renew(t)
					r.truth = r.XFreeRDP(t, name, "/bpp:32").Screenshot
					wait /= attempts
				}
				v, err := view(t, r.Server, cfg)
				if err != nil {
					t.Fatal(err)
				}
				got, err := v.match(t, wait, e.Error, r.truth)
				if err != nil && r.renew != nil && attempt < attempts {
					t.Logf("attempt %d: %v", attempt, err)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if v.seen() != e.Codec {
					t.Errorf("codecs %s came, want %s", v.seen(), e.Codec)
				}
				t.Logf("%s: mean error %.3f", e.Codec, got)
				return
			}
		})
	}
}

// drawings are ways to get the pictures: depth, codec, and bulk compression.
var drawings = map[string]rdp.Config{
	"depth-15":     {Depth: 15},
	"depth-16":     {Depth: 16, Compression: rdp.Compression64K},
	"depth-24":     {Depth: 24, Compression: rdp.Compression64K},
	"depth-32":     {Depth: 32, Compression: rdp.Compression64K},
	"remotefx":     {RemoteFX: true, Compression: rdp.Compression64K},
	"nscodec":      {NSCodec: true},
	"bulk-none":    {},
	"bulk-8k":      {Compression: rdp.Compression8K},
	"bulk-64k":     {Compression: rdp.Compression64K},
	"bulk-ncrush":  {Compression: rdp.CompressionNCRUSH},
	"bulk-xcrush":  {Compression: rdp.CompressionXCRUSH},
	"remotefx-raw": {RemoteFX: true},
}

// TestInterop_XrdpNegotiate: a session with an X server, which is the truth. What offers network level authentication gets TLS.
func TestInterop_XrdpNegotiate(t *testing.T) {
	xrdp(t, rdplab.LayerNegotiate, real{name: "xrdp-negotiate", protocol: "TLS"})
}

// TestInterop_XrdpTLS: the same behind a server that takes nothing else.
func TestInterop_XrdpTLS(t *testing.T) {
	xrdp(t, rdplab.LayerTLS, real{name: "xrdp-tls", protocol: "TLS", cfg: rdp.Config{Security: rdp.SecurityTLS}})
}

// TestInterop_XrdpStandard: the same by RDP's own encryption.
func TestInterop_XrdpStandard(t *testing.T) {
	xrdp(t, rdplab.LayerRDP, real{name: "xrdp-standard", protocol: "RDP", cipher: "RC4-128", cfg: rdp.OfferMethods(rdp.Methods128)})
}

func xrdp(t *testing.T, layer rdplab.Layer, r real) {
	r.Server = rdplab.StartXrdp(t, layer, rdplab.Options{})
	r.truth = r.Screen
	begin(t, &r)
	r.draw(t)
	prove(t, &r)
}

// begin signs in so that the session begins, and waits until it is there.
func begin(t *testing.T, r *real) {
	t.Helper()
	v, err := view(t, r.Server, r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Wait(t, "session", r.Ready, "xrdp-sesman")
	v.shows(t, 0, r.truth)
	v.stop()
}

// TestInterop_Shadow: an X server is shown to whoever comes.
func TestInterop_Shadow(t *testing.T) {
	s := rdplab.StartShadow(t, rdplab.Options{})
	for _, r := range []*real{
		{Server: s.NLA, name: "shadow-nla", protocol: "CredSSP", cfg: rdp.Config{Security: rdp.SecurityNLA}, truth: s.NLA.Screen},
		{Server: s.TLS, name: "shadow-tls", protocol: "TLS", cfg: rdp.Config{Security: rdp.SecurityTLS}, truth: s.TLS.Screen},
	} {
		r.draw(t)
		prove(t, r)
	}
}

// TestInterop_ShadowStandard: the same by RDP's own encryption, with each of its methods.
func TestInterop_ShadowStandard(t *testing.T) {
	for _, r := range []*real{
		{name: "shadow-standard-40", cipher: "RC4-40", cfg: rdp.OfferMethods(rdp.Methods40)},
		{name: "shadow-standard-56", cipher: "RC4-56", cfg: rdp.OfferMethods(rdp.Methods56)},
		{name: "shadow-standard-128", cipher: "RC4-128", cfg: rdp.OfferMethods(rdp.Methods128)},
		{name: "shadow-standard-fips", cipher: "3DES", cfg: rdp.OfferMethods(rdp.MethodsFIPS)},
	} {
		// What the cells type scrolls the chart of colours away in the end: each has a screen of its own.
		t.Run(r.cipher, func(t *testing.T) {
			r.Server, r.protocol = rdplab.StartShadow(t, rdplab.Options{}).Standard, "RDP"
			r.truth = r.Screen
			r.draw(t)
			prove(t, r)
		})
	}
}

// TestInterop_Weston: a compositor without an X server, which paints the pointers of all clients into the picture: whoever is to see the same
// has to look at the same time.
func TestInterop_Weston(t *testing.T) {
	weston(t, &real{name: "weston-tls", protocol: "TLS", cfg: rdp.Config{Security: rdp.SecurityTLS}})
}

func weston(t *testing.T, r *real) {
	r.Server = rdplab.StartWeston(t)
	r.enter(t)
	r.ShowTerminal(t)
	r.draw(t)
	prove(t, r)
}

// TestInterop_WestonStandard: the same by RDP's own encryption.
func TestInterop_WestonStandard(t *testing.T) {
	weston(t, &real{name: "weston-standard", protocol: "RDP", cipher: "RC4-128", cfg: rdp.OfferMethods(rdp.Methods128)})
}

// TestInterop_GNOME: a compositor that lets in by network level authentication alone. The daemon of version 43 at times ends with a session
// that ends (PipeWire: Bad file descriptor), so that each cell has a new one.
func TestInterop_GNOME(t *testing.T) {
	r := &real{name: "gnome-nla", protocol: "CredSSP", cfg: rdp.Config{Security: rdp.SecurityNLA}}
	r.renew = func(t *testing.T) { r.Server = rdplab.StartGNOME(t) }
	r.draw(t)
	r.truth = nil
	prove(t, r)
}

// enter makes a client the watcher.
func (r *real) enter(t *testing.T) {
	t.Helper()
	v, err := view(t, r.Server, r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.watch(v)
}
