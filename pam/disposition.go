package pam

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSavedName is the longest name that a browser is told to save under, in bytes.
const maxSavedName = 200

// deviceNames are what Windows takes for a device, whatever follows after a dot.
var deviceNames = []string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"}

// savedName returns the name to save a target's file under: one that is a plain name on every system. name is in the form
// of ShowFileName.
func savedName(name string) string {
	if raw, err := rawFileName(name); err == nil {
		name = raw
	}
	var b strings.Builder
	for _, r := range name {
		switch {
		case r == utf8.RuneError, strings.ContainsRune(`<>:"/\|?*%`, r), acts(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
			b.WriteByte('_')
		default:
			b.WriteRune(r)
		}
	}
	name = strings.Trim(b.String(), " .")
	if len(name) > maxSavedName {
		ext := path.Ext(name)
		if len(ext) > 20 {
			ext = ""
		}
		cut := maxSavedName - len(ext)
		for !utf8.RuneStart(name[cut]) {
			cut--
		}
		name = strings.TrimRight(name[:cut], " .") + ext
	}
	stem, _, _ := strings.Cut(name, ".")
	if device(strings.TrimRight(stem, " ")) {
		name = "_" + name
	}
	if name == "" {
		return "file"
	}
	return name
}

func device(stem string) bool {
	stem = strings.ToUpper(stem)
	if slices.Contains(deviceNames, stem) {
		return true
	}
	for _, prefix := range []string{"COM", "LPT"} {
		if n, ok := strings.CutPrefix(stem, prefix); ok && utf8.RuneCountInString(n) == 1 && strings.Contains("0123456789¹²³", n) {
			return true
		}
	}
	return false
}

// attachment is the Content-Disposition for a file: RFC 6266 with the name in ASCII for those that know no other (S18).
func attachment(file string) string {
	name := savedName(path.Base(file))
	var plain, full strings.Builder
	for _, r := range name {
		if r < 0x80 {
			plain.WriteRune(r)
		} else {
			plain.WriteByte('_')
		}
	}
	for _, c := range []byte(name) {
		if c < 0x80 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0) {
			full.WriteByte(c)
		} else {
			full.WriteByte('%')
			full.WriteByte(hexDigits[c>>4])
			full.WriteByte(hexDigits[c&15])
		}
	}
	return `attachment; filename="` + plain.String() + `"; filename*=UTF-8''` + full.String()
}

const hexDigits = "0123456789ABCDEF"
