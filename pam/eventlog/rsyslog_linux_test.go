package eventlog_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/eventlog"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// rsyslogConfig has rsyslog listen on a socket, on TCP and on TLS, and write what it makes of each message as a line of JSON.
const rsyslogConfig = `
global(workDirectory="DIR" defaultNetstreamDriverCAFile="DIR/cert.pem" defaultNetstreamDriverCertFile="DIR/cert.pem" defaultNetstreamDriverKeyFile="DIR/key.pem"
	maxMessageSize="128k" parser.escapeControlCharactersOnReceive="off")
module(load="imuxsock" sysSock.use="off")
module(load="imtcp" maxSessions="10")
template(name="line" type="list" option.jsonf="on") {
	property(outname="pri" name="pri" format="jsonf")
	property(outname="host" name="hostname" format="jsonf")
	property(outname="app" name="app-name" format="jsonf")
	property(outname="proc" name="procid" format="jsonf")
	property(outname="id" name="msgid" format="jsonf")
	property(outname="data" name="structured-data" format="jsonf")
	property(outname="text" name="msg" format="jsonf")
	property(outname="at" name="timereported" dateFormat="rfc3339" format="jsonf")
}
ruleset(name="out") { action(type="ompipe" pipe="DIR/out" template="line") }
input(type="imuxsock" socket="DIR/log" ruleset="out" useSpecialParser="off" parseHostname="on" rateLimit.interval="0" ignoreTimestamp="off")
input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="DIR/tcp" ruleset="out")
input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="DIR/tls" ruleset="out" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
`

// rsyslogLine is what rsyslog has understood.
type rsyslogLine struct {
	Pri, Host, App, Proc, ID, Data, Text, At string
}

// TestRsyslog_S31_Forged sends hostile text to rsyslog: it finds the fields that a strict reader of the format finds, in
// one message for each event.
func TestRsyslog_S31_Forged(t *testing.T) {
	program := pamtest.Peer(t, "rsyslogd")
	dir, err := os.MkdirTemp("", "rsyslog") // t.TempDir is too long a name for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	server, client := certificate(t)
	key, err := x509.MarshalPKCS8PrivateKey(server.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"conf":     []byte(strings.ReplaceAll(rsyslogConfig, "DIR", dir)),
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificates[0].Certificate[0]}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines := runRsyslog(t, program, dir)
	port := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return "127.0.0.1:" + strings.TrimSpace(string(b))
	}
	for network, where := range map[string]struct {
		address string
		tls     *tls.Config
	}{
		"unixgram": {filepath.Join(dir, "log"), nil},
		"tcp":      {port("tcp"), nil},
		"tls":      {port("tls"), client},
	} {
		t.Run(network, func(t *testing.T) {
			s := newSyslog(t, eventlog.SyslogConfig{Network: network, Address: where.address, TLS: where.tls, Host: "gw.example.com", SDID: "pam@99999"})
			for n, text := range pamtest.ForgedTexts() {
				e := event(n + 1)
				e.User, e.Detail, e.Verb = pam.UserID(text), text, pam.Verb(text)
				if err := s.Write(t.Context(), e); err != nil {
					t.Fatal(err)
				}
				got := lines(t)
				// What rsyslog took for the parts of the message is put together again for the strict reader.
				m, err := parse(fmt.Appendf(nil, "<%s>1 %s %s %s %s %s %s %s", got.Pri, e.At.UTC().Format("2006-01-02T15:04:05.000000Z"), got.Host, got.App, got.Proc, got.ID, got.Data, strings.TrimPrefix(got.Text, " ")))
				if err != nil {
					t.Fatalf("%v\nin %+v", err, got)
				}
				if at, err := time.Parse(time.RFC3339Nano, got.At); err != nil || !at.Equal(e.At) {
					t.Errorf("the time is %q, want %v", got.At, e.At)
				}
				if m.host != "gw.example.com" || m.app != "sallyport" || m.sdID != "pam@99999" || m.params["seq"][0] != fmt.Sprint(n+1) {
					t.Errorf("%+v", m)
				}
				if got := unsee(t, m.params["detail"][0]); got != text {
					t.Errorf("detail = %q, want %q", got, text)
				}
				if got := unsee(t, m.text); got != text {
					t.Errorf("text %q, want %q", got, text)
				}
			}
		})
	}
}

// runRsyslog starts the server and returns what gives its lines one by one.
func runRsyslog(t *testing.T, program, dir string) func(t *testing.T) rsyslogLine {
	t.Helper()
	pipe := filepath.Join(dir, "out")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(pipe, os.O_RDWR, 0) // for writing too: opening does not wait, and there is no end before Close
	if err != nil {
		t.Fatal(err)
	}
	log := &pamtest.LogBuffer{}
	cmd := exec.Command(program, "-n", "-f", filepath.Join(dir, "conf"), "-i", filepath.Join(dir, "pid"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	got := make(chan rsyslogLine, 100)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for s := bufio.NewScanner(out); s.Scan(); {
			var l rsyslogLine
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				l.Text = fmt.Sprintf("%v in %q", err, s.Text())
			}
			got <- l
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it ends by the signal
		_ = out.Close()
		<-read
		if t.Failed() {
			t.Logf("rsyslog: %s", log)
		}
	})
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(5 * time.Millisecond) { // until it has written down its ports
		tcp, _ := os.ReadFile(filepath.Join(dir, "tcp")) // not there yet is as good as empty
		tls, _ := os.ReadFile(filepath.Join(dir, "tls"))
		if len(tcp) > 0 && len(tls) > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("rsyslog does not listen")
		}
	}
	return func(t *testing.T) rsyslogLine {
		t.Helper()
		select {
		case l := <-got:
			return l
		case <-time.After(2 * time.Minute): // only ends a test that fails
			t.Fatal("no message")
			return rsyslogLine{}
		}
	}
}
