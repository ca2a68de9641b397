package rdptest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// serveEnv makes the test program a server of its own process, so that benchmarks of memory see the client alone.
const serveEnv = "RDPTEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) == "" {
		pamtest.VerifyNoLeaks(m)
		return
	}
	s, err := rdptest.NewServer(rdptest.Config{Passwords: map[string]string{"anna": password}, Still: true, Codec: rdptest.CodecPlanar})
	if err == nil {
		var addr string
		if addr, err = s.Listen(); err == nil {
			fmt.Println(addr, rdp.Fingerprint(s.Certificate()))
			_, err = io.Copy(io.Discard, os.Stdin) // until the benchmark ends, however it does
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// apart starts a server in a process of its own.
func apart(b *testing.B) (addr, fingerprint string) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serveEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	f := strings.Fields(line)
	return f[0], f[1]
}

// BenchmarkConnect is the time until the desktop is active, by network level authentication. xfreerdp is another client on the same server, which
// ends once it is signed in, its start as a process included.
func BenchmarkConnect(b *testing.B) {
	addr, fingerprint := apart(b)
	b.Run("rdp", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c, err := rdp.Dial(b.Context(), addr, &rdp.Config{Credentials: credentials, Security: rdp.SecurityNLA, Pins: []string{fingerprint}})
			if err != nil {
				b.Fatal(err)
			}
			c.Close()
		}
	})
	b.Run("xfreerdp", func(b *testing.B) {
		path, d := pamtest.Peer(b, "xfreerdp"), newDisplay(b)
		home := b.TempDir()
		for b.Loop() {
			cmd := exec.CommandContext(b.Context(), path, "/v:"+addr, "/u:anna", "/p:"+password, "/sec:nla", "/cert:ignore", "+auth-only")
			cmd.Env = append(os.Environ(), "DISPLAY="+d.name, "HOME="+home, "XDG_CONFIG_HOME=")
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
		}
	})
}

// BenchmarkConnections is what a connection of 1024x768 keeps in memory once its picture is there, with 1, 10 and 50 of them.
func BenchmarkConnections(b *testing.B) {
	addr, fingerprint := apart(b)
	used := func() uint64 {
		runtime.GC()
		runtime.GC() // the first one only ages pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	for _, n := range []int{1, 10, 50} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var kept uint64
			for b.Loop() {
				before := used()
				clients := make([]*rdp.Client, n)
				for i := range clients {
					clients[i] = pictured(b, addr, fingerprint)
				}
				if after := used(); after > before {
					kept += after - before
				}
				for _, c := range clients {
					c.Close()
				}
			}
			b.ReportMetric(float64(kept)/float64(b.N)/float64(n)/1024, "KiB/conn")
		})
	}
}

// pictured is a client that has read the whole first picture, and keeps none of it.
func pictured(b *testing.B, addr, fingerprint string) *rdp.Client {
	b.Helper()
	c, err := rdp.Dial(b.Context(), addr, &rdp.Config{
		Credentials: credentials, Pins: []string{fingerprint}, Width: 1024, Height: 768, Compression: rdp.Compression64K,
	})
	if err != nil {
		b.Fatal(err)
	}
	for pixels := 0; pixels < 1024*768; {
		u, err := c.Next(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		if m, ok := u.(*rdp.Bitmap); ok {
			for _, t := range m.Tiles {
				pixels += t.W * t.H
			}
		}
	}
	return c
}

// BenchmarkFrames is what one picture of 1024x768 costs that moves everywhere, by codec: encoded, sent through TLS in the process, read, and
// decoded. allocs/op counts the server's too; what a client alone allocates is BenchmarkStage of package rdp.
func BenchmarkFrames(b *testing.B) {
	for _, k := range codecs {
		b.Run(strings.ReplaceAll(k.name, " ", "-"), func(b *testing.B) {
			s, err := rdptest.NewServer(rdptest.Config{Passwords: map[string]string{"anna": password}, Still: true, Codec: k.codec, HalfChroma: k.half})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			addr, err := s.Listen()
			if err != nil {
				b.Fatal(err)
			}
			c, err := rdp.Dial(b.Context(), addr, &rdp.Config{
				Credentials: credentials, Pins: []string{rdp.Fingerprint(s.Certificate())}, Width: 1024, Height: 768, NSCodec: true, RemoteFX: true,
			})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			f, err := rdp.NewFramebuffer(c.Size())
			if err != nil {
				b.Fatal(err)
			}
			frame := func() {
				for pixels := 0; pixels < 1024*768; {
					u, err := c.Next(context.Background())
					if err != nil {
						b.Fatal(err)
					}
					if err := f.Apply(u); err != nil {
						b.Fatal(err)
					}
					switch u := u.(type) {
					case *rdp.Bitmap:
						for _, t := range u.Tiles {
							pixels += t.W * t.H
						}
					case *rdp.SurfaceBits:
						pixels += u.Tile.W * u.Tile.H
					}
				}
			}
			frame() // the first one
			b.SetBytes(4 * 1024 * 768)
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Refresh(); err != nil {
					b.Fatal(err)
				}
				frame()
			}
		})
	}
}
