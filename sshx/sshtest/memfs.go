package sshtest

import (
	"path"
	"slices"
	"strings"
)

// Limits of the demo's file system.
const (
	maxFiles    = 256
	maxFileSize = 64 << 10
)

// memFS is a tree of files by absolute path. A directory ends in no slash and has a nil content.
type memFS struct {
	user  string
	files map[string]*memFile
}

type memFile struct {
	dir  bool
	data string
}

func newMemFS(user string) *memFS {
	if user == "" || strings.ContainsAny(user, "/\x00") {
		user = "demo"
	}
	f := &memFS{user: user, files: make(map[string]*memFile)}
	home := "/home/" + user
	for _, d := range []string{"/", "/etc", "/home", home, home + "/notes", home + "/poems", "/var", "/var/log", "/tmp"} {
		f.files[d] = &memFile{dir: true}
	}
	for name, data := range map[string]string{
		"/etc/hostname":             "demo\n",
		"/etc/motd":                 "All that is here is gone when you leave.\n",
		"/etc/os-release":           "NAME=\"Demo Host\"\nPRETTY_NAME=\"Demo Host (in memory)\"\nVERSION_ID=1\n",
		home + "/README.txt":        readmeText,
		home + "/notes/unicode.txt": unicodeText,
		home + "/notes/todo.txt":    "[x] open a session in the browser\n[ ] resize the window while `clock` runs\n[ ] reload the page in the middle of `matrix`\n[ ] look at the recording\n",
		home + "/poems/harbour.txt": "Lines let go, the fenders rise,\nThe pier light turns and turns;\nWhat was a wall is open skies,\nAnd low the lantern burns.\n",
		"/var/log/demo.log":         logText(),
	} {
		f.files[name] = &memFile{data: data}
	}
	return f
}

const readmeText = `This is a demo host: a shell that lives in the memory of one process.

There is no machine behind it. The files are made of text in a program, they
are yours alone, and they vanish with the session.

Things to try:
  ls -l notes          a directory
  cat notes/unicode.txt
  less /var/log/demo.log
  colors               what the terminal can show
  clock                a full screen that follows the window's size
  matrix               a busier one
  seq 100000           a lot of output (Ctrl-C stops it)
  passwd               a prompt without echo, for the recording not to hold
`

const unicodeText = `Latin     äöüß éèê ñ ø å ł ž
Greek     Ξεσκεπάζω την ψυχοφθόρα βδελυγμία
Cyrillic  Съешь же ещё этих мягких французских булок
Hebrew    דג סקרן שט בים
Japanese  色は匂へど 散りぬるを
Korean    다람쥐 헌 쳇바퀴에 타고파
Marks     e + ́ = é   n + ̃ = ñ
Boxes     ┌──────┬──────┐ ╔══════╗ ▁▂▃▄▅▆▇█
Symbols   ✓ ✗ → ⇒ ∑ ∞ ≠ ½ € ☂ ♞
Emoji     🚢 ⚓ 🔑 🌍 🐧
`

func logText() string {
	var b strings.Builder
	for i := range 400 {
		level := [...]string{"info ", "debug", "info ", "warn "}[i%4]
		b.WriteString("2026-01-")
		b.WriteString(twoDigits(1 + i/24))
		b.WriteString("T" + twoDigits(i%24) + ":00:00Z " + level + " gate ")
		b.WriteString([...]string{"opened", "closed", "checked", "is calm"}[i*7%4])
		b.WriteString(" for boat " + twoDigits(i*13%97) + "\n")
	}
	return b.String()
}

func twoDigits(n int) string { return string([]byte{'0' + byte(n/10%10), '0' + byte(n%10)}) }

// abs makes name absolute, seen from dir.
func (f *memFS) abs(dir, name string) string {
	home := "/home/" + f.user
	switch {
	case name == "" || name == "~":
		return home
	case strings.HasPrefix(name, "~/"):
		name = home + name[1:]
	case !strings.HasPrefix(name, "/"):
		name = dir + "/" + name
	}
	return path.Clean(name)
}

// list returns the names in a directory, sorted.
func (f *memFS) list(dir string) []string {
	var names []string
	for p := range f.files {
		if p != "/" && path.Dir(p) == dir {
			names = append(names, path.Base(p))
		}
	}
	slices.Sort(names)
	return names
}

// write creates or replaces a file and reports what is wrong, if anything.
func (f *memFS) write(name, data string, add bool) string {
	old, exists := f.files[name]
	parent, ok := f.files[path.Dir(name)]
	switch {
	case exists && old.dir:
		return "is a directory"
	case !ok || !parent.dir:
		return "no such directory"
	case !exists && len(f.files) >= maxFiles:
		return "too many files"
	}
	if add && exists {
		data = old.data + data
	}
	if len(data) > maxFileSize {
		return "file too large"
	}
	f.files[name] = &memFile{data: data}
	return ""
}
