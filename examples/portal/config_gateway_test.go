package main

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/sshx"
)

// everything uses each key that valid does not.
func everything(t *testing.T) string {
	t.Setenv("PORTAL_TEST_TOTP", "JBSWY3DPEHPK3PXP")
	t.Setenv("PORTAL_TEST_PASSWORD", "x")
	return strings.NewReplacer(
		"    groups: [ops]\n", "    groups: [ops]\n    totp_secret_env: PORTAL_TEST_TOTP\n",
		"profiles:\n", `limits: {idle: 20m, max_duration: 8h, per_user: 3, per_asset: 9}
ssh: {known_hosts: [`+writeFile(t, "known_hosts", "")+`], legacy_algorithms: true}
calendar: {zone: Europe/Berlin, work: ["mon-fri 08:00-18:00", "sat 09:00-12:00"], holidays: ["2026-12-25"]}
workflows:
  - {id: two, name: Two levels, longest: 4h, once: true, ticket: true, levels: [{name: Owners, approvers: ["role:owner"]}, {name: Desk, approvers: ["group:ops", "user:anna"], required: 2}]}
selectors:
  - {id: night, on: prod, to: [everyone], form: restricting, times: [after_hours], networks: [10.0.0.0/8]}
  - {id: token, on: web, to: ["group:ops"], form: automatic, operations: [asset.access, session.join], exclusive: required, mfa: true}
  - {id: ask, on: web, to: ["group:ops"], form: interactive, workflow: two, exclusive: optional}
profiles:
  - {id: strict, mfa: true, pins: {term: xterm}, declarations: {web_session: record}}
`,
		"assets:\n", `assets:
  - {id: jump, type: linux, address: "10.0.0.1:22", account: j, key_file: `+writeFile(t, "key", "k")+`, certificate_file: `+writeFile(t, "cert", "c")+`}
  - {id: old, type: linux, via: [jump], algorithms: legacy, address: "10.0.0.2:22", account: j, password_file: `+writeFile(t, "pw", "p")+`}
`).Replace(valid)
}

func TestConfig_Everything(t *testing.T) {
	c, err := parseConfig("f.yaml", []byte(everything(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.warnings) > 1 { // valid itself has one
		t.Errorf("warnings: %q", c.warnings)
	}
	if want := (pam.Limits{Idle: 20 * time.Minute, MaxDuration: 8 * time.Hour, PerUser: 3, PerAsset: 9}); c.Limits != want {
		t.Errorf("limits: %+v, want %+v", c.Limits, want)
	}
	data := c.policyData()
	if _, err := policy.New(policy.Config{Data: &data}); err != nil {
		t.Errorf("policy: %v", err)
	}
	if w := data.Workflows; len(w) != 1 || w[0].Longest != 4*time.Hour || !w[0].Once || len(w[0].Levels) != 2 || w[0].Levels[0].Required != 1 ||
		w[0].Levels[0].Approvers[0].Role != pam.RoleOwner || len(w[0].Levels[1].Approvers) != 2 || data.Selectors[2].Workflow != "two" {
		t.Errorf("workflows %+v", w)
	}
	if len(data.Selectors) != 3 || !data.Selectors[0].Subjects[0].Everyone || !data.Selectors[1].MFA || len(data.Calendar.Work) != 6 {
		t.Errorf("selectors %+v, calendar %+v", data.Selectors, data.Calendar)
	}
	inv := newInventory(c, demoHosts{}, discard())
	old, err := inv.Asset(t.Context(), "old")
	if err != nil || len(old.Via) != 1 || old.Via[0] != "jump" || old.Attributes[sshx.AttrAlgorithms] != sshx.AlgorithmsLegacy {
		t.Errorf("asset: %+v, %v", old, err)
	}
	if v, err := inv.Field(t.Context(), pam.FieldRequest{Asset: "jump", Field: pam.FieldCertificate}); err != nil || v.Reveal() != "c" {
		t.Errorf("certificate: %v, %v", v, err)
	}
}

func TestConfig_GatewayFaults(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"unknown hop":       {"via: [jump]", "via: [moon]", `asset old names the unknown jump host "moon"; define a jump host with that id`},
		"container as hop":  {"via: [jump]", "via: [prod]", `asset old names the unknown jump host "prod"`},
		"over itself":       {"via: [jump]", "via: [old]", `asset old has "old" twice on its way; name each other host once`},
		"legacy":            {"legacy_algorithms: true", "legacy_algorithms: false", `asset old asks for legacy algorithms; add ssh: {legacy_algorithms: true}`},
		"algorithms":        {"algorithms: legacy", "algorithms: ancient", `asset old has the unknown algorithms "ancient"; write one of modern, legacy`},
		"known_hosts":       {"known_hosts: [", "known_hosts: [/nowhere, ", `known_hosts of ssh: stat /nowhere: no such file or directory; create the file`},
		"certificate alone": {"key_file: ", "password_file: ", "asset jump has a certificate and no key; add key_file"},
		"idle":              {"idle: 20m", "idle: 20", `idle is "20"; write a time span such as 30m or 8h`},
		"per_user":          {"per_user: 3", "per_user: many", `per_user is "many"; write a number from 1 to 1000000`},
		"zone":              {"Europe/Berlin", "Europe/Atlantis", `the calendar has the unknown zone "Europe/Atlantis"`},
		"work":              {"mon-fri 08:00-18:00", "mon-fri 18:00-08:00", `the calendar has the work hours "mon-fri 18:00-08:00": 18:00 is not before 08:00`},
		"no work":           {`work: ["mon-fri 08:00-18:00", "sat 09:00-12:00"], `, "", "selectors speak of work hours and there are none"},
		"form":              {"form: restricting", "form: strict", `selector night has the unknown form "strict"; write one of automatic, interactive, restricting`},
		"workflow":          {"workflow: two", "workflow: one", `selector ask names the unknown workflow "one"; define a workflow with that id, or write one of two`},
		"no workflow":       {", workflow: two", "", "selector ask names no workflow"},
		"needless workflow": {"form: automatic", "form: automatic, workflow: two", "selector token names a workflow and is automatic"},
		"approver":          {"role:owner", "role:king", `level 1 of workflow two has the unknown role "king"`},
		"who decides":       {`"role:owner"`, `owner`, `level 1 of workflow two names the approver "owner"; write user:ID, group:ID or role:owner`},
		"a stranger":        {"user:anna\"], r", "user:eve\"], r", `level 2 of workflow two names the unknown user "eve"`},
		"network":           {"10.0.0.0/8", "10.0.0.0", `selector night has the network "10.0.0.0"; write a prefix`},
		"operation":         {"session.join", "session.eat", `selector token has the unknown operation "session.eat"`},
		"about nobody":      {"to: [everyone], ", "", "selector night is about nobody"},
		"totp":              {"PORTAL_TEST_TOTP", "PORTAL_TEST_NONE", "totp_secret_env of user anna: the environment has no PORTAL_TEST_NONE; export it before the start"},
	} {
		t.Run(name, func(t *testing.T) {
			good := everything(t)
			bad := strings.Replace(good, tc.old, tc.new, 1)
			if bad == good {
				t.Fatalf("%q is not in the configuration", tc.old)
			}
			_, err := parseConfig("f.yaml", []byte(bad))
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "f.yaml:") {
				t.Errorf("error:\n%v\nwant one with f.yaml:LINE and\n%s", err, tc.want)
			}
		})
	}
}
