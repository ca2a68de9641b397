package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// runServer runs serve until stop and returns the address that it prints.
func runServer(t *testing.T, pc portalConfig, sc serverConfig) (base string, stop func() error) {
	t.Helper()
	ctx, cancel := newContext(t)
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, pc, sc, in)
		in.Close()
	}()
	line := make([]byte, 200)
	n, err := out.Read(line)
	if err != nil {
		t.Fatalf("output: %v; run: %v", err, <-done)
	}
	first, _, _ := strings.Cut(string(line[:n]), "\n")
	base, ok := strings.CutPrefix(first, "portal: listening on ")
	if !ok {
		t.Fatalf("first line: %q", first)
	}
	go io.Copy(io.Discard, out)
	return base, func() error {
		cancel()
		return <-done
	}
}

func TestServe_StopsInOrder(t *testing.T) {
	dir := t.TempDir()
	c, err := parseConfig("c.yaml", []byte(world))
	if err != nil {
		t.Fatal(err)
	}
	base, stop := runServer(t, portalConfig{config: c, ui: noClient{}, log: discard()}, serverConfig{addr: "127.0.0.1:0", data: dir})
	r, err := http.Get(base + "/login")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	for name, mode := range map[string]os.FileMode{"recording.key": 0o600, "recording.pub": 0o644, "portal.db": 0o600} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want mode %o", name, st, err, mode)
		}
	}
}

func TestServe_S13_NothingInTheClearBeyondLoopback(t *testing.T) {
	for _, addr := range []string{":8080", "0.0.0.0:0", "[::]:0", "192.0.2.1:80", "example.com:80", "nonsense"} {
		ln, err := listen(t.Context(), addr, false)
		if err == nil {
			ln.Close()
			t.Errorf("-addr %s is listened on", addr)
		} else if !strings.Contains(err.Error(), "127.0.0.1") || (addr != "nonsense" && !strings.Contains(err.Error(), "-tls-cert")) {
			t.Errorf("-addr %s: %v; it should say what to use", addr, err)
		}
	}
}

func TestRun_Arguments(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"-config", "/nowhere.yaml", "-data", t.TempDir()}, "/nowhere.yaml"},
		{[]string{"-config", writeFile(t, "c.yaml", world)}, "-data is empty"},
		{[]string{"nonsense"}, `unexpected argument "nonsense"`},
		{[]string{"-config", writeFile(t, "d.yaml", "users: x"), "-data", t.TempDir()}, "d.yaml:1: users is a single value"},
	} {
		err := run(t.Context(), tc.args, nil, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %q", tc.args, err, tc.want)
		}
	}
}

func TestHash(t *testing.T) {
	var out strings.Builder
	if err := hash(strings.NewReader("correct horse\n"), &out, io.Discard, bcrypt.MinCost); err != nil {
		t.Fatal(err)
	}
	p, err := newPasswords([]user{{ID: "a", Hash: pam.NewSecret(strings.TrimSpace(out.String()))}}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.check(t.Context(), "x", "a", "correct horse"); err != nil {
		t.Errorf("the printed hash: %v", err)
	}
	if err := hash(strings.NewReader("short\n"), io.Discard, io.Discard, bcrypt.MinCost); err == nil {
		t.Error("a short password is accepted")
	}
}

// writeCert makes a certificate for hosts that is good until end, in two PEM files.
func writeCert(t *testing.T, dir, name string, end time.Time, hosts ...string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: end.AddDate(-1, 0, 0), NotAfter: end}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestServe_S50_TLS(t *testing.T) {
	c, err := parseConfig("c.yaml", []byte(world))
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Users {
		c.Users[i].Hash = pam.NewSecret(cheapHash(t, "the password"))
	}
	cert, key := writeCert(t, t.TempDir(), "first", time.Now().AddDate(0, 1, 0), "127.0.0.1", "localhost")
	base, stop := runServer(t, portalConfig{config: c, ui: noClient{}, log: discard()},
		serverConfig{addr: "127.0.0.1:0", tlsCert: cert, tlsKey: key, data: t.TempDir()})
	if !strings.HasPrefix(base, "https://127.0.0.1:") {
		t.Fatalf("address: %s", base)
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/login", strings.NewReader("name=anna&password=the+password"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", base)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if len(r.Cookies()) != 1 {
		t.Fatalf("sign-in: %s, cookies %v", r.Status, r.Cookies())
	}
	if ck := r.Cookies()[0]; !strings.HasPrefix(ck.Name, "__Host-") || !ck.Secure || !ck.HttpOnly || ck.SameSite != http.SameSiteLaxMode || ck.Path != "/" || ck.Domain != "" {
		t.Errorf("cookie %v; want __Host-, Secure, HttpOnly, Lax, Path / and no Domain", ck)
	}
	if got := r.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Errorf("Strict-Transport-Security %q", got)
	}
	old := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := (&tls.Dialer{Config: old}).DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "https://")); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestCertificate_RenewedWhileRunning(t *testing.T) {
	dir, clk := t.TempDir(), &clock{}
	certFile, keyFile := writeCert(t, dir, "first", time.Now().AddDate(0, 1, 0), "portal.example.com")
	var said pamtest.LogBuffer
	c, err := loadCertificate(certFile, keyFile, slog.New(slog.NewTextHandler(&said, nil)), clk.now)
	if err != nil {
		t.Fatal(err)
	}
	name := func() string {
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.Subject.CommonName
	}
	good, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(certFile, good[:len(good)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	clk.advance(certEvery)
	if got := name(); got != "first" || !strings.Contains(said.String(), "not renewed") {
		t.Errorf("half a file: certificate %q, log %q; want the present one and a word about it", got, said.String())
	}
	writeCert(t, dir, "second", time.Now().AddDate(0, 2, 0), "portal.example.com")
	if got := name(); got != "first" {
		t.Errorf("read again within %s: %q", certEvery, got)
	}
	clk.advance(certEvery)
	if got := name(); got != "second" {
		t.Errorf("after the renewal: %q", got)
	}
}

func TestCertificate_Faults(t *testing.T) {
	dir := t.TempDir()
	good, key := writeCert(t, t.TempDir(), "good", time.Now().AddDate(0, 1, 0), "portal.example.com")
	over, overKey := writeCert(t, dir, "over", time.Now().AddDate(0, 0, -1), "portal.example.com")
	for _, tc := range []struct{ cert, key, want string }{
		{good, "", "-tls-cert and -tls-key go together"},
		{"", key, "-tls-cert and -tls-key go together"},
		{dir + "/none.pem", key, "none.pem"},
		{key, good, "-tls-cert is a PEM file with the certificate"},
		{good, overKey, "private key does not match"},
		{over, overKey, "renew it"},
	} {
		_, err := loadCertificate(tc.cert, tc.key, discard(), time.Now)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s, %s: %v, want %q", tc.cert, tc.key, err, tc.want)
		}
	}
	var said bytes.Buffer
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := loadCertificate(good, key, slog.New(slog.NewTextHandler(&said, nil)), time.Now)
	if err != nil || !strings.Contains(said.String(), "chmod 600") {
		t.Errorf("a loose key: %v, log %q", err, said.String())
	}
	addr := &net.TCPAddr{IP: net.IPv4zero, Port: 443}
	if got, err := reachedAs(nil, addr, c); err != nil || len(got) != 1 || got[0] != "https://portal.example.com" {
		t.Errorf("origins of the certificate: %v, %v", got, err)
	}
	wild, wildKey := writeCert(t, dir, "wild", time.Now().AddDate(0, 1, 0), "*.example.com")
	if c, err = loadCertificate(wild, wildKey, discard(), time.Now); err != nil {
		t.Fatal(err)
	}
	if _, err := reachedAs(nil, addr, c); err == nil || !strings.Contains(err.Error(), "origins") {
		t.Errorf("a certificate for a wildcard alone: %v", err)
	}
}
