package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sallyport/sallyport/recorder"
)

// Exit codes, also in usage and FORMAT.md. Scripts depend on them: never renumber.
const (
	exitOK         = 0
	exitError      = 1
	exitUsage      = 2
	exitIncomplete = 3
	exitBroken     = 4
	exitMissing    = 5
)

const usage = `usage:
  rec verify -pub KEYFILE [-pub KEYFILE ...] [-json] [-progress] [-j N] FILE|DIR ...
        Says whether FILE is an unchanged recording, signed by one of the keys. Only these keys are
        trusted, never one from the file. KEYFILE holds public keys: PEM, or base64 of the raw 32
        bytes, one a line. DIR stands for every recording in it; with more than one recording there
        is a line for each. -json prints an object a line, -progress counts on standard error, -j
        sets how many files are read at a time (one per core).
  rec info FILE
        Prints what FILE says of itself. Nothing of that is proven: verify first.
  rec export -format cast [-o OUT] FILE
        Writes FILE as asciicast v2 to OUT (a new file, mode 0600) or to standard output.
  rec keygen -o KEYFILE
        Makes a signing key in KEYFILE (a new file, mode 0600), and prints its public key.
  rec pubkey KEYFILE
        Prints the public key of a signing key, and its id on standard error.
  rec keyid PUBFILE
        Prints the ids of public keys, as recordings name them. See recorder/KEYS.md.

exit codes:
  0  verify: valid-complete; other commands: done
  1  a file cannot be read or written; info and export: FILE is damaged
  2  wrong usage, or no usable public key
  3  verify: valid-incomplete (unchanged as far as it goes, but not the whole session)
  4  verify: broken (the first bad byte is printed)
  5  verify: missing (there is no such file, or no recording in DIR)
  For several recordings it is the worst of theirs, in the order 4, 5, 1, 3, 0.
`

// errUsage makes the exit code 2. Its text, if any, was printed.
var errUsage = errors.New("usage")

func run(args []string, stdout, stderr io.Writer) int {
	code, err := dispatch(args, stdout, stderr)
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprint(stderr, usage)
		return exitUsage
	case err != nil:
		fmt.Fprintln(stderr, "rec:", printable(err.Error()))
		return max(code, exitError)
	}
	return code
}

func dispatch(args []string, stdout, stderr io.Writer) (int, error) {
	if len(args) == 0 {
		return 0, errUsage
	}
	switch args[0] {
	case "verify":
		return verify(args[1:], stdout, stderr)
	case "keygen":
		return keygen(args[1:], stdout, stderr)
	case "pubkey":
		return pubkey(args[1:], stdout, stderr)
	case "keyid":
		return keyid(args[1:], stdout, stderr)
	case "info":
		return info(args[1:], stdout, stderr)
	case "export":
		return export(args[1:], stdout, stderr)
	case "help", "-h", "-help", "--help":
		_, err := fmt.Fprint(stdout, usage)
		return exitOK, err
	}
	return 0, errUsage
}

// parse reads flags and the one file name that every command takes.
func parse(fs *flag.FlagSet, args []string, stderr io.Writer) (string, error) {
	fs.SetOutput(stderr)
	fs.Usage = func() {}
	if err := fs.Parse(args); err != nil || fs.NArg() != 1 {
		return "", errUsage
	}
	return fs.Arg(0), nil
}

// report prints a Report, the state alone on the first line.
func report(w io.Writer, rep recorder.Report) (int, error) {
	p := printer{w: w}
	code := exitOK
	switch rep.State {
	case recorder.StateValidComplete:
		p.line("%s", rep.State)
	case recorder.StateValidIncomplete:
		code = exitIncomplete
		p.line("%s", rep.State)
	case recorder.StateMissing:
		p.line("%s", rep.State)
		return exitMissing, p.err
	default:
		code = exitBroken
		p.line("%s at byte %d", rep.State, rep.At)
		p.line("cause: %v", rep.Cause)
	}
	if rep.SignedStored > 0 {
		p.header(rep.Header)
	}
	p.line("entries: %d in %d bytes (%d before compression)", rep.Entries, rep.Stored, rep.Raw)
	if rep.Seal == nil {
		p.line("signed: %d entries in %d bytes; not sealed, what follows is chained but not signed", rep.SignedEntries, rep.SignedStored)
	} else {
		p.seal(*rep.Seal)
	}
	return code, p.err
}

func info(args []string, stdout, stderr io.Writer) (int, error) {
	name, err := parse(flag.NewFlagSet("info", flag.ContinueOnError), args, stderr)
	if err != nil {
		return 0, err
	}
	f, err := os.Open(name)
	if err != nil {
		return exitError, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	r, err := recorder.NewReader(f)
	if err != nil {
		return exitError, err
	}
	defer r.Close()
	p := printer{w: stdout}
	p.header(r.Header())
	var data, entries uint64
	var kinds [256]uint64
	for e, err := range r.All() {
		if err != nil {
			return exitError, errors.Join(err, p.err)
		}
		entries++
		kinds[e.Kind]++
		data += uint64(len(e.Data))
		p.clock(e)
		if e.At > p.last {
			p.last = e.At
		}
	}
	p.line("entries: %d with %d bytes of data, up to %v", entries, data, p.last)
	for k, n := range kinds {
		if n > 0 {
			p.line("  %s: %d", kindName(k), n)
		}
	}
	if s := r.Seal(); s != nil {
		p.seal(*s)
	} else {
		p.line("not sealed")
	}
	return exitOK, p.err
}

func export(args []string, stdout, stderr io.Writer) (code int, err error) {
	fs := flag.NewFlagSet("export", flag.ContinueOnError)
	format := fs.String("format", "", "cast")
	out := fs.String("o", "", "file to write")
	name, err := parse(fs, args, stderr)
	if err != nil {
		return 0, err
	}
	if *format != "cast" {
		return 0, errUsage
	}
	f, err := os.Open(name)
	if err != nil {
		return exitError, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	w := stdout
	if *out != "" {
		// An export holds what the recording holds: the same mode, and never over another file.
		file, err := os.OpenFile(filepath.Clean(*out), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return exitError, err
		}
		defer func() {
			if closeErr := file.Close(); err == nil && closeErr != nil {
				code, err = exitError, closeErr
			}
		}()
		w = file
	}
	if err := recorder.ExportCast(w, f); err != nil {
		return exitError, err
	}
	return exitOK, nil
}

// printable makes text safe for a terminal: names in a recording come from elsewhere.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\uFFFD'
		}
		return r
	}, s)
}
