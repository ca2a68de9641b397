package pam

import (
	"cmp"
	"net/http"
	"time"
)

// Identity is who makes a request, as the host's own login says.
type Identity struct {
	User UserID // required
	Name string // what people read; empty: User
	// Person is an opaque id of the human being, where one may have several accounts: nobody decides about an own request,
	// and nobody twice, whatever the account (S12). Empty: User.
	Person string
	// LoginID is an opaque id of the host's login (its session, not the person). Tickets and sessions are
	// bound to it; EndLogin takes it. Required.
	LoginID string
	// Cookie says that a browser sends the credential by itself. Then a request that changes something must
	// carry an allowed Origin (S06).
	Cookie   bool
	AuthTime time.Time // when the person signed in; zero: unknown
}

func (i Identity) name() string { return cmp.Or(i.Name, string(i.User)) }

func (i Identity) person() string { return cmp.Or(i.Person, string(i.User)) }

// IdentifyFunc tells who makes a request. It returns an error matching ErrUnauthenticated if nobody is
// signed in; any other error is logged and answered as an internal error.
type IdentifyFunc func(r *http.Request) (Identity, error)
