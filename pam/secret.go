package pam

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a value that cannot print itself: formatted with any verb, marshalled or logged it shows
// "[redacted]" (S13). The zero Secret is empty. The value sits behind a function, so that even %+v of a
// struct that holds a Secret in an unexported field shows an address and not the text.
type Secret struct {
	reveal func() string
}

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{reveal: func() string { return value }} }

// Reveal returns the value. Call it where the value is used and keep the result in no struct.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Empty reports whether the value is the empty string.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// String returns the redaction mark.
func (s Secret) String() string { return redacted }

// GoString returns the redaction mark.
func (s Secret) GoString() string { return redacted }

// Format writes the redaction mark for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns the redaction mark; encoding/json uses it too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns the redaction mark.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
