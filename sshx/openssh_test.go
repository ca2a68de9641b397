//go:build unix

package sshx_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// openSSH is a session on the real sshd, in a plain sh without prompt games.
func openSSH(t testing.TB, s *sshtest.OpenSSH, cfg sshx.Config, change ...func(*pam.ConnectRequest)) *live {
	t.Helper()
	r := request(s.Address, s.User, s.HostKey, fields{pam.FieldPrivateKey: s.PrivateKey})
	r.Params[sshx.ParamInitialCommand] = "exec env PS1='ready> ' ENV= sh -i"
	for _, f := range change {
		f(&r)
	}
	l := run(t, connect(t, newProtocol(t, cfg), r), newSink())
	l.sink.wait(t, "ready> ")
	return l
}

func TestOpenSSH_SessionResizeAndExit(t *testing.T) {
	l := openSSH(t, sshtest.StartOpenSSH(t), sshx.Config{})
	l.keys("tty; stty size; echo term=$TERM\r")
	l.sink.wait(t, "24 80\r\nterm=xterm-256color")
	if err := l.conn.(pam.Resizer).Resize(context.Background(), pam.Size{Cols: 132, Rows: 43}); err != nil {
		t.Fatal(err)
	}
	l.keys("stty size\r")
	l.sink.wait(t, "43 132\r\n")
	l.keys("exit 9\r")
	if end := l.endedWith(pam.EndRemoteLogoff); end.Status == nil || *end.Status != 9 {
		t.Errorf("status = %v, want 9", end.Status)
	}
}

func TestOpenSSH_ExitSignal(t *testing.T) {
	l := openSSH(t, sshtest.StartOpenSSH(t), sshx.Config{})
	l.keys("kill -KILL $$\r")
	if end := l.endedWith(pam.EndRemoteLogoff); end.Signal != "KILL" || end.Status != nil {
		t.Errorf("end = %+v, want signal KILL", end)
	}
}

func TestOpenSSH_L3_StartDirectoryAndLocale(t *testing.T) {
	s := sshtest.StartOpenSSH(t)
	dir := filepath.Join(t.TempDir(), `it's a "dir" $HOME `+"`x`")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l := openSSH(t, s, sshx.Config{}, func(r *pam.ConnectRequest) {
		r.Params[sshx.ParamStartDirectory] = dir
		r.Params[sshx.ParamLocale] = "C.UTF-8"
	})
	l.keys("pwd; echo lang=$LANG\r")
	l.sink.wait(t, "\n"+dir+"\r\nlang=C.UTF-8\r\n")
}

func TestOpenSSH_L3_Environment(t *testing.T) {
	s := sshtest.StartOpenSSH(t)
	l := openSSH(t, s, sshx.Config{}, func(r *pam.ConnectRequest) {
		r.Asset.Attributes[sshx.AttrEnvironment] = "# for all\nLANG=de_DE.UTF-8\nLC_TIME=C with 'spaces' $HOME=\n\nLD_PRELOAD=/x.so\n"
		r.Params[sshx.ParamLocale] = "C.UTF-8"
	})
	l.keys("echo \"[$LANG][$LC_TIME][$LD_PRELOAD]\"\r")
	l.sink.wait(t, "[C.UTF-8][C with 'spaces' $HOME=][]\r\n")
	l.sink.mu.Lock()
	defer l.sink.mu.Unlock()
	if f := l.sink.frames[0]; f.Kind != pam.FrameNotice || string(f.Payload) != `{"code":"env_refused","text":"LD_PRELOAD"}` {
		t.Errorf("first frame = %#x %q, want the notice of what sshd does not take", f.Kind, f.Payload)
	}
}

func TestSSH_L3_RefusedEnvironmentIsANotice(t *testing.T) {
	srv, addr := server(t, sshtest.Config{Handler: lines, RefuseEnv: true})
	r := request(addr, "demo", srv.HostKey(), demoVault)
	r.Params[sshx.ParamLocale] = "C.UTF-8"
	l := run(t, connect(t, newProtocol(t, sshx.Config{}), r), newSink())
	l.sink.wait(t, "ready")
	l.sink.mu.Lock()
	defer l.sink.mu.Unlock()
	if f := l.sink.frames[0]; f.Kind != pam.FrameNotice || string(f.Payload) != `{"code":"env_refused","text":"LANG"}` {
		t.Errorf("first frame = %#x %q, want the notice", f.Kind, f.Payload)
	}
}

func TestOpenSSH_S35_KilledServerIsALostTarget(t *testing.T) {
	s := sshtest.StartOpenSSH(t)
	l := openSSH(t, s, sshx.Config{})
	if n, err := s.Signal(syscall.SIGKILL); n != 1 || err != nil {
		t.Fatalf("killed %d, %v", n, err)
	}
	if end := l.endedWith(pam.EndTargetError); end.Code != pam.CodeTargetLost {
		t.Errorf("code = %s, want %s", end.Code, pam.CodeTargetLost)
	}
}

func TestOpenSSH_S35_StoppedServerIsFound(t *testing.T) {
	s := sshtest.StartOpenSSH(t)
	l := openSSH(t, s, sshx.Config{KeepAliveInterval: 500 * time.Millisecond, KeepAliveTimeout: 2 * time.Second})
	if n, err := s.Signal(syscall.SIGSTOP); n != 1 || err != nil {
		t.Fatalf("stopped %d, %v", n, err)
	}
	end := l.endedWith(pam.EndTargetError)
	if end.Code != pam.CodeTargetLost || !strings.Contains(end.Err.Error(), "no sign of life") {
		t.Errorf("end = %v with code %s", end, end.Code)
	}
	// The default must keep the promise of 30 s.
	if d := sshx.DefaultKeepAliveInterval + sshx.DefaultKeepAliveTimeout; d > 30*time.Second {
		t.Errorf("defaults need up to %v", d)
	}
}

func TestOpenSSH_S05_RotatedHostKeySeesNoSecret(t *testing.T) {
	s := sshtest.StartOpenSSH(t)
	r := request(s.Address, s.User, s.HostKey, nil)
	asked := ""
	r.Field = func(_ context.Context, name string) (pam.Secret, error) {
		asked += name + " "
		if name != pam.FieldPrivateKey {
			return pam.Secret{}, pam.ErrNoField
		}
		return pam.NewSecret(s.PrivateKey), nil
	}
	if err := s.RotateHostKey(); err != nil {
		t.Fatal(err)
	}
	_, err := newProtocol(t, sshx.Config{}).Connect(context.Background(), r)
	wantCode(t, err, pam.CodeHostKeyMismatch)
	if asked != "" {
		t.Errorf("the vault was asked for %s", asked)
	}
	r.Asset.Attributes[sshx.AttrHostKeys] = s.HostKey
	r.Params[sshx.ParamInitialCommand] = "exit 0"
	c := connect(t, newProtocol(t, sshx.Config{}), r)
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if asked != pam.FieldPrivateKey+" "+pam.FieldCertificate+" " {
		t.Errorf("with the new pin the vault was asked for %q", asked)
	}
}

// digest sums what comes between two marks on a raw terminal.
type digest struct {
	sum   hash.Hash
	n     int64
	began bool
	head  []byte
	done  chan struct{}
	want  int64
}

func (d *digest) Emit(_ context.Context, f pam.Frame) error {
	p := f.Payload
	if f.Kind != pam.FrameOutput {
		return nil
	}
	if !d.began {
		d.head = append(d.head, p...)
		i := strings.Index(string(d.head), "BEGIN\n")
		if i < 0 {
			return nil
		}
		d.began, p = true, d.head[i+len("BEGIN\n"):]
	}
	if room := d.want - d.n; int64(len(p)) > room {
		p = p[:room]
	}
	d.sum.Write(p)
	if d.n += int64(len(p)); d.n == d.want && len(p) > 0 {
		close(d.done)
	}
	return nil
}

func TestOpenSSH_HundredMegabytesAreExact(t *testing.T) {
	size := int64(100 << 20)
	if raceEnabled {
		size = 10 << 20 // the detector makes ciphers some twenty times slower; the other build does it all
	}
	s := sshtest.StartOpenSSH(t)
	// A block with every byte value, repeated: raw mode passes them all.
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i*7 + i>>8*13)
	}
	file := filepath.Join(t.TempDir(), "block")
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	want := sha256.New()
	for range size / int64(len(block)) {
		want.Write(block)
	}

	r := request(s.Address, s.User, s.HostKey, fields{pam.FieldPrivateKey: s.PrivateKey})
	r.Params[sshx.ParamInitialCommand] = fmt.Sprintf(
		"stty raw -echo; printf 'BEGIN\\n'; i=0; while [ $i -lt %d ]; do cat %s; i=$((i+1)); done; exec cat", size/int64(len(block)), file)
	c := connect(t, newProtocol(t, sshx.Config{}), r)
	defer c.Close(context.Background())
	d := &digest{sum: sha256.New(), want: size, done: make(chan struct{})}
	end := make(chan error, 1)
	start := time.Now()
	go func() { end <- c.Run(context.Background(), d) }()
	select {
	case <-d.done:
	case err := <-end:
		t.Fatalf("Run ended early: %v", err)
	case <-time.After(2 * time.Minute):
		t.Fatal("100 MB took more than 2 minutes")
	}
	t.Logf("%.0f MB/s", float64(size)/1e6/time.Since(start).Seconds())
	_ = c.Close(context.Background())
	if err := <-end; err == nil {
		t.Error("Run returned nil")
	}
	if got := d.sum.Sum(nil); string(got) != string(want.Sum(nil)) {
		t.Error("the bytes differ")
	}
}

func TestOpenSSH_S43_PasswordPromptsLeaveNoKeys(t *testing.T) {
	l := openSSH(t, sshtest.StartOpenSSH(t), sshx.Config{})
	l.keys("echo first\r")
	l.sink.wait(t, "\nfirst\r\nready> ")
	l.keys("stty -echo; printf 'Password: '; read -r pw; stty echo; echo; echo length ${#pw}\r")
	l.sink.until(t, "the prompt", func() bool { return strings.HasSuffix(l.sink.text(), "\nPassword: ") })
	const canary = "hunter2-CANARY-e1f"
	for _, c := range canary {
		l.keys(string(c))
	}
	l.keys("\r")
	l.sink.wait(t, fmt.Sprintf("length %d\r\nready> ", len(canary)))
	l.keys("echo last\r")
	l.sink.wait(t, "\nlast\r\n")
	l.keys("exit\r")
	l.endedWith(pam.EndRemoteLogoff)
	keys := l.sink.keys()
	for _, want := range []string{"echo first\r", "read -r pw", "echo last\r"} {
		if !strings.Contains(keys, want) {
			t.Errorf("keys %q lack %q", keys, want)
		}
	}
	for n := 2; n <= len(canary); n++ {
		if strings.Contains(keys, canary[:n]+"\r") || strings.Contains(keys, canary[len(canary)-4:]) || strings.Contains(keys, "hunt") {
			t.Fatalf("keys hold the password: %q", keys)
		}
	}
	if strings.Contains(l.sink.text(), canary) {
		t.Error("the output holds the password")
	}
}

func TestOpenSSH_S16_RekeyUnderLoad(t *testing.T) {
	l := openSSH(t, sshtest.StartOpenSSH(t, "RekeyLimit 1M", "ClientAliveInterval 1", "MaxSessions 1"), sshx.Config{})
	l.keys("i=0; while [ $i -lt 40000 ]; do echo 0123456789012345678901234567890123456789012345678901234567890123456789 $i; i=$((i+1)); done; echo finished\r")
	l.sink.wait(t, "\nfinished\r\n")
	if n := len(regexp.MustCompile(`(?m)^0123456789.* \d+\r$`).FindAllString(l.sink.text(), -1)); n != 40000 {
		t.Errorf("%d lines came, want 40000", n)
	}
}

func TestOpenSSH_WrongKeyIsRefused(t *testing.T) {
	s := sshtest.StartOpenSSH(t)
	_, other := newKey(t)
	_, err := newProtocol(t, sshx.Config{}).Connect(context.Background(),
		request(s.Address, s.User, s.HostKey, fields{pam.FieldPrivateKey: other}))
	wantCode(t, err, pam.CodeTargetAuthFailed)
	var te *pam.TargetError
	if errors.As(err, &te) && strings.Contains(te.Error(), "PRIVATE KEY") {
		t.Error("the error quotes the key")
	}
}
