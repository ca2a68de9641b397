package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport/sallyport/pam"
)

// forSite lets only people with one of the site roles through. For everybody else the page does not exist.
func (p *portal) forSite(next func(http.ResponseWriter, *http.Request, login), roles ...pam.SiteRole) http.HandlerFunc {
	return p.signedIn(func(w http.ResponseWriter, r *http.Request, in login) {
		if in.user.Site == "" || !slices.Contains(roles, pam.SiteRole(in.user.Site)) {
			p.notFound(w, r, in)
			return
		}
		next(w, r, in)
	})
}

// seer tells which assets exist for a user; each is asked about once.
func (p *portal) seer(r *http.Request, in login) func(pam.AssetID) bool {
	known := map[pam.AssetID]bool{}
	return func(id pam.AssetID) bool {
		ok, asked := known[id]
		if !asked {
			if a, exists := p.inv.assets[id]; exists {
				ok = p.access(r.Context(), in.user, a, clientAddr(r), false).visible()
			}
			known[id] = ok
		}
		return ok
	}
}

// identity is the person as the broker knows one.
func (in login) identity() pam.Identity {
	return pam.Identity{User: pam.UserID(in.user.ID), Name: in.user.Name, LoginID: in.id, Cookie: true, AuthTime: in.since}
}

// attach makes an answer a file.
func attach(h http.Header, kind, name string) {
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

// escaped shows what would act on a screen instead of standing on it: control and format characters, by which a name
// could hide or reorder the text around it (S31).
func escaped(s string) string {
	acts := func(r rune) bool {
		return r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r)
	}
	if !strings.ContainsFunc(s, acts) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !acts(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// escapedLines is escaped for text whose line ends stand.
func escapedLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = escaped(lines[i])
	}
	return strings.Join(lines, "\n")
}

// span says how long something lasted.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
