package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Limits of password guesses. A right password does not count. The person is counted together with the
// address, so that nobody locks another one out from elsewhere; the third limit stops a crowd of addresses.
const (
	guessWindow      = 5 * time.Minute
	guessesPair      = 5
	guessesAddress   = 20
	guessesUser      = 100
	maxGuessCounters = 10_000
	maxPassword      = 72 // bytes, all that bcrypt reads
)

var (
	errWrongPassword  = errors.New("portal: wrong name or password")
	errTooManyGuesses = errors.New("portal: too many wrong passwords")
)

// passwords checks passwords of the configured users.
type passwords struct {
	users map[string]user
	now   func() time.Time
	dummy []byte        // hash that unknown names are compared with, so that they take as long
	slots chan struct{} // how many comparisons may use a core at a time

	mu      sync.Mutex // guards guesses
	guesses map[string]guess
}

type guess struct {
	n     int
	until time.Time // then the count starts anew
}

func newPasswords(users []user, now func() time.Time) (*passwords, error) {
	cost := bcrypt.MinCost // the configuration refuses hashes that cost too little
	p := &passwords{users: map[string]user{}, now: now, slots: make(chan struct{}, 2), guesses: map[string]guess{}}
	for _, u := range users {
		p.users[u.ID] = u
		if c, err := bcrypt.Cost([]byte(u.Hash.Reveal())); err == nil {
			cost = max(cost, c)
		}
	}
	var err error
	p.dummy, err = bcrypt.GenerateFromPassword([]byte("nobody's"), cost)
	return p, err
}

// check returns the user whose name and password these are. addr is the client's.
func (p *passwords) check(ctx context.Context, addr, name, password string) (user, error) {
	keys := []struct {
		key string
		max int
	}{
		{"pair\x00" + addr + "\x00" + name, guessesPair}, {"addr\x00" + addr, guessesAddress}, {"user\x00" + name, guessesUser},
	}
	// A guess is counted before it is compared: many at a time would otherwise all see the count of none.
	now := p.now()
	p.mu.Lock()
	for _, k := range keys {
		if g := p.guesses[k.key]; g.n >= k.max && now.Before(g.until) {
			p.mu.Unlock()
			return user{}, errTooManyGuesses
		}
	}
	if len(p.guesses) > maxGuessCounters-len(keys) {
		p.forget(now)
	}
	for _, k := range keys {
		g := p.guesses[k.key]
		if !now.Before(g.until) {
			g = guess{until: now.Add(guessWindow)}
		}
		g.n++
		p.guesses[k.key] = g
	}
	p.mu.Unlock()

	u, known := p.users[name]
	hash := []byte(u.Hash.Reveal())
	if !known {
		hash = p.dummy
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return user{}, ctx.Err()
	}
	err := bcrypt.CompareHashAndPassword(hash, []byte(password[:min(len(password), maxPassword)]))
	<-p.slots
	if err != nil || !known || len(password) > maxPassword {
		return user{}, errWrongPassword
	}
	p.mu.Lock()
	for _, k := range keys {
		if g, ok := p.guesses[k.key]; ok && g.n > 0 {
			g.n--
			p.guesses[k.key] = g
		}
	}
	p.mu.Unlock()
	return u, nil
}

// forget drops counters that are over, and all of them if that frees nothing: the address counter of a flood
// fills again at once, and memory stays bounded. The caller holds mu.
func (p *passwords) forget(now time.Time) {
	for k, g := range p.guesses {
		if !now.Before(g.until) {
			delete(p.guesses, k)
		}
	}
	if len(p.guesses) > maxGuessCounters/2 {
		clear(p.guesses)
	}
}
