package pamtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// InteropEnv names the environment variable that makes real programs mandatory: set to "required", a missing
// program fails the test instead of skipping it.
const InteropEnv = "PAM_INTEROP"

// Peer returns the path of an external program that a test talks to. Without the program the test is skipped;
// with PAM_INTEROP=required it fails, so that a run which claims interoperability cannot be green without
// having met the peer. Any other value of PAM_INTEROP fails the test: a typo must not weaken a run.
func Peer(t testing.TB, program string) string {
	t.Helper()
	path, err := lookPeer(program)
	switch mode := os.Getenv(InteropEnv); {
	case mode != "" && mode != "required":
		t.Fatalf("%s=%q; want \"required\" or unset", InteropEnv, mode)
	case err != nil && mode == "required":
		t.Fatalf("interop peer missing: %v", err)
	case err != nil:
		t.Skipf("interop peer missing: %v", err)
	}
	// CI reads this line: it tells which tests met a real program.
	t.Logf("met interop peer %s: %s", program, path)
	return path
}

// Root is for tests that need to be root, to make an account or to mount: without, the test is skipped, or fails with
// PAM_INTEROP=required, as it does for a missing Peer.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv(InteropEnv) == "required" {
		t.Fatal("this test must be root")
	}
	t.Skip("this test must be root")
}

func lookPeer(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil || strings.ContainsRune(program, filepath.Separator) {
		return path, err
	}
	// Daemons such as sshd live where a plain user's PATH does not look.
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", err
}
