package sshtest

import (
	"bytes"
	"math/big"
	"strings"

	"golang.org/x/crypto/ssh"
)

// floodSize is how many messages of a kind a flood has that a session may survive.
const floodSize = 20_000

// hostileText is what servers say here where they may say something: it acts on a terminal and has no end.
var hostileText = "\x1b]0;owned\a\x1b[2J\r\n\u202e" + strings.Repeat("A very long story. ", 10<<10)

// Hostiles lists the hostile servers. A host may run its own client code against each of them.
func Hostiles() []Hostile {
	return append(append(handshakeHostiles(), floodHostiles()...), sessionHostiles()...)
}

func handshakeHostiles() []Hostile {
	h := func(name, does string, run func(a *attack)) Hostile {
		return Hostile{Name: name, Does: does, Stage: StageHandshake, run: run}
	}
	return []Hostile{
		h("silent", "takes the connection and says nothing", func(a *attack) {
			a.took()
			a.waitForEnd()
		}),
		h("banner-flood", "sends lines before its version, without end", func(a *attack) {
			line := []byte("mind the gap\r\n")
			_ = a.hear()
			a.flood(func() error { return a.raw(line) }, 100)
		}),
		h("banner-without-end", "sends one line without end", func(a *attack) {
			part := bytes.Repeat([]byte("x"), 16)
			_ = a.hear()
			a.flood(func() error { return a.raw(part) }, 8)
		}),
		h("kex-stalls", "names its algorithms and stops there", func(a *attack) {
			if a.versions() == nil {
				a.read()
				_ = a.send(a.kexInit())
				a.took()
				a.wait()
			}
		}),
		h("kex-no-common", "names 200 KiB of algorithms that nobody has", func(a *attack) {
			if a.versions() == nil {
				a.read()
				nobody := []string{strings.Repeat("a,", 100<<10) + "z"}
				m := kexInit{
					Kex: nobody, HostKey: []string{"x"}, CiphersIn: []string{"x"}, CiphersOut: []string{"x"},
					MACsIn: []string{"x"}, MACsOut: []string{"x"}, CompressionIn: []string{"x"}, CompressionOut: []string{"x"},
				}
				_ = a.send(append([]byte{msgKexInit}, ssh.Marshal(m)...))
				a.endedBy()
			}
		}),
		h("ignore-before-kex", "sends ignored messages before its algorithms, without end", func(a *attack) {
			if a.versions() == nil {
				a.read()
				junk := message(msgIgnore, strings.Repeat("i", 1000))
				a.flood(func() error { return a.send(junk) }, 1)
				a.endedBy()
			}
		}),
		h("early-ignore", "slips a message in before NEWKEYS though it promised strict key exchange (Terrapin)", func(a *attack) {
			a.early = func() { _ = a.sendLocked(message(msgIgnore, "slipped in")) }
			_ = a.open()
			a.endedBy()
		}),
		h("early-session", "sends data of a session before NEWKEYS", func(a *attack) {
			a.early = func() { _ = a.sendLocked(message(msgChannelData, uint32(0), "early")) }
			_ = a.open()
			a.endedBy()
		}),
		h("rsa-16384", "shows an RSA host key of 16384 bits and signs with noise", hugeRSA(16384)),
		h("rsa-131072", "shows an RSA host key of 131072 bits", hugeRSA(131072)),
		h("key-garbage", "shows noise as its host key", func(a *attack) {
			a.hostKey = []byte("\x00\x00\x00\x07ssh-rsa\xff\xff\xff\xff\xff")
			_ = a.open()
			a.endedBy()
		}),
		h("bad-signature", "signs the exchange with noise", func(a *attack) {
			a.sign = func([]byte) []byte { return message(0, ssh.KeyAlgoED25519, strings.Repeat("\x01", 64))[1:] }
			_ = a.open()
			a.endedBy()
		}),
		h("disconnects", "ends the handshake with 190 KiB of escape sequences", func(a *attack) {
			a.noAuth = true
			a.authBefore = func() { _ = a.send(message(msgDisconnect, uint32(2), hostileText, "")) }
			_ = a.open()
			a.endedBy()
		}),
		h("auth-stalls", "does not answer the sign-in", func(a *attack) {
			a.noAuth = true
			a.authBefore = a.took
			_ = a.open()
			a.wait()
		}),
		h("auth-banners", "answers the sign-in with huge banners, without end", func(a *attack) {
			a.noAuth = true
			banner := message(msgAuthBanner, hostileText, "")
			a.authBefore = func() { a.flood(func() error { return a.send(banner) }, 3) }
			_ = a.open()
			a.wait()
		}),
		h("no-shell", "lets in and never answers a channel", func(a *attack) {
			a.largest = 0 // an answer that no client may take
			_ = a.open()
			a.endedBy()
		}),
	}
}

// hugeRSA shows a host key of so many bits.
func hugeRSA(bits int) func(a *attack) {
	return func(a *attack) {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		n.Add(n, big.NewInt(0x10001))
		a.hostKey = ssh.Marshal(struct {
			Name string
			E, N *big.Int
		}{ssh.KeyAlgoRSA, big.NewInt(0xffffff), n})
		a.sign = func([]byte) []byte {
			return message(0, ssh.KeyAlgoRSASHA256, strings.Repeat("\x5a", bits/8))[1:]
		}
		_ = a.open()
		a.endedBy()
	}
}

// floodHostiles send much of what a client must take and may survive.
func floodHostiles() []Hostile {
	h := func(name, does string, run func(a *attack)) Hostile {
		return Hostile{Name: name, Does: does, Stage: StageSession, Survives: true, run: func(a *attack) {
			if a.session() {
				run(a)
				a.survived()
			}
		}}
	}
	return []Hostile{
		h("polite", "does nothing wrong", func(*attack) {}),
		{Name: "no-strict-kex", Does: "does not offer strict key exchange and slips a message in before NEWKEYS", Stage: StageSession, Survives: true, run: func(a *attack) {
			a.strict = false
			a.early = func() { _ = a.sendLocked(message(msgIgnore, "slipped in")) }
			if a.session() {
				a.survived()
			}
		}},
		h("ignore-flood", "sends ignored messages", func(a *attack) { a.repeat(floodSize, message(msgIgnore, "i")) }),
		h("debug-flood", "sends debug messages", func(a *attack) { a.repeat(floodSize, message(msgDebug, true, "d", "")) }),
		h("huge-ignore", "sends ignored messages of 200 KiB", func(a *attack) { a.repeat(100, message(msgIgnore, hostileText)) }),
		h("reply-flood", "answers global requests that were not made (CVE-2026-39830)", func(a *attack) {
			for range floodSize / 2 {
				if a.send([]byte{msgRequestSuccess}) != nil || a.send([]byte{msgRequestFailure}) != nil {
					return
				}
			}
		}),
		h("channel-reply-flood", "answers channel requests that were not made", func(a *attack) {
			for range floodSize / 2 {
				if a.send(message(msgChannelSuccess, a.peer)) != nil || a.send(message(msgChannelFailure, a.peer)) != nil {
					return
				}
			}
		}),
		h("request-flood", "makes global requests and wants answers", func(a *attack) {
			a.repeat(floodSize/10, message(msgGlobalRequest, "hostkeys-prove-00@openssh.com", true, hostileText[:100]))
		}),
		h("channel-request-flood", "makes channel requests and wants answers", func(a *attack) {
			a.repeat(floodSize/10, message(msgChannelRequest, a.peer, strings.Repeat("r", 1000), true))
		}),
		h("rekey-flood", "exchanges keys a hundred times in a row", func(a *attack) {
			for range 100 {
				if a.exchange(a.nextKex) != nil {
					return
				}
			}
		}),
		h("opens-channels", "opens channels to its client: forwarded ports, X11, agent, sessions", func(a *attack) {
			kinds := []string{"forwarded-tcpip", "x11", "auth-agent@openssh.com", "session", "direct-tcpip", "forwarded-streamlocal@openssh.com", "tun@openssh.com", ""}
			for i := range uint32(800) {
				if a.send(message(msgChannelOpen, kinds[i%8], 100+i, uint32(1<<20), uint32(1<<15), "", uint32(1), "", uint32(1))) != nil {
					return
				}
				select {
				case <-a.refused:
				case <-a.gone:
					return
				}
			}
		}),
		h("stderr-flood", "sends eight windows of stderr and of streams that do not exist", func(a *attack) {
			block := strings.Repeat("e", 32<<10)
			for range 256 {
				if a.send(message(msgChannelExtended, a.peer, uint32(1), block)) != nil || a.send(message(msgChannelExtended, a.peer, uint32(77), block)) != nil || !a.ping() {
					return
				}
			}
		}),
		h("empty-data", "sends empty output", func(a *attack) { a.repeat(floodSize, message(msgChannelData, a.peer, "")) }),
		h("window-gifts", "grants bytes one by one", func(a *attack) { a.repeat(floodSize, message(msgWindowAdjust, a.peer, uint32(1))) }),
		h("strange-requests", "makes requests that are cut short", func(a *attack) {
			for _, kind := range []string{"exit-status", "exit-signal", "window-change", ""} {
				a.repeat(100, message(msgChannelRequest, a.peer, kind, true, []byte{0xff}))
			}
		}),
	}
}

// sessionHostiles end a session by what they do, or by what they do not.
func sessionHostiles() []Hostile {
	h := func(name, does string, run func(a *attack)) Hostile {
		return Hostile{Name: name, Does: does, Stage: StageSession, run: func(a *attack) {
			if a.session() {
				run(a)
				a.endedBy()
			}
		}}
	}
	status := func(a *attack, n uint32) { _ = a.send(message(msgChannelRequest, a.peer, "exit-status", false, n)) }
	end := func(a *attack) {
		a.silent.Store(true) // the client's own end is the answer
		_ = a.send(message(msgChannelEOF, a.peer))
		_ = a.send(message(msgChannelClose, a.peer))
	}
	block := strings.Repeat("endless output\r\n", 2<<10)
	return []Hostile{
		h("endless-output", "prints as much as its client grants, without end", func(a *attack) {
			// The client's window is the only brake; to overrun it is another kind.
			left := 2 << 20
			for left >= len(block) && a.data(block) == nil {
				left -= len(block)
			}
		}),
		h("window-overrun", "prints more than its client grants", func(a *attack) {
			a.repeat(3*64, message(msgChannelData, a.peer, block))
		}),
		h("oversized-data", "prints more at once than its client takes", func(a *attack) { _ = a.data(hostileText) }),
		h("data-length-lies", "says that there are 4 GiB of output in a message", func(a *attack) {
			_ = a.send(message(msgChannelData, a.peer, uint32(0xffffffff), []byte("x")))
		}),
		h("unknown-channel", "prints on a channel that does not exist", func(a *attack) { _ = a.send(message(msgChannelData, uint32(77), "x")) }),
		h("breaks-and-floods", "has its client busy with requests, prints on a channel that does not exist, and goes on sending", func(a *attack) {
			// In one piece, so that the client's reader is ahead of what works off the packets.
			var b []byte
			a.mu.Lock()
			for range 100 {
				b = append(b, a.seal(message(msgGlobalRequest, "busy@hostile", true))...)
			}
			b = append(b, a.seal(message(msgChannelData, uint32(77), "x"))...)
			for range 100 {
				b = append(b, a.seal(message(msgWindowAdjust, a.peer, uint32(1)))...)
			}
			a.mu.Unlock()
			_ = a.raw(b)
		}),
		h("confirm-twice", "confirms an open channel again", func(a *attack) {
			_ = a.send(message(msgChannelConfirm, a.peer, uint32(9), uint32(9), uint32(32<<10)))
		}),
		h("window-overflow", "grants more than a window can be", func(a *attack) {
			a.repeat(3, message(msgWindowAdjust, a.peer, uint32(0xffffffff)))
		}),
		{Name: "zero-window", Does: "takes no input, ever, and does not confirm the end", Stage: StageSession, run: func(a *attack) {
			a.window = 0
			a.silent.Store(true)
			if a.session() {
				_ = a.data("ready\r\n")
				a.survivedQuietly()
			}
		}},
		h("status-lies", "ends with a status of 32 bits, then others, then a signal", func(a *attack) {
			status(a, 0xffffffff)
			for n := range uint32(1000) {
				status(a, n)
			}
			_ = a.send(message(msgChannelRequest, a.peer, "exit-signal", false, "KILL", true, hostileText[:1000], ""))
			end(a)
		}),
		h("status-after-close", "names its status after the end of the channel", func(a *attack) {
			end(a)
			status(a, 7)
			_ = a.ping()
		}),
		h("signal-text", "ends by a signal whose name and text are escape sequences", func(a *attack) {
			_ = a.send(message(msgChannelRequest, a.peer, "exit-signal", false, hostileText[:50_000], true, hostileText[:50_000], ""))
			end(a)
		}),
		h("close-twice", "closes the channel again and again", func(a *attack) {
			a.silent.Store(true)
			for range 100 {
				end(a)
			}
		}),
		h("output-after-close", "prints after the end of the channel", func(a *attack) {
			end(a)
			_ = a.data("ghost")
		}),
		h("disconnects-loudly", "ends with 190 KiB of escape sequences", func(a *attack) {
			_ = a.send(message(msgDisconnect, uint32(11), hostileText, ""))
		}),
		h("unknown-message", "sends a message of a number that means nothing", func(a *attack) { _ = a.send([]byte{200, 1, 2, 3}) }),
		h("empty-message", "sends a message that is only a number", func(a *attack) { _ = a.send([]byte{msgChannelData}) }),
		h("oversized-packet", "says that the next packet has 4 GiB", func(a *attack) { _ = a.raw(bytes.Repeat([]byte{0xff}, 64)) }),
		h("bad-mac", "flips a bit of an encrypted packet", func(a *attack) {
			a.mu.Lock()
			b := a.seal(message(msgIgnore, "x"))
			b[len(b)-1] ^= 1
			a.mu.Unlock()
			_ = a.raw(b)
		}),
		{Name: "cut-packet", Does: "closes the connection within a packet", Stage: StageSession, run: func(a *attack) {
			if a.session() {
				a.mu.Lock()
				b := a.seal(message(msgIgnore, "x"))
				a.mu.Unlock()
				_ = a.raw(b[:len(b)-3])
				_ = a.conn.Close()
				a.endedBy()
			}
		}},
		h("kex-broken", "begins to exchange keys and sends output in between", func(a *attack) {
			a.mu.Lock()
			_ = a.sendLocked(a.kexInit())
			_ = a.sendLocked(message(msgChannelData, a.peer, "in between"))
			a.mu.Unlock()
		}),
		{Name: "kex-again-stalls", Does: "begins to exchange keys in a session and stops there", Stage: StageSession, run: func(a *attack) {
			if a.session() {
				_ = a.send(a.kexInit())
				if _, err := a.nextKex(msgKexInit); err == nil {
					a.took()
				}
				a.wait()
			}
		}},
		{Name: "no-close", Does: "never confirms the end of the shell", Stage: StageSession, run: func(a *attack) {
			a.silent.Store(true)
			if a.session() {
				a.survivedQuietly()
			}
		}},
	}
}

// survivedQuietly is survived without a word on the terminal.
func (a *attack) survivedQuietly() {
	if a.ping() {
		a.took()
	}
	a.wait()
}

// waitForEnd waits for the client without taking its messages apart.
func (a *attack) waitForEnd() {
	b := make([]byte, 4096)
	for {
		if _, err := a.conn.Read(b); err != nil {
			return
		}
	}
}
