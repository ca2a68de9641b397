package recorder_test

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
)

// childEnv makes the test binary a child process with a role; childDirEnv is its directory.
const (
	childEnv    = "RECORDER_TEST_CHILD"
	childDirEnv = "RECORDER_TEST_DIR"
)

// child runs one role and returns the exit code.
func child(role string) int {
	var err error
	switch role {
	case "load":
		err = childLoad(os.Getenv(childDirEnv))
	case "crowd":
		err = childCrowd(os.Getenv(childDirEnv), 1<<40, recorder.Config{CheckpointBytes: 64 << 10})
	case "crowd-slow":
		err = childCrowd(os.Getenv(childDirEnv), 400, recorder.Config{SyncBytes: 32 << 10, CheckpointBytes: 64 << 10})
	case "read-only":
		err = childReadOnly(os.Getenv(childDirEnv))
	case "fault":
		err = childFault(os.Getenv(childDirEnv))
	default:
		err = fmt.Errorf("unknown role %q", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		return 1
	}
	return 0
}

// startChild prepares this test binary as a child; wrap is put before its command line.
func startChild(t testing.TB, role, dir string, wrap ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append(wrap, exe)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childEnv+"="+role, childDirEnv+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// pipeWatcher reports each Written index on a pipe before it returns, as a gateway shows bytes to a viewer.
type pipeWatcher struct {
	w      io.Writer
	failed chan error
	last   uint64
}

func (p *pipeWatcher) Written(index uint64) {
	p.last = index
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], index)
	_, _ = p.w.Write(b[:]) // the parent may be gone
}

func (p *pipeWatcher) Failed(err error) { p.failed <- err }

// childLoad records as fast as it can until it is killed.
func childLoad(dir string) error {
	key, err := recorder.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		return err
	}
	r, err := recorder.New(recorder.Config{Dir: filepath.Join(dir, "rec"), Key: key, CheckpointBytes: 64 << 10})
	if err != nil {
		return err
	}
	w := &pipeWatcher{w: os.Stdout, failed: make(chan error, 1)}
	rec, err := r.Open(context.Background(), meta("load"), w)
	if err != nil {
		return err
	}
	progress := rec.(*recorder.Recording).Progress
	for i := uint64(1); ; i++ {
		if _, err := rec.Append(output(i)); err != nil {
			return err
		}
		for p := progress(); i%64 == 0 && p.Appended-p.Written > 4096; p = progress() {
			select { // back-pressure, as the broker has it; woken by nothing, so only look again
			case err := <-w.failed:
				return err
			default:
			}
		}
	}
}

// childFault appends up to 100,000 entries one by one and prints what it heard: the last Written index, the error of
// Failed, and the error of Close. The file has a fixed name, for the fault injector.
func childFault(dir string) error {
	key, err := recorder.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		return err
	}
	fs, err := recorder.DirFS(dir)
	if err != nil {
		return err
	}
	r, err := recorder.New(recorder.Config{FS: fixedName{fs}, Key: key, SyncInterval: 4e6, SyncBytes: 4 << 10, InsecureNoFreeFloor: true})
	if err != nil {
		return err
	}
	w := &pipeWatcher{w: io.Discard, failed: make(chan error, 1)}
	written := make(chan struct{}, 1)
	rec, err := r.Open(context.Background(), meta("fault"), &notifyWatcher{w, written})
	if err != nil {
		return report(dir, 0, err, nil)
	}
	var failed error
	for i := uint64(1); i <= 100_000 && failed == nil; i++ {
		if _, err := rec.Append(output(i)); err != nil {
			failed = <-w.failed
			break
		}
		select {
		case <-written:
		case failed = <-w.failed:
		}
	}
	closeErr := rec.Close(context.Background(), pam.Entry{Kind: pam.EntryEnd, Data: []byte(`{"reason":"recording_failed"}`)})
	return report(dir, w.last, failed, closeErr)
}

type notifyWatcher struct {
	*pipeWatcher
	written chan struct{}
}

func (n *notifyWatcher) Written(index uint64) {
	n.pipeWatcher.Written(index)
	n.written <- struct{}{}
}

// report leaves the child's findings in a file, since its standard output may be under fault injection too.
func report(dir string, last uint64, failed, closeErr error) error {
	text := strconv.FormatUint(last, 10) + "\n" + fmt.Sprint(failed) + "\n" + fmt.Sprint(closeErr) + "\n"
	return os.WriteFile(filepath.Join(dir, "report"), []byte(text), 0o600)
}

// fixedName is an FS with one recording, whose path is known beforehand.
type fixedName struct{ recorder.FS }

const fixedFile = "fixed" + recorder.Ext

func (f fixedName) Create(string) (recorder.File, error) { return f.FS.Create(fixedFile) }
func (f fixedName) Rename(string, string) error          { return nil }
func (f fixedName) Remove(string) error                  { return f.FS.Remove(fixedFile) }
func (f fixedName) Path(string) string                   { return f.FS.Path(fixedFile) }

// runChild runs cmd and returns what it printed on standard error.
func runChild(cmd *exec.Cmd) (string, error) {
	var text strings.Builder
	cmd.Stderr = &text
	err := cmd.Run()
	return text.String(), err
}

// childReadOnly opens one recording in dir, on which nothing can be written.
func childReadOnly(dir string) error {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	r, err := recorder.New(recorder.Config{Dir: dir, Key: key, InsecureNoFreeFloor: true})
	if err != nil {
		return err
	}
	_, err = r.Open(context.Background(), meta("read-only"), &pipeWatcher{w: io.Discard, failed: make(chan error, 1)})
	return err
}
