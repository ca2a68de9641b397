package pam

import (
	"context"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/pam/internal/edge"
	"github.com/sallyport/sallyport/pam/internal/frame"
)

// serveSocket upgrades a request and serves one viewer until it leaves. A host login that a browser sends by
// itself opens nothing here: the ticket does, and both must be of the same login.
func (b *Broker) serveSocket(w http.ResponseWriter, r *http.Request, _ Identity) error {
	if b.base.Err() != nil { // while the broker drains, pages of live sessions may still come back
		return shuttingDown()
	}
	id := SessionID(r.PathValue("id"))
	who, err := b.identify(r)
	anonymous := err != nil // a host without cookies cannot identify a browser's socket
	if !anonymous {
		if err := needOrigin(r, who); err != nil {
			return err
		}
	}
	done, err := b.admitSocket(r, who, anonymous)
	if err != nil {
		return err
	}
	defer done()
	conn, offered, err := edge.Accept(w, r, edge.Options{Subprotocol: frame.Subprotocol, Origins: b.cfg.Origins, ReadLimit: frame.MaxHelloMessage})
	if err != nil {
		b.cfg.Log.Warn("websocket refused", "err", err) // Accept has answered
		return nil
	}
	defer conn.Abort()
	defer func() { // nobody else would close a hijacked connection, and there is no answer to write any more
		if p := recover(); p != nil {
			b.notePanic(r, p)
		}
	}()
	if !offered {
		conn.Close(string(CodeReload))
		return nil
	}
	s, p, size, code := b.firstMessage(conn, r, id, who, anonymous)
	if code != "" {
		conn.Close(string(code)) // it counts until it is closed: closing takes a while if the peer does not answer
		return nil
	}
	done()
	conn.SetLimit(readLimit(p.mode))
	b.serveViewer(s, p, conn, size)
	return nil
}

// readLimit is the greatest message that a page may send. A monitor has nothing to send that is large: what it may not
// send at all is dropped, or ends it if it is larger still.
func readLimit(m Mode) int {
	if m == ModeMonitor {
		return frame.MaxInputMessage
	}
	return frame.MaxClientMessage
}

// admitSocket counts a socket that has sent no ticket yet: against its address, and against its user or, if that is not
// known, against all of that kind. done may be called twice.
func (b *Broker) admitSocket(r *http.Request, who Identity, anonymous bool) (done func(), err error) {
	addr, l := b.clientAddr(r), &b.cfg.Limits
	if refusal := b.knock(doorSocket, who.User, addr); refusal != nil {
		return nil, refusal
	}
	person := share{counter{byUser, string(who.User)}, l.Unattached}
	if anonymous {
		person = share{counter{of: byNobody}, l.Anonymous}
	}
	done, ok := b.unattached.take(append(sourceShare(addr, l.Unattached), person)...)
	if !ok {
		return nil, &Refusal{Code: CodeRateLimited, Text: "too many sockets have sent no ticket yet", Retry: l.FirstMessage}
	}
	return done, nil
}

// firstMessage waits for the ticket and redeems it. A code says why the socket is to be closed.
func (b *Broker) firstMessage(conn *edge.Conn, r *http.Request, id SessionID, who Identity, anonymous bool) (*liveSession, *participant, Size, Code) {
	ctx, cancel := context.WithTimeout(b.base, b.cfg.Limits.FirstMessage)
	defer cancel()
	refuse := func(c Code, why string, err error) (*liveSession, *participant, Size, Code) {
		b.cfg.Log.Warn("socket refused", "session", id, "code", c, "why", why, "err", err)
		return nil, nil, Size{}, c
	}
	msg, err := conn.Read(ctx)
	if edge.IsViolation(err) {
		return refuse(CodeProtocolViolation, "first message", err)
	}
	if err != nil {
		return refuse(CodeTicketInvalid, "no first message", err)
	}
	h, err := parseHello(msg)
	if err != nil {
		return refuse(CodeProtocolViolation, "hello", err)
	}
	t, err := b.redeem(ctx, h.Ticket)
	if err != nil {
		return refuse(CodeTicketInvalid, "ticket", err)
	}
	switch {
	case t.Session != id:
		return refuse(CodeTicketInvalid, "ticket of another session", nil)
	case !strings.EqualFold(t.Origin, r.Header.Get("Origin")):
		return refuse(CodeTicketInvalid, "ticket of another origin", nil)
	case anonymous && t.Cookie:
		return refuse(CodeTicketInvalid, "login is gone", nil)
	case !anonymous && (t.User != who.User || t.LoginID != who.LoginID):
		return refuse(CodeTicketInvalid, "ticket of another login", nil)
	}
	s := b.find(id)
	if s == nil {
		return nil, nil, Size{}, CodeSessionEnded
	}
	p := s.participant(t.Participant)
	if p == nil {
		return nil, nil, Size{}, CodeSessionEnded
	}
	return s, p, h.size(), ""
}

// serveViewer runs one attached page: this goroutine reads, another writes.
func (b *Broker) serveViewer(s *liveSession, p *participant, conn *edge.Conn, size Size) {
	v := newViewer(s, p, conn)
	b.met.count(&b.viewerCount, 1)
	written := make(chan struct{})
	refused := s.attach(v, size)
	defer func() { // also when this goroutine panics
		v.cancel(context.Canceled)
		<-written
		s.detach(v) // before the wait: an adapter that is stuck in Input must not keep the page's place
		v.work.Wait()
		conn.Abort()
		b.met.count(&b.viewerCount, -1)
		if refused == nil {
			b.wg.Done() // attach has added it
		}
	}()
	if refused != nil {
		v.close(*refused)
	}
	go func() {
		defer close(written)
		s.contain("viewer", v.write)
	}()
	s.contain("viewer", func() {
		if last := v.readLoop(); last != nil {
			v.close(*last)
			<-written
		}
	})
}
