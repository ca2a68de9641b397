package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/policy"
)

// config is a whole configuration: who may sign in, what there is, and who may do what. It is read once at
// the start. demo.yaml is the commented example.
type config struct {
	Origins    []string
	Users      []user
	Groups     []group
	Types      []assetType
	Containers []container
	Assets     []asset
	Roles      []roleGrant
	Profiles   []profile
	Assigns    []assignment
	Selectors  []selector
	Workflows  []approvalFlow
	Calendar   *calendar // nil: no work hours are known
	SSH        sshSettings
	Limits     pam.Limits
	Gateway    string       // pam.Config.Gateway
	Metrics    secretSource // the token for /metrics

	file     string
	lines    map[string]int // of the entries, by "asset web-01", for faults found later
	warnings []string
}

type user struct {
	ID     string
	Name   string
	Hash   pam.Secret // bcrypt
	Site   string
	Groups []string
	TOTP   secretSource // of one-time codes
}

type group struct {
	ID     string
	Name   string
	Groups []string // groups that are in it
}

type assetType struct {
	ID, Name, Protocol, OS string
}

type container struct {
	ID, Name, Parent string
	Break            []string
}

type asset struct {
	ID, Name, Type, Parent string
	Address, Account       string
	Tags                   []string
	HostKeys               []string
	Break                  []string
	Demo                   bool     // the portal runs the host itself
	Via                    []string // jump hosts
	CAKeys                 []string // of authorities that vouch for host keys
	Algorithms             string
	Password, Key, Phrase  secretSource
	Certificate            secretSource
	Certificates           []string // of desktops, as fingerprints
	AuthoritiesFile        string   // PEM, of authorities that vouch for certificates of desktops
	authorities            string   // its content
	ServerName             string
	Domain, Security       string
}

// secretSource is where a secured field comes from: at most one of the three is set.
type secretSource struct {
	inline pam.Secret
	file   string
	env    string
	line   int
}

func (s secretSource) set() bool { return s.line != 0 }

type roleGrant struct{ To, On, Role string }

type profile struct {
	ID, Name     string
	Disabled     bool
	MFA          bool
	Pins         map[string]string // launch parameters that cannot be changed
	Declarations map[string]string
}

type assignment struct{ Profile, To, On string }

// maxConfig bounds a configuration file; 5,000 assets take about 1 MiB.
const maxConfig = 16 << 20

// loadConfig reads and checks a file. The error lists every fault as "file:line: what; what to do".
func loadConfig(path string) (*config, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("portal: configuration: %w", err)
	}
	if st.Size() > maxConfig {
		return nil, fmt.Errorf("portal: configuration %s has %d bytes, the limit is %d", path, st.Size(), maxConfig)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("portal: configuration: %w", err)
	}
	return parseConfig(path, b)
}

// parseConfig is loadConfig for bytes; files named in it are relative to the folder of path.
func parseConfig(path string, b []byte) (*config, error) {
	d := &doc{file: filepath.Base(path)}
	c := &config{file: d.file, lines: map[string]int{}}
	if root := d.parse(b); root != nil {
		c.read(d, root)
		c.check(d, filepath.Dir(path))
	}
	if len(d.faults) > 0 {
		return nil, errors.Join(d.faults...)
	}
	return c, nil
}

func (c *config) read(d *doc, root *yaml.Node) {
	// each reads a list of entries; name is the key under which an entry stands in c.lines.
	each := func(what string, entry func(n *yaml.Node) (name string)) func(*yaml.Node) {
		return func(n *yaml.Node) {
			d.list(n, what, func(n *yaml.Node) {
				if name := entry(n); name != "" {
					if first, twice := c.lines[name]; twice {
						d.fault(n.Line, "give each an id of its own", "%s is defined again (first on line %d)", name, first)
						return
					}
					c.lines[name] = n.Line
				}
			})
		}
	}
	d.mapping(root, "the configuration", keys{
		"origins": d.texts("origins", &c.Origins),
		"users": each("users", func(n *yaml.Node) string {
			var u user
			ks := keys{
				"id": d.text("id of a user", &u.ID), "name": d.text("name of a user", &u.Name),
				"password_hash": d.secret("password_hash", &u.Hash), "site_role": d.text("site_role", &u.Site),
				"groups": d.texts("groups of a user", &u.Groups),
			}
			d.source(ks, "totp_secret", &u.TOTP)
			d.mapping(n, "a user", ks)
			c.Users = append(c.Users, u)
			return "user " + u.ID
		}),
		"groups": each("groups", func(n *yaml.Node) string {
			var g group
			d.mapping(n, "a group", keys{
				"id": d.text("id of a group", &g.ID), "name": d.text("name of a group", &g.Name),
				"groups": d.texts("groups of a group", &g.Groups),
			})
			c.Groups = append(c.Groups, g)
			return "group " + g.ID
		}),
		"asset_types": each("asset_types", func(n *yaml.Node) string {
			var t assetType
			d.mapping(n, "an asset type", keys{
				"id": d.text("id of an asset type", &t.ID), "name": d.text("name of an asset type", &t.Name),
				"protocol": d.text("protocol", &t.Protocol), "os": d.text("os", &t.OS),
			})
			c.Types = append(c.Types, t)
			return "asset type " + t.ID
		}),
		"containers": each("containers", func(n *yaml.Node) string {
			var k container
			d.mapping(n, "a container", keys{
				"id": d.text("id of a container", &k.ID), "name": d.text("name of a container", &k.Name),
				"parent": d.text("parent", &k.Parent), "break": d.texts("break", &k.Break),
			})
			c.Containers = append(c.Containers, k)
			return "container or asset " + k.ID
		}),
		"assets": each("assets", func(n *yaml.Node) string {
			a := readAsset(d, n)
			c.Assets = append(c.Assets, a)
			return "container or asset " + a.ID
		}),
		"roles": each("roles", func(n *yaml.Node) string {
			var r roleGrant
			d.mapping(n, "a role", keys{"to": d.text("to", &r.To), "on": d.text("on", &r.On), "role": d.text("role", &r.Role)})
			c.Roles = append(c.Roles, r)
			return fmt.Sprintf("role #%d", len(c.Roles))
		}),
		"profiles": each("profiles", func(n *yaml.Node) string {
			p := profile{Declarations: map[string]string{}}
			enabled := true
			d.mapping(n, "a profile", keys{
				"id": d.text("id of a profile", &p.ID), "name": d.text("name of a profile", &p.Name),
				"enabled":      d.boolean("enabled", &enabled),
				"mfa":          d.boolean("mfa", &p.MFA),
				"pins":         d.textMap("pins", &p.Pins),
				"declarations": func(n *yaml.Node) { readDeclarations(d, n, p.Declarations) },
			})
			p.Disabled = !enabled
			c.Profiles = append(c.Profiles, p)
			return "profile " + p.ID
		}),
		"assignments": each("assignments", func(n *yaml.Node) string {
			var a assignment
			d.mapping(n, "an assignment", keys{"profile": d.text("profile", &a.Profile), "to": d.text("to", &a.To), "on": d.text("on", &a.On)})
			c.Assigns = append(c.Assigns, a)
			return fmt.Sprintf("assignment #%d", len(c.Assigns))
		}),
		"selectors": each("selectors", func(n *yaml.Node) string {
			s := readSelector(d, n)
			c.Selectors = append(c.Selectors, s)
			return "selector " + s.ID
		}),
		"workflows": each("workflows", func(n *yaml.Node) string {
			w := readFlow(d, n)
			c.Workflows = append(c.Workflows, w)
			return "workflow " + w.ID
		}),
		"calendar": func(n *yaml.Node) { c.Calendar, c.lines["calendar"] = readCalendar(d, n), n.Line },
		"ssh":      func(n *yaml.Node) { c.SSH, c.lines["ssh"] = readSSH(d, n), n.Line },
		"limits":   func(n *yaml.Node) { c.Limits = readLimits(d, n) },
		"gateway":  func(n *yaml.Node) { d.text("gateway", &c.Gateway)(n); c.lines["gateway"] = n.Line },
		"metrics":  func(n *yaml.Node) { c.Metrics = readMetrics(d, n) },
	})
}

func readAsset(d *doc, n *yaml.Node) asset {
	var a asset
	ks := keys{
		"id": d.text("id of an asset", &a.ID), "name": d.text("name of an asset", &a.Name),
		"type": d.text("type", &a.Type), "parent": d.text("parent", &a.Parent),
		"address": d.text("address", &a.Address), "account": d.text("account", &a.Account),
		"tags": d.texts("tags", &a.Tags), "host_keys": d.texts("host_keys", &a.HostKeys),
		"break": d.texts("break", &a.Break), "demo": d.boolean("demo", &a.Demo),
		"via": d.texts("via", &a.Via), "host_ca_keys": d.texts("host_ca_keys", &a.CAKeys), "algorithms": d.text("algorithms", &a.Algorithms),
		"certificates": d.texts("certificates", &a.Certificates), "certificate_ca_file": d.text("certificate_ca_file", &a.AuthoritiesFile),
		"server_name": d.text("server_name", &a.ServerName), "domain": d.text("domain", &a.Domain), "security": d.text("security", &a.Security),
	}
	d.source(ks, "password", &a.Password)
	d.source(ks, "key", &a.Key)
	d.source(ks, "passphrase", &a.Phrase)
	d.source(ks, "certificate", &a.Certificate)
	d.mapping(n, "an asset", ks)
	return a
}

func readDeclarations(d *doc, n *yaml.Node, into map[string]string) {
	if n.Kind != yaml.MappingNode {
		d.fault(n.Line, "write lines such as web_session: record", "declarations is %s, not a mapping", kindName(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i].Value, ""
		if _, twice := into[k]; twice {
			d.fault(n.Content[i].Line, "keep one", "the declaration %q is given twice", k)
			continue
		}
		d.text("declaration "+k, &v)(n.Content[i+1])
		if _, err := parseValue(v); err != nil && v != "" {
			d.fault(n.Content[i+1].Line, "write deny, allow or record", "declaration %q has the unknown value %q", k, v)
		}
		into[k] = v
	}
}

func parseValue(s string) (pam.Value, error) {
	for _, v := range []pam.Value{pam.Deny, pam.Allow, pam.Record} {
		if v.String() == s {
			return v, nil
		}
	}
	return pam.Deny, fmt.Errorf("unknown value %q", s)
}

// policyData is the part of the configuration that the policy engine decides by.
func (c *config) policyData() policy.Data {
	var data policy.Data
	members := map[string][]pam.UserID{}
	for _, u := range c.Users {
		data.Users = append(data.Users, policy.User{ID: pam.UserID(u.ID), Site: pam.SiteRole(u.Site)})
		for _, g := range u.Groups {
			members[g] = append(members[g], pam.UserID(u.ID))
		}
	}
	for _, g := range c.Groups {
		pg := policy.Group{ID: policy.GroupID(g.ID), Users: members[g.ID]}
		for _, inner := range g.Groups {
			pg.Groups = append(pg.Groups, policy.GroupID(inner))
		}
		data.Groups = append(data.Groups, pg)
	}
	for _, k := range c.Containers {
		data.Assets = append(data.Assets, policy.Asset{ID: pam.AssetID(k.ID), Parent: pam.AssetID(k.Parent), Container: true, Break: parseBreak(k.Break)})
	}
	for _, a := range c.Assets {
		data.Assets = append(data.Assets, policy.Asset{ID: pam.AssetID(a.ID), Parent: pam.AssetID(a.Parent), Break: parseBreak(a.Break)})
	}
	for i, r := range c.Roles {
		role, _ := pam.ParseRole(r.Role) // checked
		data.Grants = append(data.Grants, policy.RoleGrant{ID: fmt.Sprint(i + 1), Scope: pam.AssetID(r.On), Subject: parseSubject(r.To), Role: role})
	}
	for _, p := range c.Profiles {
		decl := pam.Declarations{}
		for name, v := range p.Declarations {
			decl[pam.Declaration(name)], _ = parseValue(v) // checked
		}
		data.Profiles = append(data.Profiles, policy.Profile{ID: policy.ProfileID(p.ID), Name: p.Name, Enabled: !p.Disabled, Declarations: decl, MFA: p.MFA, Pins: p.Pins})
	}
	for i, a := range c.Assigns {
		data.Assignments = append(data.Assignments, policy.Assignment{
			ID: fmt.Sprint(i + 1), Scope: pam.AssetID(a.On), Subject: parseSubject(a.To), Profile: policy.ProfileID(a.Profile),
		})
	}
	c.workflowData(&data)
	c.approvalData(&data)
	return data
}

// parseSubject reads "user:anna", "group:ops" or "everyone"; anything else is the zero Subject.
func parseSubject(s string) policy.Subject {
	if s == "everyone" {
		return policy.Subject{Everyone: true}
	}
	if id, ok := strings.CutPrefix(s, "user:"); ok {
		return policy.Subject{User: pam.UserID(id)}
	}
	if id, ok := strings.CutPrefix(s, "group:"); ok {
		return policy.Subject{Group: policy.GroupID(id)}
	}
	return policy.Subject{}
}

func parseBreak(kinds []string) policy.Break {
	var b policy.Break
	for _, k := range kinds {
		switch k {
		case "roles":
			b |= policy.BreakRoles
		case "profiles":
			b |= policy.BreakProfiles
		case "selectors":
			b |= policy.BreakSelectors
		}
	}
	return b
}
