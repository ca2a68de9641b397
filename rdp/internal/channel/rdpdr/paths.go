package rdpdr

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"github.com/sallyport/sallyport/rdp/drive"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

const maxDepth = 64 // parts of a path

// takePath takes UTF-16 of n bytes. One NUL at its end is left out; any other stays, so that the name is refused and not cut.
func takePath(r *wire.Reader, n uint32) string {
	size := r.Limit("pathLength", uint64(n), maxPath)
	if size%2 != 0 {
		r.Failf("pathLength: %d is odd", size)
	}
	p := r.Bytes("path", size)
	units := make([]uint16, 0, len(p)/2)
	for ; len(p) > 0; p = p[2:] {
		units = append(units, binary.LittleEndian.Uint16(p))
	}
	if last := len(units) - 1; last >= 0 && units[last] == 0 {
		units = units[:last]
	}
	return string(utf16.Decode(units))
}

// parsePath makes a path of a server a path of a drive.FileSystem (S19): absolute, below the drive's root, every part checked. Servers that are no
// Windows mix the separators of both worlds.
func parsePath(path string) (string, error) {
	path = strings.ReplaceAll(path, "/", `\`)
	rest := strings.TrimPrefix(path, `\`)
	rest = strings.TrimSuffix(rest, `\`)
	if rest == "" {
		return "/", nil
	}
	parts := strings.Split(rest, `\`)
	if len(parts) > maxDepth {
		return "", StatusNameInvalid
	}
	for _, p := range parts {
		if drive.CheckName(p) != nil {
			return "", StatusNameInvalid
		}
	}
	return "/" + strings.Join(parts, "/"), nil
}

// parent returns the folder of a path, and its last part.
func parent(name string) (dir, base string) {
	i := strings.LastIndexByte(name, '/')
	return name[:max(i, 1)], name[i+1:]
}

// join is the path of an entry of a folder.
func join(dir, base string) string {
	if dir == "/" {
		return dir + base
	}
	return dir + "/" + base
}

// below says whether name is inside of dir, or is it.
func below(dir, name string) bool {
	return name == dir || strings.HasPrefix(name, dir) && (dir == "/" || name[len(dir)] == '/')
}

// maxPattern is the longest pattern, in characters.
const maxPattern = 255

// pattern returns the last part of the path of a directory query: which entries it wants. The folder is that of the handle, whatever stands before.
func pattern(path string) (string, error) {
	p := path[strings.LastIndexByte(path, '\\')+1:]
	if len([]rune(p)) > maxPattern {
		return "", StatusNameInvalid
	}
	if p == "" || p == "*.*" { // the second is what DOS calls everything
		p = "*"
	}
	return p, nil
}

// Wildcards of [MS-FSA] 2.1.4.4, beside * and ?.
const (
	dosStar  = '<' // like *, up to the last dot
	dosAny   = '>' // like ?, and nothing before a dot and at the end
	dosPoint = '"' // a dot, and nothing at the end
)

// match says whether a name is one that the pattern wants; case does not count. It takes len(pattern) * len(name) steps, whatever they are.
func match(pattern, name string) bool {
	if pattern == "*" {
		return true
	}
	p, n := []rune(strings.ToUpper(pattern)), []rune(strings.ToUpper(name))
	last := -1 // the last dot
	for i, r := range n {
		if r == '.' {
			last = i
		}
	}
	// next[j]: the part of the pattern behind the one looked at matches n[j:].
	next, row := make([]bool, len(n)+1), make([]bool, len(n)+1)
	next[len(n)] = true
	for i := len(p) - 1; i >= 0; i-- {
		for j := len(n); j >= 0; j-- {
			end := j == len(n)
			switch p[i] {
			case '*':
				row[j] = next[j] || !end && row[j+1]
			case '?':
				row[j] = !end && next[j+1]
			case dosStar:
				row[j] = next[j] || !end && (j != last && row[j+1] || j == last && next[j+1])
			case dosAny:
				row[j] = !end && n[j] != '.' && next[j+1] || (end || n[j] == '.') && next[j]
			case dosPoint:
				row[j] = end && next[j] || !end && n[j] == '.' && next[j+1]
			default:
				row[j] = !end && n[j] == p[i] && next[j+1]
			}
		}
		next, row = row, next
	}
	return next[0]
}
