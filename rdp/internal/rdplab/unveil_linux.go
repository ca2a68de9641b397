package rdplab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// Unveil is for a pamtest.MutatingLink before one of this package's servers: it lets the two messages pass in which client and server agree on TLS,
// and then speaks it with both, since it has the server's key. It is of no use with network level authentication, which finds it out.
func Unveil() (pamtest.Unveil, error) {
	id, err := identity()
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair([]byte(id.crt), []byte(id.key))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(id.cert)
	return func(ctx context.Context, client, target net.Conn) (net.Conn, net.Conn, error) {
		for _, way := range [][2]net.Conn{{client, target}, {target, client}} {
			if err := passTPKT(way[0], way[1]); err != nil {
				return nil, nil, err
			}
		}
		near := tls.Server(client, &tls.Config{Certificates: []tls.Certificate{pair}})
		far := tls.Client(target, &tls.Config{RootCAs: pool, ServerName: "localhost"})
		if err := far.HandshakeContext(ctx); err != nil {
			return nil, nil, err
		}
		return near, far, near.HandshakeContext(ctx)
	}, nil
}

// passTPKT passes one message on (T.123 8: version, a byte of nothing, length).
func passTPKT(from, to net.Conn) error {
	const longest = 1 << 10
	b := make([]byte, longest)
	if _, err := io.ReadFull(from, b[:4]); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if b[0] != 3 || n < 4 || n > longest {
		return fmt.Errorf("rdplab: no TPKT, or too long: % x", b[:4])
	}
	if _, err := io.ReadFull(from, b[4:n]); err != nil {
		return err
	}
	_, err := to.Write(b[:n])
	return err
}
