package main

import (
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/rdp"
)

// options is what the command line says.
type options struct {
	addr string
	cfg  rdp.Config
	text string        // to type
	wait time.Duration // without a change, until the picture counts as settled
	out  string        // the PNG
}

// codecs are what -codec may be.
var codecs = map[string]rdp.Config{
	"planar":  {Depth: 32},
	"rle24":   {Depth: 24},
	"rle16":   {Depth: 16},
	"rle15":   {Depth: 15},
	"rfx":     {Depth: 32, RemoteFX: true},
	"nscodec": {Depth: 32, NSCodec: true},
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	names := strings.Join(slices.Sorted(maps.Keys(codecs)), ", ")
	f := flag.NewFlagSet("rdpshot", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.addr, "addr", "", "`host:port` of the server")
	user := f.String("user", "", "who signs in, also as DOMAIN\\name or name@domain")
	passwordFile := f.String("password-file", "", "`file` with the password in its first line")
	domain := f.String("domain", "", "domain of the user")
	size := f.String("size", "1280x800", "`WxH`: the desktop that is asked for")
	f.StringVar(&o.text, "type", "", "`text` to type before the picture is taken; \\n is the enter key")
	codec := f.String("codec", "planar", "what is offered: "+names)
	f.DurationVar(&o.wait, "wait", 2*time.Second, "the picture has settled when nothing came for this long")
	pin := f.String("pin", "", "trust the certificate with this `sha256:HEX`, and no other")
	ca := f.String("ca", "", "PEM `file` of authorities whose certificates are trusted for the host")
	insecure := f.Bool("insecure-accept-any-certificate", false, "trust whoever answers: the password may go to somebody in between")
	f.StringVar(&o.out, "o", "shot.png", "`file` for the picture")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	cfg, known := codecs[*codec]
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected %q: all arguments are flags", f.Arg(0))
	case o.addr == "":
		return o, errors.New("-addr is missing")
	case !known:
		return o, fmt.Errorf("-codec %s: it is one of %s", *codec, names)
	case o.wait <= 0:
		return o, fmt.Errorf("-wait %v: it is more than nothing", o.wait)
	case *insecure && (*pin != "" || *ca != ""):
		return o, errors.New("-insecure-accept-any-certificate is for who has neither -pin nor -ca")
	}
	if n, err := fmt.Sscanf(*size, "%dx%d", &cfg.Width, &cfg.Height); n != 2 || err != nil {
		return o, fmt.Errorf("-size %s: it looks like 1280x800", *size)
	}
	if *pin != "" {
		cfg.Pins = []string{*pin}
	}
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		if err != nil {
			return o, fmt.Errorf("-ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return o, fmt.Errorf("-ca %s: no certificate in it", *ca)
		}
	}
	cfg.InsecureAcceptAnyCertificate = *insecure
	cfg.Compression = rdp.CompressionXCRUSH
	cfg.Credentials = func(context.Context) (rdp.Credentials, error) {
		c := rdp.Credentials{User: *user, Domain: *domain}
		if *passwordFile != "" {
			p, err := os.ReadFile(*passwordFile)
			if err != nil {
				return c, fmt.Errorf("-password-file: %w", err)
			}
			line, _, _ := strings.Cut(string(p), "\n")
			c.Password = rdp.Password(strings.TrimSuffix(line, "\r"))
		}
		return c, nil
	}
	o.cfg = cfg
	return o, nil
}
