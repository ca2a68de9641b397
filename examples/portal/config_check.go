package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp"
)

// idForm is what ids may look like: they stand in paths and log lines.
var idForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

const (
	maxNameLen = 200 // runes
	maxDepth   = 60  // containers above an asset
)

// checker finds what is wrong between entries: references, cycles, values of closed sets.
type checker struct {
	d                    *doc
	c                    *config
	dir                  string // of the file
	users, groups, types map[string]bool
	profiles             map[string]bool
	parents              map[string]string // of containers
	nodes                map[string]bool   // containers and assets
}

func (c *config) check(d *doc, dir string) {
	k := &checker{
		d: d, c: c, dir: dir,
		users: map[string]bool{}, groups: map[string]bool{}, types: map[string]bool{}, profiles: map[string]bool{},
		parents: map[string]string{}, nodes: map[string]bool{},
	}
	for _, u := range c.Users {
		k.users[u.ID] = true
	}
	for _, g := range c.Groups {
		k.groups[g.ID] = true
	}
	for _, t := range c.Types {
		k.types[t.ID] = true
	}
	for _, p := range c.Profiles {
		k.profiles[p.ID] = true
	}
	for _, n := range c.Containers {
		k.parents[n.ID], k.nodes[n.ID] = n.Parent, true
	}
	for _, a := range c.Assets {
		k.nodes[a.ID] = true
	}
	k.people()
	k.tree()
	for i := range c.Assets {
		k.asset(&c.Assets[i])
	}
	k.policy()
	k.workflow()
	k.gateway()
	k.metrics()
}

func (k *checker) people() {
	if len(k.c.Users) == 0 {
		k.d.fault(1, "add at least one under users", "there are no users")
	}
	for i := range k.c.Users {
		u := &k.c.Users[i]
		what := "user " + u.ID
		line := k.id(what, "user", u.ID)
		u.Name = k.name(line, what, u.Name, u.ID)
		switch cost, err := bcrypt.Cost([]byte(u.Hash.Reveal())); {
		case u.Hash.Empty():
			k.d.fault(line, `make one with "portal hash"`, "%s has no password_hash", what)
		case err != nil:
			k.d.fault(line, `make one with "portal hash"`, "password_hash of %s is not a bcrypt hash", what)
		case cost < bcrypt.DefaultCost || cost > 15:
			k.d.fault(line, `make one with "portal hash"`, "password_hash of %s has cost %d, not 10 to 15", what, cost)
		}
		switch pam.SiteRole(u.Site) {
		case pam.SiteNone, pam.SiteAdministrator, pam.SiteAuditor:
		default:
			k.d.fault(line, "write administrator or auditor, or remove it", "%s has the unknown site_role %q", what, u.Site)
		}
		k.secret(what, "totp_secret", &u.TOTP)
		for _, g := range u.Groups {
			k.refer(line, what, "group", g, k.groups)
		}
	}
	for i := range k.c.Groups {
		g := &k.c.Groups[i]
		what := "group " + g.ID
		line := k.id(what, "group", g.ID)
		g.Name = k.name(line, what, g.Name, g.ID)
		for _, inner := range g.Groups {
			k.refer(line, what, "group", inner, k.groups)
		}
	}
	for i := range k.c.Types {
		t := &k.c.Types[i]
		what := "asset type " + t.ID
		line := k.id(what, "asset type", t.ID)
		t.Name = k.name(line, what, t.Name, t.ID)
		if t.Protocol != "" && t.Protocol != "ssh" && t.Protocol != "rdp" {
			k.d.fault(line, "write ssh or rdp, or remove it for a type without web sessions", "%s has the unknown protocol %q", what, t.Protocol)
		}
		switch pam.OSFamily(t.OS) {
		case "", pam.OSUnix, pam.OSWindows, pam.OSNetwork:
		default:
			k.d.fault(line, "write unix, windows or network", "%s has the unknown os %q", what, t.OS)
		}
	}
}

func (k *checker) tree() {
	for i := range k.c.Containers {
		n := &k.c.Containers[i]
		what := "container " + n.ID
		line := k.id("container or asset "+n.ID, "container", n.ID)
		n.Name = k.name(line, what, n.Name, n.ID)
		k.parent(line, what, n.Parent)
		k.breaks(line, what, n.Break)
		for at, depth := n.Parent, 0; at != ""; at, depth = k.parents[at], depth+1 {
			if at == n.ID {
				k.d.fault(line, "give one of them another parent", "%s is inside itself", what)
				break
			}
			if depth > maxDepth {
				break // a cycle further up, reported there, or a depth that the engine refuses
			}
		}
	}
}

// desktop checks what only desktops have.
func (k *checker) desktop(line int, what string, a *asset) {
	if !a.Password.set() {
		k.d.fault(line, "add password_file or password_env", "%s has no password", what)
	}
	if a.AuthoritiesFile != "" {
		file := a.AuthoritiesFile
		if !filepath.IsAbs(file) {
			file = filepath.Join(k.dir, file)
		}
		pem, err := os.ReadFile(file)
		if err != nil || !x509.NewCertPool().AppendCertsFromPEM(pem) {
			k.d.fault(line, "name a file with certificates in PEM", "certificate_ca_file of %s cannot be used", what)
		}
		a.authorities = string(pem)
	}
	if len(a.Certificates) == 0 && a.authorities == "" {
		k.d.fault(line, "add the fingerprint that rdpshot prints, once you have compared it, or certificate_ca_file", "%s has no certificates, so its identity could not be checked", what)
	}
	for _, pin := range a.Certificates {
		if rdp.CheckPin(pin) != nil {
			k.d.fault(line, "write sha256: and 64 hexadecimal digits", "certificates of %s has the entry %q", what, pin)
		}
	}
	switch a.Security {
	case "", "any", "nla", "tls":
	default:
		k.d.fault(line, "write any, nla or tls", "%s has the security %q", what, a.Security)
	}
}

func (k *checker) asset(a *asset) {
	what := "asset " + a.ID
	line := k.id("container or asset "+a.ID, "asset", a.ID)
	a.Name = k.name(line, what, a.Name, a.ID)
	k.parent(line, what, a.Parent)
	k.breaks(line, what, a.Break)
	k.refer(line, what, "asset type", a.Type, k.types)
	var protocol string
	for _, t := range k.c.Types {
		if t.ID == a.Type {
			protocol = t.Protocol
		}
	}
	if a.Demo {
		if a.Address != "" || a.Account != "" || len(a.HostKeys) > 0 || len(a.Certificates) > 0 || a.Password.set() || a.Key.set() || a.Phrase.set() {
			k.d.fault(line, "remove address, account, host_keys, password and key: the portal knows them", "%s is a demo host with a connection of its own", what)
		}
		if protocol != "ssh" && protocol != "rdp" {
			k.d.fault(line, "give it an asset type with protocol: ssh or rdp", "%s is a demo host without a protocol", what)
		}
		return
	}
	if protocol != "" {
		if a.Address == "" {
			k.d.fault(line, "add address: host:port", "%s has no address", what)
		} else if host, port, err := net.SplitHostPort(a.Address); err != nil || host == "" || !validPort(port) {
			k.d.fault(line, "write host:port, for example 10.20.8.1:22 or [2001:db8::1]:22", "%s has the address %q", what, a.Address)
		}
		if a.Account == "" {
			k.d.fault(line, "add account: the user name on that machine", "%s has no account", what)
		}
		if protocol == "rdp" {
			k.desktop(line, what, a)
		} else if !a.Password.set() && !a.Key.set() {
			k.d.fault(line, "add password_file, password_env, key_file or key_env", "%s has neither a password nor a key", what)
		}
		if protocol != "rdp" && len(a.HostKeys) == 0 && len(a.CAKeys) == 0 && len(k.c.SSH.KnownHosts) == 0 {
			k.d.fault(line, "add the lines that ssh-keyscan prints, once you have compared the fingerprint", "%s has no host_keys, so its identity could not be checked", what)
		}
		for i, h := range a.HostKeys {
			pin, ok := hostKey(h)
			if !ok {
				k.d.fault(line, "write a fingerprint (SHA256:…) or a public key (ssh-ed25519 AAAA…)", "host_keys of %s has the entry %q", what, h)
			}
			a.HostKeys[i] = pin
		}
	}
	k.hops(line, what, a)
	if a.Certificate.set() && !a.Key.set() {
		k.d.fault(line, "add key_file: the private key that the certificate is for", "%s has a certificate and no key", what)
	}
	k.secret(what, "certificate", &a.Certificate)
	k.secret(what, "password", &a.Password)
	k.secret(what, "key", &a.Key)
	k.secret(what, "passphrase", &a.Phrase)
}

func (k *checker) secret(what, name string, s *secretSource) {
	switch {
	case !s.set():
	case s.file != "":
		if !filepath.IsAbs(s.file) {
			s.file = filepath.Join(k.dir, s.file)
		}
		st, err := os.Stat(s.file)
		switch {
		case err != nil:
			k.d.fault(s.line, "create the file, mode 0600", "%s_file of %s: %v", name, what, err)
		case st.IsDir():
			k.d.fault(s.line, "name a file", "%s_file of %s is a folder", name, what)
		case st.Mode().Perm()&0o077 != 0 && looseModesMatter:
			k.warn(s.line, "%s_file of %s can be read by others (mode %04o); chmod 600 it", name, what, st.Mode().Perm()&fs.ModePerm)
		}
	case s.env != "":
		if os.Getenv(s.env) == "" {
			k.d.fault(s.line, "export it before the start", "%s_env of %s: the environment has no %s", name, what, s.env)
		}
	default:
		k.warn(s.line, "%s of %s stands in the file; %s_file or %s_env would keep it out", name, what, name, name)
	}
}

// looseModesMatter is false where a file's mode says nothing about who can read it.
const looseModesMatter = os.PathSeparator == '/'

func (k *checker) policy() {
	for i, r := range k.c.Roles {
		what := fmt.Sprintf("role #%d", i+1)
		line := k.c.lines[what]
		k.subject(line, what, r.To)
		k.refer(line, what, "container or asset", r.On, k.nodes)
		if role, err := pam.ParseRole(r.Role); err != nil || role == pam.RoleNone {
			k.d.fault(line, "write viewer, supervisor, editor, manager or owner", "%s has the unknown role %q", what, r.Role)
		}
	}
	for i := range k.c.Profiles {
		p := &k.c.Profiles[i]
		what := "profile " + p.ID
		line := k.id(what, "profile", p.ID)
		p.Name = k.name(line, what, p.Name, p.ID)
		for _, name := range slices.Sorted(maps.Keys(p.Declarations)) {
			if !declarationForm.MatchString(name) {
				k.d.fault(line, "use lower-case letters, digits and '_'", "%s has the declaration %q", what, name)
			} else if !knownDeclaration(name) {
				k.warn(line, "%s has the declaration %q, which the gateway itself does not check", what, name)
			}
		}
	}
	for i, a := range k.c.Assigns {
		what := fmt.Sprintf("assignment #%d", i+1)
		line := k.c.lines[what]
		k.refer(line, what, "profile", a.Profile, k.profiles)
		k.subject(line, what, a.To)
		k.refer(line, what, "container or asset", a.On, k.nodes)
	}
}

var declarationForm = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

func knownDeclaration(name string) bool {
	switch pam.Declaration(name) {
	case pam.WebSession, pam.NativeSession, pam.Keyboard, pam.ClipboardUpload, pam.ClipboardDownload, pam.FileUpload,
		pam.FileDownload, pam.FileDelete, pam.JoinMonitor, pam.JoinParticipate, pam.SessionURL, pam.Audio,
		pam.Printing, pam.PortForward, pam.Exec:
		return true
	}
	return false
}

// id checks an id and returns the line of its entry.
func (k *checker) id(entry, kind, id string) int {
	line := k.c.lines[entry]
	switch {
	case id == "":
		k.d.fault(line, "add id: a short word", "a %s has no id", kind)
	case !idForm.MatchString(id):
		k.d.fault(line, "use up to 64 letters, digits, '.', '_' and '-'", "the id %q of a %s cannot stand in a path", id, kind)
	}
	return line
}

// name returns the name, or the id if there is none.
func (k *checker) name(line int, what, name, id string) string {
	if name == "" {
		return id
	}
	if len([]rune(name)) > maxNameLen {
		k.d.fault(line, fmt.Sprintf("use at most %d characters", maxNameLen), "the name of %s is too long", what)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		k.d.fault(line, "remove them", "the name of %s has control characters", what)
	}
	return name
}

func (k *checker) parent(line int, what, parent string) {
	if parent == "" {
		return
	}
	if _, ok := k.parents[parent]; !ok {
		k.refer(line, what, "container", parent, mapsTrue(k.parents))
	}
}

func (k *checker) breaks(line int, what string, kinds []string) {
	for _, b := range kinds {
		if b != "roles" && b != "profiles" && b != "selectors" {
			k.d.fault(line, "write roles, profiles or selectors", "%s breaks the inheritance of %q", what, b)
		}
	}
}

func (k *checker) subject(line int, what, to string) {
	s := parseSubject(to)
	switch {
	case s.User != "":
		k.refer(line, what, "user", string(s.User), k.users)
	case s.Everyone:
	case s.Group != "":
		k.refer(line, what, "group", string(s.Group), k.groups)
	default:
		k.d.fault(line, "write user:ID, group:ID or everyone", "%s is given to %q", what, to)
	}
}

// refer checks that id is one of those defined.
func (k *checker) refer(line int, what, kind, id string, defined map[string]bool) {
	if defined[id] {
		return
	}
	todo := fmt.Sprintf("define a %s with that id", kind)
	if ids := slices.Sorted(maps.Keys(defined)); len(ids) > 0 && len(ids) <= 12 {
		todo += ", or write one of " + strings.Join(ids, ", ")
	}
	if id == "" {
		k.d.fault(line, todo, "%s names no %s", what, kind)
		return
	}
	k.d.fault(line, todo, "%s names the unknown %s %q", what, kind, id)
}

func (k *checker) warn(line int, format string, args ...any) {
	k.c.warnings = append(k.c.warnings, fmt.Sprintf("%s:%d: ", k.c.file, line)+fmt.Sprintf(format, args...))
}

// hostKey returns a pin as package sshx reads it: a fingerprint, or a public key without the host name that
// ssh-keyscan puts before it.
func hostKey(s string) (string, bool) {
	f := strings.Fields(s)
	if len(f) == 1 && strings.HasPrefix(f[0], "SHA256:") {
		sum, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(f[0][len("SHA256:"):], "="))
		return f[0], err == nil && len(sum) == sha256.Size
	}
	for i := 0; i < 2 && i+1 < len(f); i++ {
		if !keyType.MatchString(f[i]) {
			continue
		}
		blob, err := base64.StdEncoding.DecodeString(f[i+1])
		return f[i] + " " + f[i+1], err == nil && len(blob) > 4 && strings.Contains(string(blob[:min(len(blob), 64)]), f[i])
	}
	return s, false
}

var keyType = regexp.MustCompile(`^(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+$`)

func mapsTrue[V any](m map[string]V) map[string]bool {
	out := make(map[string]bool, len(m))
	for id := range m {
		out[id] = true
	}
	return out
}

func validPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 1 && n <= 65535
}
