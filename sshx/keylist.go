package sshx

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

const (
	maxKeys     = 64       // in one attribute
	maxListLine = 64 << 10 // an RSA key of 16384 bits has 2.8 KB
)

// keyList names public keys, whole or by fingerprint.
type keyList struct {
	keys         []ssh.PublicKey
	fingerprints []string // "SHA256:…" without padding
}

// parseKeyList reads an attribute in the form of AttrHostKeys.
func parseKeyList(text string) (keyList, error) { return readKeyList(strings.NewReader(text), maxKeys) }

// readKeyList reads lines: public keys as in authorized_keys, fingerprints as ssh-keygen -l prints them, comments.
func readKeyList(r io.Reader, limit int) (keyList, error) {
	var l keyList
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxListLine)
	for line := 1; sc.Scan(); line++ {
		s := strings.TrimSpace(sc.Text())
		if s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		if len(l.keys)+len(l.fingerprints) == limit {
			return keyList{}, fmt.Errorf("more than %d keys", limit)
		}
		if b64, ok := strings.CutPrefix(s, "SHA256:"); ok {
			sum, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(b64, "="))
			if err != nil || len(sum) != sha256.Size {
				return keyList{}, fmt.Errorf("line %d: not a SHA256 fingerprint", line)
			}
			l.fingerprints = append(l.fingerprints, "SHA256:"+base64.RawStdEncoding.EncodeToString(sum))
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s))
		if err != nil {
			return keyList{}, fmt.Errorf("line %d: not a public key: %w", line, err)
		}
		if cert, ok := key.(*ssh.Certificate); ok {
			key = cert.Key
		}
		l.keys = append(l.keys, key)
	}
	return l, sc.Err()
}

func (l keyList) empty() bool { return len(l.keys) == 0 && len(l.fingerprints) == 0 }

func (l keyList) match(key ssh.PublicKey) bool {
	blob := key.Marshal()
	if slices.ContainsFunc(l.keys, func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), blob) }) {
		return true
	}
	return slices.Contains(l.fingerprints, ssh.FingerprintSHA256(key))
}

// algorithms returns which of the offered host key algorithms can present a listed key. A fingerprint may be of any type;
// a certificate is no key of the list.
func (l keyList) algorithms(offer []string) []string {
	var types []string
	for _, k := range l.keys {
		types = append(types, signatureAlgorithms(k.Type())...)
	}
	return slices.DeleteFunc(slices.Clone(offer), func(a string) bool {
		return isCertAlgorithm(a) || (len(l.fingerprints) == 0 && !slices.Contains(types, a))
	})
}

func fingerprint(key ssh.PublicKey) string {
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key
	}
	return ssh.FingerprintSHA256(key)
}
