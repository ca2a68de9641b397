package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// certificate is the portal's TLS certificate. Its files are read again when one of them has changed, so that a
// renewal counts without a restart; a renewal that is half written keeps the present one in use.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu      sync.Mutex // guards what follows; files are read under it, at most once per certEvery
	current *tls.Certificate
	stamp   [2]fileStamp
	looked  time.Time
}

// certEvery is how often a handshake may look at the files.
const certEvery = 10 * time.Second

type fileStamp struct {
	size int64
	at   time.Time
}

// loadCertificate reads both files, or says what is wrong with them and what to do.
func loadCertificate(certFile, keyFile string, log *slog.Logger, now func() time.Time) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, now: now}
	if certFile == "" || keyFile == "" {
		return nil, errors.New("portal: -tls-cert and -tls-key go together; name both files")
	}
	if st, err := os.Stat(keyFile); err == nil && st.Mode().Perm()&0o077 != 0 && looseModesMatter {
		log.Warn("the TLS key can be read by others", "file", keyFile, "mode", fmt.Sprintf("%04o", st.Mode().Perm()), "todo", "chmod 600")
	}
	stamp, err := c.stat()
	if err != nil {
		return nil, fmt.Errorf("portal: TLS: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("portal: TLS: %w; -tls-cert is a PEM file with the certificate first and its chain after it, -tls-key the PEM file of its private key", err)
	}
	if now().After(pair.Leaf.NotAfter) {
		return nil, fmt.Errorf("portal: TLS: the certificate in %s ended on %s; renew it", certFile, pair.Leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	c.current, c.stamp, c.looked = &pair, stamp, now()
	return c, nil
}

func (c *certificate) stat() (s [2]fileStamp, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		st, err := os.Stat(name)
		if err != nil {
			return s, err
		}
		s[i] = fileStamp{st.Size(), st.ModTime()}
	}
	return s, nil
}

// get is the GetCertificate of a tls.Config.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= certEvery {
		c.looked = now
		c.reload()
	}
	return c.current, nil
}

// reload takes the files' present content if it is another and whole. The caller holds mu.
func (c *certificate) reload() {
	stamp, err := c.stat()
	if err == nil && stamp == c.stamp {
		return
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.certFile, c.keyFile)
	}
	if err != nil {
		c.log.Error("TLS certificate not renewed, the present one stays", "err", err)
		return
	}
	c.current, c.stamp = &pair, stamp
	c.log.Info("TLS certificate renewed", "until", pair.Leaf.NotAfter)
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}

// origins are the addresses that the certificate vouches for. A wildcard names none.
func (c *certificate) origins(addr net.Addr) []string {
	return certOrigins(c.current.Leaf, addr)
}

func certOrigins(leaf *x509.Certificate, addr net.Addr) (out []string) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return nil
	}
	hosts := leaf.DNSNames
	for _, ip := range leaf.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	for _, h := range hosts {
		if !strings.Contains(h, "*") {
			out = append(out, origin("https", h, tcp.Port, 443))
		}
	}
	return out
}

// origin writes an origin as browsers do: without the port that the scheme implies.
func origin(scheme, host string, port, usual int) string {
	if port != usual {
		return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return scheme + "://" + host
}
