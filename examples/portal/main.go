// Command portal is a whole host application around package pam: people sign in with a name and a password,
// see their assets, and open recorded SSH sessions in the browser.
//
//	go run ./examples/portal                       the built-in demonstration, on http://127.0.0.1:8080
//	go run ./examples/portal -config my.yaml -data /var/lib/portal
//	go run ./examples/portal hash                  makes a password hash for the file
//	go run ./examples/portal totp NAME             makes a secret of one-time codes for a user
//	go run ./examples/portal events -data FOLDER   prints the audit events as lines of JSON
//
// The README beside it says what the file may contain. broker.go is where a broker is made and mounted.
package main

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/term"

	"github.com/sallyport/sallyport/toolbar"
)

//go:embed demo.yaml
var demoConfig []byte

// demoLogins are the people of demo.yaml. Their passwords are public: the demo listens on loopback only and
// its one machine exists in memory only.
var demoLogins = []demoLogin{
	{"anna", "anna-demo", "start recorded sessions, manage Frankfurt"},
	{"ben", "ben-demo", "see some assets, start nothing"},
	{"carla", "carla-demo", "do all that, administrate: live sessions, events"},
	{"dara", "dara-demo", "audit: read live sessions, reports, events"},
	{"noa", "noa-demo", "see nothing yet"},
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
	if len(args) > 0 && args[0] == "events" {
		return printEvents(ctx, args[1:], out, errOut)
	}
	if len(args) == 2 && args[0] == "totp" {
		return enroll(args[1], out)
	}
	flags := flag.NewFlagSet("portal", flag.ContinueOnError)
	flags.SetOutput(errOut)
	addr := flags.String("addr", "127.0.0.1:8080", "address to listen on; port 0 picks a free one")
	data := flags.String("data", "", "folder for recordings, their key and events; the demo makes a temporary one")
	file := flags.String("config", "", "configuration file; empty: the built-in demonstration")
	cert := flags.String("tls-cert", "", "PEM file with the TLS certificate and its chain; read again when it changes")
	key := flags.String("tls-key", "", "PEM file with the certificate's private key")
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
	return serve(ctx, portalConfig{config: c, logins: people, ui: ui, log: log},
		serverConfig{addr: *addr, tlsCert: *cert, tlsKey: *key, data: *data}, out)
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
