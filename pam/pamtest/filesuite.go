package pamtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
)

// FileTarget is a target whose files FileSuite works on, by an adapter.
type FileTarget struct {
	Protocol pam.Protocol
	Asset    pam.Asset
	Secrets  map[string]string // fields of the asset
	Params   pam.Params
	// Dir is an empty folder in the form of pam.ShowFileName. It outlives sessions.
	Dir string
}

// FileSuite checks what a broker promises of files (I11, I13, S18) on a real target. open makes one for each test.
func FileSuite(t *testing.T, open func(t *testing.T) FileTarget) {
	for name, f := range map[string]func(*testing.T, FileTarget){
		"I11_BothWays": filesBothWays, "I11_I13_Matrix": filesMatrix, "I13_S31_NothingWithoutItsEvent": filesEvents,
		"S18_Names": filesNames, "I12_ResumeAndCancel": filesResume, "S04_SessionEnds": filesEnd, "J2_J3_Joiners": filesJoiners,
	} {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
}

func filesBothWays(t *testing.T, target FileTarget) {
	d := openFileDesk(t, target, fileGrants(pam.Allow, pam.Allow, pam.Allow))
	sizes := []int{0, 1, 64 << 10, 512 << 10, 3<<20 + 17}
	for _, n := range sizes {
		name, data := path.Join(target.Dir, fmt.Sprintf("f%d.bin", n)), unlike(n)
		up := d.upload(name, data, nil, pam.CodeAllowed)
		if up.Code != pam.CodeAllowed || up.Done != int64(n) || up.SHA256 != sha(data) {
			t.Errorf("%d bytes up: %+v", n, up)
		}
		resp, got, _ := d.download(name)
		if !bytes.Equal(got, data) {
			t.Errorf("%d bytes down: %d, another content", n, len(got))
		}
		if resp.StatusCode != http.StatusOK || resp.ContentLength != int64(n) {
			t.Errorf("%d bytes down: %d, length %d", n, resp.StatusCode, resp.ContentLength)
		}
	}
	if got := d.list(d.Browser); len(got) != len(sizes) || strings.Contains(strings.Join(got, " "), "upload") {
		t.Errorf("after the uploads: %q", got)
	}
	sub := path.Join(target.Dir, "sub")
	d.ask(d.Browser, "mkdir", map[string]any{"path": sub}, nil, pam.CodeAllowed)
	d.ask(d.Browser, "mkdir", map[string]any{"path": sub}, nil, pam.CodeFileExists)
	d.ask(d.Browser, "rename", map[string]any{"from": path.Join(target.Dir, "f1.bin"), "to": path.Join(sub, "one")}, nil, pam.CodeAllowed)
	var info struct {
		Name, Kind, Modified string
		Size                 int64
	}
	d.ask(d.Browser, "stat", map[string]any{"path": path.Join(sub, "one")}, &info, pam.CodeAllowed)
	if info.Name != "one" || info.Kind != "file" || info.Size != 1 || info.Modified == "" {
		t.Errorf("stat %+v", info)
	}
	d.ask(d.Browser, "upload", map[string]any{"path": path.Join(sub, "one"), "size": 3}, nil, pam.CodeFileExists)
	d.upload(path.Join(sub, "one"), []byte("new"), map[string]any{"replace": true}, pam.CodeAllowed)
	if _, got, _ := d.download(path.Join(sub, "one")); string(got) != "new" {
		t.Errorf("replaced: %q", got)
	}
	d.ask(d.Browser, "remove", map[string]any{"path": path.Join(sub, "one")}, nil, pam.CodeAllowed)
	d.ask(d.Browser, "remove", map[string]any{"path": path.Join(sub, "one")}, nil, pam.CodeFileNotFound)
	d.ask(d.Browser, "remove", map[string]any{"path": sub}, nil, pam.CodeAllowed)
	d.ask(d.Browser, "download", map[string]any{"path": path.Join(target.Dir, "none")}, nil, pam.CodeFileNotFound)
	for _, bad := range []string{"relative", "/a/../b", "/a//b", "/a/", "/new\nline", "/rtl\u202e", `/\x41`, "/nul\x00"} {
		for _, what := range []string{"stat", "mkdir", "remove", "download"} {
			d.ask(d.Browser, what, map[string]any{"path": bad}, nil, pam.CodeFileBadName)
		}
		d.ask(d.Browser, "upload", map[string]any{"path": bad, "size": 1}, nil, pam.CodeFileBadName)
		d.ask(d.Browser, "rename", map[string]any{"from": path.Join(target.Dir, "f0.bin"), "to": bad}, nil, pam.CodeFileBadName)
	}
	if n := len(d.Events.Events(fileVerbs...)); n != 0 {
		t.Errorf("%d events that nobody asked for", n)
	}
}

// filesMatrix tries everything under every value of the three declarations.
func filesMatrix(t *testing.T, target FileTarget) {
	values := []pam.Value{pam.Deny, pam.Allow, pam.Record}
	full := openFileDesk(t, target, fileGrants(pam.Allow, pam.Allow, pam.Allow))
	seed := path.Join(target.Dir, "seed")
	full.upload(seed, []byte("seed"), nil, pam.CodeAllowed)
	code := func(ok ...pam.Value) pam.Code {
		for _, v := range ok {
			if v == pam.Deny {
				return pam.CodeCapabilityDenied
			}
		}
		return pam.CodeAllowed
	}
	for _, up := range values {
		for _, down := range values {
			for _, del := range values {
				full.Policy.Set(fileOwner, target.Asset.ID, fileGrants(up, down, del))
				if up == pam.Deny && down == pam.Deny {
					// An adapter may not even set up what nobody may use: such a session is not this one.
					full.reattach()
					full.ask(full.Browser, "list", map[string]any{"path": target.Dir}, nil, pam.CodeCapabilityDenied)
					continue
				}
				full.reattach()
				name := fmt.Sprintf("up %v, down %v, delete %v", up, down, del)
				seen := len(full.Events.Events(fileVerbs...))
				a, b := path.Join(target.Dir, "a"), path.Join(target.Dir, "b")
				full.ask(full.Browser, "list", map[string]any{"path": target.Dir}, nil, pam.CodeAllowed)
				full.ask(full.Browser, "mkdir", map[string]any{"path": a}, nil, code(up))
				full.ask(full.Browser, "rename", map[string]any{"from": a, "to": b}, nil, code(up))
				full.upload(a, []byte("up"), nil, code(up))
				full.upload(a, []byte("again"), map[string]any{"replace": true}, code(up, del))
				full.ask(full.Browser, "download", map[string]any{"path": seed}, nil, code(down))
				if down != pam.Deny {
					if _, got, _ := full.download(seed); string(got) != "seed" {
						t.Fatalf("%s: %q", name, got)
					}
				}
				want := code(del)
				if want == pam.CodeAllowed && up == pam.Deny {
					want = pam.CodeFileNotFound
				}
				full.ask(full.Browser, "remove", map[string]any{"path": b}, nil, want)
				full.ask(full.Browser, "remove", map[string]any{"path": a}, nil, want)
				full.checkEvents(name, full.Events.Events(fileVerbs...)[seen:], up, down, del)

				full.Policy.Set(fileOwner, target.Asset.ID, fileGrants(pam.Allow, pam.Allow, pam.Allow))
				full.reattach()
				for _, left := range []string{a, b} {
					_ = full.Call(t.Context(), "POST", "api/session/"+string(full.id)+"/files/remove", map[string]any{"path": left}, nil)
				}
			}
		}
	}
}

// reattach opens a page anew, which makes the policy's answer the present one.
func (d *fileDesk) reattach() {
	d.t.Helper()
	old := d.page
	d.page = d.sit(d.Browser, d.id)
	old.Close()
}

// checkEvents compares what was written down about one round with the declarations.
func (d *fileDesk) checkEvents(name string, got []pam.Event, up, down, del pam.Value) {
	d.t.Helper()
	count := map[pam.Verb][2]int{} // done, refused
	for _, e := range got {
		n := count[e.Verb]
		if e.Code == pam.CodeCapabilityDenied {
			n[1]++
		} else {
			n[0]++
		}
		count[e.Verb] = n
		if e.User != fileOwner || e.Login == "" || e.Session != d.id || e.Asset != d.target.Asset.ID || e.ClientAddr == "" || !strings.Contains(e.Detail, d.target.Dir) {
			d.t.Errorf("%s: %+v", name, e)
		}
	}
	for verb, v := range map[pam.Verb]pam.Value{pam.UploadFile: up, pam.DownloadFile: down, pam.DeleteFile: del} {
		n := count[verb]
		if (v == pam.Record) != (n[0] > 0) {
			d.t.Errorf("%s: %d events %q", name, n[0], verb)
		}
		if v == pam.Deny && n[1] == 0 {
			d.t.Errorf("%s: no event of a refused %q", name, verb)
		}
	}
}

func filesEvents(t *testing.T, target FileTarget) {
	g := fileGrants(pam.Record, pam.Record, pam.Record)
	g.Declarations[pam.WebSession] = pam.Record
	d := openFileDesk(t, target, g)
	name, data := path.Join(target.Dir, "evidence"), unlike(100_000)
	d.upload(name, data, nil, pam.CodeAllowed)
	_, _, tr := d.download(name)
	d.settled(tr)
	d.ask(d.Browser, "remove", map[string]any{"path": name + "-none"}, nil, pam.CodeFileNotFound)
	rec, err := d.Recorder.Recording(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []pam.SessionEvent
	for _, e := range rec.Entries(pam.EntryEvent) {
		var x pam.SessionEvent
		if err := json.Unmarshal(e.Data, &x); err != nil {
			t.Fatal(err)
		}
		got = append(got, x)
	}
	size, sum := int64(len(data)), sha(data)
	want := []pam.SessionEvent{
		{Type: "file_upload", Direction: "up", Action: "begin", Path: name, Size: size, Outcome: pam.CodeAllowed},
		{Type: "file_upload", Direction: "up", Action: "end", Path: name, Size: size, SHA256: sum, Outcome: pam.CodeAllowed},
		{Type: "file_download", Direction: "down", Action: "begin", Path: name, Size: size, Outcome: pam.CodeAllowed},
		{Type: "file_download", Direction: "down", Action: "end", Path: name, Size: size, SHA256: sum, Outcome: pam.CodeAllowed},
		{Type: "file_delete", Direction: "up", Action: "remove", Path: name + "-none", Outcome: pam.CodeAllowed},
		{Type: "file_delete", Direction: "up", Action: "remove", Path: name + "-none", Outcome: pam.CodeFileNotFound},
	}
	if !slices.Equal(got, want) {
		t.Errorf("the recording has\n%+v, want\n%+v", got, want)
	}
	events := d.Events.Events(fileVerbs...)
	if len(events) != len(want) || !strings.Contains(events[1].Detail, sum) || !strings.Contains(events[3].Detail, sum) || events[5].Code != pam.CodeFileNotFound {
		t.Errorf("events %+v", events)
	}

	d.Events.At("Write", 0, Fault{Err: errors.New("the disk is full")})
	d.ask(d.Browser, "mkdir", map[string]any{"path": path.Join(target.Dir, "dir")}, nil, pam.CodeAuditFailed)
	d.ask(d.Browser, "remove", map[string]any{"path": name}, nil, pam.CodeAuditFailed)
	d.ask(d.Browser, "download", map[string]any{"path": name}, nil, pam.CodeAuditFailed)
	d.ask(d.Browser, "upload", map[string]any{"path": name + "-2", "size": 3}, nil, pam.CodeAuditFailed)
	d.Events.Heal("Write")
	var half transfer
	d.ask(d.Browser, "upload", map[string]any{"path": name + "-2", "size": 3}, &half, pam.CodeAllowed)
	d.Events.At("Write", 0, Fault{Err: errors.New("the disk is full")})
	d.put(half, 0, []byte("abc"), pam.CodeAuditFailed) // the end is written down before the file gets its name
	d.Events.Heal("Write")
	if got := d.list(d.Browser); !slices.Equal(got, []string{"evidence"}) {
		t.Errorf("without events there are %q", got)
	}
}

// filesNames downloads files whose names want to be more than names.
func filesNames(t *testing.T, target FileTarget) {
	d := openFileDesk(t, target, fileGrants(pam.Allow, pam.Allow, pam.Allow))
	for raw, saved := range map[string]string{
		"plain.txt": "plain.txt", `quo"te.txt`: "quo_te.txt", "cr\r\nSet-Cookie: a=b": "cr__Set-Cookie_ a=b", "\u202egpj.exe": "_gpj.exe",
		`back\slash`: "back_slash", "nul.txt": "_nul.txt", "COM1": "_COM1", "trailing. .": "trailing", "日本語.txt": "日本語.txt", "é": "é",
		"<script>.html": "_script_.html", "percent%0d%0a": "percent_0d_0a", "semi;filename=x.exe": "semi;filename=x.exe", "LPT¹.x": "_LPT¹.x",
	} {
		shown, ok := pam.ShowFileName(raw)
		if !ok {
			t.Fatalf("%q is no name", raw)
		}
		name := path.Join(target.Dir, shown)
		var refused *APIError
		var tr transfer
		if err := d.Call(t.Context(), "POST", "api/session/"+string(d.id)+"/files/upload", map[string]any{"path": name, "size": len(raw)}, &tr); errors.As(err, &refused) {
			if refused.Code != pam.CodeFileBadName { // a drive of Windows has no such names
				t.Errorf("%q: %v", raw, err)
			}
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		resp, body := d.raw("PUT", tr.URL+"?offset=0", strings.NewReader(raw), map[string]string{"Content-Type": "application/octet-stream"})
		if strings.Contains(string(body), string(pam.CodeFileBadName)) {
			continue
		}
		d.answer(resp, body, pam.CodeAllowed)
		resp, got, _ := d.download(name)
		if string(got) != raw {
			t.Errorf("%q holds %q", raw, got)
		}
		h := resp.Header
		kind, params, err := mime.ParseMediaType(h.Get("Content-Disposition"))
		if err != nil || kind != "attachment" || params["filename"] != saved {
			t.Errorf("%q: %q is %s %q, %v; want %q", raw, h.Get("Content-Disposition"), kind, params, err, saved)
		}
		for k, want := range map[string]string{
			"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'",
			"Cache-Control": "no-store", "Set-Cookie": "", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if h.Get(k) != want {
				t.Errorf("%q: %s: %q, want %q", raw, k, h.Get(k), want)
			}
		}
	}
}

func filesResume(t *testing.T, target FileTarget) {
	d := openFileDesk(t, target, fileGrants(pam.Allow, pam.Allow, pam.Allow))
	name, data := path.Join(target.Dir, "big"), unlike(2_000_000)
	var up transfer
	d.ask(d.Browser, "upload", map[string]any{"path": name, "size": len(data)}, &up, pam.CodeAllowed)
	d.put(up, 5, data, pam.CodeInvalidParam)
	half := d.put(up, 0, data[:1_234_567], pam.CodeAllowed)
	if half.Done != 1_234_567 || half.Code != "" {
		t.Fatalf("half way: %+v", half)
	}
	if got := d.list(d.Browser); slices.Contains(got, "big") || len(got) != 1 {
		t.Errorf("half way there are %q", got)
	}
	d.put(up, 0, data, pam.CodeInvalidParam)
	d.reattach() // the transfer is the session's and not the page's
	if got := d.state(up); got.Done != half.Done {
		t.Errorf("%d bytes after a break, %d before", got.Done, half.Done)
	}
	if whole := d.put(up, half.Done, data[half.Done:], pam.CodeAllowed); whole.Code != pam.CodeAllowed || whole.SHA256 != sha(data) {
		t.Errorf("whole: %+v", whole)
	}
	d.put(up, int64(len(data)), nil, pam.CodeNotFound)

	var down transfer
	d.ask(d.Browser, "download", map[string]any{"path": name}, &down, pam.CodeAllowed)
	part := func(spec string, status int) []byte {
		t.Helper()
		resp, got := d.raw("GET", down.URL, nil, map[string]string{"Range": spec})
		if resp.StatusCode != status {
			t.Fatalf("%s: %d %q", spec, resp.StatusCode, resp.Header)
		}
		return got
	}
	if got := part("bytes=0-999999", http.StatusPartialContent); !bytes.Equal(got, data[:1_000_000]) {
		t.Errorf("the first million is %d bytes of something else", len(got))
	}
	part("bytes=2000000-", http.StatusUnprocessableEntity)
	if got := part("bytes=500000-599999", http.StatusPartialContent); !bytes.Equal(got, data[500_000:600_000]) {
		t.Errorf("a part that was sent before is %d bytes of something else", len(got))
	}
	if got := part("bytes=1000000-", http.StatusPartialContent); !bytes.Equal(got, data[1_000_000:]) {
		t.Errorf("the rest is %d bytes of something else", len(got))
	}
	if x := d.settled(down); x.Code != pam.CodeAllowed || x.SHA256 != sha(data) {
		t.Errorf("in parts: %+v", x)
	}

	d.ask(d.Browser, "upload", map[string]any{"path": name + "-2", "size": len(data)}, &up, pam.CodeAllowed)
	d.put(up, 0, data[:1000], pam.CodeAllowed)
	if resp, got := d.raw("DELETE", up.URL, strings.NewReader("{}"), map[string]string{"Content-Type": "application/json"}); resp.StatusCode != http.StatusNoContent {
		t.Errorf("cancel: %d %s", resp.StatusCode, got)
	}
	if x := d.state(up); x.Code != pam.CodeFileCancelled {
		t.Errorf("cancelled: %+v", x)
	}
	d.put(up, 1000, data[1000:], pam.CodeFileCancelled)
	d.ask(d.Browser, "upload", map[string]any{"path": name + "-2", "size": 3}, &up, pam.CodeAllowed)
	d.put(up, 0, data[:4], pam.CodeFileTooLarge)
	if got := d.list(d.Browser); !slices.Equal(got, []string{"big"}) {
		t.Errorf("in the end there are %q", got)
	}
	d.ask(d.Browser, "upload", map[string]any{"path": name + "-3", "size": 1 << 50}, nil, pam.CodeFileTooLarge)
	d.ask(d.Browser, "upload", map[string]any{"path": name + "-3", "size": -1}, nil, pam.CodeInvalidParam)
}

// filesEnd ends a session in the middle of transfers.
func filesEnd(t *testing.T, target FileTarget) {
	d := openFileDesk(t, target, fileGrants(pam.Record, pam.Record, pam.Record))
	name, data := path.Join(target.Dir, "kept"), unlike(300_000)
	d.upload(name, data, nil, pam.CodeAllowed)
	var up, down transfer
	d.ask(d.Browser, "upload", map[string]any{"path": name + "-2", "size": len(data)}, &up, pam.CodeAllowed)
	d.ask(d.Browser, "download", map[string]any{"path": name}, &down, pam.CodeAllowed)
	d.put(up, 0, data[:100_000], pam.CodeAllowed)
	// One more is under way: its body does not come to an end before the session does.
	body, more := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), "PUT", d.Base+"/"+up.URL+"?offset=100000", body)
		if err != nil {
			sent <- err
			return
		}
		req.Header = d.Header.Clone()
		req.Header.Set("Content-Type", "application/octet-stream")
		resp, err := d.Client.Do(req)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		sent <- err
	}()
	if _, err := more.Write(data[100_000:150_000]); err != nil {
		t.Fatal(err)
	}
	if err := d.Call(t.Context(), "POST", "api/session/"+string(d.id)+"/end", struct{}{}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Events.Await(t.Context(), pam.CompleteSession, 1); err != nil {
		t.Fatal(err)
	}
	_ = more.Close()
	<-sent // whatever it was told
	d.ask(d.Browser, "list", map[string]any{"path": target.Dir}, nil, pam.CodeSessionEnded)
	d.put(up, 100_000, data[100_000:], pam.CodeSessionEnded)
	over := map[pam.Verb]bool{}
	for _, e := range d.Events.Events(pam.UploadFile, pam.DownloadFile) {
		if e.Code == pam.CodeSessionEnded {
			over[e.Verb] = true
		}
	}
	if len(over) != 2 {
		t.Errorf("broken off and written down: %v", over)
	}
	d.id, d.page = d.begin()
	if got := d.list(d.Browser); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("after the session there are %q", got)
	}
}

// filesJoiners: a monitor has no files, and who takes part has those of a profile of one's own.
func filesJoiners(t *testing.T, target FileTarget) {
	d := openFileDesk(t, target, fileGrants(pam.Allow, pam.Allow, pam.Allow))
	name := path.Join(target.Dir, "mine")
	d.upload(name, []byte("mine"), nil, pam.CodeAllowed)
	var own transfer
	d.ask(d.Browser, "download", map[string]any{"path": name}, &own, pam.CodeAllowed)
	d.Policy.Set(fileGuest, target.Asset.ID, fileGrants(pam.Deny, pam.Allow, pam.Deny))
	guest := d.Host.Browser(fileGuest)
	for mode, want := range map[pam.Mode]pam.Code{pam.ModeMonitor: pam.CodeCapabilityDenied, pam.ModeParticipate: pam.CodeAllowed} {
		if err := guest.Join(t.Context(), d.id, mode); err != nil {
			t.Fatal(err)
		}
		d.ask(guest, "list", map[string]any{"path": target.Dir}, nil, pam.CodeCapabilityDenied) // not before a page is there
		page := d.sit(guest, d.id)
		d.ask(guest, "list", map[string]any{"path": target.Dir}, nil, want)
		d.ask(guest, "download", map[string]any{"path": name}, nil, want)
		d.ask(guest, "upload", map[string]any{"path": name + "-2", "size": 1}, nil, pam.CodeCapabilityDenied)
		d.ask(guest, "remove", map[string]any{"path": name}, nil, pam.CodeCapabilityDenied)
		var refused *APIError
		if err := guest.Call(t.Context(), "GET", own.URL, nil, nil); !errors.As(err, &refused) || refused.Code != pam.CodeNotFound {
			t.Errorf("%s: somebody else's transfer: %v", mode, err)
		}
		page.Close()
	}
	if got := d.list(d.Browser); !slices.Equal(got, []string{"mine"}) {
		t.Errorf("in the end there are %q", got)
	}
}
