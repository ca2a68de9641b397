package recorder

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// PublicKey verifies recordings.
type PublicKey = ed25519.PublicKey

const (
	pemPrivate = "PRIVATE KEY"
	pemPublic  = "PUBLIC KEY"
	maxKeyFile = 64 << 10
)

// LoadOrCreateKey returns the Ed25519 key in the PEM file (PKCS #8) at path. If there is no file it makes a key
// and writes it there, mode 0600, durable before it returns. A file that others can read is refused. A host with
// a key service passes its own crypto.Signer instead.
func LoadOrCreateKey(path string) (ed25519.PrivateKey, error) {
	key, err := LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := createKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("recorder: key: %w", err)
	}
	return LoadKey(path) // what is there now, also when another process was first
}

// CreateKey makes a key as LoadOrCreateKey does. A file that exists is an error matching fs.ErrExist: no key is ever
// replaced.
func CreateKey(path string) (ed25519.PrivateKey, error) {
	if err := createKey(path); err != nil {
		return nil, fmt.Errorf("recorder: key: %w", err)
	}
	return LoadKey(path)
}

// LoadKey is LoadOrCreateKey for a key that must be there: a gateway that lost its key should not go on with another.
func LoadKey(path string) (ed25519.PrivateKey, error) {
	text, info, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	// Windows has no such bits: there the file's access list is the host's task.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("recorder: key %s: mode is %#o; others can read it, want 0600", path, mode)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemPrivate || len(bytes.TrimSpace(rest)) != 0 {
		return nil, fmt.Errorf("recorder: key %s: want one PEM block %q", path, pemPrivate)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("recorder: key %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("recorder: key %s: got %T, want Ed25519", path, parsed)
	}
	return key, nil
}

// createKey writes a new key under a temporary name and links it, so that nobody ever reads half a key and an
// existing one is never replaced.
func createKey(path string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: der}))
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// MarshalPublicKey returns pub as PEM (PKIX), the form that rec verify -pub reads.
func MarshalPublicKey(pub PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("recorder: public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: der}), nil
}

// ParsePublicKeys reads Ed25519 public keys: any number of PEM blocks (PKIX), or lines of standard base64 of the
// 32 raw bytes, where empty lines and lines that begin with # are ignored. None is an error.
func ParsePublicKeys(text []byte) ([]PublicKey, error) {
	var keys []PublicKey
	if bytes.Contains(text, []byte("-----BEGIN ")) {
		for rest := text; ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				if len(bytes.TrimSpace(rest)) != 0 {
					return nil, errors.New("recorder: public keys: text that is no PEM block")
				}
				break
			}
			if block.Type != pemPublic {
				return nil, fmt.Errorf("recorder: public keys: PEM block is %q, want %q", block.Type, pemPublic)
			}
			parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("recorder: public keys: %w", err)
			}
			key, ok := parsed.(ed25519.PublicKey)
			if !ok {
				return nil, fmt.Errorf("recorder: public keys: got %T, want Ed25519", parsed)
			}
			keys = append(keys, key)
		}
	} else {
		for line := range bytes.Lines(text) {
			line = bytes.TrimSpace(line)
			if len(line) == 0 || line[0] == '#' {
				continue
			}
			raw, err := base64.StdEncoding.DecodeString(string(line))
			if err != nil || len(raw) != ed25519.PublicKeySize {
				return nil, fmt.Errorf("recorder: public keys: a line is not base64 of %d bytes", ed25519.PublicKeySize)
			}
			keys = append(keys, raw)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("recorder: public keys: none found")
	}
	return keys, nil
}

// ReadPublicKeys is ParsePublicKeys on a file.
func ReadPublicKeys(path string) ([]PublicKey, error) {
	text, _, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	keys, err := ParsePublicKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

func readKeyFile(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("recorder: key: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("recorder: key: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return nil, nil, fmt.Errorf("recorder: key %s: not a file of at most %d bytes", path, maxKeyFile)
	}
	text := make([]byte, info.Size())
	if _, err := f.ReadAt(text, 0); err != nil {
		return nil, nil, fmt.Errorf("recorder: key %s: %w", path, err)
	}
	return text, info, nil
}
