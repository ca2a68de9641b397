package pam_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// hugeFiles is a target with a file of a size that fits no memory, and a place that takes all.
type hugeFiles struct {
	size    int64
	panics  bool
	removed chan string
}

type hugeConn struct {
	pam.Conn
	files *hugeFiles
}

func (c hugeConn) Files(context.Context) (pam.FileSystem, error) { return c.files, nil }

func (f *hugeFiles) Home(context.Context) (string, error) { return "/", nil }

func (f *hugeFiles) List(context.Context, string) (pam.Listing, error) {
	if f.panics {
		panic("in the adapter")
	}
	return pam.Listing{}, nil
}

func (f *hugeFiles) Stat(_ context.Context, name string) (pam.FileInfo, error) {
	return pam.FileInfo{}, &pam.FileError{Op: "stat", Name: name, Code: pam.CodeFileNotFound, Err: errors.New("nothing there")}
}

func (f *hugeFiles) Open(context.Context, string, pam.OpenMode) (pam.File, error) {
	return hugeFile{f.size}, nil
}

func (f *hugeFiles) Remove(_ context.Context, name string) error {
	f.removed <- name
	return nil
}

func (f *hugeFiles) Rename(context.Context, string, string, bool) error { return nil }
func (f *hugeFiles) Mkdir(context.Context, string) error                { return nil }
func (f *hugeFiles) Close() error                                       { return nil }

type hugeFile struct{ size int64 }

func (f hugeFile) ReadAt(_ context.Context, p []byte, _ int64) (int, error)  { return len(p), nil }
func (f hugeFile) WriteAt(_ context.Context, p []byte, _ int64) (int, error) { return len(p), nil }
func (f hugeFile) Truncate(context.Context, int64) error                     { return nil }
func (f hugeFile) Close(context.Context) error                               { return nil }
func (f hugeFile) Stat(context.Context) (pam.FileInfo, error) {
	return pam.FileInfo{Name: "huge", Size: f.size}, nil
}

// filesRig is a rig whose target has such files, with a session of alice's.
func filesRig(t *testing.T, f *hugeFiles, change ...func(*pam.Config)) (*rig, pam.SessionID, *page) {
	t.Helper()
	f.removed = make(chan string, 10)
	r := newRig(t, append(change, func(c *pam.Config) {
		c.Protocols[0].(*pamtest.Protocol).Wrap = func(c *pamtest.Conn) pam.Conn { return hugeConn{paceless(c), f} }
	})...)
	r.policy.Set("alice", asset1, pamtest.Permit(pam.RoleViewer, append([]pam.Declaration{pam.FileUpload, pam.FileDownload, pam.FileDelete}, everything...)...))
	id, pg, _ := r.begin()
	return r, id, pg
}

// carry makes a request with a body of any kind.
func (p *person) carry(method, path string, body io.Reader, size int64) *http.Response {
	p.r.t.Helper()
	req, err := http.NewRequestWithContext(p.r.ctx, method, p.r.server.URL+"/deep/pam/"+path, body)
	if err != nil {
		p.r.t.Fatal(err)
	}
	p.sign(req.Header)
	if body != nil {
		req.Header.Set("Content-Type", "application/octet-stream")
		req.ContentLength = size
	}
	resp, err := p.r.server.Client().Do(req)
	if err != nil {
		p.r.t.Fatal(err)
	}
	return resp
}

// zeros is a body without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// begins asks for a transfer and returns its address.
func (p *person) begins(id pam.SessionID, direction string, body map[string]any) string {
	p.r.t.Helper()
	st, answer := p.call("POST", "api/session/"+string(id)+"/files/"+direction, body)
	if st != http.StatusCreated {
		p.r.t.Fatalf("%s: %d %v", direction, st, answer)
	}
	return answer["url"].(string)
}

// transferCode waits until the only transfer is over.
func (p *person) transferCode(id pam.SessionID) pam.Code {
	p.r.t.Helper()
	for {
		_, answer := p.call("GET", "api/session/"+string(id)+"/transfers", nil)
		if c, _ := answer["transfers"].([]any)[0].(map[string]any)["code"].(string); c != "" {
			return pam.Code(c)
		}
	}
}

// TestTransfer_I12_S26_MemoryStaysFlat carries 1 GiB each way. What both ends together allocate for it is a small part of it,
// and held at no time.
func TestTransfer_I12_S26_MemoryStaysFlat(t *testing.T) {
	const size, most = 1 << 30, 32 << 20
	r, id, _ := filesRig(t, &hugeFiles{size: size})
	p := r.alice()
	for name, carry := range map[string]func() int64{
		"upload": func() int64 {
			resp := p.carry("PUT", p.begins(id, "upload", map[string]any{"path": "/huge", "size": size})+"?offset=0", io.LimitReader(zeros{}, size), size)
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Fatal(resp.Status)
			}
			return size
		},
		"download": func() int64 {
			resp := p.carry("GET", p.begins(id, "download", map[string]any{"path": "/huge"}), nil, 0)
			defer resp.Body.Close()
			n, err := io.Copy(io.Discard, resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return n
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n := carry()
		runtime.ReadMemStats(&after)
		if n != size {
			t.Errorf("%s: %d bytes", name, n)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > most {
			t.Errorf("%s of %d MiB allocates %d KiB, want at most %d", name, size>>20, got>>10, most>>10)
		} else {
			t.Logf("%s of %d MiB allocates %d KiB", name, size>>20, got>>10)
		}
	}
}

// TestTransfer_S28_PanicEndsItsSessionAlone: an adapter that panics in a call on files takes its own session with it.
func TestTransfer_S28_PanicEndsItsSessionAlone(t *testing.T) {
	f := &hugeFiles{}
	r, id, pg := filesRig(t, f)
	f.panics = true
	if st, body := r.alice().call("POST", "api/session/"+string(id)+"/files/list", map[string]any{}); st != http.StatusInternalServerError {
		t.Errorf("%d %v", st, body)
	}
	if got := pg.awaitEnd(); got != pam.CodeInternal {
		t.Errorf("end %q", got)
	}
	r.completed(id)
}

// TestTransfer_I11_NoFiles: a target without files says so, and a transfer that is none is not found.
func TestTransfer_I11_NoFiles(t *testing.T) {
	r := newRig(t)
	r.policy.Set("alice", asset1, pamtest.Permit(pam.RoleViewer, append([]pam.Declaration{pam.FileDownload}, everything...)...))
	id, _, _ := r.begin()
	st, body := r.alice().call("POST", "api/session/"+string(id)+"/files/list", map[string]any{})
	if st != http.StatusServiceUnavailable || code(body) != pam.CodeFilesUnavailable {
		t.Errorf("%d %v", st, body)
	}
}

// TestTransfer_I12_GivenUp: a transfer that lies still for too long is given up, and what it has written removed.
func TestTransfer_I12_GivenUp(t *testing.T) {
	f := &hugeFiles{}
	r, id, _ := filesRig(t, f, func(c *pam.Config) { c.Limits.Transfer = 1 })
	r.alice().begins(id, "upload", map[string]any{"path": "/a/b", "size": 5})
	if got := r.alice().transferCode(id); got != pam.CodeFileCancelled {
		t.Errorf("code %q", got)
	}
	if name := <-f.removed; !strings.HasPrefix(name, "/a/.upload-") {
		t.Errorf("removed %q", name)
	}
}

// TestTransfer_I11_S11_RightIsWithdrawn: who loses the right in the middle carries nothing more.
func TestTransfer_I11_S11_RightIsWithdrawn(t *testing.T) {
	f := &hugeFiles{}
	r, id, pg := filesRig(t, f)
	p := r.alice()
	url := p.begins(id, "upload", map[string]any{"path": "/b", "size": 100})
	resp := p.carry("PUT", url+"?offset=0", strings.NewReader("12345"), 5)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	r.policy.Set("alice", asset1, pamtest.Permit(pam.RoleViewer, append([]pam.Declaration{pam.FileDownload}, everything...)...))
	r.policy.Announce()
	pg.await("the right to be gone", func() bool {
		caps, _ := pg.state["capabilities"].(map[string]any)
		return caps != nil && caps["file_upload"] == nil
	})
	resp = p.carry("PUT", url+"?offset=5", strings.NewReader("67890"), 5)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Error(resp.Status)
	}
	if got := p.transferCode(id); got != pam.CodeCapabilityDenied {
		t.Errorf("code %q", got)
	}
	<-f.removed
}

// TestTransfer_I12_HeadCarriesNothing: only GET sends a file.
func TestTransfer_I12_HeadCarriesNothing(t *testing.T) {
	r, id, _ := filesRig(t, &hugeFiles{size: 1 << 40})
	url := r.alice().begins(id, "download", map[string]any{"path": "/huge"})
	resp := r.alice().carry("HEAD", url, nil, 0)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Error(resp.Status)
	}
}

// TestTransfer_J3_LeavingEndsTransfers: what a joiner has begun ends with that person's place.
func TestTransfer_J3_LeavingEndsTransfers(t *testing.T) {
	f := &hugeFiles{}
	r, id, _ := filesRig(t, f)
	r.policy.Set("carol", asset1, pamtest.Permit(pam.RoleManager, append([]pam.Declaration{pam.FileUpload}, joinRights...)...))
	carol := r.person("carol", "login-c")
	if st, code := carol.join(id, pam.ModeParticipate); st != http.StatusCreated {
		t.Fatal(st, code)
	}
	pg := carol.attach(id)
	pg.awaitState("active")
	carol.begins(id, "upload", map[string]any{"path": "/c", "size": 5})
	pg.send(frame.Frame{Kind: frame.Disconnect})
	select {
	case <-f.removed:
	case <-r.ctx.Done():
		t.Error("the upload is still there")
	}
}
