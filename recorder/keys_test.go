package recorder_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/recorder"
)

func TestLoadOrCreateKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "key.pem")
	var mu sync.Mutex
	ids := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 { // all at once: one key wins
		wg.Go(func() {
			key, err := recorder.LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids[recorder.KeyID(publicOf(key))] = true
		})
	}
	wg.Wait()
	if len(ids) != 1 {
		t.Errorf("%d keys", len(ids))
	}
	checkMode(t, path, 0o600)
	if list, _ := os.ReadDir(filepath.Dir(path)); len(list) != 1 {
		t.Errorf("left beside the key: %v", list)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := recorder.LoadOrCreateKey(path); err == nil && runtime.GOOS != "windows" {
		t.Error("a key that the group can read is taken")
	}
}

func TestLoadOrCreateKey_Refuses(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"empty":        {},
		"text":         []byte("hello"),
		"another kind": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		"garbage":      pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}),
		"too long":     make([]byte, 65<<10),
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := recorder.LoadOrCreateKey(path); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := readFile(t, path); string(got) != string(text) {
			t.Errorf("%s: the file was replaced", name)
		}
	}
}

func TestParsePublicKeys(t *testing.T) {
	a, b := publicOf(testKey("a")), publicOf(testKey("b"))
	pemA, err := recorder.MarshalPublicKey(a)
	if err != nil {
		t.Fatal(err)
	}
	pemB, err := recorder.MarshalPublicKey(b)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		want []recorder.PublicKey
	}{
		"pem":        {string(pemA), []recorder.PublicKey{a}},
		"two pem":    {string(pemA) + "\n" + string(pemB), []recorder.PublicKey{a, b}},
		"base64":     {"# old and new\n\n" + base64.StdEncoding.EncodeToString(a) + "\r\n" + base64.StdEncoding.EncodeToString(b), []recorder.PublicKey{a, b}},
		"nothing":    {"\n# none\n", nil},
		"short":      {base64.StdEncoding.EncodeToString(a[:31]), nil},
		"words":      {"no key", nil},
		"after pem":  {string(pemA) + "garbage", nil},
		"other type": {string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})), nil},
	} {
		got, err := recorder.ParsePublicKeys([]byte(c.text))
		if (err == nil) != (c.want != nil) || len(got) != len(c.want) {
			t.Errorf("%s: %d keys, %v", name, len(got), err)
			continue
		}
		for i := range got {
			if !got[i].Equal(c.want[i]) {
				t.Errorf("%s: key %d differs", name, i)
			}
		}
	}
}
