package drive

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const maxName = 255 // units of UTF-16, as on Windows

// CheckName says whether a file or folder may have this name. None of them means anything else to Windows, Linux or macOS (S19): no path, no
// drive, no stream (name:x), no device (NUL, com1.txt), nothing that ends with a dot or space, which Windows drops, no control character. The error
// is an fs.ErrInvalid.
func CheckName(name string) error {
	refuse := func(why string) error { return fmt.Errorf("name %q: %s: %w", name, why, fs.ErrInvalid) }
	switch {
	case name == "" || name == "." || name == "..":
		return refuse("it names no entry")
	case len(name) > 4*maxName || len(utf16.Encode([]rune(name))) > maxName:
		return fmt.Errorf("name of %d bytes: more than %d characters: %w", len(name), maxName, fs.ErrInvalid)
	case !utf8.ValidString(name):
		return refuse("it is not UTF-8")
	case strings.ContainsAny(name, `<>:"/\|?*`):
		return refuse(`it has one of <>:"/\|?*`)
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return refuse("it ends with a dot or a space")
	case isDevice(name):
		return refuse("it is a device of Windows")
	}
	for _, r := range name {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return refuse("it has a character that is none")
		}
	}
	return nil
}

// isDevice says whether Windows may take a name for a device, whatever its extension.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	port, ok := strings.CutPrefix(base, "COM")
	if !ok {
		port, ok = strings.CutPrefix(base, "LPT")
	}
	return ok && utf8.RuneCountInString(port) == 1 && strings.Contains("0123456789¹²³", port)
}
