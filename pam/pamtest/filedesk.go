package pamtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/sallyport/sallyport/pam"
)

// fileDesk is one owner's session on a target.
type fileDesk struct {
	*Host
	*Browser
	t      *testing.T
	target FileTarget
	id     pam.SessionID
	page   *Page
}

const (
	fileOwner = pam.UserID("frieda")
	fileGuest = pam.UserID("gus")
)

var fileVerbs = []pam.Verb{pam.UploadFile, pam.DownloadFile, pam.DeleteFile}

// fileGrants permits a session and, with their values, what is done with files.
func fileGrants(up, down, del pam.Value) pam.Grants {
	g := Permit(pam.RoleManager, pam.WebSession, pam.Keyboard, pam.JoinMonitor, pam.JoinParticipate)
	g.Declarations[pam.FileUpload], g.Declarations[pam.FileDownload], g.Declarations[pam.FileDelete] = up, down, del
	return g
}

func openFileDesk(t *testing.T, target FileTarget, g pam.Grants) *fileDesk {
	t.Helper()
	d := &fileDesk{t: t, target: target, Host: StartHost(t, target.Protocol, target.Asset, target.Secrets)}
	d.Policy.Set(fileOwner, target.Asset.ID, g)
	d.Browser = d.Host.Browser(fileOwner)
	d.id, d.page = d.begin()
	return d
}

// begin opens a session with its page.
func (d *fileDesk) begin() (pam.SessionID, *Page) {
	d.t.Helper()
	id, err := d.Start(d.t.Context(), d.target.Asset.ID, d.target.Params)
	if err != nil {
		d.t.Fatal(err)
	}
	return id, d.sit(d.Browser, id)
}

func (d *fileDesk) sit(b *Browser, id pam.SessionID) *Page {
	d.t.Helper()
	p, err := b.Attach(d.t.Context(), id, PageOptions{Width: 640, Height: 480})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(p.Close)
	if err := p.Await(d.t.Context(), func(v PageView) bool { return v.State["state"] == "active" }); err != nil {
		d.t.Fatal(err)
	}
	return p
}

// transfer is an answer of the API.
type transfer struct {
	ID, Path, Name, URL string
	Size, Done          int64
	Code                pam.Code
	SHA256              string
}

// ask calls one of the routes about names and wants a code, CodeAllowed for none.
func (d *fileDesk) ask(b *Browser, what string, body map[string]any, into any, want pam.Code) {
	d.t.Helper()
	err := b.Call(d.t.Context(), "POST", "api/session/"+string(d.id)+"/files/"+what, body, into)
	var refused *APIError
	switch {
	case err == nil && want == pam.CodeAllowed:
	case errors.As(err, &refused) && refused.Code == want:
	default:
		d.t.Fatalf("%s %v: %v, want code %s", what, body, err, want)
	}
}

func (d *fileDesk) list(b *Browser) []string {
	d.t.Helper()
	var l struct{ Files []struct{ Name string } }
	d.ask(b, "list", map[string]any{"path": d.target.Dir}, &l, pam.CodeAllowed)
	names := []string{}
	for _, f := range l.Files {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

// raw makes a request with a body of its own.
func (d *fileDesk) raw(method, url string, body io.Reader, h map[string]string) (*http.Response, []byte) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.Base+"/"+url, body)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header = d.Header.Clone()
	for k, v := range h {
		req.Header.Set(k, v)
	}
	resp, err := d.Client.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil && method != "GET" {
		d.t.Fatal(err)
	}
	return resp, got
}

// put sends bytes of an upload and wants a code.
func (d *fileDesk) put(tr transfer, off int64, p []byte, want pam.Code) transfer {
	d.t.Helper()
	resp, got := d.raw("PUT", tr.URL+"?offset="+strconv.FormatInt(off, 10), bytes.NewReader(p), map[string]string{"Content-Type": "application/octet-stream"})
	return d.answer(resp, got, want)
}

func (d *fileDesk) answer(resp *http.Response, got []byte, want pam.Code) (tr transfer) {
	d.t.Helper()
	var e struct{ Error struct{ Code pam.Code } }
	_ = json.Unmarshal(got, &e) // an answer that is no error has no code
	if code := e.Error.Code; code != want && (code != "" || want != pam.CodeAllowed) {
		d.t.Fatalf("%d %s, want code %s", resp.StatusCode, got, want)
	}
	_ = json.Unmarshal(got, &tr)
	return tr
}

func (d *fileDesk) upload(name string, p []byte, more map[string]any, want pam.Code) transfer {
	d.t.Helper()
	body := map[string]any{"path": name, "size": len(p)}
	maps.Copy(body, more)
	var tr transfer
	d.ask(d.Browser, "upload", body, &tr, want)
	if want != pam.CodeAllowed {
		return tr
	}
	return d.put(tr, 0, p, pam.CodeAllowed)
}

// download fetches a file whole.
func (d *fileDesk) download(name string) (*http.Response, []byte, transfer) {
	d.t.Helper()
	var tr transfer
	d.ask(d.Browser, "download", map[string]any{"path": name}, &tr, pam.CodeAllowed)
	resp, got := d.raw("GET", tr.URL, nil, nil)
	return resp, got, d.state(tr)
}

// state asks how far a transfer has come.
func (d *fileDesk) state(tr transfer) transfer {
	d.t.Helper()
	var all struct{ Transfers []transfer }
	if err := d.Call(d.t.Context(), "GET", "api/session/"+string(d.id)+"/transfers", nil, &all); err != nil {
		d.t.Fatal(err)
	}
	for _, x := range all.Transfers {
		if x.ID == tr.ID {
			return x
		}
	}
	d.t.Fatalf("transfer %q is not among %+v", tr.ID, all)
	return transfer{}
}

// settled waits until a transfer is over: the answer to a request may come before the last word about it.
func (d *fileDesk) settled(tr transfer) transfer {
	d.t.Helper()
	for {
		if x := d.state(tr); x.Code != "" {
			return x
		}
		if d.t.Context().Err() != nil {
			d.t.Fatal(d.t.Context().Err())
		}
	}
}

func sha(p []byte) string {
	sum := sha256.Sum256(p)
	return hex.EncodeToString(sum[:])
}

// unlike returns bytes of which no part is like another.
func unlike(n int) []byte {
	p := make([]byte, 0, n+32)
	for i := 0; len(p) < n; i++ {
		sum := sha256.Sum256([]byte(strconv.Itoa(i)))
		p = append(p, sum[:]...)
	}
	return p[:n]
}
