package pam_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/edge"
	"github.com/sallyport/sallyport/pam/internal/frame"
)

// clock is the wall clock of a test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// spyStore is a memory store that shows what it was given.
type spyStore struct {
	pam.Store
	mu      sync.Mutex
	hashes  []pam.TicketHash
	tickets []pam.Ticket
	live    map[pam.TicketHash]bool
}

func newSpyStore() *spyStore {
	return &spyStore{Store: pam.NewMemoryStore(), live: map[pam.TicketHash]bool{}}
}

func (s *spyStore) PutTicket(ctx context.Context, h pam.TicketHash, t pam.Ticket) error {
	s.mu.Lock()
	s.hashes, s.tickets = append(s.hashes, h), append(s.tickets, t)
	s.live[h] = true
	s.mu.Unlock()
	return s.Store.PutTicket(ctx, h, t)
}

// TestTicket_S07_OneOfAHundredWins: one ticket, a hundred sockets that send it at once.
func TestTicket_S07_OneOfAHundredWins(t *testing.T) {
	const racers = 100
	r := newRig(t, func(c *pam.Config) { c.Limits.Unattached = racers })
	p := r.alice()
	id := p.start()
	ticket := p.ticket(id)
	conns := make([]*edge.Conn, racers)
	for i := range conns {
		conns[i] = p.dial(id)
		defer conns[i].Abort()
	}
	gun := make(chan struct{})
	answers := make(chan string, racers)
	for _, c := range conns {
		go func() {
			<-gun
			_ = c.Write(r.ctx, helloMessage(ticket))
			msg, err := c.Read(r.ctx)
			if err == nil {
				frames, _ := frame.SplitGateway(msg)
				answers <- frames[0].Kind.String()
				return
			}
			reason, _ := edge.CloseReason(err)
			answers <- reason
		}()
	}
	close(gun)
	got := map[string]int{}
	for range racers {
		got[<-answers]++
	}
	if got["state"] != 1 || got[string(pam.CodeTicketInvalid)] != racers-1 {
		t.Errorf("answers %v; want one state and %d ticket_invalid", got, racers-1)
	}
	r.target(1)
	if n := r.protocol.Calls("Connect"); n != 1 {
		t.Errorf("%d connects", n)
	}
}

// TestTicket_S07_L5_BoundAndShort is the table of sockets that a ticket does not open.
func TestTicket_S07_L5_BoundAndShort(t *testing.T) {
	for _, tc := range []struct {
		name string
		// use makes the socket of another than the one that asked, or something happen in between
		use func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page
		// want is why the socket is closed; empty: it is attached
		want pam.Code
	}{
		{"as it should be", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			clk.add(29 * time.Second)
			return p.attachWith(id, ticket)
		}, ""},
		{"expired", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			clk.add(30 * time.Second)
			return p.attachWith(id, ticket)
		}, pam.CodeTicketInvalid},
		{"twice", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			p.attachWith(id, ticket).awaitState("active")
			return p.attachWith(id, ticket)
		}, pam.CodeTicketInvalid},
		{"of another session", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			return p.attachWith(p.start(), ticket)
		}, pam.CodeTicketInvalid},
		{"and dead after that", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			p.attachWith(p.start(), ticket).awaitClose()
			return p.attachWith(id, ticket)
		}, pam.CodeTicketInvalid},
		{"of another login of the same user", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			return r.person("alice", "login-2").attachWith(id, ticket)
		}, pam.CodeTicketInvalid},
		{"of another user with the same login id", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			return r.person("bob", "login-1").attachWith(id, ticket)
		}, pam.CodeTicketInvalid},
		{"of a browser that is signed out", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			return r.person("", "").attachWith(id, ticket)
		}, pam.CodeTicketInvalid},
		{"without an Origin and without a login", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			q := r.person("", "")
			q.header = http.Header{}
			return q.attachWith(id, ticket)
		}, pam.CodeTicketInvalid},
		{"after EndLogin", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			if err := r.broker.EndLogin(r.ctx, "login-1"); err != nil {
				t.Fatal(err)
			}
			return p.attachWith(id, ticket)
		}, pam.CodeTicketInvalid},
		{"after EndUser", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			if err := r.broker.EndUser(r.ctx, "alice"); err != nil {
				t.Fatal(err)
			}
			return p.attachWith(id, ticket)
		}, pam.CodeTicketInvalid},
		{"after EndLogin of another login", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			if err := r.broker.EndLogin(r.ctx, "login-2"); err != nil {
				t.Fatal(err)
			}
			return p.attachWith(id, ticket)
		}, ""},
		{"cut by one letter", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			return p.attachWith(id, ticket[:len(ticket)-1])
		}, pam.CodeTicketInvalid},
		{"empty", func(t *testing.T, r *rig, clk *clock, p *person, id pam.SessionID, ticket string) *page {
			return p.attachWith(id, "")
		}, pam.CodeTicketInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clk := newClock()
			r := newRig(t, func(c *pam.Config) { c.Now = clk.Now })
			p := r.alice()
			id := p.start()
			pg := tc.use(t, r, clk, p, id, p.ticket(id))
			if tc.want == "" {
				pg.awaitState("active")
				return
			}
			if got := pg.awaitClose(); got != string(tc.want) {
				t.Errorf("closed with %q, want %q", got, tc.want)
			}
			if pg.state != nil {
				t.Errorf("got a state: %v", pg.state)
			}
		})
	}
}

// TestTicket_S07_OtherOrigin: of two pages that may both attach, neither can use the other's ticket.
func TestTicket_S07_OtherOrigin(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Origins = append(c.Origins, "https://other.example.com") })
	p := r.alice()
	id := p.start()
	ticket := p.ticket(id)
	other := r.alice()
	other.header = http.Header{"Origin": {"https://other.example.com"}}
	h := http.Header{}
	other.sign(h)
	// The WebSocket library compares the Origin with the Host on its own list, so that both origins get there.
	pg := other.attachWith(id, ticket)
	if got := pg.awaitClose(); got != string(pam.CodeTicketInvalid) {
		t.Errorf("closed with %q", got)
	}
}

// TestTicket_S07_L5_StoredHashedAndLong: the store never sees the text, and the text is long and new every time.
func TestTicket_S07_L5_StoredHashedAndLong(t *testing.T) {
	store := newSpyStore()
	r := newRig(t, func(c *pam.Config) { c.Store = store })
	p := r.alice()
	id := p.start()
	seen := map[string]bool{}
	for i := range 50 {
		text := p.ticket(id)
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(raw) < 16 {
			t.Fatalf("ticket of %d bytes, %v; want at least 128 bits", len(raw), err)
		}
		if seen[text] {
			t.Fatal("a ticket twice")
		}
		seen[text] = true
		if store.hashes[i] != sha256.Sum256([]byte(text)) {
			t.Fatal("the store did not get the hash")
		}
		tk := store.tickets[i]
		if dump := fmt.Sprintf("%+v", tk); strings.Contains(dump, text) {
			t.Fatalf("the ticket's record holds its text: %s", dump)
		}
		if tk.Session != id || tk.User != "alice" || tk.LoginID != "login-1" || !tk.Cookie || tk.Origin != r.server.URL || tk.Participant == "" {
			t.Fatalf("the ticket is bound to %+v", tk)
		}
	}
	if log := r.log.String(); anyOf(log, seen) {
		t.Error("a ticket is in the log")
	}
	st, body := p.call("POST", "api/session/"+string(id)+"/attach", map[string]any{})
	if st != 200 || strings.Contains(body["socket"].(string), body["ticket"].(string)) {
		t.Errorf("the socket's address holds the ticket: %v", body)
	}
}

func anyOf(text string, list map[string]bool) bool {
	for s := range list {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// TestTicket_S07_NotInURL: a ticket in the address or in the subprotocol opens nothing.
func TestTicket_S07_NotInURL(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.FirstMessage = 50 * time.Millisecond })
	p := r.alice()
	id := p.start()
	ticket := p.ticket(id)
	h := http.Header{}
	p.sign(h)
	url := "ws" + strings.TrimPrefix(r.server.URL, "http") + "/deep/pam/api/session/" + string(id) + "/socket?ticket=" + ticket
	conn, _, err := edge.Dial(r.ctx, url, frame.Subprotocol, h)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Abort()
	if msg, err := conn.Read(r.ctx); err == nil {
		t.Errorf("got %q", msg)
	}
}

// TestSocket_S29_DroppedWithoutTicket: a socket that says nothing does not stay.
func TestSocket_S29_DroppedWithoutTicket(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.FirstMessage = 50 * time.Millisecond })
	p := r.alice()
	conn := p.dial(p.start())
	defer conn.Abort()
	if msg, err := conn.Read(r.ctx); err == nil {
		t.Errorf("got %q", msg)
	}
	if r.ctx.Err() != nil {
		t.Error("the socket was not dropped")
	}
}

// TestSocket_S29_SixteenPerAddress: the seventeenth silent socket of an address gets 429, and another address is
// not concerned; a ticket makes room.
func TestSocket_S29_SixteenPerAddress(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.FirstMessage = time.Minute })
	p := r.alice()
	id := p.start()
	conns := make([]*edge.Conn, 16)
	for i := range conns {
		conns[i] = p.dial(id)
		defer conns[i].Abort()
	}
	h := signed()
	h.Set("Origin", r.server.URL)
	socket := "/deep/pam/api/session/" + string(id) + "/socket"
	if st := r.handshake(t, socket, "", h); st != http.StatusTooManyRequests {
		t.Fatalf("the seventeenth got %d, want 429", st)
	}
	if err := conns[0].Write(r.ctx, helloMessage(p.ticket(id))); err != nil {
		t.Fatal(err)
	}
	if _, err := conns[0].Read(r.ctx); err != nil {
		t.Fatal(err)
	}
	// The place is free before the session answers, and what is refused took none.
	next := p.dial(id)
	next.Abort()
}

// TestSocket_OldPageIsToldToReload: a client that does not know this version of the protocol.
func TestSocket_OldPageIsToldToReload(t *testing.T) {
	r := newRig(t)
	p := r.alice()
	id := p.start()
	for _, sub := range []string{"sallyport.v0", ""} {
		h := http.Header{}
		p.sign(h)
		conn, _, err := edge.Dial(r.ctx, "ws"+strings.TrimPrefix(r.server.URL, "http")+"/ws/"+string(id), sub, h)
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Read(r.ctx)
		if reason, _ := edge.CloseReason(err); reason != string(pam.CodeReload) {
			t.Errorf("subprotocol %q: closed with %q", sub, reason)
		}
		conn.Abort()
	}
}

// TestSession_L5_S29_NeverAttachedExpires: what nobody opens goes away by itself and gives its slot back.
func TestSession_L5_S29_NeverAttachedExpires(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Requested, c.Limits.PerUser = 30*time.Millisecond, 1 })
	id := r.alice().start()
	info := r.completed(id)
	if info.Reason != pam.EndExpired || info.State != pam.StateCompleted {
		t.Errorf("info = %+v", info)
	}
	if n := r.protocol.Calls("Connect") + r.recorder.Calls("Open"); n != 0 {
		t.Errorf("%d calls to recorder and target", n)
	}
	r.awaitLive(0)
	r.alice().start()
}

// awaitLive waits until no more than n sessions are live: events come just before a session is forgotten.
func (r *rig) awaitLive(n int) {
	r.t.Helper()
	for r.broker.Health().Live > n {
		if r.ctx.Err() != nil {
			r.t.Fatalf("%d sessions are live, want %d", r.broker.Health().Live, n)
		}
		runtime.Gosched()
	}
}

// TestTicket_UnusedOnesDoNotGather: tickets that nobody redeems leave the store when they have expired, and with
// their session.
func TestTicket_UnusedOnesDoNotGather(t *testing.T) {
	clk := newClock()
	store := &countingStore{Store: pam.NewMemoryStore()}
	r := newRig(t, func(c *pam.Config) { c.Now, c.Store = clk.Now, store })
	p := r.alice()
	id := p.start()
	for range 10 {
		p.ticket(id)
	}
	clk.add(time.Minute)
	p.ticket(id)
	if n := store.count(); n != 1 {
		t.Errorf("%d tickets in the store, want 1", n)
	}
	if st, _ := p.call("POST", "api/session/"+string(id)+"/end", map[string]any{}); st != http.StatusNoContent {
		t.Fatal(st)
	}
	r.completed(id)
	if n := store.count(); n != 0 {
		t.Errorf("%d tickets after the session's end", n)
	}
}

// countingStore can tell how many tickets it holds.
type countingStore struct {
	pam.Store
	mu      sync.Mutex // guards tickets
	tickets map[pam.TicketHash]pam.Ticket
}

func (s *countingStore) PutTicket(ctx context.Context, h pam.TicketHash, t pam.Ticket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tickets == nil {
		s.tickets = map[pam.TicketHash]pam.Ticket{}
	}
	s.tickets[h] = t
	return s.Store.PutTicket(ctx, h, t)
}

func (s *countingStore) DropTickets(ctx context.Context, f pam.TicketFilter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.tickets, func(_ pam.TicketHash, t pam.Ticket) bool { return f.Matches(t) })
	return s.Store.DropTickets(ctx, f)
}

func (s *countingStore) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tickets)
}
