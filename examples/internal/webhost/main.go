// Command webhost is a host application with pages of its own, as the browser tests need one: it puts the components
// on a page under the strictest content policy that they work with, mounts the broker deep in its own paths and
// behind middleware, and can deploy another build of the client while sessions go on.
//
// It prints the address of its page and ends with its standard input.
package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
	"github.com/sallyport/sallyport/toolbar"
)

// prefix is where this host keeps everything.
const prefix = "/a/b/c"

//go:embed page.html
var page string

//go:embed page.js
var script string

// directory is what an application knows: its asset, the asset's secret, and who may do what.
type directory struct{ asset pam.Asset }

func (d directory) Asset(context.Context, pam.AssetID) (pam.Asset, error) { return d.asset, nil }

func (d directory) Field(_ context.Context, r pam.FieldRequest) (pam.Secret, error) {
	if r.Field != pam.FieldPassword {
		return pam.Secret{}, pam.ErrNoField
	}
	return pam.NewSecret("demo"), nil
}

func (d directory) Grants(context.Context, pam.Query) (pam.Grants, error) {
	may := pam.Declarations{
		pam.WebSession: pam.Allow, pam.Keyboard: pam.Allow, pam.ClipboardUpload: pam.Allow, pam.ClipboardDownload: pam.Allow, pam.SessionURL: pam.Allow,
	}
	return pam.Grants{Role: pam.RoleViewer, Permitted: true, Declarations: may}, nil
}

// unsynced hides that os.Stderr can be synced, which fails for a pipe.
type unsynced struct{ io.Writer }

// deployed serves the build of the client that is deployed now.
type deployed struct{ ui atomic.Pointer[toolbar.UI] }

func (d *deployed) SessionPage(w http.ResponseWriter, r *http.Request, p pam.Page) {
	d.ui.Load().SessionPage(w, r, p)
}
func (d *deployed) Assets() http.Handler { return d.ui.Load().Assets() }

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "`address` to listen on")
	origin := flag.String("origin", "", "`origin` that browsers see (default: the address)")
	flag.Parse()
	if err := run(*addr, *origin); err != nil {
		log.Fatal(err)
	}
}

func run(addr, origin string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if origin == "" {
		origin = "http://" + listener.Addr().String()
	}
	handler, err := newHost(origin)
	if err != nil {
		return err
	}
	fmt.Printf("webhost: listening on http://%s\n", listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return http.Serve(listener, handler)
}

func newHost(origin string) (http.Handler, error) {
	target, err := sshtest.NewServer(sshtest.Config{Passwords: map[string]string{"demo": "demo"}})
	if err != nil {
		return nil, err
	}
	address, err := target.Listen()
	if err != nil {
		return nil, err
	}
	d := directory{pam.Asset{
		ID: "demo", Name: "demo", Type: pam.AssetType{Protocol: "ssh", OS: pam.OSUnix}, Address: address, Account: "demo",
		Attributes: map[string]string{sshx.AttrHostKeys: target.HostKey()},
	}}
	ssh, err := sshx.New(sshx.Config{})
	if err != nil {
		return nil, err
	}
	builds, err := clientBuilds()
	if err != nil {
		return nil, err
	}
	var now deployed
	now.ui.Store(builds[0])
	broker, err := pam.New(pam.Config{
		Identify: func(*http.Request) (pam.Identity, error) {
			return pam.Identity{User: "me", LoginID: "1", Cookie: true}, nil
		},
		Inventory: d, Vault: d, Policy: d, Events: pam.NewJSONEvents(unsynced{os.Stderr}), Store: pam.NewMemoryStore(),
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Protocols: []pam.Protocol{ssh}, UI: &now, Origins: []string{origin},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mount := func(at string, wrap func(http.Handler) http.Handler) {
		mux.Handle(at+"/", wrap(http.StripPrefix(at, broker.Handler())))
	}
	mount(prefix+"/pam", func(h http.Handler) http.Handler { return logged(compressed(h)) })
	mount("/opaque/pam", opaque)
	mux.HandleFunc("GET "+prefix+"/{$}", servePage)
	mux.HandleFunc("GET "+prefix+"/page.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, script)
	})
	mux.HandleFunc("POST /deploy/{build}", func(w http.ResponseWriter, r *http.Request) {
		if i, err := strconv.Atoi(r.PathValue("build")); err == nil && i >= 0 && i < len(builds) {
			now.ui.Store(builds[i])
		}
	})
	return mux, nil
}

func servePage(w http.ResponseWriter, _ *http.Request) {
	nonce := rand.Text()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", toolbar.PagePolicy(nonce)+"; frame-ancestors 'none'")
	_, _ = io.WriteString(w, strings.ReplaceAll(page, "NONCE", nonce))
}
