package sshx

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func FuzzPrompts(f *testing.F) {
	f.Add("password = .*password:", "Password: ", false)
	f.Add("# x\notp echo = a{2,3}", "aaa", true)
	f.Fuzz(func(t *testing.T, record, question string, echo bool) {
		rules, err := parsePrompts(record)
		if err != nil {
			return
		}
		if len(rules) > maxPromptRules {
			t.Fatal("too many rules")
		}
		s := &signIn{plan: signInPlan{prompts: rules}}
		fields, err := s.expected([]string{question}, []bool{echo})
		if err == nil && (len(fields) != 1 || fields[0] == "") {
			t.Fatalf("fields = %q", fields)
		}
		if err == nil && len(rules) == 0 && echo {
			t.Fatal("a shown question gets the password")
		}
	})
}

// S05: new session keys under way must come from the same host key, and nobody is asked again.
func TestIdentity_S05_HostKeyStaysTheSame(t *testing.T) {
	key := func() ssh.PublicKey {
		pub, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		k, err := ssh.NewPublicKey(pub)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	a, b := key(), key()
	asked := 0
	i := &identity{check: func(net.Addr, ssh.PublicKey) error {
		asked++
		return nil
	}}
	for range 3 {
		if err := i.verify("", nil, a); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.verify("", nil, b); !errors.Is(err, errOtherKey) {
		t.Errorf("another key = %v, want %v", err, errOtherKey)
	}
	if asked != 1 {
		t.Errorf("asked %d times, want once", asked)
	}
}

func FuzzKRL(f *testing.F) {
	str := func(s string) []byte { return ssh.Marshal(struct{ S string }{s}) }
	section := func(kind byte, data ...[]byte) []byte {
		return append([]byte{kind}, str(string(bytes.Join(data, nil)))...)
	}
	u64 := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	file := func(sections ...[]byte) []byte {
		b := append([]byte(krlMagic), 0, 0, 0, krlVersion)
		b = append(b, make([]byte, 24+4+4)...)
		return append(b, bytes.Join(sections, nil)...)
	}
	all := file(
		section(krlSectionExtension, str("x"), []byte{0}, str("")),
		section(krlSectionKeys, str("blob")),
		section(krlSectionSHA1, str(strings.Repeat("x", 20))),
		section(krlSectionSHA256, str(strings.Repeat("x", 32))),
		section(krlSectionCertificates, str("ca"), str(""),
			section(krlSerialList, u64(1), u64(1<<63)), section(krlSerialRange, u64(5), u64(9)),
			section(krlSerialBitmap, u64(100), str("\x05")), section(krlKeyIDs, str("id")),
			section(krlExtension, str("x"), []byte{0}, str(""))),
	)
	cert := func(serial uint64, id string) *ssh.Certificate { return &ssh.Certificate{Serial: serial, KeyId: id} }
	k, err := parseKRL(all)
	if err != nil {
		f.Fatal(err)
	}
	for serial, want := range map[uint64]bool{0: false, 1: true, 1 << 63: true, 4: false, 5: true, 9: true, 10: false, 99: false, 100: true, 101: false, 102: true, 103: false, 1<<64 - 1: false} {
		if got := k.sets[0].has(cert(serial, "other")); got != want {
			f.Errorf("serial %d revoked = %t, want %t", serial, got, want)
		}
	}
	if !k.sets[0].has(cert(4, "id")) {
		f.Error("the id is not revoked")
	}
	for n := range all {
		// A cut between two sections is a list of its own.
		if k, err := parseKRL(all[:n]); err == nil && k.entries >= 8 {
			f.Errorf("the first %d bytes are a whole list", n)
		}
	}
	for name, bad := range map[string][]byte{
		"unknown section":    file(section(9)),
		"unknown kind":       file(section(krlSectionCertificates, str(""), str(""), section(0x30))),
		"critical extension": file(section(krlSectionExtension, str("x"), []byte{1}, str(""))),
		"short sum":          file(section(krlSectionSHA256, str("x"))),
		"another version":    append([]byte(krlMagic), make([]byte, 40)...),
	} {
		if _, err := parseKRL(bad); err == nil {
			f.Errorf("%s: accepted", name)
		}
	}
	f.Add(all)
	f.Add(file())
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := parseKRL(b)
		if err != nil {
			return
		}
		if k.entries > len(b) {
			t.Fatalf("%d entries in %d bytes", k.entries, len(b))
		}
		for _, s := range k.sets {
			s.has(cert(1, ""))
		}
	})
}

func FuzzKeyList(f *testing.F) {
	f.Add("# comment\n\nSHA256:" + strings.Repeat("A", 43))
	f.Add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0000000000000000000000000000000000000000000 x")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseKeyList(text)
		if err == nil && len(p.keys)+len(p.fingerprints) > maxKeys {
			t.Fatal("too many keys")
		}
		if offer := p.algorithms(modern.hostKeys); err == nil && p.empty() && len(offer) > 0 {
			t.Fatal("no keys, but algorithms")
		}
	})
}
