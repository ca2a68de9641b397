package pam_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/sallyport/sallyport"

// uses maps what a package imports to the reason why. A key is a package of this module relative to its root, or
// a module path, which stands for all its packages.
type uses map[string]string

// part is one package of the module.
type part struct {
	why   string // what the package is for; a reader's map of the house
	uses  uses   // imports of its ordinary files
	tests uses   // imports of its test files beyond uses, testTools and itself
}

// The house: every package and every import that it may have. Arrows point inwards: pam imports none of its
// siblings, siblings never import each other, the host (examples) hands values in.
var house = map[string]part{
	"pam": {
		why: "vocabulary of sessions and the broker",
		uses: uses{
			"pam/internal/edge":              "the WebSocket, so that its library stays out of the API",
			"pam/internal/frame":             "codec of the browser protocol",
			"pam/internal/stream":            "the session's ordered log",
			"github.com/rcrowley/go-metrics": "the host injects its registry",
			"golang.org/x/time":              "token buckets of the rate limits",
		},
		tests: uses{"pam/pamtest": "fakes of the broker's neighbours, and a browser"},
	},
	"pam/internal/edge": {
		why: "the only place that knows the WebSocket library",
		uses: uses{
			"nhooyr.io/websocket": "the WebSocket itself; deprecated, so a swap must touch one package",
			"golang.org/x/time":   "how many control frames are too many",
		},
		tests: uses{},
	},
	"pam/internal/frame":  {why: "frame codec without I/O"},
	"pam/internal/stream": {why: "stream log with readers at their own pace"},
	"pam/dial":            {why: "checked connections to targets, for adapters"},
	"pam/pamtest": {
		why: "public test kit",
		uses: uses{
			"pam":                "its fakes implement pam's interfaces",
			"pam/internal/edge":  "its browser opens a WebSocket",
			"pam/internal/frame": "its browser speaks the browser protocol",
			"go.uber.org/goleak": "the leak check",
		},
	},
	"pam/totp": {
		why: "one-time codes as second factors",
		uses: uses{
			"pam":                    "implements pam.MFAVerifier",
			"github.com/pquerna/otp": "the codes of RFC 4226",
		},
	},
	"pam/eventlog": {
		why:   "sinks of audit events: file, syslog, several at once, memory",
		uses:  uses{"pam": "implements pam.EventSink"},
		tests: uses{"pam/pamtest": "the conformance suite"},
	},
	"pam/prom": {
		why: "metrics for Prometheus",
		uses: uses{
			"pam":                                 "the table of metrics",
			"github.com/rcrowley/go-metrics":      "the registry that is shown",
			"github.com/prometheus/client_golang": "collector and text format",
		},
		tests: uses{"pam/pamtest": "fakes of the broker's neighbours"},
	},
	"pam/sqlstore": {
		why: "store and event log in an SQLite file",
		uses: uses{
			"pam":                         "implements pam.Store and pam.EventSink",
			"modernc.org/sqlite":          "the database, without cgo",
			"github.com/pressly/goose/v3": "migrations of its schema",
		},
		tests: uses{"pam/pamtest": "the conformance suites"},
	},
	"policy": {
		why: "roles, profiles and selectors by Casbin",
		uses: uses{
			"pam":                         "implements pam.Policy",
			"github.com/casbin/casbin/v2": "the rule engine, here and nowhere else",
		},
		tests: uses{
			"pam/pamtest": "the number of rounds of soak tests",
		},
	},
	"policy/sqlsource": {
		why: "a policy in SQL tables, followed by an engine; the host brings the driver",
		uses: uses{
			"pam":    "the vocabulary of policies",
			"policy": "reads and saves its data",
		},
		tests: uses{
			"pam/pamtest":                    "a PostgreSQL server for the test",
			"modernc.org/sqlite":             "a real database",
			"github.com/jackc/pgx/v5/stdlib": "the driver of another",
		},
	},
	"sshx": {
		why: "SSH adapter",
		uses: uses{
			"pam":                          "implements pam.Protocol",
			"pam/dial":                     "connects to the address that was checked",
			"sshx/internal/vt":             "screen model for key frames",
			"sshx/internal/sftp":           "files of a target over its connection",
			"golang.org/x/crypto/ssh":      "the protocol, here and nowhere else",
			"github.com/skeema/knownhosts": "host key algorithms that fit the pins",
		},
		tests: uses{
			"github.com/pkg/sftp": "a general client to be measured against",
			"pam/pamtest":         "real peers, canaries, bad link",
			"sshx/sshtest":        "scripted servers and a real sshd",
		},
	},
	"sshx/internal/vt": {
		why: "bounded terminal screen model",
		uses: uses{
			"github.com/charmbracelet/x/ansi": "parser of escape sequences, width of cells",
		},
	},
	"sshx/internal/sftp": {
		why:   "SFTP client for servers that are not trusted",
		tests: uses{"github.com/pkg/sftp": "an independent server and client to be measured and compared with"},
	},
	"sshx/sshtest": {
		why: "SSH servers for tests: scripted, hostile, and a real OpenSSH",
		uses: uses{
			"github.com/pkg/sftp":     "serves a tree in memory",
			"golang.org/x/crypto/ssh": "plays the server",
			"pam/pamtest":             "accepts connections; finds the real sshd",
		},
	},
	"sshx/sshtest/opensshd": {
		why:  "command that runs a real sshd for tests in other languages",
		uses: uses{"sshx/sshtest": "all it does"},
	},
	"rdp": {
		why: "RDP client and adapter",
		uses: uses{
			"pam":                          "implements pam.Protocol",
			"pam/dial":                     "connects to the address that was checked",
			"rdp/internal/bulk":            "the active stage decompresses",
			"rdp/internal/channel":         "chunks of virtual channels",
			"rdp/internal/channel/cliprdr": "the clipboard",
			"rdp/internal/channel/disp":    "the size of the desktop",
			"rdp/internal/channel/drdynvc": "dynamic channels",
			"rdp/internal/channel/rdpdr":   "the drive",
			"rdp/internal/channel/rdpsnd":  "the sound",
			"rdp/drive":                    "the files on it",
			"rdp/internal/codec":           "the framebuffer decodes; limits of a desktop",
			"rdp/internal/connect":         "the connection sequence",
			"rdp/internal/secure":          "standard security under the connection",
			"rdp/internal/credssp":         "sizes of its messages, and its refusal",
			"rdp/internal/pdu":             "what is said",
			"rdp/internal/screen":          "what is passed on to viewers",
		},
		tests: uses{"rdp/rdptest": "the server", "pam/pamtest": "leak check", "rdp/internal/rdplab": "real servers"},
	},
	"rdp/internal/rdplab": {
		why: "real RDP servers for tests",
		uses: uses{
			"pam/pamtest":      "finds the programs, makes an account",
			"golang.org/x/sys": "enters the network of a server",
		},
	},
	"rdp/internal/rdplab/realrdp": {
		why:  "command that runs a real RDP server for tests in other languages",
		uses: uses{"rdp/internal/rdplab": "all it does", "rdp": "fingerprint of the certificate"},
	},
	"rdp/drive": {
		why: "files that a session finds on its drive",
	},
	"rdp/internal/bulk": {
		why:  "bulk compression of RDP, undone",
		uses: uses{"rdp/internal/wire": "bounded reads"},
	},
	"rdp/internal/channel": {
		why:   "messages of static virtual channels, cut and joined",
		uses:  uses{"rdp/internal/wire": "bounded reads"},
		tests: uses{"rdp/internal/bulk": "compressed chunks"},
	},
	"rdp/internal/channel/cliprdr": {
		why: "clipboard over its virtual channel",
		uses: uses{
			"rdp/internal/channel": "is a Processor",
			"rdp/internal/wire":    "bounded reads",
		},
	},
	"rdp/internal/channel/disp": {
		why: "display control over its dynamic channel",
		uses: uses{
			"rdp/internal/channel": "is a Processor",
			"rdp/internal/wire":    "bounded reads",
		},
	},
	"rdp/internal/channel/drdynvc": {
		why: "dynamic virtual channels inside a static one",
		uses: uses{
			"rdp/internal/channel": "is a Processor, and hands messages to others",
			"rdp/internal/wire":    "bounded reads",
		},
	},
	"rdp/internal/channel/rdpdr": {
		why: "a drive over its virtual channel",
		uses: uses{
			"rdp/internal/channel": "is a Processor",
			"rdp/internal/wire":    "bounded reads",
			"rdp/drive":            "the files that it serves",
		},
	},
	"rdp/internal/channel/rdpsnd": {
		why: "sound over its virtual channel, static or dynamic",
		uses: uses{
			"rdp/internal/channel": "is a Processor",
			"rdp/internal/wire":    "bounded reads",
		},
	},
	"rdp/internal/screen": {
		why: "the coded framebuffer: what of a picture can be seen, in the server's own coding",
		uses: uses{
			"rdp/internal/codec": "cells that are coded anew; limits of a desktop",
			"rdp/internal/wire":  "bounded reads",
		},
	},
	"rdp/internal/codec": {
		why:   "pictures of RDP, decoded",
		uses:  uses{"rdp/internal/wire": "bounded reads"},
		tests: uses{"rdp/internal/bulk": "one folder of vectors holds packets of both"},
	},
	"rdp/internal/connect": {
		why: "the connection sequence of RDP, without I/O",
		uses: uses{
			"rdp/internal/pdu":     "what is said",
			"rdp/internal/credssp": "network level authentication",
			"rdp/internal/license": "licensing",
			"rdp/internal/secure":  "keys of standard security",
		},
	},
	"rdp/internal/credssp": {
		why: "network level authentication: CredSSP with NTLMv2, without I/O",
		uses: uses{
			"rdp/internal/wire":              "bounded reads",
			"golang.org/x/crypto/md4":        "the hash that NTLM has passwords in",
			"golang.org/x/crypto/cryptobyte": "ASN.1 of CredSSP",
		},
	},
	"rdp/internal/license": {
		why: "licensing of RDP, the client's side, without I/O",
		uses: uses{
			"rdp/internal/pdu":  "alerts",
			"rdp/internal/wire": "bounded reads",
		},
	},
	"rdp/internal/pdu": {
		why:  "PDUs of RDP and the layers below it, both ways",
		uses: uses{"rdp/internal/wire": "bounded reads"},
	},
	"rdp/internal/secure": {
		why: "standard RDP security: keys, and a connection on top of them",
		uses: uses{
			"rdp/internal/pdu":  "headers and units",
			"rdp/internal/wire": "bounded reads",
		},
	},
	"rdp/rdptest": {
		why: "scripted RDP server for hosts' own tests and for demonstrations",
		uses: uses{
			"pam/pamtest":                  "accepts connections; real clients in tests",
			"rdp/internal/channel/rdpdr":   "the drive",
			"rdp/internal/channel/cliprdr": "the clipboard",
			"rdp/internal/channel/rdpsnd":  "the sound",
			"rdp/internal/pdu":             "what is said",
			"rdp/internal/wire":            "bounded reads",
			"rdp/internal/credssp":         "the server's side of network level authentication",
			"rdp/internal/channel":         "chunks of virtual channels",
			"rdp/internal/channel/disp":    "the size that a client asks for",
			"rdp/internal/channel/drdynvc": "dynamic channels",
			"rdp/internal/secure":          "standard security",
			"rdp/rdptest/internal/encode":  "codecs of its pictures",
			"golang.org/x/image":           "letters of its desktop",
		},
		tests: uses{
			"rdp/drive":            "the drive of a client",
			"rdp/internal/codec":   "what it draws is decoded",
			"rdp/internal/connect": "the client's side of the sequence",
			"rdp":                  "fingerprints as pins",
		},
	},
	"rdp/rdptest/internal/frames": {
		why: "frames of a desktop in every codec, to measure what draws them",
		uses: uses{
			"rdp/internal/codec":          "numbers of codecs; a frame of RemoteFX taken apart",
			"rdp/internal/screen":         "payloads",
			"rdp/rdptest/internal/encode": "the codecs",
		},
	},
	"rdp/rdptest/internal/encode": {
		why: "the server's side of the codecs",
		uses: uses{
			"rdp/internal/wire":  "fields of the streams",
			"rdp/internal/codec": "numbers of the blocks of RemoteFX; what is encoded is decoded in tests",
			"rdp/internal/bulk":  "flags of packets",
		},
		tests: uses{
			"rdp/internal/screen": "what is encoded is drawn as a viewer draws it",
		},
	},
	"rdp/internal/wire": {why: "fields of RDP's layers, read with bounds and appended"},
	"recorder": {
		why: "recordings: write, seal, read, verify, adopt, export",
		uses: uses{
			"pam":                            "implements pam.Recorder",
			"github.com/klauspost/compress":  "zstd of chunks",
			"github.com/rcrowley/go-metrics": "the host injects its registry",
			"golang.org/x/sys":               "reserving disk space, in files for Linux alone",
		},
		tests: uses{"pam/pamtest": "test kit", "recorder/recordertest": "faulty disks"},
	},
	"recorder/rec": {
		why:  "command that verifies, describes and exports a recording",
		uses: uses{"recorder": "all it does", "pam": "kinds of entries"},
	},
	"recorder/recordertest": {
		why:  "faulty file systems for tests of recordings",
		uses: uses{"recorder": "implements its file system"},
	},
	"toolbar": {
		why:  "embeds and serves the browser client",
		uses: uses{"pam": "implements pam.UI"},
	},
	"toolbar/build": {
		why:  "command that builds the browser client",
		uses: uses{"github.com/evanw/esbuild": "the bundler, in this command alone"},
	},
	"examples/internal/spine":    {why: "tests of all parts together", uses: anything, tests: anything},
	"examples/internal/bench":    {why: "what the benchmarks of whole sessions share", uses: anything, tests: anything},
	"examples/internal/rdpbench": {why: "the RDP rows of the performance table, against xfreerdp", uses: anything, tests: anything},
	"examples/internal/sshbench": {why: "the SSH rows of the performance table, against OpenSSH", uses: anything, tests: anything},
	"examples/internal/webhost":  {why: "a host with pages of its own, for the tests of the browser client", uses: anything, tests: anything},
	"examples/rdpshot":           {why: "package rdp by itself: a picture of a desktop", uses: anything, tests: anything},
	"examples/quickstart":        {why: "the smallest host", uses: anything, tests: anything},
	"examples/portal":            {why: "a whole host application", uses: anything, tests: anything},
}

// anything is for examples: a host may use what it likes. What it may not is be imported.
var anything = uses{"*": "a host application"}

// testTools may be used by the tests of every package.
var testTools = uses{
	"github.com/google/go-cmp":        "readable differences",
	"pgregory.net/rapid":              "properties and state machines",
	"go.uber.org/goleak":              "leak check of packages that the test kit itself imports",
	"github.com/rogpeppe/go-internal": "testscript for commands",
}

// noStd are standard packages that the library keeps out of, with the packages that are excepted.
var noStd = map[string]struct {
	why    string
	except []string
}{
	"C":              {why: "no cgo: hosts cross-compile"},
	"unsafe":         {why: "memory safety is part of the threat model"},
	"plugin":         {why: "a host links what it uses"},
	"log":            {why: "log/slog, injected (style R19)"},
	"flag":           {why: "a library reads no flags", except: []string{"toolbar/build", "recorder/rec", "sshx/sshtest/opensshd"}},
	"math/rand":      {why: "crypto/rand, or an injected source"},
	"expvar":         {why: "registers itself on the default mux"},
	"testing":        {why: "test kits only", except: []string{"pam/pamtest", "sshx/sshtest", "recorder/recordertest", "rdp/internal/rdplab", "rdp/internal/rdplab/realrdp"}},
	"net/http/pprof": {why: "registers itself on the default mux"},
}

// sansIO are packages that must not be able to do I/O, and the standard packages that would let them.
var (
	sansIO = []string{
		"pam/internal/frame",
		"sshx/internal/vt",
		"rdp/internal/bulk",
		"rdp/internal/channel",
		"rdp/internal/channel/cliprdr",
		"rdp/internal/channel/disp",
		"rdp/internal/channel/drdynvc",
		"rdp/internal/channel/rdpdr",
		"rdp/internal/channel/rdpsnd",
		"rdp/internal/codec",
		"rdp/internal/connect",
		"rdp/internal/credssp",
		"rdp/internal/license",
		"rdp/internal/pdu",
		"rdp/internal/screen",
		"rdp/internal/wire",
		"rdp/rdptest/internal/encode",
	}
	ioAccess = []string{"net", "net/http", "os", "os/exec", "syscall", "crypto/tls"}
)

// source is one Go file of the module.
type source struct {
	pkg  string // folder relative to the module's root
	name string
	test bool
	file *ast.File
	fset *token.FileSet
}

// TestArch keeps the house as the table says: it fails on an import or a package that is not in it, and on an
// entry that no code bears out any more.
func TestArch(t *testing.T) {
	sources := moduleSources(t, parser.ImportsOnly)
	seen := map[string]map[string]bool{} // package to what its files import, tests included
	for _, s := range sources {
		p, known := house[s.pkg]
		if seen[s.pkg] == nil {
			seen[s.pkg] = map[string]bool{}
			if !known {
				t.Errorf("package %s is not in the table of this test: what is it for, and what may it import?", s.pkg)
			}
		}
		if !known {
			continue
		}
		for _, spec := range s.file.Imports {
			imported := importPath(t, spec)
			if isStd(imported) {
				checkStd(t, s, imported)
				continue
			}
			if inner, ok := strings.CutPrefix(imported, modulePath+"/"); ok && strings.HasPrefix(inner, "examples/") && !strings.HasPrefix(s.pkg, "examples/") {
				t.Errorf("%s/%s imports %s: only examples import each other", s.pkg, s.name, inner)
			}
			key := p.allows(imported, s)
			if key == "" {
				t.Errorf("%s/%s imports %s: not in the table of this test", s.pkg, s.name, imported)
			}
			seen[s.pkg][key] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(house)) {
		p := house[name]
		if seen[name] == nil {
			t.Errorf("package %s is in the table but not in the module", name)
			continue
		}
		for _, list := range []uses{p.uses, p.tests} {
			for key, why := range list {
				if why == "" {
					t.Errorf("%s may import %s, but the table gives no reason", name, key)
				}
				if key != "*" && !seen[name][key] {
					t.Errorf("%s may import %s by the table, but does not", name, key)
				}
			}
		}
		if p.why == "" {
			t.Errorf("package %s: the table does not say what it is for", name)
		}
	}
}

// TestArchNoSiblings checks the table itself: no entry may let two siblings meet, or pam see one of them.
func TestArchNoSiblings(t *testing.T) {
	top := func(pkg string) string { first, _, _ := strings.Cut(pkg, "/"); return first }
	for name, p := range house {
		if top(name) == "examples" {
			continue
		}
		for _, list := range []uses{p.uses, p.tests} {
			for key := range list {
				if strings.Contains(top(key), ".") { // a module of others
					continue
				}
				if top(key) != "pam" && top(key) != top(name) {
					t.Errorf("the table lets %s import %s: siblings meet in the host alone", name, key)
				}
			}
		}
		for key := range p.uses {
			if key == "golang.org/x/crypto/ssh" && top(name) != "sshx" || key == "github.com/casbin/casbin/v2" && name != "policy" ||
				key == "nhooyr.io/websocket" && name != "pam/internal/edge" {
				t.Errorf("the table lets %s import %s, which has another home", name, key)
			}
		}
	}
}

// TestArchTopLevel keeps the module's root to what a reader expects there.
func TestArchTopLevel(t *testing.T) {
	allowed := []string{
		"pam", "rdp", "sshx", "policy", "recorder", "toolbar", "examples",
		"go.mod", "go.sum", "README.md", "LICENSE", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md", "Makefile",
		"data", // made by `make demo`, never committed
	}
	entries, err := os.ReadDir(moduleRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && !slices.Contains(allowed, name) {
			t.Errorf("%s is in the module's root; allowed are %q and hidden files", name, allowed)
		}
	}
}

// TestArchNoEnvironment keeps library packages from reading the process's environment or flags: a host configures
// them by values (style R14).
func TestArchNoEnvironment(t *testing.T) {
	except := map[string]string{
		"pam/pamtest":                 "PAM_INTEROP decides whether a missing peer fails; read by tests only",
		"toolbar/build":               "a command",
		"rdp/rdptest/internal/frames": "a command",
		"recorder/rec":                "a command",
		"sshx/sshtest/opensshd":       "a command",
		"rdp/internal/rdplab/realrdp": "a command",
	}
	readers := []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Args"}
	for _, s := range moduleSources(t, parser.SkipObjectResolution) {
		if s.test || except[s.pkg] != "" || strings.HasPrefix(s.pkg, "examples/") || strings.HasSuffix(s.pkg, "test") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "os" && slices.Contains(readers, sel.Sel.Name) {
				t.Errorf("%v: os.%s in a library package", s.fset.Position(sel.Pos()), sel.Sel.Name)
			}
			return true
		})
	}
}

// allows returns the table's key that permits imported for s, or the empty string.
func (p part) allows(imported string, s source) string {
	lists := []uses{p.uses}
	if s.test {
		lists = append(lists, p.tests, testTools, uses{s.pkg: "its own package, from an external test"})
	}
	inner, own := strings.CutPrefix(imported, modulePath+"/")
	for _, list := range lists {
		for key := range list {
			switch {
			case key == "*":
				return key
			case own && key == inner:
				return key
			case !own && (imported == key || strings.HasPrefix(imported, key+"/")):
				return key
			}
		}
	}
	return ""
}

func checkStd(t *testing.T, s source, imported string) {
	t.Helper()
	if s.test || strings.HasPrefix(s.pkg, "examples/") {
		return
	}
	if rule, ok := noStd[imported]; ok && !slices.Contains(rule.except, s.pkg) {
		t.Errorf("%s/%s imports %q: %s", s.pkg, s.name, imported, rule.why)
	}
	if slices.Contains(sansIO, s.pkg) && slices.Contains(ioAccess, imported) {
		t.Errorf("%s/%s imports %q: the package does no I/O", s.pkg, s.name, imported)
	}
}

// moduleSources parses every Go file of the module, for all operating systems alike.
func moduleSources(t *testing.T, mode parser.Mode) []source {
	t.Helper()
	root := moduleRoot(t)
	fset := token.NewFileSet()
	var out []source
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if p != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules") {
				return filepath.SkipDir
			}
			if p != root && fileExists(filepath.Join(p, "go.mod")) {
				t.Errorf("%s is a module of its own: its packages would escape this test", p)
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, p, nil, mode)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(p))
		if err != nil {
			return err
		}
		out = append(out, source{
			pkg: path.Clean(filepath.ToSlash(rel)), name: name, test: strings.HasSuffix(name, "_test.go"), file: f, fset: fset,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatal("no source found: the test looks in the wrong place")
	}
	return out
}

// moduleRoot returns the folder of the module's go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !fileExists(filepath.Join(dir, "go.mod")) {
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = up
	}
	return dir
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func importPath(t *testing.T, spec *ast.ImportSpec) string {
	t.Helper()
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		t.Fatalf("import %s: %v", spec.Path.Value, err)
	}
	return p
}

// isStd tells packages of the standard library: their first element has no dot.
func isStd(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return !strings.Contains(first, ".")
}
