package spine_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
)

// The gateway of crash and fault tests runs in a process of its own, which is this test binary started again.
const childEnv = "SPINE_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if err := childMain(); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	pamtest.VerifyNoLeaks(m)
}

// childOrder is the first line of the child's standard input; its end ends the child.
type childOrder struct {
	Target spine.Target
	Dir    string
}

// childHello is the first line of the child's standard output.
type childHello struct {
	URL string
	Key string
}

func childMain() error {
	in := bufio.NewReader(os.Stdin)
	var o childOrder
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	if err := json.Unmarshal(line, &o); err != nil {
		return err
	}
	g, err := spine.Start(spine.Config{Target: o.Target, Dir: o.Dir, Tune: func(c *recorder.Config) { c.SyncInterval = 50 * time.Millisecond }})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(childHello{g.URL, base64.StdEncoding.EncodeToString(g.Key)}); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, in)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return g.Close(ctx)
}

// child is a running gateway process.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	log   *strings.Builder // standard error; read it after the process has ended
	url   string
	key   []byte
}

// startChild starts a gateway.
func startChild(t *testing.T, target spine.Target, dir string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: cmd, stdin: stdin, log: &log}
	t.Cleanup(c.kill)
	if err := json.NewEncoder(stdin).Encode(childOrder{target, dir}); err != nil {
		t.Fatal(err)
	}
	var hello childHello
	if err := json.NewDecoder(stdout).Decode(&hello); err != nil {
		c.kill()
		t.Fatalf("the gateway said nothing: %v; %s", err, log.String())
	}
	c.url = hello.URL
	if c.key, err = base64.StdEncoding.DecodeString(hello.Key); err != nil {
		t.Fatal(err)
	}
	return c
}

// kill ends the process as kill -9 does and waits for it. It may be called twice.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}
