// Command quickstart is the smallest host: one user, one machine, one handler.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
	"github.com/sallyport/sallyport/toolbar"
)

// host is what an application knows: its asset, the asset's secret, and who may do what.
type host struct{ asset pam.Asset }

func (h host) Asset(context.Context, pam.AssetID) (pam.Asset, error) { return h.asset, nil }
func (h host) Field(_ context.Context, r pam.FieldRequest) (pam.Secret, error) {
	if r.Field != pam.FieldPassword {
		return pam.Secret{}, pam.ErrNoField
	}
	return pam.NewSecret("demo"), nil
}

func (h host) Grants(context.Context, pam.Query) (pam.Grants, error) {
	may := pam.Declarations{pam.WebSession: pam.Allow, pam.Keyboard: pam.Allow, pam.ClipboardUpload: pam.Allow, pam.SessionURL: pam.Allow}
	return pam.Grants{Role: pam.RoleViewer, Permitted: true, Declarations: may}, nil
}

func me(*http.Request) (pam.Identity, error) { // everybody is: a real host looks at the request
	return pam.Identity{User: "me", LoginID: "1", Cookie: true}, nil
}

func main() {
	target := must(sshtest.NewServer(sshtest.Config{Passwords: map[string]string{"demo": "demo"}}))
	h := host{pam.Asset{
		ID: "demo", Name: "demo", Type: pam.AssetType{Protocol: "ssh", OS: pam.OSUnix}, Address: must(target.Listen()), Account: "demo",
		Attributes: map[string]string{sshx.AttrHostKeys: target.HostKey()},
	}}
	broker := must(pam.New(pam.Config{
		Identify: me, Inventory: h, Vault: h, Policy: h, Events: pam.NewJSONEvents(os.Stdout), Store: pam.NewMemoryStore(),
		Protocols: []pam.Protocol{must(sshx.New(sshx.Config{}))}, UI: must(toolbar.New(toolbar.Config{})), Origins: []string{"http://127.0.0.1:8080"},
	}))
	http.Handle("/pam/", http.StripPrefix("/pam", broker.Handler()))
	http.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`<script type="module" src="/pam/assets/index.js"></script><sp-access-button asset="demo"></sp-access-button>`))
	})
	log.Print("open http://127.0.0.1:8080")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
