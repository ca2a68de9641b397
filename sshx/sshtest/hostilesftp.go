package sshtest

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// SFTP packet types, draft-ietf-secsh-filexfer-02 section 3.
const (
	fxpVersion  = 2
	fxpOpen     = 3
	fxpClose    = 4
	fxpRead     = 5
	fxpWrite    = 6
	fxpLstat    = 7
	fxpFstat    = 8
	fxpOpendir  = 11
	fxpReaddir  = 12
	fxpRealpath = 16
	fxpStat     = 17
	fxpReadlink = 19
	fxpStatus   = 101
	fxpHandle   = 102
	fxpData     = 103
	fxpName     = 104
	fxpAttrs    = 105
)

// HostileSFTP is one way in which a server of the sftp subsystem misbehaves (S17). HostileSFTPs lists them.
//
// But for that way the server is an ordinary one over a tree in which every path is a regular file of
// HostileFileSize letters x, and every folder holds one such file, "file".
type HostileSFTP struct {
	Name string // stable, words joined by hyphens
	Does string // what the server does

	greet  func(a *sftpAttack)                                         // in place of the greeting
	answer func(a *sftpAttack, kind byte, id uint32, body []byte) bool // false: the ordinary answer
}

// HostileFileSize is the size of every file of a HostileSFTP.
const HostileFileSize = 100_000

// PoisonNames are what the folder of "poison-names" holds besides "file", for a test to know what must not come out.
func PoisonNames() []string {
	return []string{
		"", "/", "/etc/passwd", "../escape", "a/../b", "a/..", "..\x00", "a\x00b", strings.Repeat("n", 10<<10), strings.Repeat("n", 100<<10),
		"\x1b[2J", "new\nline", "\xff\xfe", "\u202egpj.exe", `back\slash`,
	}
}

// Handler returns a handler of the sftp subsystem for Config.SFTP. taken is closed when a client has read the poison:
// it has sent something after it, or has ended the channel.
func (h HostileSFTP) Handler() (handler Handler, taken <-chan struct{}) {
	done := make(chan struct{})
	var once sync.Once
	return func(s *Session) int {
		a := &sftpAttack{s: s}
		if h.greet != nil {
			_, _, _ = a.next()
			h.greet(a)
			a.poisoned = true
		} else if _, _, err := a.next(); err == nil {
			a.send(fxpVersion, uint32(3), message(0, "posix-rename@openssh.com", "1")[1:])
		}
		for {
			kind, body, err := a.next()
			if a.poisoned {
				once.Do(func() { close(done) })
			}
			if err != nil {
				return 0
			}
			r := fields(body)
			id := r.u32()
			if h.answer == nil || !h.answer(a, kind, id, r.b) {
				a.ordinary(kind, id, r.b)
			} else {
				a.poisoned = true
			}
		}
	}, done
}

// sftpAttack is one channel of a HostileSFTP.
type sftpAttack struct {
	s        *Session
	poisoned bool
	listed   int      // answers to READDIR so far
	held     []func() // answers kept back
}

func (a *sftpAttack) next() (kind byte, body []byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(a.s, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > maxFiltered {
		return 0, nil, fmt.Errorf("a packet of %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(a.s, b); err != nil {
		return 0, nil, err
	}
	return b[0], b[1:], nil
}

// send sends a packet of the parts, with its true length.
func (a *sftpAttack) send(kind byte, parts ...any) {
	p := message(kind, parts...)
	_, _ = a.s.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(p))), p...))
}

func (a *sftpAttack) status(id, code uint32) { a.send(fxpStatus, id, code, "", "") }

// attrs are size and mode.
func attrs(size uint64, mode uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte{0, 0, 0, 5}, size), mode)
}

const regular, folder, link = 0o100644, 0o040755, 0o120777

// name is an entry of a folder, or the answer to READLINK and REALPATH.
func name(n string, attrs []byte) []byte { return append(message(0, n, "ls "+n)[1:], attrs...) }

func (a *sftpAttack) ordinary(kind byte, id uint32, body []byte) {
	switch r := fields(body); kind {
	case fxpLstat, fxpStat, fxpFstat:
		a.send(fxpAttrs, id, attrs(HostileFileSize, regular))
	case fxpRealpath:
		a.send(fxpName, id, uint32(1), name("/", attrs(0, folder)))
	case fxpReadlink:
		a.send(fxpName, id, uint32(1), name("target", attrs(0, link)))
	case fxpOpen, fxpOpendir:
		a.listed = 0
		a.send(fxpHandle, id, "h")
	case fxpReaddir:
		if a.listed++; a.listed > 1 {
			a.status(id, 1)
			return
		}
		a.send(fxpName, id, uint32(1), name("file", attrs(HostileFileSize, regular)))
	case fxpRead:
		r.str()
		off, n := r.u64(), r.u32()
		if off >= HostileFileSize {
			a.status(id, 1)
			return
		}
		a.send(fxpData, id, strings.Repeat("x", int(min(uint64(n), HostileFileSize-off, 32<<10))))
	default:
		a.status(id, 0)
	}
}

// HostileSFTPs lists the hostile file services.
func HostileSFTPs() []HostileSFTP {
	// on answers one kind of request in another way.
	on := func(name, does string, kind byte, answer func(a *sftpAttack, id uint32, body []byte)) HostileSFTP {
		return HostileSFTP{Name: name, Does: does, answer: func(a *sftpAttack, k byte, id uint32, body []byte) bool {
			if k == kind {
				answer(a, id, body)
			}
			return k == kind
		}}
	}
	text := hostileText
	never := func(*sftpAttack, uint32, []byte) {}
	return []HostileSFTP{
		{Name: "polite", Does: "does nothing wrong"},
		{Name: "greeting-never", Does: "does not greet", greet: func(*sftpAttack) {}},
		{Name: "greeting-huge", Does: "greets with 200 KiB of extensions", greet: func(a *sftpAttack) {
			var ext []byte
			for i := 0; len(ext) < 200<<10; i++ {
				ext = append(ext, message(0, fmt.Sprintf("x%d@hostile", i), text[:1000])[1:]...)
			}
			a.send(fxpVersion, uint32(3), ext)
		}},
		{Name: "greeting-4gib", Does: "greets with a packet of 4 GiB", greet: func(a *sftpAttack) { _, _ = a.s.Write([]byte{0xff, 0xff, 0xff, 0xff, fxpVersion}) }},
		{Name: "stderr-flood", Does: "sends eight windows of stderr first", greet: func(a *sftpAttack) {
			for range 16 {
				_, _ = a.s.Stderr().Write(make([]byte, 1<<20))
			}
			a.send(fxpVersion, uint32(3))
		}},
		on("length-4gib", "answers STAT with a packet of 4 GiB", fxpLstat, func(a *sftpAttack, _ uint32, _ []byte) {
			_, _ = a.s.Write([]byte{0xff, 0xff, 0xff, 0xff, fxpAttrs, 0, 0, 0, 1})
		}),
		on("cut-packet", "closes the channel within an answer to STAT", fxpLstat, func(a *sftpAttack, _ uint32, _ []byte) {
			_, _ = a.s.Write([]byte{0, 0, 0, 20, fxpAttrs, 0})
			_ = a.s.ch.CloseWrite()
		}),
		on("wrong-id", "answers STAT for a request that was not made", fxpLstat, func(a *sftpAttack, id uint32, _ []byte) { a.send(fxpAttrs, id+1000, attrs(1, regular)) }),
		on("wrong-kind", "answers STAT with a handle", fxpLstat, func(a *sftpAttack, id uint32, _ []byte) { a.send(fxpHandle, id, "h") }),
		on("duplicate", "answers STAT twice", fxpLstat, func(a *sftpAttack, id uint32, _ []byte) {
			a.send(fxpAttrs, id, attrs(1, regular))
			a.send(fxpAttrs, id, attrs(2, regular))
		}),
		on("never-answers", "does not answer STAT", fxpLstat, never),
		on("huge-status", "refuses STAT with 190 KiB of escape sequences", fxpLstat, func(a *sftpAttack, id uint32, _ []byte) { a.send(fxpStatus, id, uint32(4), text, text[:100]) }),
		on("bare-status", "refuses STAT without words, as the first servers did", fxpLstat, func(a *sftpAttack, id uint32, _ []byte) { a.send(fxpStatus, id, uint32(3)) }),
		on("huge-handle", "gives a handle of 100 KiB", fxpOpen, func(a *sftpAttack, id uint32, _ []byte) { a.send(fxpHandle, id, text[:100<<10]) }),
		on("size-lies", "says that a file has 2^64-1 bytes", fxpLstat, func(a *sftpAttack, id uint32, _ []byte) { a.send(fxpAttrs, id, attrs(1<<64-1, regular)) }),
		on("setuid", "says that a file is setuid, setgid and sticky", fxpLstat, func(a *sftpAttack, id uint32, _ []byte) { a.send(fxpAttrs, id, attrs(1, regular|0o7777)) }),
		on("odd-attributes", "says that a file has a type and 4 billion attributes that do not exist", fxpLstat, func(a *sftpAttack, id uint32, _ []byte) {
			a.send(fxpAttrs, id, uint32(0x8000_0004), uint32(0xffff_ffff), uint32(0xffff_ffff))
		}),
		on("pipe", "says that a file is a pipe", fxpStat, func(a *sftpAttack, id uint32, _ []byte) { a.send(fxpAttrs, id, attrs(0, 0o010644)) }),
		on("home-lies", "says that home is no path", fxpRealpath, func(a *sftpAttack, id uint32, _ []byte) {
			a.send(fxpName, id, uint32(1), name("/../../x\x00", attrs(0, folder)))
		}),
		on("two-homes", "says that there are two homes", fxpRealpath, func(a *sftpAttack, id uint32, _ []byte) {
			a.send(fxpName, id, uint32(2), name("/a", attrs(0, folder)), name("/b", attrs(0, folder)))
		}),
		{Name: "link-loop", Does: "has links that point to themselves, and says so with escape sequences", answer: func(a *sftpAttack, kind byte, id uint32, _ []byte) bool {
			switch kind {
			case fxpLstat:
				a.send(fxpAttrs, id, attrs(0, link))
			case fxpReadlink:
				a.send(fxpName, id, uint32(1), name(text[:100_000], attrs(0, link)))
			default:
				return false
			}
			return true
		}},
		on("endless-depth", "has in each folder another one", fxpReaddir, func(a *sftpAttack, id uint32, _ []byte) {
			if a.listed++; a.listed%2 == 0 {
				a.status(id, 1)
				return
			}
			a.send(fxpName, id, uint32(1), name("again", attrs(0, folder)))
		}),
		on("endless-readdir", "lists a folder without end", fxpReaddir, func(a *sftpAttack, id uint32, _ []byte) {
			var b []byte
			for range 500 {
				b = append(b, name("file", attrs(1, regular))...)
			}
			a.send(fxpName, id, uint32(500), b)
		}),
		on("endless-poison", "lists names that are none, without end", fxpReaddir, func(a *sftpAttack, id uint32, _ []byte) {
			var b []byte
			for range 10 {
				b = append(b, name("../"+text[:1<<10], attrs(1, regular))...)
			}
			a.send(fxpName, id, uint32(10), b)
		}),
		on("endless-dots", "lists . and .. without end", fxpReaddir, func(a *sftpAttack, id uint32, _ []byte) {
			var b []byte
			for range 1000 {
				b = append(b, append(name(".", attrs(0, folder)), name("..", attrs(0, folder))...)...)
			}
			a.send(fxpName, id, uint32(2000), b)
		}),
		on("endless-nothing", "lists nothing, without end", fxpReaddir, func(a *sftpAttack, id uint32, _ []byte) { a.send(fxpName, id, uint32(0)) }),
		on("name-count-lies", "says that there are 4 billion names in an answer", fxpReaddir, func(a *sftpAttack, id uint32, _ []byte) {
			a.send(fxpName, id, uint32(0xffff_ffff), name("file", attrs(1, regular)))
		}),
		on("poison-names", "lists PoisonNames", fxpReaddir, func(a *sftpAttack, id uint32, _ []byte) {
			if a.listed++; a.listed > 1 {
				a.status(id, 1)
				return
			}
			var b []byte
			names := append(PoisonNames(), "file", ".", "..")
			for _, n := range names {
				b = append(b, name(n, attrs(1, regular))...)
			}
			a.send(fxpName, id, uint32(len(names)), b)
		}),
		on("data-after-end", "ends a file and then sends more of it", fxpRead, func(a *sftpAttack, id uint32, body []byte) {
			r := fields(body)
			if r.str(); r.u64() == 0 {
				a.status(id, 1)
				return
			}
			a.send(fxpData, id, "after the end")
		}),
		on("more-data", "sends more than was asked for", fxpRead, func(a *sftpAttack, id uint32, _ []byte) { a.send(fxpData, id, text[:100<<10]) }),
		on("no-data", "sends no data, again and again", fxpRead, func(a *sftpAttack, id uint32, _ []byte) { a.send(fxpData, id, "") }),
		on("data-length-lies", "says that there are 4 GiB of data in an answer", fxpRead, func(a *sftpAttack, id uint32, _ []byte) {
			a.send(fxpData, id, uint32(0xffff_ffff), []byte("x"))
		}),
		on("trickle", "sends a hundred bytes at a time", fxpRead, func(a *sftpAttack, id uint32, body []byte) {
			r := fields(body)
			r.str()
			if off := r.u64(); off < HostileFileSize {
				a.send(fxpData, id, strings.Repeat("x", int(min(100, HostileFileSize-off))))
				return
			}
			a.status(id, 1)
		}),
		{Name: "out-of-order", Does: "answers reads backwards, three by three", answer: func(a *sftpAttack, kind byte, id uint32, body []byte) bool {
			if kind != fxpRead {
				return false
			}
			a.held = append(a.held, func() { a.ordinary(kind, id, body) })
			if len(a.held) == 3 {
				for _, f := range slices.Backward(a.held) {
					f()
				}
				a.held = nil
			}
			return true
		}},
		on("takes-no-more", "reads nothing after a file was opened", fxpOpen, func(a *sftpAttack, id uint32, _ []byte) {
			a.send(fxpHandle, id, "h")
			<-a.s.Context().Done()
		}),
		on("closes", "closes the channel in place of an answer to STAT", fxpLstat, func(a *sftpAttack, _ uint32, _ []byte) { a.s.CloseSilently() }),
	}
}
