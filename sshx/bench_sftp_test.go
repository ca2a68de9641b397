package sshx_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

const copyBytes = 128 << 20

// BenchmarkSFTPCopy fetches and stores a file of a real sshd: through the adapter, with the general client library on
// a bare connection as the floor, and with OpenSSH's own programs, start and sign-in included.
func BenchmarkSFTPCopy(b *testing.B) {
	s := sshtest.StartOpenSSH(b, "LogLevel ERROR")
	dir := b.TempDir()
	source := filepath.Join(dir, "source")
	if err := os.WriteFile(source, noise(copyBytes), 0o600); err != nil {
		b.Fatal(err)
	}
	bench := func(name string, once func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(copyBytes)
			b.ReportAllocs()
			for b.Loop() {
				once(b)
			}
		})
	}
	const call = 2 << 20

	c := connect(b, newProtocol(b, sshx.Config{}), request(s.Address, s.User, s.HostKey, fields{pam.FieldPrivateKey: s.PrivateKey}))
	defer c.Close(bg)
	x := openFiles(b, c)
	p := make([]byte, call)
	bench("get/adapter", func(b *testing.B) {
		// Two calls under way, as by a reader who does not want the line idle between them.
		f := openFile(b, x, source, pam.OpenRead)
		type part struct {
			n   int
			err error
		}
		var parts [2]chan part
		var bufs [2][]byte
		read := func(i int, off int64) {
			n, err := f.ReadAt(bg, bufs[i], off)
			parts[i] <- part{n, err}
		}
		for i := range parts {
			parts[i], bufs[i] = make(chan part, 1), make([]byte, call/2)
			go read(i, int64(i)*call/2)
		}
		got, open := 0, len(parts)
		for i, off := 0, int64(call); open > 0; i, off = i^1, off+call/2 {
			r := <-parts[i]
			got += r.n
			if r.err != nil {
				open--
				continue
			}
			go read(i, off)
		}
		if got != copyBytes {
			b.Fatal(got)
		}
		must(b, f.Close(bg))
	})
	bench("put/adapter", func(b *testing.B) {
		f := openFile(b, x, dir+"/adapter", pam.OpenOverwrite)
		for off := int64(0); off < copyBytes; off += call {
			_, err := f.WriteAt(bg, p, off)
			must(b, err)
		}
		must(b, f.Close(bg))
	})

	signer, err := ssh.ParsePrivateKey([]byte(s.PrivateKey))
	must(b, err)
	pin, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.HostKey))
	must(b, err)
	sock, err := net.Dial("tcp", s.Address)
	must(b, err)
	cc, chans, reqs, err := ssh.NewClientConn(sock, s.Address, &ssh.ClientConfig{
		User: s.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(pin),
		Config: ssh.Config{Ciphers: []string{ssh.CipherAES128GCM}},
	})
	must(b, err)
	cl := ssh.NewClient(cc, chans, reqs)
	defer cl.Close()
	raw, err := sftp.NewClient(cl, sftp.UseConcurrentWrites(true))
	must(b, err)
	defer raw.Close()
	bench("get/library", func(b *testing.B) {
		f, err := raw.Open(source)
		must(b, err)
		if n, err := f.WriteTo(io.Discard); n != copyBytes || err != nil {
			b.Fatal(n, err)
		}
		must(b, f.Close())
	})
	bench("put/library", func(b *testing.B) {
		f, err := raw.Create(dir + "/library")
		must(b, err)
		for range copyBytes / call {
			_, err := f.Write(p)
			must(b, err)
		}
		must(b, f.Close())
	})

	key := filepath.Join(dir, "key")
	must(b, os.WriteFile(key, []byte(s.PrivateKey), 0o600))
	_, port, err := net.SplitHostPort(s.Address)
	must(b, err)
	options := []string{
		"-q", "-P", port, "-i", key, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"-o", "Ciphers=aes128-gcm@openssh.com", "-F", "none",
	}
	host := s.User + "@127.0.0.1:"
	program := func(name string, args ...string) {
		path := pamtest.Peer(b, name)
		bench(args[0]+"/"+name, func(b *testing.B) {
			if out, err := exec.Command(path, append(options, args[1:]...)...).CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
		})
	}
	program("sftp", "get", host+source, os.DevNull)
	program("scp", "get", host+source, os.DevNull)
	program("scp", "put", source, host+dir+"/scp")
}
