package toolbar

import (
	"regexp"
	"strings"
)

// noncePattern is what a nonce is made of: nothing that could end a source or a directive.
var noncePattern = regexp.MustCompile(`^[A-Za-z0-9+/_-]+={0,2}$`)

// PagePolicy returns the directives of a content policy under which the components work on a page of the host, and
// none that they do not need: for the access button and the launcher with an empty nonce; with a nonce also for
// sessions in the page, where some script, style or link element of the page must carry it. What is not a nonce counts
// as empty. The host adds what its own parts of the page need, and frame-ancestors.
func PagePolicy(nonce string) string {
	scripts, embeds := "script-src 'self'", noncePattern.MatchString(nonce)
	if embeds {
		scripts += " 'wasm-unsafe-eval'" // the decoder of desktops
	}
	directives := []string{
		"default-src " + none,
		scripts,
		"connect-src 'self'",
		"base-uri " + none,
		"form-action " + none,
		"require-trusted-types-for 'script'",
		"trusted-types " + TrustedTypes,
	}
	if embeds {
		directives = append(directives, "style-src-elem 'nonce-"+nonce+"'")
	}
	return strings.Join(directives, "; ")
}
