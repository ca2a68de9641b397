package toolbar

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed all:dist
var dist embed.FS

// ErrNoAssets says that the browser client has not been built. See the package documentation.
var ErrNoAssets = errors.New("toolbar: the browser client is not built: run go generate ./toolbar, or go run github.com/sallyport/sallyport/toolbar/build")

// manifestName is the file that a build ends with: no manifest, no build.
const manifestName = "manifest.json"

// Assets returns the client that is embedded in this package. It is ErrNoAssets until it has been built.
func Assets() (fs.FS, error) {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("toolbar: assets: %w", err)
	}
	if _, err := fs.Stat(sub, manifestName); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoAssets
	} else if err != nil {
		return nil, fmt.Errorf("toolbar: assets: %w", err)
	}
	return sub, nil
}

// manifest is what the build command writes about its output.
type manifest struct {
	Entries map[string]string `json:"entries"` // stable name, as in "index.js", to file
}

// asset is one file of the client, held in memory.
type asset struct {
	plain, zipped         []byte // zipped is nil where it does not pay
	plainTag, zippedTag   string
	contentType, lifetime string
	policy                string
}

// The lifetimes of assets: a hashed name never changes its content, a stable name always may.
const (
	forever = "public, max-age=31536000, immutable"
	asked   = "no-cache"
)

// The content policies of assets. They matter to what is opened as a document, and to the Worker of a desktop's screen, which decodes what a target has
// made and is to fetch nothing: a Worker has the policy that its file comes with. It may not be in a sandbox, which browsers may refuse to start.
const (
	documentPolicy = workerPolicy + "; sandbox"
	workerPolicy   = "default-src 'none'; frame-ancestors 'none'"
	workerPrefix   = "chunk-screen-worker-"
)

// contentTypes of what a build writes. A file of another type is not served: the platform's table of types would
// answer differently from machine to machine.
var contentTypes = map[string]string{
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".json": "application/json; charset=utf-8",
	".txt":  "text/plain; charset=utf-8",
	".wasm": "application/wasm",
	".svg":  "image/svg+xml",
	".ts":   "text/plain; charset=utf-8", // declarations for hosts' own sources
}

// maxAsset is the largest file of the client, in bytes: a wrong folder is to fail at the start.
const maxAsset = 16 << 20

// loadAssets reads a built client. entries are the hashed names of the manifest's entries.
func loadAssets(fsys fs.FS) (files map[string]asset, entries map[string]string, err error) {
	raw, err := fs.ReadFile(fsys, manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, ErrNoAssets
	} else if err != nil {
		return nil, nil, fmt.Errorf("toolbar: assets: %w", err)
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, nil, fmt.Errorf("toolbar: %s: %w", manifestName, err)
	}
	files = map[string]asset{}
	hashed := map[string]bool{}
	for _, file := range m.Entries {
		hashed[file] = true
	}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		typ, ok := contentTypes[path.Ext(name)]
		if !ok {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > maxAsset {
			return fmt.Errorf("%s has %d bytes; at most %d are served", name, info.Size(), maxAsset)
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		lifetime := asked
		if hashed[name] || strings.HasPrefix(name, "chunk-") {
			lifetime = forever
		}
		a := newAsset(body, typ, lifetime)
		if strings.HasPrefix(name, workerPrefix) {
			a.policy = workerPolicy
		}
		files[name] = a
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("toolbar: assets: %w", err)
	}
	for _, need := range []string{"index.js", "session.js"} {
		file := m.Entries[need]
		if _, ok := files[file]; !ok {
			return nil, nil, fmt.Errorf("toolbar: %s: entry %s names %q, which is not there", manifestName, need, file)
		}
	}
	for name, file := range m.Entries { // a stable name for hosts' pages; the rest comes under hashed names
		files[name] = newAsset(fmt.Appendf(nil, "export * from %q;\n", "./"+file), contentTypes[".js"], asked)
	}
	return files, m.Entries, nil
}

func newAsset(body []byte, contentType, lifetime string) asset {
	a := asset{plain: body, plainTag: entityTag(body), contentType: contentType, lifetime: lifetime, policy: documentPolicy}
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression) // the level is valid and a buffer does not fail
	_, _ = w.Write(body)
	_ = w.Close()
	if z.Len() < len(body)*9/10 {
		a.zipped, a.zippedTag = z.Bytes(), entityTag(z.Bytes())
	}
	return a
}

func entityTag(b []byte) string {
	sum := sha256.Sum256(b)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
}

// assetHandler serves the files of a client. There are no folders to list.
type assetHandler map[string]asset

func (h assetHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	a, ok := h[strings.TrimPrefix(r.URL.Path, "/")]
	if !ok {
		head.Set("Cache-Control", "no-store")
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	head.Set("Content-Type", a.contentType)
	head.Set("Cache-Control", a.lifetime)
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Content-Security-Policy", a.policy)
	head.Set("Vary", "Accept-Encoding")
	body, tag := a.plain, a.plainTag
	if a.zipped != nil && acceptsGzip(r) {
		head.Set("Content-Encoding", "gzip")
		body, tag = a.zipped, a.zippedTag
	}
	head.Set("ETag", tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads Accept-Encoding as far as it matters here. A refusal by a quality of zero counts as one.
func acceptsGzip(r *http.Request) bool {
	for _, header := range r.Header.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(header, ",") {
			coding, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
			if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				q := strings.ReplaceAll(quality, " ", "")
				return q != "q=0" && !strings.HasPrefix(q, "q=0.0")
			}
		}
	}
	return false
}
