package pam

import "maps"

// Capabilities are the live decision's declarations for one participant. The zero value denies everything.
// It is immutable.
type Capabilities struct {
	decl Declarations
}

// NewCapabilities copies d.
func NewCapabilities(d Declarations) Capabilities { return Capabilities{decl: maps.Clone(d)} }

// Value returns what d is declared as; Deny if it is not.
func (c Capabilities) Value(d Declaration) Value { return c.decl[d] }

// Permits reports whether d is Allow or Record.
func (c Capabilities) Permits(d Declaration) bool { return c.decl[d].Permits() }

// view returns what permits, for the browser: what is missing there is denied.
func (c Capabilities) view() map[Declaration]Value {
	out := make(map[Declaration]Value, len(c.decl))
	for d, v := range c.decl {
		if v.Permits() {
			out[d] = v
		}
	}
	return out
}
