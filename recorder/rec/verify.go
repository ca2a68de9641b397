package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

// verdict is what verify found out about one recording.
type verdict struct {
	path string
	rep  recorder.Report
	err  error // it could not be read
}

// code returns the exit code for one verdict.
func (v verdict) code() int {
	switch {
	case v.err != nil:
		return exitError
	case v.rep.State == recorder.StateValidComplete:
		return exitOK
	case v.rep.State == recorder.StateValidIncomplete:
		return exitIncomplete
	case v.rep.State == recorder.StateMissing:
		return exitMissing
	}
	return exitBroken
}

// severity orders exit codes: that of several recordings is the worst of theirs.
var severity = []int{exitOK, exitIncomplete, exitError, exitMissing, exitBroken}

func verify(args []string, stdout, stderr io.Writer) (int, error) {
	fs := flag.NewFlagSet("verify", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {}
	var files []string
	fs.Func("pub", "file of public keys", func(s string) error { files = append(files, s); return nil })
	asJSON := fs.Bool("json", false, "one JSON object a line")
	progress := fs.Bool("progress", false, "count on standard error")
	workers := fs.Int("j", runtime.GOMAXPROCS(0), "files at a time")
	if err := fs.Parse(args); err != nil || fs.NArg() == 0 || len(files) == 0 || *workers < 1 {
		return 0, errUsage
	}
	var keys []recorder.PublicKey
	for _, f := range files {
		k, err := recorder.ReadPublicKeys(f)
		if err != nil {
			return exitUsage, err
		}
		keys = append(keys, k...)
	}
	paths, listed, err := recordings(fs.Args())
	if err != nil {
		return exitError, err
	}
	p := printer{w: stdout}
	many := listed || len(paths) > 1
	count := map[recorder.State]int{}
	worst, done := exitOK, 0
	for v := range verdicts(paths, keys, *workers) {
		if done++; *progress {
			fmt.Fprintf(stderr, "%d of %d\n", done, len(paths))
		}
		if slices.Index(severity, v.code()) > slices.Index(severity, worst) {
			worst = v.code()
		}
		switch {
		case v.err != nil && !many && !*asJSON:
			return exitError, v.err
		case *asJSON:
			p.json(v)
		case many:
			p.verdict(v)
		default:
			return report(stdout, v.rep)
		}
		if v.err == nil {
			count[v.rep.State]++
		}
	}
	if len(paths) == 0 { // a folder that held recordings once is not in order
		worst = exitMissing
	}
	if many && !*asJSON {
		p.line("%d recordings: %d valid-complete, %d valid-incomplete, %d broken, %d missing", len(paths), count[recorder.StateValidComplete],
			count[recorder.StateValidIncomplete], count[recorder.StateBroken], count[recorder.StateMissing])
	}
	return worst, p.err
}

// recordings replaces folders in names by the recordings in them, in the order of their names, which begin with their
// times. listed says whether there was a folder.
func recordings(names []string) (paths []string, listed bool, err error) {
	for _, name := range names {
		if st, err := os.Stat(name); err != nil || !st.IsDir() {
			paths = append(paths, name) // what cannot be read shows when it is
			continue
		}
		listed = true
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, false, err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && strings.HasSuffix(e.Name(), recorder.Ext) {
				paths = append(paths, filepath.Join(name, e.Name()))
			}
		}
	}
	return paths, listed, nil
}

// verdicts verifies so many files at a time and yields what it finds in the order of paths.
func verdicts(paths []string, keys []recorder.PublicKey, workers int) iter.Seq[verdict] {
	return func(yield func(verdict) bool) {
		stop := make(chan struct{})
		defer close(stop)
		slots := make([]chan verdict, len(paths))
		for i := range slots {
			slots[i] = make(chan verdict, 1)
		}
		next := make(chan int)
		go func() {
			defer close(next)
			for i := range paths {
				select {
				case next <- i:
				case <-stop:
					return
				}
			}
		}()
		for range min(workers, len(paths)) {
			go func() {
				for i := range next {
					rep, err := recorder.VerifyFile(paths[i], keys...)
					slots[i] <- verdict{paths[i], rep, err}
				}
			}()
		}
		for _, slot := range slots {
			if !yield(<-slot) {
				return
			}
		}
	}
}

// verdict prints one line about one of several recordings.
func (p *printer) verdict(v verdict) {
	switch {
	case v.err != nil:
		p.line("unreadable  %s  %v", v.path, v.err)
	case v.rep.State == recorder.StateBroken:
		cause := v.rep.Cause
		if b := new(recorder.BrokenError); errors.As(cause, &b) {
			cause = b.Err // without the place, which stands before it
		}
		p.line("%s  %s  at byte %d: %v", v.rep.State, v.path, v.rep.At, cause)
	default:
		p.line("%s  %s", v.rep.State, v.path)
	}
}

// verdictJSON is the form of -json. Scripts depend on its names.
type verdictJSON struct {
	Path          string     `json:"path"`
	State         string     `json:"state"` // also "unreadable"
	At            *int64     `json:"at,omitempty"`
	Cause         string     `json:"cause,omitempty"`
	Session       string     `json:"session,omitempty"`
	Asset         string     `json:"asset,omitempty"`
	User          string     `json:"user,omitempty"`
	Started       *time.Time `json:"started,omitempty"`
	Key           string     `json:"key,omitempty"` // id of the key that signed the header
	Entries       uint64     `json:"entries"`
	Raw           uint64     `json:"raw"`
	Stored        int64      `json:"stored"`
	SignedEntries uint64     `json:"signed_entries"`
	SignedStored  int64      `json:"signed_stored"`
	Seal          *sealJSON  `json:"seal,omitempty"`
}

type sealJSON struct {
	Complete bool      `json:"complete"`
	Reason   string    `json:"reason"`
	Sealed   time.Time `json:"sealed"`
	Key      string    `json:"key"`
	Adopted  bool      `json:"adopted,omitempty"`
	Cut      int64     `json:"cut,omitempty"`
}

func (p *printer) json(v verdict) {
	out := verdictJSON{
		Path: v.path, State: v.rep.State.String(), Entries: v.rep.Entries, Raw: v.rep.Raw, Stored: v.rep.Stored,
		SignedEntries: v.rep.SignedEntries, SignedStored: v.rep.SignedStored,
	}
	switch {
	case v.err != nil:
		out.State, out.Cause = "unreadable", v.err.Error()
	case v.rep.State == recorder.StateBroken:
		out.At, out.Cause = &v.rep.At, v.rep.Cause.Error()
	}
	if v.rep.SignedStored > 0 { // else nobody vouches for the header
		h := v.rep.Header
		out.Session, out.Asset, out.User, out.Key = string(h.Meta.Session), string(h.Meta.Asset), string(h.Meta.User), h.Key
		out.Started = &h.Meta.Started
	}
	if s := v.rep.Seal; s != nil {
		out.Seal = &sealJSON{s.Complete, string(s.End.Reason), s.Sealed, s.Key, s.Adopted, s.Cut}
	}
	if p.err == nil {
		p.err = json.NewEncoder(p.w).Encode(out) // escapes what a terminal would act upon
	}
}
