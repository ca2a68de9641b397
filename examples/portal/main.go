// Command portal is a whole host application around package pam: people sign in with a name and a password,
// see their assets, and open recorded SSH sessions in the browser.
//
//	go run ./examples/portal                       the built-in demonstration, on http://127.0.0.1:8080
//	go run ./examples/portal -config my.yaml -data /var/lib/portal
//	go run ./examples/portal hash                  makes a password hash for the file
//
// The README beside it says what the file may contain. broker.go is where a broker is made and mounted.
package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/term"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/toolbar"
)

//go:embed demo.yaml
var demoConfig []byte

// demoLogins are the people of demo.yaml. Their passwords are public: the demo listens on loopback only and
// its one machine exists in memory only.
var demoLogins = []demoLogin{
	{"anna", "anna-demo", "start recorded sessions"},
	{"ben", "ben-demo", "see some assets, start nothing"},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run is the command without the process around it.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error {
	if len(args) > 0 && args[0] == "hash" {
		return hash(in, out, errOut, hashCost)
	}
	flags := flag.NewFlagSet("portal", flag.ContinueOnError)
	flags.SetOutput(errOut)
	addr := flags.String("addr", "127.0.0.1:8080", "address to listen on; port 0 picks a free one")
	data := flags.String("data", "", "folder for recordings, their key and events; the demo makes a temporary one")
	file := flags.String("config", "", "configuration file; empty: the built-in demonstration")
	verbose := flags.Bool("v", false, "log every request of the SDK's parts (debug level)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("portal: unexpected argument %q; see portal -h", flags.Arg(0))
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: level}))

	var c *config
	var people []demoLogin
	var err error
	if *file == "" {
		people = demoLogins
		c, err = parseConfig("demo.yaml", demoConfig)
	} else {
		c, err = loadConfig(*file)
	}
	if err != nil {
		return err
	}
	for _, w := range c.warnings {
		log.Warn("configuration", "warning", w)
	}
	if *data == "" {
		if *file != "" {
			return errors.New("portal: -data is empty; name the folder where recordings are kept")
		}
		if *data, err = os.MkdirTemp("", "sallyport-demo-"); err != nil {
			return fmt.Errorf("portal: %w", err)
		}
	}
	ui, err := toolbar.New(toolbar.Config{})
	if err != nil {
		return err
	}
	return serve(ctx, portalConfig{config: c, logins: people, ui: ui, log: log}, *addr, *data, out)
}

// serve runs the portal until ctx ends, then ends all sessions and seals their recordings.
func serve(ctx context.Context, pc portalConfig, addr, data string, out io.Writer) (err error) {
	ln, err := listen(ctx, addr)
	if err != nil {
		return err
	}
	defer ln.Close()

	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("portal: -data: %w", err)
	}
	rec, err := openRecorder(ctx, data, pc.log)
	if err != nil {
		return err
	}
	events, err := os.OpenFile(filepath.Join(data, "events.jsonl"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("portal: events: %w", err)
	}
	defer func() { err = errors.Join(err, events.Close()) }()

	pc.recorder, pc.events, pc.origins = rec, pam.NewJSONEvents(events), pc.config.Origins
	if len(pc.origins) == 0 {
		pc.origins = originsFor(ln.Addr())
	}
	if pc.config.needsDemoHost() {
		demo, stop, err := startDemoHost()
		if err != nil {
			return err
		}
		defer stop()
		pc.demo = demo
	}
	p, err := newPortal(pc)
	if err != nil {
		return err
	}
	background, stopBackground := context.WithCancel(ctx)
	defer stopBackground()
	go p.run(background)

	srv := &http.Server{
		Handler: p, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(pc.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	announce(out, pc, ln.Addr(), data)

	select {
	case err = <-served:
	case <-ctx.Done():
	}
	pc.log.Info("stopping", "live", p.broker.Health().Live)
	// The sessions first: their people learn why, and every recording is sealed before the process ends.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	return errors.Join(err, p.shutdown(grace), srv.Shutdown(grace), rec.Close(grace))
}

// listen opens the socket. Without TLS, passwords and sessions must not leave the machine.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("portal: -addr %q: %w; write host:port, for example 127.0.0.1:8080", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("portal: -addr %q can be reached from other machines, and the portal speaks no TLS itself; "+
			"use 127.0.0.1:%s, put a TLS proxy in front, and list its address under origins", addr, port)
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	return ln, nil
}

// openRecorder makes the recorder, with a key of its own, and seals what a crash left open.
func openRecorder(ctx context.Context, data string, log *slog.Logger) (*recorder.Recorder, error) {
	key, err := recorder.LoadOrCreateKey(filepath.Join(data, "recording.key"))
	if err != nil {
		return nil, err
	}
	public, err := recorder.MarshalPublicKey(key.Public().(recorder.PublicKey))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(data, "recording.pub"), public, 0o644); err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	rec, err := recorder.New(recorder.Config{Dir: filepath.Join(data, "recordings"), Key: key, Log: log})
	if err != nil {
		return nil, err
	}
	adopted, err := rec.Adopt(ctx)
	for _, a := range adopted {
		log.Warn("recording of a crashed gateway", "session", a.Session, "path", a.Path, "state", a.State, "err", a.Err)
	}
	return rec, err
}

// announce tells a person how to go on. Tests read the first line.
func announce(out io.Writer, pc portalConfig, addr net.Addr, data string) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "portal: listening on http://%s\n", addr)
	for _, o := range pc.origins {
		if o != "http://"+addr.String() {
			fmt.Fprintf(&b, "  also as %s\n", o)
		}
	}
	if len(pc.logins) > 0 {
		fmt.Fprintln(&b, "\nSign in as")
		for _, l := range pc.logins {
			fmt.Fprintf(&b, "  %-5s password %-10s may %s\n", l.Name, l.Password, l.May)
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "recordings, their public key and events: %s\n", data)
	_, _ = out.Write(b.Bytes())
}

// hashCost makes one guess take about a quarter of a second on a core of 2026.
const hashCost = 12

// hash reads a password and prints its bcrypt hash.
func hash(in io.Reader, out, errOut io.Writer, cost int) error {
	var password string
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		read := func(prompt string) (string, error) {
			fmt.Fprint(errOut, prompt)
			b, err := term.ReadPassword(int(f.Fd()))
			fmt.Fprintln(errOut)
			return string(b), err
		}
		first, err := read("Password: ")
		if err != nil {
			return fmt.Errorf("portal: %w", err)
		}
		again, err := read("Again: ")
		if err != nil {
			return fmt.Errorf("portal: %w", err)
		}
		if first != again {
			return errors.New("portal: the two passwords differ")
		}
		password = first
	} else {
		line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("portal: %w", err)
		}
		password = strings.TrimRight(line, "\r\n")
	}
	switch {
	case len(password) < 8:
		return errors.New("portal: the password has fewer than 8 characters")
	case len(password) > maxPassword:
		return fmt.Errorf("portal: the password has more than %d bytes, all that bcrypt reads", maxPassword)
	}
	h, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return fmt.Errorf("portal: %w", err)
	}
	fmt.Fprintln(out, string(h))
	return nil
}
