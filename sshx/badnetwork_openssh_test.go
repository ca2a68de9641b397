//go:build unix

package sshx_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// badWay is one direction of the network that S40 names: 300 ms there and back, 64 KB a second, one packet in twenty lost.
var badWay = pamtest.Quality{Delay: 150 * time.Millisecond, Rate: 64 << 10, Lose: 20, Again: 300 * time.Millisecond}

// far is a browser before a gateway, with a network in between, and a real sshd behind.
type far struct {
	*pamtest.Browser
	link *pamtest.BadLink
	id   pam.SessionID
}

func farFrom(t testing.TB, protocol pam.Protocol) *far {
	t.Helper()
	s := sshtest.StartOpenSSH(t)
	asset := request(s.Address, s.User, s.HostKey, nil).Asset
	h, link := pamtest.StartFarHost(t, protocol, asset, map[string]string{pam.FieldPrivateKey: s.PrivateKey})
	h.Policy.Set("olga", asset.ID, pamtest.Permit(pam.RoleOwner, pam.WebSession, pam.Keyboard))
	f := &far{Browser: h.Browser("olga"), link: link}
	var err error
	if f.id, err = f.Start(t.Context(), asset.ID, nil); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *far) attach(t testing.TB) *pamtest.Page {
	t.Helper()
	p, err := f.Attach(t.Context(), f.id, pamtest.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	shown(t, p, " ") // the prompt, or what stands on the screen: before the shell is there, keys go nowhere
	return p
}

func (f *far) bad() { f.link.Up(badWay); f.link.Down(badWay) }

func types(t testing.TB, p *pamtest.Page, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := p.Key(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

func shown(t testing.TB, p *pamtest.Page, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.AwaitOutput(ctx, text); err != nil {
		t.Fatalf("waiting for %q: %v\n%q", text, err, p.View().Output)
	}
}

// holds waits until a file holds exactly a text.
func holds(t testing.TB, path, text string) {
	t.Helper()
	var got []byte
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if got, _ = os.ReadFile(path); string(got) == text {
			return
		}
	}
	t.Fatalf("%s holds %q, want %q", path, got, text)
}

// cat lets the shell take what is typed into a file, until Ctrl+D.
func cat(t testing.TB, p *pamtest.Page) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "typed")
	types(t, p, "echo be''gin; cat > "+file+"; echo do''ne\r")
	shown(t, p, "begin\r\n")
	return file
}

// TestOpenSSH_S40_TypingOnABadNetwork: keys sent as they are typed, no one waiting for the echo of the one before, arrive all, once and in order; and
// an echo takes one round trip of the network.
func TestOpenSSH_S40_TypingOnABadNetwork(t *testing.T) {
	f := farFrom(t, newProtocol(t, sshx.Config{}))
	p := f.attach(t)
	file := cat(t, p)
	f.bad()
	const text = "The quick brown fox jumps over 13 lazy dogs, and back again."
	before := f.link.Traffic()
	for _, c := range text {
		types(t, p, string(c))
	}
	shown(t, p, text)
	if got := f.link.Traffic().Turns - before.Turns; got >= len(text) {
		t.Errorf("%d keys took %d round trips, one after the other", len(text), got)
	}
	types(t, p, "\r")

	const keys = 8
	before = f.link.Traffic()
	for i := range keys {
		types(t, p, string(rune('a'+i)))
		shown(t, p, "\n"+"abcdefgh"[:i+1])
	}
	const others = 2 // a heartbeat may fall in between
	if got := f.link.Traffic().Turns - before.Turns; got > keys+others {
		t.Errorf("%d keys, each after the echo of the one before, took %d round trips, want one each", keys, got)
	}
	types(t, p, "\r\x04")
	shown(t, p, "done\r\n")
	holds(t, file, text+"\nabcdefgh\n")
}

// TestOpenSSH_S40_StallAndReset: keys typed while the network stands still arrive when it goes on. After a reset the page comes back to the same
// screen and the same shell; what was shown before is typed, once, and nothing is typed again.
func TestOpenSSH_S40_StallAndReset(t *testing.T) {
	f := farFrom(t, newProtocol(t, sshx.Config{}))
	p := f.attach(t)
	file := cat(t, p)
	f.bad()
	types(t, p, "one ")
	shown(t, p, "one ")
	f.link.Stall()
	types(t, p, "t", "w", "o", " ")
	f.link.Resume()
	shown(t, p, "one two ")
	want := "one two "
	for round := range 5 {
		f.link.Reset()
		<-p.Gone()
		p = f.attach(t)
		shown(t, p, strings.TrimSpace(want))
		word := fmt.Sprintf("%d-", round) // the screen may be drawn without spaces at the end of a line, and the cursor put behind them
		types(t, p, word)
		want += word
		shown(t, p, word)
	}
	types(t, p, "\r\x04")
	shown(t, p, "done\r\n")
	holds(t, file, want+"\n")
}

// TestOpenSSH_S40_FloodLeavesTheKeyboardUsable: while a program writes more than the network carries, a key is answered after no more than what was on
// its way, which is bounded, whatever the program has written by then.
func TestOpenSSH_S40_FloodLeavesTheKeyboardUsable(t *testing.T) {
	f := farFrom(t, newProtocol(t, sshx.Config{}))
	p := f.attach(t)
	f.link.Down(pamtest.Quality{Delay: 150 * time.Millisecond, Rate: 512 << 10})
	types(t, p, "yes 0123456789abcdef0123456789abcdef\r")
	const some = 512 << 10
	if err := p.Await(t.Context(), func(v pamtest.PageView) bool { return v.Counted > some }); err != nil {
		t.Fatal(err)
	}
	before := p.View().Counted
	types(t, p, "\x03echo sto''pped\r")
	shown(t, p, "stopped\r\n")
	behind := p.View().Counted - before
	t.Logf("%d KiB were on their way", behind>>10)
	// A page's window and the log's backlog (pam.Limits), the window of an SSH channel (2 MiB in golang.org/x/crypto/ssh), and what sshd and the
	// PTY hold.
	if limit := uint64(512<<10 + 1<<20 + 2<<20 + 512<<10); behind > limit {
		t.Errorf("%d bytes were shown before the answer, want at most %d", behind, limit)
	}
}

// BenchmarkOpenSSH_S40_Echo measures the echo of a key over the bad network, losses left out, against its round trip and the 50 ms that may come on
// top: a ratio below one keeps the promise.
func BenchmarkOpenSSH_S40_Echo(b *testing.B) {
	f := farFrom(b, newProtocol(b, sshx.Config{}))
	page := f.attach(b)
	cat(b, page)
	way := badWay
	way.Lose = 0
	f.link.Up(way)
	f.link.Down(way)
	typed := ""
	b.ResetTimer()
	for i := range b.N {
		c := string(rune('a' + i%26))
		typed += c
		types(b, page, c)
		shown(b, page, "begin\r\n"+typed)
	}
	rtt := 2 * way.Delay
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(rtt+50*time.Millisecond), "of-RTT+50ms")
}
