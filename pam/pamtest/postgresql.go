//go:build unix

package pamtest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nobody runs servers that refuse to be root.
const nobody = 65534

// PostgreSQL is a database server that lives as long as a test, on a socket in a folder of its own.
type PostgreSQL struct {
	dir string
}

// NewPostgreSQL starts a server with an empty cluster, whose superuser is "sallyport" and needs no password.
func NewPostgreSQL(t testing.TB) *PostgreSQL {
	t.Helper()
	server := Peer(t, postgresProgram("postgres"))
	dir, err := os.MkdirTemp("", "pamtest-pg-") // t.TempDir is too long a name for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	attr := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(filepath.Dir(server), "initdb"), "--pgdata="+data, "--username=sallyport", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	cmd := exec.Command(server, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off")
	cmd.SysProcAttr, cmd.Dir = attr, dir
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, drained := make(chan struct{}), make(chan string, 1)
	go func() { drained <- readLog(stderr, ready) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // "fast shutdown": sessions are ended
		log := <-drained
		if err := cmd.Wait(); err != nil {
			t.Errorf("postgres: %v\n%s", err, log)
		}
	})
	select {
	case <-ready:
	case log := <-drained:
		drained <- log
		t.Fatalf("postgres did not start: %s", log)
	case <-time.After(5 * time.Minute): // only ends a test that fails
		t.Fatal("postgres does not get ready")
	}
	return &PostgreSQL{dir}
}

// DSN says how to reach a database of the server; "postgres" is there from the start.
func (p *PostgreSQL) DSN(database string) string {
	return fmt.Sprintf("host=%s user=sallyport dbname=%s", p.dir, database)
}

// postgresProgram finds a program of the newest PostgreSQL: Debian has them outside of PATH.
func postgresProgram(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // the pattern is sound
	if len(found) == 0 {
		return name
	}
	slices.SortFunc(found, func(a, b string) int { return len(a) - len(b) }) // 9 before 15
	return found[len(found)-1]
}

// readLog closes ready at the line that says so, and returns the last of the log when the server is gone.
func readLog(r io.Reader, ready chan<- struct{}) string {
	var last []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if strings.Contains(line, "database system is ready") && ready != nil {
			close(ready)
			ready = nil
		}
		if last = append(last, line); len(last) > 50 {
			last = last[1:]
		}
	}
	return strings.Join(last, "\n")
}
