package pam

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of file names (S17), in bytes as the target has them. The shown form may be up to four times as long.
const (
	MaxFileName  = 1024 // of a base name: 255 UTF-16 units of Windows and macOS are up to 765
	MaxFilePath  = 4096
	MaxFileDepth = 128 // folders in a path: a tree without an end is not followed
)

// ShowFileName returns the form in which a target's base name is shown, sent and logged: itself, but for what is
// not text or could act as more than text. Bytes outside UTF-8, control characters, line separators and characters
// that turn the direction of writing become \xNN for each byte, and a backslash is doubled, so that the form
// leads back to exactly one name (RawFilePath). It is not ok if raw is no base name: empty, "." or "..", with a
// slash or NUL, or longer than MaxFileName.
func ShowFileName(raw string) (name string, ok bool) {
	if raw == "" || raw == "." || raw == ".." || len(raw) > MaxFileName || strings.ContainsAny(raw, "/\x00") {
		return "", false
	}
	return ShowFileText(raw), true
}

// ShowFileText is ShowFileName for what need not be a base name, such as where a link points.
func ShowFileText(raw string) string {
	plain := func(r rune, size int) bool { return (r != utf8.RuneError || size > 1) && r != '\\' && !acts(r) }
	start := 0
	for start < len(raw) {
		r, size := utf8.DecodeRuneInString(raw[start:])
		if !plain(r, size) {
			break
		}
		start += size
	}
	if start == len(raw) {
		return raw // as nearly all names
	}
	var b strings.Builder
	b.WriteString(raw[:start])
	for i := start; i < len(raw); {
		r, size := utf8.DecodeRuneInString(raw[i:])
		switch {
		case plain(r, size):
			b.WriteString(raw[i : i+size])
		case r == '\\':
			b.WriteString(`\\`)
		default:
			for _, c := range []byte(raw[i : i+size]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		}
		i += size
	}
	return b.String()
}

// acts reports whether r does something to the text around it when it is shown.
func acts(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp)
}

var errNotCanonical = errors.New("not in the form that listings have")

// RawFilePath takes an absolute path in shown form and returns the target's own. It refuses what is not clean (a
// "..", a doubled or trailing slash), what is not in the form of ShowFileName (so that each file has one name in
// policy and audit), and what is beyond the limits.
func RawFilePath(name string) (raw string, err error) {
	if name == "/" {
		return name, nil
	}
	if !strings.HasPrefix(name, "/") || path.Clean(name) != name {
		return "", errors.New("not an absolute and clean path")
	}
	if len(name) > 4*MaxFilePath {
		return "", fmt.Errorf("longer than %d bytes", MaxFilePath)
	}
	if n := strings.Count(name, "/"); n > MaxFileDepth {
		return "", fmt.Errorf("%d folders deep, more than %d", n, MaxFileDepth)
	}
	var b strings.Builder
	for element := range strings.SplitSeq(name[1:], "/") {
		e, err := rawFileName(element)
		if err != nil {
			return "", err
		}
		b.WriteByte('/')
		b.WriteString(e)
	}
	if b.Len() > MaxFilePath {
		return "", fmt.Errorf("longer than %d bytes", MaxFilePath)
	}
	return b.String(), nil
}

// rawFileName is the inverse of ShowFileName.
func rawFileName(name string) (string, error) {
	raw := name
	if strings.Contains(name, `\`) {
		b := make([]byte, 0, len(name))
		for i := 0; i < len(name); {
			switch rest := name[i:]; {
			case rest[0] != '\\':
				b = append(b, rest[0])
				i++
			case strings.HasPrefix(rest, `\\`):
				b = append(b, '\\')
				i += 2
			default:
				var c byte
				if len(rest) < 4 {
					return "", errNotCanonical
				}
				if n, err := fmt.Sscanf(rest[:4], `\x%02x`, &c); n != 1 || err != nil {
					return "", errNotCanonical
				}
				b = append(b, c)
				i += 4
			}
		}
		raw = string(b)
	}
	shown, ok := ShowFileName(raw)
	switch {
	case !ok:
		return "", errors.New("not a base name")
	case shown != name:
		return "", errNotCanonical
	}
	return raw, nil
}
