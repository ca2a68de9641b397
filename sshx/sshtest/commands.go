package sshtest

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// command is one program of the demo shell.
type command struct {
	help string
	run  func(sh *shell, args []string)
}

// commandTable returns the commands by name.
func commandTable() map[string]command {
	return map[string]command{
		"cat":      {"FILE…: show files", (*shell).cat},
		"cd":       {"[DIR]: change directory", (*shell).cd},
		"clear":    {": clear the screen", func(sh *shell, _ []string) { sh.printf("\x1b[H\x1b[2J\x1b[3J") }},
		"clock":    {": the time, on a full screen (q ends)", (*shell).clock},
		"colors":   {": what the terminal can show", (*shell).colors},
		"date":     {": the time", func(sh *shell, _ []string) { sh.printf("%s\r\n", time.Now().UTC().Format(time.RFC1123)) }},
		"echo":     {"TEXT: print text; > FILE writes it to a file", (*shell).echo},
		"env":      {": the environment", (*shell).env},
		"exit":     {"[STATUS]: leave", (*shell).exit},
		"false":    {": fail", func(sh *shell, _ []string) { sh.status = 1 }},
		"help":     {": this list", (*shell).help},
		"history":  {": what was typed", (*shell).showHistory},
		"hostname": {": name of this host", func(sh *shell, _ []string) { sh.printf("demo\r\n") }},
		"less":     {"FILE: look at a file page by page (q ends)", (*shell).less},
		"ls":       {"[-l] [DIR]: list a directory", (*shell).ls},
		"matrix":   {": falling letters (q ends)", (*shell).matrix},
		"mkdir":    {"DIR: make a directory", (*shell).mkdir},
		"passwd":   {": ask for a password without echo (nothing is changed)", (*shell).passwd},
		"pwd":      {": present directory", func(sh *shell, _ []string) { sh.printf("%s\r\n", sh.dir) }},
		"rm":       {"FILE…: remove files", (*shell).rm},
		"seq":      {"[FIRST] LAST: count, at most to 1000000", (*shell).seq},
		"size":     {": size of the terminal", (*shell).size},
		"sleep":    {"SECONDS: wait, at most an hour", (*shell).sleep},
		"true":     {": succeed", func(*shell, []string) {}},
		"uname":    {"[-a]: kind of system", (*shell).uname},
		"uptime":   {": how long this session lasts", func(sh *shell, _ []string) { sh.printf("up %s\r\n", time.Since(sh.start).Round(time.Second)) }},
		"whoami":   {": who you are", func(sh *shell, _ []string) { sh.printf("%s\r\n", sh.fs.user) }},
		"yes":      {"[TEXT]: repeat, until Ctrl-C or 1000000 lines", (*shell).yes},
	}
}

// execute runs one line.
func (sh *shell) execute(line string) {
	for part := range strings.SplitSeq(line, ";") {
		args := splitWords(part)
		if len(args) == 0 {
			continue
		}
		c, ok := commandTable()[args[0]]
		if !ok {
			sh.printf("%s: command not found; try \x1b[1mhelp\x1b[0m\r\n", printableText(args[0]))
			sh.status = 127
			continue
		}
		if args[0] != "exit" {
			sh.status = 0
		}
		if c.run(sh, args[1:]); sh.exited {
			return
		}
	}
}

// splitWords splits at spaces; quotes of both kinds hold words together.
func splitWords(s string) []string {
	var words []string
	var word strings.Builder
	inWord := false
	var quote rune
	for _, r := range s {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ' || r == '\t':
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}

// printableText makes text that was typed safe to print.
func printableText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '?'
		}
		return r
	}, s)
}

// lines prints text with the line ends of a terminal.
func (sh *shell) lines(text string) {
	sh.printf("%s", strings.ReplaceAll(text, "\n", "\r\n"))
}

func (sh *shell) help(_ []string) {
	table := commandTable()
	for _, name := range slices.Sorted(maps.Keys(table)) {
		sh.printf("  \x1b[1m%-9s\x1b[0m %s\r\n", name, strings.TrimPrefix(table[name].help, ": "))
	}
	sh.printf("Keys: arrows, Tab, Ctrl-A/E/U/K/W, Ctrl-L, Ctrl-C, Ctrl-D.\r\n")
}

func (sh *shell) exit(args []string) {
	sh.exited = true
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			n = 2
		}
		sh.status = n & 0xff
	}
}

func (sh *shell) echo(args []string) {
	if n := len(args); n >= 2 && (args[n-2] == ">" || args[n-2] == ">>") {
		name := sh.fs.abs(sh.dir, args[n-1])
		if why := sh.fs.write(name, strings.Join(args[:n-2], " ")+"\n", args[n-2] == ">>"); why != "" {
			sh.fail("echo: %s: %s", printableText(args[n-1]), why)
		}
		return
	}
	sh.printf("%s\r\n", printableText(strings.Join(args, " ")))
}

func (sh *shell) env(_ []string) {
	w := sh.s.Window()
	sh.printf("HOME=%s\r\nUSER=%s\r\nTERM=%s\r\nCOLUMNS=%d\r\nLINES=%d\r\n", sh.home, sh.fs.user, printableText(sh.s.Term), w.Cols, w.Rows)
	env := sh.s.Env()
	for _, k := range slices.Sorted(maps.Keys(env)) {
		sh.printf("%s=%s\r\n", printableText(k), printableText(env[k]))
	}
}

func (sh *shell) cd(args []string) {
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	dir := sh.fs.abs(sh.dir, name)
	if f := sh.fs.files[dir]; f == nil || !f.dir {
		sh.fail("cd: %s: no such directory", printableText(name))
		return
	}
	sh.dir = dir
}

func (sh *shell) ls(args []string) {
	long, name := false, "."
	for _, a := range args {
		if a == "-l" || a == "-la" || a == "-al" {
			long = true
		} else if !strings.HasPrefix(a, "-") {
			name = a
		}
	}
	dir := sh.fs.abs(sh.dir, name)
	f := sh.fs.files[dir]
	if f == nil {
		sh.fail("ls: %s: no such file or directory", printableText(name))
		return
	}
	names := sh.fs.list(dir)
	if !f.dir {
		dir, names = path.Dir(dir), []string{path.Base(dir)}
	}
	for _, n := range names {
		f := sh.fs.files[path.Join(dir, n)]
		shown := printableText(n)
		if f.dir {
			shown = "\x1b[1;34m" + shown + "\x1b[0m"
		}
		switch {
		case long && f.dir:
			sh.printf("drwxr-xr-x %s %6d %s\r\n", sh.fs.user, 0, shown)
		case long:
			sh.printf("-rw-r--r-- %s %6d %s\r\n", sh.fs.user, len(f.data), shown)
		default:
			sh.printf("%s  ", shown)
		}
	}
	if !long && len(names) > 0 {
		sh.printf("\r\n")
	}
}

// file finds a file for a command.
func (sh *shell) file(cmd, name string) (*memFile, bool) {
	f := sh.fs.files[sh.fs.abs(sh.dir, name)]
	switch {
	case f == nil:
		sh.fail("%s: %s: no such file or directory", cmd, printableText(name))
	case f.dir:
		sh.fail("%s: %s: is a directory", cmd, printableText(name))
	default:
		return f, true
	}
	return nil, false
}

func (sh *shell) cat(args []string) {
	for _, name := range args {
		if f, ok := sh.file("cat", name); ok {
			sh.lines(f.data)
		}
	}
}

func (sh *shell) mkdir(args []string) {
	for _, a := range args {
		name := sh.fs.abs(sh.dir, a)
		if why := sh.fs.write(name, "", false); why != "" {
			sh.fail("mkdir: %s: %s", printableText(a), why)
			continue
		}
		sh.fs.files[name] = &memFile{dir: true}
	}
}

func (sh *shell) rm(args []string) {
	for _, a := range args {
		if _, ok := sh.file("rm", a); ok {
			delete(sh.fs.files, sh.fs.abs(sh.dir, a))
		}
	}
}

func (sh *shell) showHistory(_ []string) {
	for i, h := range sh.history {
		sh.printf("%5d  %s\r\n", i+1, h)
	}
}

func (sh *shell) passwd(_ []string) {
	pw, ok := sh.readHidden("New password: ")
	if ok {
		sh.printf("%d characters, and nobody saw them. Nothing was changed.\r\n", len([]rune(pw)))
	}
}

const maxCount = 1000000

func (sh *shell) seq(args []string) {
	first, last := 1, 0
	var err error
	switch len(args) {
	case 1:
		last, err = strconv.Atoi(args[0])
	case 2:
		if first, err = strconv.Atoi(args[0]); err == nil {
			last, err = strconv.Atoi(args[1])
		}
	default:
		sh.fail("usage: seq [FIRST] LAST")
		return
	}
	if err != nil {
		sh.fail("seq: not a number")
		return
	}
	last = min(last, first+maxCount-1)
	sh.repeat(last-first+1, func(i int) { sh.printf("%d\r\n", first+i) })
}

func (sh *shell) yes(args []string) {
	text := "y"
	if len(args) > 0 {
		text = printableText(strings.Join(args, " "))
	}
	sh.repeat(maxCount, func(int) { sh.printf("%s\r\n", text) })
}

// repeat runs f n times, until Ctrl-C.
func (sh *shell) repeat(n int, f func(i int)) {
	for i := range n {
		f(i)
		if i%64 == 63 && sh.interrupted() {
			sh.printf("^C\r\n")
			sh.status = 130
			return
		}
	}
}

func (sh *shell) sleep(args []string) {
	d := time.Duration(0)
	if len(args) > 0 {
		n, err := strconv.ParseFloat(args[0], 64)
		if err != nil || n < 0 {
			sh.fail("sleep: not a number")
			return
		}
		d = time.Duration(min(n, 3600) * float64(time.Second))
	}
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		typed, interrupted := sh.wait(left)
		if interrupted {
			sh.printf("^C\r\n")
			sh.status = 130
			return
		}
		if typed {
			// Typed ahead: it stays for the prompt. Without waiting for input the rest passes.
			select {
			case <-time.After(time.Until(end)):
			case <-sh.ctx.Done():
			}
			return
		}
	}
}

func (sh *shell) size(_ []string) {
	w := sh.s.Window()
	sh.printf("%d columns, %d rows\r\n", w.Cols, w.Rows)
}

func (sh *shell) uname(args []string) {
	if slices.Contains(args, "-a") {
		sh.printf("Demo demo 1.0 in-memory go\r\n")
		return
	}
	sh.printf("Demo\r\n")
}

func (sh *shell) colors(_ []string) {
	for i := range 16 {
		sh.printf("\x1b[48;5;%dm    ", i)
		if i == 7 {
			sh.printf("\x1b[0m\r\n")
		}
	}
	sh.printf("\x1b[0m\r\n")
	for i := 16; i < 232; i++ {
		sh.printf("\x1b[48;5;%dm  ", i)
		if (i-15)%36 == 0 {
			sh.printf("\x1b[0m\r\n")
		}
	}
	for i := range 64 {
		sh.printf("\x1b[48;2;%d;%d;%dm ", 255-i*4, i*4, 128)
	}
	sh.printf("\x1b[0m\r\n\x1b[1mbold\x1b[0m \x1b[2mdim\x1b[0m \x1b[3mitalic\x1b[0m \x1b[4munderline\x1b[0m \x1b[4:3mcurly\x1b[0m \x1b[7minverse\x1b[0m \x1b[9mstruck\x1b[0m\r\n")
}
