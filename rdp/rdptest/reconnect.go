package rdptest

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/secure"
)

// ticket is what a server knows of a cookie for coming back (5.5).
type ticket struct {
	user   string
	random [16]byte
}

// giveCookie sends the client what it may come back with (2.2.10.1.1.4).
func (c *Session) giveCookie() error {
	t := ticket{user: c.User}
	if _, err := rand.Read(t.random[:]); err != nil {
		return err
	}
	s := c.server
	s.mu.Lock()
	s.lastTicket++
	id := s.lastTicket
	if s.tickets == nil {
		s.tickets = make(map[uint32]ticket)
	}
	delete(s.tickets, id-maxSessions)
	s.tickets[id] = t
	s.mu.Unlock()
	info := pdu.SessionInfo{Kind: pdu.SessionInfoExtended, Reconnect: &pdu.ReconnectCookie{LogonID: id, Random: t.random}}
	return c.shareData(pdu.DataSaveSessionInfo, info.AppendBinary(nil))
}

// returns checks the proof of a client that comes back: ARC_CS_PRIVATE_PACKET (2.2.4.3). A cookie is good for one time.
func (c *Session) returns(proof []byte, user string) bool {
	const (
		idAt       = 8
		verifierAt = 12
	)
	if len(proof) != verifierAt+md5.Size {
		return false
	}
	id := binary.LittleEndian.Uint32(proof[idAt:])
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tickets[id]
	if !ok || t.user != user {
		return false
	}
	delete(s.tickets, id)
	random := c.clientRandom
	if random == nil { // inside TLS there is none
		random = make([]byte, secure.RandomSize)
	}
	h := hmac.New(md5.New, t.random[:])
	h.Write(random)
	return hmac.Equal(h.Sum(nil), proof[verifierAt:])
}
