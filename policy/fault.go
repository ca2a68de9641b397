package policy

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fault is one thing that is wrong with a [Data]. The error of New and Reload joins all that were found;
// errors.As finds the first, and Unwrap() []error of the joined error lists them.
type Fault struct {
	Where string // which entry, for example `grant "7"`
	What  string // what is wrong with it
	Fix   string // what to do
}

// Error reads "where: what; fix".
func (f *Fault) Error() string { return fmt.Sprintf("policy: %s: %s; %s", f.Where, f.What, f.Fix) }

const maxIDLen = 200 // bytes; a directory's distinguished name belongs into a name, not into an id

// checkID says what is wrong with an opaque id, or returns "".
//
// The engine itself compares ids byte by byte and would be safe with any. They are checked because the same
// ids go into rule rows that other tools read as comma-separated lines, where a newline adds a rule and a
// space at the end is lost, and into logs, where a direction mark makes one id look like another.
func checkID(id string) string {
	switch {
	case id == "":
		return "the id is empty"
	case len(id) > maxIDLen:
		return fmt.Sprintf("the id has %d bytes, the limit is %d", len(id), maxIDLen)
	case !utf8.ValidString(id):
		return "the id is not valid UTF-8"
	}
	for _, r := range id {
		switch {
		case r == ',' || r == '"':
			return fmt.Sprintf("the id contains %q", r)
		case unicode.In(r, unicode.C, unicode.Zl, unicode.Zp):
			return fmt.Sprintf("the id contains the invisible character %U", r)
		}
	}
	if strings.TrimSpace(id) != id {
		return "the id begins or ends with a space"
	}
	return ""
}

const maxPinLen = 256 // bytes, as of a text parameter without a limit of its own

// checkPin says what is wrong with a pinned value, or returns "".
func checkPin(v string) string {
	switch {
	case len(v) > maxPinLen:
		return fmt.Sprintf("the value has %d bytes, the limit is %d", len(v), maxPinLen)
	case !utf8.ValidString(v):
		return "the value is not valid UTF-8"
	case strings.ContainsFunc(v, unicode.IsControl):
		return "the value contains a control character"
	}
	return ""
}

const maxNameLen = 64 // bytes of a declaration's or operation's name

// checkName says what is wrong with the name of a declaration or an operation, or returns "". The alphabet
// has no colon, so that no operation can be mistaken for a "role:…".
func checkName(name string) string {
	if name == "" {
		return "the name is empty"
	}
	if len(name) > maxNameLen {
		return fmt.Sprintf("the name has %d bytes, the limit is %d", len(name), maxNameLen)
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '.' && r != '-' {
			return fmt.Sprintf("the name contains %q", r)
		}
	}
	return ""
}
