package sshx_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

const benchBytes = 64 << 20

func source(s *sshtest.Session) int {
	block := make([]byte, 32<<10)
	for i := range block {
		if block[i] = byte(' ' + i%90); i%82 == 80 {
			block[i] = '\r'
		} else if i%82 == 81 {
			block[i] = '\n'
		}
	}
	for range benchBytes / len(block) {
		if _, err := s.Write(block); err != nil {
			return 1
		}
	}
	return 0
}

// BenchmarkRun is output through the adapter, screen model included; BenchmarkFloor is the same through a bare
// client of the library in the same process. Both include the server's half.
func BenchmarkRun(b *testing.B) {
	srv, addr := server(b, sshtest.Config{Handler: source})
	p := newProtocol(b, sshx.Config{})
	b.SetBytes(benchBytes)
	b.ReportAllocs()
	for b.Loop() {
		c := connect(b, p, request(addr, "demo", srv.HostKey(), demoVault))
		n := 0
		err := c.Run(context.Background(), emitFunc(func(_ context.Context, f pam.Frame) error {
			n += len(f.Payload)
			return nil
		}))
		if end := new(pam.End); !errors.As(err, &end) || n != benchBytes {
			b.Fatal(n, err)
		}
		_ = c.Close(context.Background())
	}
}

func BenchmarkFloor(b *testing.B) {
	srv, addr := server(b, sshtest.Config{Handler: source})
	pin, _, _, _, err := ssh.ParseAuthorizedKey([]byte(srv.HostKey()))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchBytes)
	b.ReportAllocs()
	for b.Loop() {
		sock, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		cc, chans, reqs, err := ssh.NewClientConn(sock, addr, &ssh.ClientConfig{
			User: "demo", Auth: []ssh.AuthMethod{ssh.Password("demo-password")}, HostKeyCallback: ssh.FixedHostKey(pin),
		})
		if err != nil {
			b.Fatal(err)
		}
		cl := ssh.NewClient(cc, chans, reqs)
		s, err := cl.NewSession()
		if err != nil {
			b.Fatal(err)
		}
		out, err := s.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(s.RequestPty("xterm", 24, 80, nil), s.Shell()); err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, out); err != nil || n != benchBytes {
			b.Fatal(n, err)
		}
		_ = s.Wait()
		_ = cl.Close()
	}
}

// BenchmarkConnect is what a session costs until its shell runs, on both sides, by the number of jump hosts: each adds its
// own handshake.
func BenchmarkConnect(b *testing.B) {
	srv, addr := server(b, sshtest.Config{Handler: func(s *sshtest.Session) int {
		<-s.Context().Done()
		return 0
	}})
	p := newProtocol(b, sshx.Config{})
	for name, r := range map[string]pam.ConnectRequest{
		"direct": request(addr, "demo", srv.HostKey(), demoVault),
		"jump":   jumpVia(b, srv, addr, dialTCP),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := connect(b, p, r).Close(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
