package pam

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// MFAVerifier checks second factors. Package totp implements it for one-time codes from an authenticator.
//
// It need not count or remember anything: the broker counts every attempt before it asks, locks a user after
// Limits.MFATries failures, and lets nobody use one proof twice.
type MFAVerifier interface {
	// Verify checks what a user has entered. An error matching ErrMFAInvalid says that it is wrong, one matching
	// ErrMFANotEnrolled that the user has no second factor, any other that it could not be checked now.
	Verify(ctx context.Context, r MFARequest) (MFAProof, error)
}

// MFARequest is one attempt at a second factor.
type MFARequest struct {
	User       UserID
	LoginID    string
	Asset      AssetID
	Operation  Operation  // OpAccess or OpJoin
	Token      Secret     // as entered, at most 4 KiB; never empty
	ClientAddr netip.Addr // of the browser, after trusted proxies
	// Binding stands for user, login, asset, operation and exact parameters together. A factor that answers a challenge
	// makes the challenge depend on it, so that the answer is good for this launch alone.
	Binding [sha256.Size]byte
}

// MFAProof is what a good token has used up.
type MFAProof struct {
	// Used is an opaque id of it, for example the time step of a one-time code. Required: the broker accepts each once
	// per user.
	Used string
	// Until is when the verifier stops accepting it by itself; the broker remembers Used for as long. Zero: a day.
	Until time.Time
}

// Errors of MFAVerifier for errors.Is.
var (
	ErrMFAInvalid     = errors.New("the second factor is wrong")
	ErrMFANotEnrolled = errors.New("the user has no second factor")
)

// errMFAReplayed tells that a token was good and had been used before.
var errMFAReplayed = fmt.Errorf("used before: %w", ErrMFAInvalid)

const (
	maxMFAToken = 4 << 10          // bytes
	mfaTime     = 10 * time.Second // for one question to the verifier
)

// MFATries tells a user who has entered a wrong token how it goes on.
type MFATries struct {
	Left int           // attempts before the lock; at least 1
	Lock time.Duration // how long the lock will be
}

// mfaAttempt is a second factor given, or not given, at one of the doors: a start or a join.
type mfaAttempt struct {
	who    Identity
	op     Operation
	params Params // exactly what the launch will use
	token  Secret
	addr   netip.Addr
	event  Event // of the launch: says where and from where
}

// binding is the identity of the launch: the result of an attempt is good for nothing else (L4).
func (a mfaAttempt) binding() [sha256.Size]byte {
	b, err := json.Marshal([]any{a.who.User, a.who.LoginID, a.event.Asset, a.op, a.params}) // map keys come out sorted
	if err != nil {
		panic(err) // strings alone
	}
	// 0xff begins no text, so no attach ticket can have this hash.
	return sha256.Sum256(append([]byte{0xff}, b...))
}

// verifyMFA lets a launch pass whose decision is CodeMFARequired. It is the last check before the launch takes effect
// (Q7), and its success is an audit event already. The attempt is counted before the token is looked at, so that
// guesses made at once do not exceed the limit either.
//
// A launch that fails afterwards through no fault of the user calls restore: the same launch then passes once more
// without a new token, for as long as the result lives (Limits.MFAResult, from the verification).
func (b *Broker) verifyMFA(ctx context.Context, a mfaAttempt) (restore func(), refusal *Refusal) {
	if until, ok := b.takeMFAResult(ctx, a); ok {
		return b.mfaRestorer(ctx, a, until), nil
	}
	switch {
	case a.token.Empty():
		return nil, &Refusal{Code: CodeMFARequired}
	case len(a.token.Reveal()) > maxMFAToken:
		return nil, &Refusal{Code: CodeTooLarge, Text: "mfa_token"}
	}
	if refusal := b.knock(doorMFA, "", a.addr); refusal != nil { // of one user it is countMFA that counts
		return nil, refusal
	}
	nth, refusal := b.countMFA(ctx, a.who.User)
	if refusal != nil {
		return nil, refusal
	}
	a.event.At, a.event.Detail, a.event.Code = b.cfg.Now(), string(a.op), CodeAllowed
	if err := b.checkMFA(ctx, a); err != nil {
		return nil, b.failMFA(ctx, a, nth, err)
	}
	if err := b.cfg.Store.Forget(ctx, mfaKey("tries", string(a.who.User))); err != nil {
		b.cfg.Log.Warn("failed second factors were not forgotten", "user", a.who.User, "err", err)
	}
	a.event.Verb = VerifyMFA
	if err := b.audit.write(ctx, a.event); err != nil {
		return nil, &Refusal{Code: CodeAuditFailed, Err: err}
	}
	return b.mfaRestorer(ctx, a, b.cfg.Now().Add(b.cfg.Limits.MFAResult)), nil
}

// checkMFA asks the verifier and uses the proof up.
func (b *Broker) checkMFA(ctx context.Context, a mfaAttempt) error {
	asking, cancel := context.WithTimeout(ctx, mfaTime)
	defer cancel()
	proof, err := b.cfg.MFA.Verify(asking, MFARequest{
		User: a.who.User, LoginID: a.who.LoginID, Asset: a.event.Asset, Operation: a.op, Token: a.token, ClientAddr: a.addr,
		Binding: a.binding(),
	})
	switch {
	case err != nil:
		return err
	case proof.Used == "":
		return errors.New("the verifier returned a proof that names nothing used")
	}
	now := b.cfg.Now()
	until := proof.Until
	if until.IsZero() {
		until = now.Add(24 * time.Hour)
	}
	if least := now.Add(b.cfg.Limits.MFAResult); until.Before(least) {
		until = least
	}
	first, err := b.cfg.Store.Claim(ctx, mfaKey("used", string(a.who.User), proof.Used), now, until)
	switch {
	case err != nil:
		return fmt.Errorf("marking the second factor as used: %w", err)
	case !first:
		return errMFAReplayed
	}
	return nil
}

// countMFA takes one of the user's attempts. nth counts from 1; the one numbered Limits.MFATries is the last. The lock is
// looked at first, so that knocking at a locked door does not count, and again afterwards: it may have come, and the
// counter have gone, in between.
func (b *Broker) countMFA(ctx context.Context, u UserID) (nth int, refusal *Refusal) {
	if refusal := b.mfaLocked(ctx, u); refusal != nil {
		return 0, refusal
	}
	l := &b.cfg.Limits
	nth, err := b.cfg.Store.Tally(ctx, mfaKey("tries", string(u)), 1, b.cfg.Now(), l.MFALock)
	switch {
	case err != nil:
		return 0, &Refusal{Code: CodeInternal, Err: fmt.Errorf("counting second factors: %w", err)}
	case nth > l.MFATries:
		return 0, &Refusal{Code: CodeMFALocked, Retry: l.MFALock}
	}
	return nth, b.mfaLocked(ctx, u)
}

// mfaLocked refuses a user who is locked. The counter under the key holds the second in which the lock ends.
func (b *Broker) mfaLocked(ctx context.Context, u UserID) *Refusal {
	l, now := &b.cfg.Limits, b.cfg.Now()
	end, err := b.cfg.Store.Tally(ctx, mfaKey("lock", string(u)), 0, now, l.MFALock)
	switch {
	case err != nil:
		return &Refusal{Code: CodeInternal, Err: fmt.Errorf("lock of second factors: %w", err)}
	case end > 0:
		return &Refusal{Code: CodeMFALocked, Retry: min(max(time.Unix(int64(end), 0).Sub(now), time.Second), l.MFALock)}
	}
	return nil
}

// failMFA writes down a failed attempt and locks the user after the last one. Whatever is not a success counts: a guess
// that could not be answered may have been checked all the same.
func (b *Broker) failMFA(ctx context.Context, a mfaAttempt, nth int, err error) *Refusal {
	l, now := &b.cfg.Limits, b.cfg.Now()
	refusal := &Refusal{Code: CodeMFAUnavailable, Err: err}
	switch {
	case errors.Is(err, ErrMFAInvalid):
		refusal = &Refusal{Code: CodeMFAInvalid, Tries: &MFATries{Left: l.MFATries - nth, Lock: l.MFALock}}
	case errors.Is(err, ErrMFANotEnrolled):
		refusal = &Refusal{Code: CodeMFANotEnrolled}
	}
	a.event.Verb, a.event.Code = FailMFA, refusal.Code
	if errors.Is(err, errMFAReplayed) {
		a.event.Detail += "; the token had been used before"
	}
	if nth >= l.MFATries {
		end := now.Add(l.MFALock)
		if _, err := b.cfg.Store.Tally(ctx, mfaKey("lock", string(a.who.User)), int(end.Unix()), now, l.MFALock); err != nil {
			b.cfg.Log.Error("a user could not be locked after failed second factors", "user", a.who.User, "err", err)
		}
		a.event.Detail += "; locked for " + l.MFALock.String()
		refusal = &Refusal{Code: CodeMFALocked, Retry: l.MFALock, Err: refusal.Err}
	}
	b.met.mfaFailed.Inc(1)
	if err := b.audit.write(ctx, a.event); err != nil {
		b.cfg.Log.Error("audit event lost", "verb", FailMFA, "err", err)
	}
	return refusal
}

// takeMFAResult takes what an attempt at the same launch has left, if it lives.
func (b *Broker) takeMFAResult(ctx context.Context, a mfaAttempt) (until time.Time, ok bool) {
	t, err := b.cfg.Store.TakeTicket(ctx, a.binding())
	if err != nil {
		if !errors.Is(err, ErrNotFound) {
			b.cfg.Log.Warn("result of a second factor", "user", a.who.User, "err", err)
		}
		return time.Time{}, false
	}
	return t.Expires, b.lives(t, b.cfg.Limits.MFAResult) == nil
}

// mfaRestorer returns what puts a result back until its time has come. It is stored as a ticket that no socket can
// send, so that it ends with the login like the others.
func (b *Broker) mfaRestorer(ctx context.Context, a mfaAttempt, until time.Time) func() {
	return func() {
		// The launch may have failed because its request has ended.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.cfg.Limits.CloseTimeout)
		defer cancel()
		t := Ticket{User: a.who.User, LoginID: a.who.LoginID, Cookie: a.who.Cookie, Expires: until}
		if err := b.cfg.Store.PutTicket(ctx, a.binding(), t); err != nil {
			b.cfg.Log.Warn("result of a second factor is lost", "user", a.who.User, "err", err)
		}
	}
}

// mfaKey is a key of Store.Claim and Store.Tally: ids of hosts may be longer than a key.
func mfaKey(kind string, parts ...string) string {
	b, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings alone
	}
	sum := sha256.Sum256(b)
	return "mfa." + kind + ":" + base64.RawURLEncoding.EncodeToString(sum[:])
}
