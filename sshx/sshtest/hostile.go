package sshtest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// Stage tells how far a client gets with a hostile server.
type Stage int

// The stages, in order.
const (
	StageHandshake Stage = iota // no session comes about
	StageSession                // there is a shell, then something happens
)

// Hostile is one way in which an SSH server misbehaves (S16). Hostiles lists them.
type Hostile struct {
	Name  string // stable, words joined by hyphens
	Does  string // what the server does
	Stage Stage
	// Survives reports that a session may go on after it: the server then echoes what is typed.
	Survives bool

	run func(h *attack)
}

// HostileServer is a server that treats every client alike. Anyone may sign in.
type HostileServer struct {
	Address string // host:port, after StartHostile

	hostile Hostile
	key     ed25519.PrivateKey
	mutate  func(payload []byte) []byte
	accepts pamtest.Acceptor
	ctx     context.Context
	cancel  context.CancelFunc
	taken   chan struct{} // closed when a client has taken the poison
	once    sync.Once
}

// NewHostile returns a server of that kind. ServeConn brings it to life.
func NewHostile(kind Hostile) (*HostileServer, error) {
	if kind.run == nil {
		return nil, errors.New("sshtest: a Hostile that is not from Hostiles")
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("sshtest: %w", err)
	}
	s := &HostileServer{hostile: kind, key: key, taken: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// StartHostile runs a server of that kind on a free port of loopback for the length of a test.
func StartHostile(t testing.TB, kind Hostile) *HostileServer {
	t.Helper()
	s, err := NewHostile(kind)
	if err != nil {
		t.Fatal(err)
	}
	if s.Address, err = s.accepts.Listen(s.ServeConn); err != nil {
		t.Fatalf("sshtest: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// HostKey returns the server's public key as an authorized_keys line.
func (s *HostileServer) HostKey() string {
	k, err := ssh.NewPublicKey(s.key.Public())
	if err != nil {
		panic(err) // an Ed25519 key is one
	}
	return AuthorizedKey(k)
}

// Mutate gives the server a function through which the payload of each packet goes that it sends after sign-in, before
// it is encrypted; an empty result is not sent. Call it before the first connection.
func (s *HostileServer) Mutate(change func(payload []byte) []byte) { s.mutate = change }

// Taken is closed when a client has taken what the server had for it: it has answered something that was sent
// afterwards, or the connection ended after all of it was written. Over a net.Pipe the writing alone proves it.
func (s *HostileServer) Taken() <-chan struct{} { return s.taken }

// ServeConn serves one connection and returns when it has ended.
func (s *HostileServer) ServeConn(c net.Conn) {
	defer c.Close()
	release, err := s.accepts.Hold(c)
	if err != nil {
		return
	}
	defer release()
	a := &attack{
		server: s, wire: newWire(c, s.key), gone: make(chan struct{}), over: make(chan struct{}), shell: make(chan struct{}),
		kex: make(chan []byte, 8), pongs: make(chan struct{}, 1), refused: make(chan struct{}, 1024), typed: make(chan []byte, 1024),
		window: 1 << 20, largest: 32 << 10,
	}
	a.mutate = s.mutate
	s.hostile.run(a)
	close(a.over)
	c.Close()
	a.wg.Wait()
}

// Close ends all connections and returns when they have ended.
func (s *HostileServer) Close() {
	s.cancel()
	s.accepts.Close()
}

// attack is one connection of a hostile server: a transport, the answers of an ordinary server to what a client
// asks, and what a script may change about them.
type attack struct {
	*wire
	server *HostileServer
	wg     sync.WaitGroup
	gone   chan struct{} // closed when the client has ended
	over   chan struct{} // closed when the script has ended

	kex     chan []byte   // the client's messages of a key exchange
	pongs   chan struct{} // an answer to ping
	refused chan struct{} // the client has refused a channel of ours
	typed   chan []byte   // what the client has typed
	shell   chan struct{} // closed when the client has asked for its shell
	peer    uint32        // the client's number of the shell's channel; set before shell is closed

	opened, started bool // of answer

	window, largest uint32      // what the client is granted for its input
	silent          atomic.Bool // no answer to the end of a channel
	noAuth          bool        // no answer to sign-in
	authBefore      func()      // called before sign-in is answered, if set
}

// took says that the poison has arrived.
func (a *attack) took() { a.server.once.Do(func() { close(a.server.taken) }) }

// wait returns when the client has ended. Until then the server holds the connection.
func (a *attack) wait() {
	select {
	case <-a.gone:
	case <-a.server.ctx.Done():
	}
}

// endedBy waits for the client to end the connection, after the poison.
func (a *attack) endedBy() {
	a.wait()
	a.took()
}

// read begins to take the client's messages, after versions.
func (a *attack) read() {
	work := make(chan []byte, 1024)
	a.wg.Go(func() {
		defer close(a.gone)
		defer close(a.kex)
		defer close(work)
		for {
			p, err := a.receive()
			if err != nil {
				return
			}
			to := work
			if p[0] >= msgKexInit && p[0] <= msgECDHInit {
				to = a.kex
			}
			select {
			case to <- p:
			case <-a.over:
				return
			}
		}
	})
	a.wg.Go(func() {
		for p := range work {
			a.answer(p)
		}
	})
}

var errClientGone = errors.New("the client is gone")

func (a *attack) nextKex(kind byte) ([]byte, error) {
	p, ok := <-a.kex
	if !ok {
		return nil, errClientGone
	}
	if p[0] != kind {
		return nil, fmt.Errorf("message %d in place of %d", p[0], kind)
	}
	return p, nil
}

// open brings a client to the point where it can sign in.
func (a *attack) open() error {
	if err := a.versions(); err != nil {
		return err
	}
	a.read()
	return a.exchange(a.nextKex)
}

// session brings a client to its shell and reports whether it came there.
func (a *attack) session() bool {
	if a.open() != nil {
		return false
	}
	select {
	case <-a.shell:
		return true
	case <-a.gone:
		return false
	}
}

// answer does with a message of the client what an ordinary server would.
func (a *attack) answer(p []byte) {
	r := fields(p[1:])
	switch p[0] {
	case msgServiceRequest:
		_ = a.send(append([]byte{msgServiceAccept}, p[1:]...))
	case msgAuthRequest:
		if a.authBefore != nil {
			a.authBefore()
		}
		if a.noAuth {
			return
		}
		_ = a.send([]byte{msgAuthSuccess})
		a.mu.Lock()
		a.signed = true
		a.mu.Unlock()
	case msgGlobalRequest:
		if r.str(); r.flag() {
			_ = a.send([]byte{msgRequestFailure})
		}
	case msgRequestSuccess, msgRequestFailure:
		select {
		case a.pongs <- struct{}{}:
		default:
		}
	case msgChannelRefuse:
		select {
		case a.refused <- struct{}{}:
		default:
		}
	case msgChannelOpen:
		r.str()
		peer := r.u32()
		if !a.opened {
			a.opened, a.peer = true, peer
		}
		_ = a.send(message(msgChannelConfirm, peer, uint32(0), a.window, a.largest))
	case msgChannelRequest:
		r.u32()
		kind, wanted := r.str(), r.flag()
		if wanted {
			_ = a.send(message(msgChannelSuccess, a.peer))
		}
		if (kind == "shell" || kind == "exec") && !a.started {
			a.started = true
			close(a.shell)
		}
	case msgChannelData:
		r.u32()
		data := []byte(r.str())
		select {
		case a.typed <- data:
		default:
		}
		if a.server.hostile.Survives {
			_ = a.send(message(msgWindowAdjust, a.peer, uint32(len(data))))
			_ = a.data(string(data))
		}
	case msgChannelClose:
		if !a.silent.Load() {
			_ = a.send(message(msgChannelClose, a.peer))
		}
	}
}

// data sends output of the shell.
func (a *attack) data(text string) error { return a.send(message(msgChannelData, a.peer, text)) }

// ping asks for a sign of life and reports whether it came: the client has then read all that was sent before.
func (a *attack) ping() bool {
	if a.send(message(msgGlobalRequest, "ping@hostile", true)) != nil {
		return false
	}
	select {
	case <-a.pongs:
		return true
	case <-a.gone:
		return false
	}
}

// survived pings, says so on the terminal, and serves on.
func (a *attack) survived() {
	if a.ping() {
		a.took()
		_ = a.data("survived\r\n")
	}
	a.wait()
}

// repeat sends the same message n times.
func (a *attack) repeat(n int, payload []byte) {
	for range n {
		if a.send(payload) != nil {
			return
		}
	}
}

// flood sends the same bytes until the client ends the connection; the poison is taken when enough of it is.
func (a *attack) flood(send func() error, enough int) {
	for n := 0; ; n++ {
		if n == enough {
			a.took()
		}
		if send() != nil {
			return
		}
	}
}

// message marshals the parts of a message.
func message(kind byte, parts ...any) []byte {
	b := []byte{kind}
	for _, p := range parts {
		switch p := p.(type) {
		case uint32:
			b = binary.BigEndian.AppendUint32(b, p)
		case string:
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
		case bool:
			if p {
				b = append(b, 1)
			} else {
				b = append(b, 0)
			}
		case []byte:
			b = append(b, p...)
		default:
			panic(fmt.Sprintf("sshtest: message part %T", p))
		}
	}
	return b
}

// fields reads the parts of a client's message; what lacks is zero.
type fieldReader struct{ b []byte }

func fields(b []byte) *fieldReader { return &fieldReader{b} }

func (r *fieldReader) u32() uint32 {
	if len(r.b) < 4 {
		r.b = nil
		return 0
	}
	v := binary.BigEndian.Uint32(r.b)
	r.b = r.b[4:]
	return v
}

func (r *fieldReader) u64() uint64 { return uint64(r.u32())<<32 | uint64(r.u32()) }

func (r *fieldReader) str() string {
	n := int(min(r.u32(), uint32(maxWirePacket)))
	n = min(n, len(r.b))
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *fieldReader) flag() bool {
	if len(r.b) == 0 {
		return false
	}
	v := r.b[0] != 0
	r.b = r.b[1:]
	return v
}
