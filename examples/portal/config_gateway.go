package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/totp"
	"github.com/sallyport/sallyport/sshx"
)

// sshSettings are what holds for all SSH targets.
type sshSettings struct {
	KnownHosts, RevokedKeys []string // files
	Legacy                  bool     // assets may ask for legacy algorithms
}

func readSSH(d *doc, n *yaml.Node) (s sshSettings) {
	d.mapping(n, "ssh", keys{
		"known_hosts": d.texts("known_hosts", &s.KnownHosts), "revoked_keys": d.texts("revoked_keys", &s.RevokedKeys),
		"legacy_algorithms": d.boolean("legacy_algorithms", &s.Legacy),
	})
	return s
}

func readLimits(d *doc, n *yaml.Node) (l pam.Limits) {
	d.mapping(n, "limits", keys{
		"idle": d.duration("idle", &l.Idle), "max_duration": d.duration("max_duration", &l.MaxDuration),
		"reconnect": d.duration("reconnect", &l.Reconnect), "warning": d.duration("warning", &l.Warning),
		"drain": d.duration("drain", &l.Drain), "sessions": d.number("sessions", &l.Sessions),
		"per_user": d.number("per_user", &l.PerUser), "per_asset": d.number("per_asset", &l.PerAsset), "joiners": d.number("joiners", &l.Joiners),
	})
	return l
}

// duration takes a time span such as 30m or 8h.
func (d *doc) duration(what string, dst *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var s string
		d.text(what, &s)(n)
		v, err := time.ParseDuration(s)
		if s != "" && (err != nil || v <= 0) {
			d.fault(n.Line, "write a time span such as 30m or 8h", "%s is %q", what, s)
		}
		*dst = v
	}
}

// number takes a count from 1 on.
func (d *doc) number(what string, dst *int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var s string
		d.text(what, &s)(n)
		v, err := strconv.Atoi(s)
		if s != "" && (err != nil || v < 1 || v > 1_000_000) {
			d.fault(n.Line, "write a number from 1 to 1000000", "%s is %q", what, s)
		}
		*dst = v
	}
}

// textMap takes a mapping of words to words.
func (d *doc) textMap(what string, dst *map[string]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			d.fault(n.Line, "write it as key: value lines", "%s is %s, not a mapping", what, kindName(n))
			return
		}
		*dst = map[string]string{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			var v string
			d.text(what+" "+n.Content[i].Value, &v)(n.Content[i+1])
			(*dst)[n.Content[i].Value] = v
		}
	}
}

// gateway checks what holds for all targets; files are relative to the configuration's folder.
func (k *checker) gateway() {
	if g := k.c.Gateway; len(g) > 100 || strings.ContainsFunc(g, func(r rune) bool { return r <= ' ' || r > '~' }) {
		k.d.fault(k.c.lines["gateway"], "use at most 100 letters, digits and punctuation, without blanks", "gateway is %q", g)
	}
	line := max(k.c.lines["ssh"], 1)
	for _, files := range []struct {
		key  string
		list []string
	}{{"known_hosts", k.c.SSH.KnownHosts}, {"revoked_keys", k.c.SSH.RevokedKeys}} {
		for i, f := range files.list {
			if !filepath.IsAbs(f) {
				f = filepath.Join(k.dir, f)
			}
			if _, err := os.Stat(f); err != nil {
				k.d.fault(line, "create the file or correct its name", "%s of ssh: %v", files.key, err)
			}
			files.list[i] = f
		}
	}
}

// hops checks the jump hosts of an asset.
func (k *checker) hops(line int, what string, a *asset) {
	if len(a.Via) > pam.MaxHops {
		k.d.fault(line, fmt.Sprintf("use at most %d", pam.MaxHops), "%s has %d jump hosts", what, len(a.Via))
	}
	seen := map[string]bool{a.ID: true}
	for _, id := range a.Via {
		if seen[id] {
			k.d.fault(line, "name each other host once", "%s has %q twice on its way", what, id)
		}
		seen[id] = true
		if _, container := k.parents[id]; container || !k.nodes[id] {
			k.refer(line, what, "jump host", id, nil)
			continue
		}
		for i := range k.c.Assets {
			if hop := &k.c.Assets[i]; hop.ID == id && hop.Address == "" && !hop.Demo {
				k.d.fault(line, "name an asset with an address and an account", "%s goes over %q, which has no address", what, id)
			}
		}
	}
	switch a.Algorithms {
	case "", sshx.AlgorithmsModern:
	case sshx.AlgorithmsLegacy:
		if !k.c.SSH.Legacy {
			k.d.fault(line, "add ssh: {legacy_algorithms: true}, once you know that the network in between can be trusted", "%s asks for legacy algorithms", what)
		}
	default:
		k.oneOf(line, what, "algorithms", a.Algorithms, sshx.AlgorithmsModern, sshx.AlgorithmsLegacy)
	}
}

// secondFactors is the verifier of the users' one-time codes. A secret's file is read at each attempt.
func secondFactors(users []user, now func() time.Time) (pam.MFAVerifier, error) {
	sources := map[pam.UserID]secretSource{}
	for _, u := range users {
		sources[pam.UserID(u.ID)] = u.TOTP
	}
	return totp.New(totp.Config{Now: now, Secret: func(_ context.Context, id pam.UserID) (pam.Secret, error) {
		s := sources[id]
		if !s.set() {
			return pam.Secret{}, fmt.Errorf("portal: user %q: %w", id, pam.ErrMFANotEnrolled)
		}
		return s.read(false)
	}})
}

// read returns the secret from where it is kept.
func (s secretSource) read(whole bool) (pam.Secret, error) {
	switch {
	case s.env != "":
		return pam.NewSecret(os.Getenv(s.env)), nil
	case s.file != "":
		return readSecret(s.file, whole)
	case s.inline.Empty():
		return pam.Secret{}, errors.New("portal: the secret is empty")
	default:
		return s.inline, nil
	}
}

// enroll is the command "portal totp": it makes the secret of a user's one-time codes.
func enroll(account string, out io.Writer) error {
	e, err := totp.Enroll("Sallyport", account, nil)
	if err != nil {
		return fmt.Errorf("portal: %w", err)
	}
	fmt.Fprintf(out, "totp_secret: %s\n\nFor the authenticator, as an address or as a QR code of it:\n%s\n", e.Secret.Reveal(), e.URL.Reveal())
	return nil
}
