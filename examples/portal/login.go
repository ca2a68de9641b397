package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// Limits of sign-ins.
const (
	loginLife     = 12 * time.Hour // a login ends then, used or not
	loginsPerUser = 20             // the oldest goes when one more begins
)

// loginCookie holds the token of a login.
const loginCookie = "sallyport_login"

// cookieName puts the prefix before a name with which a browser holds a cookie to this host and to TLS. Over plain
// HTTP, on loopback, browsers would refuse it.
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

// login is one sign-in of a person in one browser.
type login struct {
	id      string // what the broker binds sessions to; not the cookie, so that logs open nothing
	user    user
	since   time.Time
	expires time.Time
}

// logins are the sign-ins of all people. The browser holds a random token; only its hash is kept here.
type logins struct {
	secure bool // the cookie is for TLS only
	now    func() time.Time
	end    func(ctx context.Context, loginID string) // called once for each login that ends, outside mu

	mu      sync.Mutex // guards byToken
	byToken map[[32]byte]login
}

func newLogins(secure bool, now func() time.Time, end func(context.Context, string)) *logins {
	return &logins{secure: secure, now: now, end: end, byToken: map[[32]byte]login{}}
}

// start signs u in and returns the token for the browser.
func (l *logins) start(ctx context.Context, u user) (token string) {
	var raw [32]byte
	var id [16]byte
	rand.Read(raw[:]) // never fails
	rand.Read(id[:])
	token = base64.RawURLEncoding.EncodeToString(raw[:])
	now := l.now()

	l.mu.Lock()
	var oldest [32]byte
	var drop login
	n := 0
	for h, other := range l.byToken {
		if other.user.ID != u.ID {
			continue
		}
		if n++; drop.id == "" || other.since.Before(drop.since) {
			oldest, drop = h, other
		}
	}
	if n < loginsPerUser {
		drop = login{}
	} else {
		delete(l.byToken, oldest)
	}
	l.byToken[sha256.Sum256([]byte(token))] = login{id: hex.EncodeToString(id[:]), user: u, since: now, expires: now.Add(loginLife)}
	l.mu.Unlock()

	if drop.id != "" {
		l.end(ctx, drop.id)
	}
	return token
}

// of returns the login of a request. The token is looked up by its hash, so that the time a look-up takes
// says nothing about tokens that exist.
func (l *logins) of(r *http.Request) (login, bool) {
	c, err := r.Cookie(cookieName(loginCookie, l.secure))
	if err != nil {
		return login{}, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	in, ok := l.byToken[sha256.Sum256([]byte(c.Value))]
	if !ok || !l.now().Before(in.expires) {
		return login{}, false
	}
	return in, true
}

// stop signs the login of a request out.
func (l *logins) stop(r *http.Request) {
	c, err := r.Cookie(cookieName(loginCookie, l.secure))
	if err != nil {
		return
	}
	h := sha256.Sum256([]byte(c.Value))
	l.mu.Lock()
	in, ok := l.byToken[h]
	delete(l.byToken, h)
	l.mu.Unlock()
	if ok {
		l.end(r.Context(), in.id)
	}
}

// sweep ends what has expired, until ctx ends.
func (l *logins) sweep(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			for _, id := range l.expire() {
				l.end(ctx, id)
			}
		}
	}
}

func (l *logins) expire() (ids []string) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for h, in := range l.byToken {
		if !now.Before(in.expires) {
			delete(l.byToken, h)
			ids = append(ids, in.id)
		}
	}
	return ids
}

// identify is the pam.IdentifyFunc of the portal.
func (l *logins) identify(r *http.Request) (pam.Identity, error) {
	in, ok := l.of(r)
	if !ok {
		return pam.Identity{}, fmt.Errorf("portal: %w", pam.ErrUnauthenticated)
	}
	return in.identity(), nil
}

// cookie makes the login cookie. Lax and not Strict, so that a session link in a mail finds its owner signed
// in; what changes something is checked by origin besides.
func cookie(token string, secure bool) *http.Cookie {
	c := &http.Cookie{Name: cookieName(loginCookie, secure), Value: token, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
	if token == "" {
		c.MaxAge = -1
	}
	return c
}
