package sftp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	reference "github.com/pkg/sftp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var bg = context.Background()

// pair returns a client whose server is what serve does with the other end of its channel.
func pair(t testing.TB, serve func(ch net.Conn)) *Client {
	t.Helper()
	ours, theirs := net.Pipe()
	c := New(ours)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer theirs.Close()
		serve(theirs)
	}()
	t.Cleanup(func() {
		c.Close()
		c.Wait()
		<-done
	})
	return c
}

// inMemory is the reference server over a tree in memory.
func inMemory(t testing.TB) *Client {
	t.Helper()
	c := pair(t, func(ch net.Conn) {
		s := reference.NewRequestServer(ch, reference.InMemHandler())
		_ = s.Serve()
		_ = s.Close()
	})
	if err := c.Greet(bg); err != nil {
		t.Fatal(err)
	}
	return c
}

// script is a server that a test plays packet by packet.
type script struct {
	ch net.Conn
	mu sync.Mutex
}

func (s *script) send(kind byte, parts ...any) {
	b := []byte{0, 0, 0, 0, kind}
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = binary.BigEndian.AppendUint32(b, uint32(p))
		case uint32:
			b = binary.BigEndian.AppendUint32(b, p)
		case uint64:
			b = binary.BigEndian.AppendUint64(b, p)
		case string:
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
		case []byte:
			b = append(b, p...)
		}
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.ch.Write(b)
}

// next returns the client's next request.
func (s *script) next() (kind byte, id uint32, body reader, err error) {
	var head [4]byte
	if _, err := io.ReadFull(s.ch, head[:]); err != nil {
		return 0, 0, reader{}, err
	}
	b := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(s.ch, b); err != nil {
		return 0, 0, reader{}, err
	}
	body = reader{b: b[1:]}
	return b[0], body.u32(), body, nil
}

// scripted returns a client of a server that greets and then does what answer says with each request.
func scripted(t testing.TB, answer func(s *script, kind byte, id uint32, body reader)) *Client {
	t.Helper()
	c := pair(t, func(ch net.Conn) {
		s := &script{ch: ch}
		if kind, v, _, err := s.next(); err != nil || kind != typeInit || v != version {
			t.Errorf("greeting: type %d, version %d, %v", kind, v, err)
			return
		}
		s.send(typeVersion, version)
		for {
			kind, id, body, err := s.next()
			if err != nil {
				return
			}
			answer(s, kind, id, body)
		}
	})
	if err := c.Greet(bg); err != nil {
		t.Fatal(err)
	}
	return c
}

// The client against the reference's server, seen by the reference's client.
func TestClient_ReferenceServer(t *testing.T) {
	c := inMemory(t)
	if !c.Extension(PosixRenameExtension, "1") {
		t.Fatal("no posix-rename")
	}
	data := make([]byte, 5*chunk+17)
	for i := range data {
		data[i] = byte(i * 31)
	}
	if err := c.Mkdir(bg, "/d"); err != nil {
		t.Fatal(err)
	}
	h, err := c.Open(bg, "/d/f", FlagWrite|FlagCreate|FlagExclusive)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := c.WriteAt(bg, h, data, 0); n != len(data) || err != nil {
		t.Fatalf("WriteAt = %d, %v", n, err)
	}
	if err := c.CloseHandle(bg, h); err != nil {
		t.Fatal(err)
	}
	if h, err = c.Open(bg, "/d/f", FlagRead); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, len(data)+1)
	if n, err := c.ReadAt(bg, h, p, 0); n != len(data) || err != io.EOF || !bytes.Equal(p[:n], data) {
		t.Fatalf("ReadAt = %d, %v", n, err)
	}
	a, err := c.Fstat(bg, h)
	if err != nil || a.Size != uint64(len(data)) {
		t.Errorf("Fstat = %+v, %v", a, err)
	}
	var names []string
	err = c.ReadDir(bg, "/d", func(name []byte, _ Attrs) bool { names = append(names, string(name)); return true })
	if err != nil || !slices.Equal(names, []string{"f"}) {
		t.Errorf("ReadDir = %q, %v", names, err)
	}
	if err := errors.Join(c.Rename(bg, "/d/f", "/d/g"), c.PosixRename(bg, "/d/g", "/h"), c.RemoveDir(bg, "/d"), c.Remove(bg, "/h")); err != nil {
		t.Error(err)
	}
	var se *StatusError
	if _, err := c.Lstat(bg, "/h"); !errors.As(err, &se) || se.Code != StatusNoSuchFile {
		t.Errorf("Lstat of what is gone: %v", err)
	}
}

// A server that gives less than was asked for is asked again; only EOF is the end.
func TestClient_ShortReadsAreNotTheEnd(t *testing.T) {
	file := make([]byte, 100_003)
	for i := range file {
		file[i] = byte(i * 7)
	}
	for _, most := range []int{1 << 10, 4096, 10_000} {
		c := scripted(t, func(s *script, kind byte, id uint32, body reader) {
			body.str()
			off, n := int(body.u64()), int(body.u32())
			if off >= len(file) {
				s.send(typeStatus, id, StatusEOF, "end", "")
				return
			}
			s.send(typeData, id, string(file[off:min(off+min(n, most), len(file))]))
		})
		p := make([]byte, len(file)+100)
		if n, err := c.ReadAt(bg, "h", p, 0); n != len(file) || err != io.EOF || !bytes.Equal(p[:n], file) {
			t.Errorf("%d at a time: ReadAt = %d, %v", most, n, err)
		}
	}
}

// Answers may come in any order.
func TestClient_S17_AnswersOutOfOrder(t *testing.T) {
	var held []func()
	c := scripted(t, func(s *script, _ byte, id uint32, body reader) {
		body.str()
		off, n := body.u64(), body.u32()
		held = append(held, func() { s.send(typeData, id, string(bytes.Repeat([]byte{byte(off / chunk)}, int(n)))) })
		if len(held) == 4 {
			for _, f := range slices.Backward(held) {
				f()
			}
			held = nil
		}
	})
	p := make([]byte, 8*chunk)
	if n, err := c.ReadAt(bg, "h", p, 0); n != len(p) || err != nil {
		t.Fatalf("ReadAt = %d, %v", n, err)
	}
	for i := range p {
		if p[i] != byte(i/chunk) {
			t.Fatalf("byte %d is of part %d", i, p[i])
		}
	}
}

// A server that answers nothing holds a fixed number of requests, and every call ends with its context.
func TestClient_S17_NoAnswersAtAll(t *testing.T) {
	c := scripted(t, func(*script, byte, uint32, reader) {})
	gone := errors.New("gone")
	for range 2 * maxInFlight {
		ctx, cancel := context.WithCancelCause(bg)
		stop := time.AfterFunc(0, func() { cancel(gone) })
		if _, err := c.Lstat(ctx, "/a"); !errors.Is(err, gone) {
			t.Fatalf("Lstat = %v", err)
		}
		stop.Stop()
	}
	if n := len(c.calls); n > maxInFlight {
		t.Errorf("%d requests are held", n)
	}
}

// The late answer to an abandoned open is a handle that must be closed, or the server runs out of them.
func TestClient_S17_LateHandlesAreClosed(t *testing.T) {
	opened, closed := make(chan uint32, 1), make(chan string, 1)
	var sc *script
	c := scripted(t, func(s *script, kind byte, id uint32, body reader) {
		switch sc = s; kind {
		case typeOpen:
			opened <- id
		case typeClose:
			closed <- string(body.str())
			s.send(typeStatus, id, StatusOK, "", "")
		}
	})
	ctx, cancel := context.WithCancel(bg)
	got := make(chan error)
	go func() {
		_, err := c.Open(ctx, "/a", FlagRead)
		got <- err
	}()
	id := <-opened
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Fatalf("Open = %v", err)
	}
	sc.send(typeHandle, id, "late")
	if h := <-closed; h != "late" {
		t.Errorf("closed %q", h)
	}
}

// Everything that is out of step ends the channel with a ProtocolError.
func TestClient_S17_OutOfStep(t *testing.T) {
	one := []any{1, "name", "long", 0}
	with := func(first any, more ...any) []any { return append([]any{first}, more...) }
	lstat := func(c *Client) error { _, err := c.Lstat(bg, "/a"); return err }
	list := func(c *Client) error {
		return c.ReadDir(bg, "/a", func([]byte, Attrs) bool { return true })
	}
	read := func(c *Client) error {
		_, err := c.ReadAt(bg, "h", make([]byte, 100), 0)
		return err
	}
	open := func(c *Client) error { _, err := c.Open(bg, "/a", FlagRead); return err }
	for _, tc := range []struct {
		name string
		do   func(c *Client) error
		kind byte
		body func(id uint32) []any
	}{
		{"another id", lstat, typeAttrs, func(id uint32) []any { return with(id+1000, 0) }},
		{"another kind", lstat, typeData, func(id uint32) []any { return with(id, "data") }},
		{"a request as an answer", lstat, typeOpen, func(id uint32) []any { return with(id, "x") }},
		{"OK where attributes are wanted", lstat, typeStatus, func(id uint32) []any { return with(id, 0, "", "") }},
		{"cut attributes", lstat, typeAttrs, func(id uint32) []any { return with(id, attrSize, 1) }},
		{"left-over bytes", lstat, typeAttrs, func(id uint32) []any { return with(id, 0, 0) }},
		{"4 billion extensions", lstat, typeAttrs, func(id uint32) []any { return with(id, uint32(attrExtended), uint32(0xffffffff)) }},
		{"a cut status", lstat, typeStatus, func(id uint32) []any { return with(id, 4, 100) }},
		{"an empty status", lstat, typeStatus, func(id uint32) []any { return with(id) }},
		{"no id", lstat, typeStatus, func(uint32) []any { return nil }},
		{"more names than there are", list, typeName, func(id uint32) []any { return with(id, append([]any{uint32(0xffffffff)}, one[1:]...)...) }},
		{"fewer names than there are", list, typeName, func(id uint32) []any { return with(id, append(one, one[1:]...)...) }},
		{"a name of 4 GiB", list, typeName, func(id uint32) []any { return with(id, 1, uint32(0xffffffff)) }},
		{"no names, for ever", list, typeName, func(id uint32) []any { return with(id, 0) }},
		{"more data than asked for", read, typeData, func(id uint32) []any { return with(id, string(make([]byte, 101))) }},
		{"no data", read, typeData, func(id uint32) []any { return with(id, "") }},
		{"data of 4 GiB", read, typeData, func(id uint32) []any { return with(id, uint32(0xffffffff)) }},
		{"a huge handle", open, typeHandle, func(id uint32) []any { return with(id, string(make([]byte, 257))) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := scripted(t, func(s *script, kind byte, id uint32, _ reader) {
				if kind == typeOpendir {
					s.send(typeHandle, id, "h")
					return
				}
				s.send(tc.kind, tc.body(id)...)
			})
			var pe *ProtocolError
			if err := tc.do(c); !errors.As(err, &pe) {
				t.Fatalf("got %v, want a ProtocolError", err)
			}
			<-c.Done()
			if err := tc.do(c); !errors.As(err, &pe) {
				t.Errorf("afterwards: %v, want the same", err)
			}
		})
	}
}

// An answer that comes twice.
func TestClient_S17_DuplicateAnswer(t *testing.T) {
	c := scripted(t, func(s *script, _ byte, id uint32, _ reader) {
		s.send(typeAttrs, id, 0)
		s.send(typeAttrs, id, 0)
	})
	if _, err := c.Lstat(bg, "/a"); err != nil {
		var pe *ProtocolError
		if !errors.As(err, &pe) {
			t.Fatal(err)
		}
	}
	<-c.Done()
	var pe *ProtocolError
	if _, err := c.Lstat(bg, "/a"); !errors.As(err, &pe) {
		t.Errorf("got %v, want a ProtocolError", err)
	}
}

func TestClient_S17_BadPackets(t *testing.T) {
	for name, b := range map[string][]byte{
		"4 GiB":             {0xff, 0xff, 0xff, 0xff, typeAttrs},
		"one above the cap": binary.BigEndian.AppendUint32(nil, maxPacket+1),
		"empty":             {0, 0, 0, 0},
		"cut in the length": {0, 0},
		"cut in the body":   {0, 0, 0, 9, typeAttrs, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := scripted(t, func(s *script, _ byte, _ uint32, _ reader) {
				_, _ = s.ch.Write(b)
				_ = s.ch.Close()
			})
			var pe *ProtocolError
			if _, err := c.Lstat(bg, "/a"); !errors.As(err, &pe) {
				t.Errorf("got %v, want a ProtocolError", err)
			}
		})
	}
}

// FuzzClient feeds a server's bytes, greeting included, to a client that does all there is. It must end without a
// panic, and what it lists and reads is bounded by what came.
func FuzzClient(f *testing.F) {
	packet := func(kind byte, body ...byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(1+len(body))), append([]byte{kind}, body...)...)
	}
	hello := packet(typeVersion, 0, 0, 0, 3)
	for _, b := range [][]byte{
		nil, hello,
		append(slices.Clone(hello), packet(typeHandle, 0, 0, 0, 1, 0, 0, 0, 1, 'h')...),
		append(slices.Clone(hello), packet(typeAttrs, 0, 0, 0, 1, 0, 0, 0, 0xf)...),
		append(slices.Clone(hello), packet(typeName, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 'n', 0, 0, 0, 0, 0, 0, 0, 0)...),
		append(slices.Clone(hello), packet(typeData, 0, 0, 0, 1, 0, 0, 0, 2, 'a', 'b')...),
		append(slices.Clone(hello), packet(typeStatus, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)...),
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var sent int
		c := New(struct {
			io.Reader
			io.WriteCloser
		}{bytes.NewReader(b), discard{}})
		ctx, cancel := context.WithTimeout(bg, 2*time.Minute)
		defer cancel()
		_ = c.Greet(ctx)
		_ = c.ReadDir(ctx, "/", func(name []byte, _ Attrs) bool { sent += len(name); return true })
		_, _ = c.RealPath(ctx, ".")
		_, _ = c.Lstat(ctx, "/a")
		p := make([]byte, 100)
		n, _ := c.ReadAt(ctx, "h", p, 0)
		_, _ = c.WriteAt(ctx, "h", p, 0)
		if sent += n; sent > len(b) {
			t.Errorf("%d bytes of %d", sent, len(b))
		}
		if ctx.Err() != nil {
			t.Error("a server that has ended was waited for")
		}
		c.Close()
		c.Wait()
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// BenchmarkSFTPCopy reads and writes 64 MiB in calls of 1 MiB over a pipe without a network, by this client and by
// the reference. The server is the same.
func BenchmarkSFTPCopy(b *testing.B) {
	const size, call = 64 << 20, 1 << 20
	dir := b.TempDir()
	if err := os.WriteFile(path.Join(dir, "f"), make([]byte, size), 0o600); err != nil {
		b.Fatal(err)
	}
	connect := func(b *testing.B) net.Conn {
		ours, theirs := net.Pipe()
		s, err := reference.NewServer(theirs, reference.WithServerWorkingDirectory(dir))
		if err != nil {
			b.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = s.Serve()
			_ = s.Close()
		}()
		b.Cleanup(func() { ours.Close(); <-done })
		return ours
	}
	type readWriter interface {
		io.ReaderAt
		io.WriterAt
	}
	run := func(b *testing.B, f readWriter, write bool) {
		b.SetBytes(size)
		b.ReportAllocs()
		p := make([]byte, call)
		for b.Loop() {
			for off := int64(0); off < size; off += call {
				var n int
				var err error
				if write {
					n, err = f.WriteAt(p, off)
				} else {
					n, err = f.ReadAt(p, off)
				}
				if n != call || err != nil {
					b.Fatal(n, err)
				}
			}
		}
	}
	for _, write := range []bool{false, true} {
		op := map[bool]string{false: "read", true: "write"}[write]
		b.Run(fmt.Sprintf("%s/ours", op), func(b *testing.B) {
			c := New(connect(b))
			b.Cleanup(func() { c.Close(); c.Wait() })
			if err := c.Greet(bg); err != nil {
				b.Fatal(err)
			}
			h, err := c.Open(bg, path.Join(dir, "f"), FlagRead|FlagWrite)
			if err != nil {
				b.Fatal(err)
			}
			run(b, oursFile{c, h}, write)
		})
		b.Run(fmt.Sprintf("%s/reference", op), func(b *testing.B) {
			ch := connect(b)
			c, err := reference.NewClientPipe(ch, ch, reference.UseConcurrentWrites(true))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = c.Close() })
			f, err := c.OpenFile(path.Join(dir, "f"), os.O_RDWR)
			if err != nil {
				b.Fatal(err)
			}
			run(b, f, write)
		})
	}
}

type oursFile struct {
	c *Client
	h string
}

func (f oursFile) ReadAt(p []byte, off int64) (int, error) {
	return f.c.ReadAt(bg, f.h, p, uint64(off))
}

func (f oursFile) WriteAt(p []byte, off int64) (int, error) {
	return f.c.WriteAt(bg, f.h, p, uint64(off))
}
