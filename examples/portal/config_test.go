package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/policy"
)

func TestConfig_DemoIsValid(t *testing.T) {
	c, err := parseConfig("demo.yaml", demoConfig)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.warnings) > 0 {
		t.Errorf("warnings: %q", c.warnings)
	}
	data := c.policyData()
	if _, err := policy.New(policy.Config{Data: &data}); err != nil {
		t.Errorf("policy: %v", err)
	}
}

// TestConfig_DemoLogins proves that what the portal prints is true.
func TestConfig_DemoLogins(t *testing.T) {
	c, err := parseConfig("demo.yaml", demoConfig)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPasswords(c.Users, (&clock{}).now)
	if err != nil {
		t.Fatal(err)
	}
	if len(demoLogins) != len(c.Users) {
		t.Errorf("%d logins are printed, demo.yaml has %d users", len(demoLogins), len(c.Users))
	}
	for _, l := range demoLogins {
		if _, err := p.check(t.Context(), "192.0.2.1", l.Name, l.Password); err != nil {
			t.Errorf("%s: %v", l.Name, err)
		}
	}
}

// valid is a configuration that each fault below changes in one place.
const valid = `users:
  - id: anna
    password_hash: "` + aHash + `"
    groups: [ops]
groups:
  - id: ops
asset_types:
  - {id: linux, protocol: ssh, os: unix}
containers:
  - id: prod
  - id: sub
    parent: prod
assets:
  - id: web
    type: linux
    parent: sub
    address: 192.0.2.7:22
    account: deploy
    password_env: PORTAL_TEST_PASSWORD
    host_keys: ["SHA256:uwhhVAcZnKF5QGAM4xjSrA3cOP5HyzNRO4uQvCZZzWE"]
roles:
  - {to: "group:ops", on: prod, role: viewer}
profiles:
  - id: rec
    declarations:
      web_session: record
assignments:
  - {profile: rec, to: "user:anna", on: web}
`

func TestConfig_Valid(t *testing.T) {
	t.Setenv("PORTAL_TEST_PASSWORD", "x")
	c, err := parseConfig("valid.yaml", []byte(valid))
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Data{
		Users:       []policy.User{{ID: "anna"}},
		Groups:      []policy.Group{{ID: "ops", Users: []pam.UserID{"anna"}}},
		Assets:      []policy.Asset{{ID: "prod", Container: true}, {ID: "sub", Parent: "prod", Container: true}, {ID: "web", Parent: "sub"}},
		Grants:      []policy.RoleGrant{{ID: "1", Scope: "prod", Subject: policy.Subject{Group: "ops"}, Role: pam.RoleViewer}},
		Profiles:    []policy.Profile{{ID: "rec", Name: "rec", Enabled: true, Declarations: pam.Declarations{pam.WebSession: pam.Record}}},
		Assignments: []policy.Assignment{{ID: "1", Scope: "web", Subject: policy.Subject{User: "anna"}, Profile: "rec"}},
	}
	if diff := cmp.Diff(want, c.policyData()); diff != "" {
		t.Errorf("policy data (-want +got):\n%s", diff)
	}
}

func TestConfig_Faults(t *testing.T) {
	t.Setenv("PORTAL_TEST_PASSWORD", "x")
	for _, tc := range []struct{ name, old, new, want string }{
		{"empty file", "*", "", `f.yaml:1: the file is empty; see examples/portal/demo.yaml for one that works`},
		{"not a mapping", "*", "- a\n", `f.yaml:1: the configuration is a list, not a mapping; write it as key: value lines`},
		{"broken YAML", "groups: [ops]", "groups: [ops", `f.yaml:3: not valid YAML: did not find`},
		{"two documents", "groups:\n", "---\ngroups:\n", `a second YAML document begins; keep one document per file`},
		{"unknown key", "    parent: prod", "    parrent: prod", `f.yaml:12: a container has the unknown key "parrent"; the keys here are break, id, name, parent`},
		{"key in another spelling", "password_hash:", "passwordHash:", `f.yaml:3: a user has the unknown key "passwordHash"; write "password_hash"`},
		{"key twice", "    parent: prod", "    parent: prod\n    parent: prod", `f.yaml:13: a container has the key "parent" again (first on line 12); remove one of them`},
		{"list expected", "groups: [ops]", "groups: ops", `f.yaml:4: groups of a user is a single value, not a list`},
		{"text expected", "    account: deploy", "    account: [a]", `f.yaml:18: account is a list, not text; write a single value`},
		{"empty value", "    account: deploy", "    account:", `f.yaml:18: account is empty; write a value or remove the key`},
		{"alias", "parent: sub", "parent: &x sub\n    name: *x", `is an alias (aliases are not read), not text`},
		{"no users", "users:", "users: []\nx:", `there are no users`},
		{"no id", "  - id: ops", "  - name: Ops", `f.yaml:6: a group has no id; add id: a short word`},
		{"id that cannot stand in a path", "  - id: web", "  - id: ../web", `f.yaml:14: the id "../web" of a asset`},
		{"id twice", "  - id: sub", "  - id: prod", `f.yaml:11: container or asset prod is defined again (first on line 10); give each an id of its own`},
		{"control character in a name", "    type: linux", "    type: linux\n    name: \"a\\x07b\"", `f.yaml:14: the name of asset web has control characters; remove them`},
		{"no hash", "    password_hash:", "    name: x\n    #", `f.yaml:2: user anna has no password_hash; make one with "portal hash"`},
		{"password instead of a hash", "password_hash: \"", "password_hash: \"x", `f.yaml:2: password_hash of user anna is not a bcrypt hash; make one with "portal hash"`},
		{"unknown group", "groups: [ops]", "groups: [opps]", `f.yaml:2: user anna names the unknown group "opps"; define a group with that id, or write one of ops`},
		{"unknown site role", "groups: [ops]", "site_role: root", `f.yaml:2: user anna has the unknown site_role "root"; write administrator or auditor, or remove it`},
		{"unknown protocol", "protocol: ssh", "protocol: telnet", `f.yaml:8: asset type linux has the unknown protocol "telnet"`},
		{"unknown os", "os: unix", "os: plan9", `f.yaml:8: asset type linux has the unknown os "plan9"; write unix, windows or network`},
		{"unknown parent", "    parent: sub", "    parent: subb", `f.yaml:14: asset web names the unknown container "subb"; define a container with that id, or write one of prod, sub`},
		{"asset as a parent", "    parent: prod", "    parent: web", `f.yaml:11: container sub names the unknown container "web"`},
		{"container in itself", "  - id: prod", "  - {id: prod, parent: sub}", `is inside itself; give one of them another parent`},
		{"unknown break", "    type: linux", "    type: linux\n    break: [all]", `f.yaml:14: asset web breaks the inheritance of "all"; write roles, profiles or selectors`},
		{"unknown type", "    type: linux", "    type: linx", `f.yaml:14: asset web names the unknown asset type "linx"; define a asset type with that id, or write one of linux`},
		{"no address", "    address: 192.0.2.7:22\n", "", `f.yaml:14: asset web has no address; add address: host:port`},
		{"address without a port", "192.0.2.7:22", "192.0.2.7", `f.yaml:14: asset web has the address "192.0.2.7"; write host:port`},
		{"no account", "    account: deploy\n", "", `f.yaml:14: asset web has no account`},
		{"no secret", "    password_env: PORTAL_TEST_PASSWORD\n", "", `f.yaml:14: asset web has neither a password nor a key; add password_file, password_env, key_file or key_env`},
		{"secret twice", "    account: deploy", "    account: deploy\n    password: x", `f.yaml:20: password is given twice; keep one`},
		{"variable that is not set", "PORTAL_TEST_PASSWORD", "PORTAL_TEST_NOT_SET", `f.yaml:19: password_env of asset web: the environment has no PORTAL_TEST_NOT_SET; export it before the start`},
		{"file that is not there", "password_env: PORTAL_TEST_PASSWORD", "key_file: nowhere/key", `f.yaml:19: key_file of asset web: stat`},
		{"no host keys", "    host_keys:", "    tags:", `f.yaml:14: asset web has no host_keys, so its identity could not be checked`},
		{"host key that is none", "SHA256:uwhh", "MD5:uwhh", `f.yaml:14: host_keys of asset web has the entry "MD5:uwhhVAcZnKF5QGAM4xjSrA3cOP5HyzNRO4uQvCZZzWE"; write a fingerprint`},
		{"demo with an address", "    type: linux", "    type: linux\n    demo: true", `f.yaml:14: asset web is a demo host with a connection of its own`},
		{"role to nobody", `to: "group:ops"`, `to: ops`, `f.yaml:22: role #1 is given to "ops"; write user:ID, group:ID or everyone`},
		{"role on nothing", "on: prod, role", "on: pord, role", `f.yaml:22: role #1 names the unknown container or asset "pord"`},
		{"unknown role", "role: viewer", "role: boss", `f.yaml:22: role #1 has the unknown role "boss"; write viewer, supervisor, editor, manager or owner`},
		{"role none", "role: viewer", "role: none", `f.yaml:22: role #1 has the unknown role "none"`},
		{"unknown value", "web_session: record", "web_session: yes please", `f.yaml:26: declaration "web_session" has the unknown value "yes please"; write deny, allow or record`},
		{"Deny is not deny", "web_session: record", "web_session: Deny", `f.yaml:26: declaration "web_session" has the unknown value "Deny"`},
		{"malformed declaration", "web_session: record", "Web Session: record", `f.yaml:24: profile rec has the declaration "Web Session"`},
		{"unknown profile", "{profile: rec,", "{profile: wreck,", `f.yaml:28: assignment #1 names the unknown profile "wreck"; define a profile with that id, or write one of rec`},
		{"unknown user", `to: "user:anna"`, `to: "user:otto"`, `f.yaml:28: assignment #1 names the unknown user "otto"; define a user with that id, or write one of anna`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := tc.new
			if tc.old != "*" {
				text = strings.Replace(valid, tc.old, tc.new, 1)
				if text == valid {
					t.Fatalf("the case changes nothing: there is no %q", tc.old)
				}
			}
			_, err := parseConfig("f.yaml", []byte(text))
			if err == nil {
				t.Fatalf("no error, want one with\n%s", tc.want)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error:\n%v\nwant one with\n%s", err, tc.want)
			}
			var f *fault
			if !errors.As(err, &f) || f.todo == "" {
				t.Errorf("the error tells nobody what to do: %v", err)
			}
		})
	}
}

func TestConfig_TellsAllFaultsAtOnce(t *testing.T) {
	text := strings.NewReplacer("parent: prod", "parent: pord", "role: viewer", "role: boss").Replace(valid)
	t.Setenv("PORTAL_TEST_PASSWORD", "x")
	_, err := parseConfig("f.yaml", []byte(text))
	if err == nil || strings.Count(err.Error(), "f.yaml:") != 2 {
		t.Errorf("error:\n%v\nwant two faults", err)
	}
}

func TestConfig_SecretsAreNotInErrors(t *testing.T) {
	const canary = "correct-horse-battery"
	for _, text := range []string{
		strings.Replace(valid, "password_env: PORTAL_TEST_PASSWORD", "password: "+canary+"\n    password_env: X", 1),
		strings.Replace(valid, "password_env: PORTAL_TEST_PASSWORD", "password: "+canary+"\n    account: again", 1),
		strings.Replace(valid, "password_env: PORTAL_TEST_PASSWORD", "password: ["+canary+"]", 1),
		strings.Replace(valid, "password_env: PORTAL_TEST_PASSWORD", "password: "+canary, 1),
	} {
		c, err := parseConfig("f.yaml", []byte(text))
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("the error tells the password: %v", err)
		}
		if c != nil {
			if len(c.warnings) != 1 || !strings.Contains(c.warnings[0], "f.yaml:19: password of asset web stands in the file") {
				t.Errorf("warnings: %q", c.warnings)
			}
			if strings.Contains(strings.Join(c.warnings, ""), canary) {
				t.Errorf("a warning tells the password: %q", c.warnings)
			}
		}
	}
}

func TestConfig_HostKeyForms(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGkzJ2pzZm5uY2FzZGZhc2RmYXNkZmFzZGZhc2RmYXNk"
	for _, s := range []string{key, "10.0.0.7 " + key, "[10.0.0.7]:2222 " + key, key + " root@web"} {
		if got, ok := hostKey(s); !ok || got != key {
			t.Errorf("hostKey(%q) = %q, %v; want the key alone", s, got, ok)
		}
	}
	for _, s := range []string{"", "ssh-ed25519", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA", "SHA256:short", "x y z"} {
		if got, ok := hostKey(s); ok {
			t.Errorf("hostKey(%q) = %q, true; want a refusal", s, got)
		}
	}
}

func TestVault_Sources(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"pw": "from-file\n", "key": "KEY\nLINES\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PORTAL_TEST_PASSWORD", "from-env")
	asset := func(id, secret string) string {
		return "  - {id: " + id + ", type: linux, address: '192.0.2.7:22', account: a, host_keys: ['SHA256:uwhhVAcZnKF5QGAM4xjSrA3cOP5HyzNRO4uQvCZZzWE'], " + secret + "}\n"
	}
	text := strings.Replace(valid, "roles:\n", asset("env", "password_env: PORTAL_TEST_PASSWORD")+asset("file", "password_file: pw")+
		asset("key", "key_file: key")+asset("inline", "password: from-yaml")+"roles:\n", 1)
	c, err := parseConfig(filepath.Join(dir, "f.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := newInventory(c, demoHosts{}, discard())
	for _, tc := range []struct{ asset, field, want string }{
		{"env", pam.FieldPassword, "from-env"},
		{"file", pam.FieldPassword, "from-file"},
		{"key", pam.FieldPrivateKey, "KEY\nLINES\n"},
		{"inline", pam.FieldPassword, "from-yaml"},
	} {
		got, err := s.Field(t.Context(), pam.FieldRequest{Asset: pam.AssetID(tc.asset), Field: tc.field})
		if err != nil || got.Reveal() != tc.want {
			t.Errorf("%s of %s: got %q, %v; want %q", tc.field, tc.asset, got.Reveal(), err, tc.want)
		}
	}
	if _, err := s.Field(t.Context(), pam.FieldRequest{Asset: "env", Field: pam.FieldPassphrase}); !errors.Is(err, pam.ErrNoField) {
		t.Errorf("a field that is not there: %v, want ErrNoField", err)
	}
	if _, err := s.Asset(t.Context(), "nowhere"); !errors.Is(err, pam.ErrNotFound) {
		t.Errorf("an asset that is not there: %v, want ErrNotFound", err)
	}
}
