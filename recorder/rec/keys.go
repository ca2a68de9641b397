package main

import (
	"crypto/ed25519"
	"flag"
	"fmt"
	"io"

	"github.com/sallyport/sallyport/recorder"
)

// keygen makes a signing key and prints its public half.
func keygen(args []string, stdout, stderr io.Writer) (int, error) {
	fs := flag.NewFlagSet("keygen", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {}
	out := fs.String("o", "", "file to write")
	if err := fs.Parse(args); err != nil || fs.NArg() != 0 || *out == "" {
		return 0, errUsage
	}
	key, err := recorder.CreateKey(*out)
	if err != nil {
		return exitError, err
	}
	return printPublic(key, stdout, stderr)
}

// pubkey prints the public half of a signing key.
func pubkey(args []string, stdout, stderr io.Writer) (int, error) {
	name, err := parse(flag.NewFlagSet("pubkey", flag.ContinueOnError), args, stderr)
	if err != nil {
		return 0, err
	}
	key, err := recorder.LoadKey(name)
	if err != nil {
		return exitError, err
	}
	return printPublic(key, stdout, stderr)
}

// printPublic writes the key alone to standard output, so that it can be redirected, and its id to standard error.
func printPublic(key ed25519.PrivateKey, stdout, stderr io.Writer) (int, error) {
	pub := key.Public().(ed25519.PublicKey)
	text, err := recorder.MarshalPublicKey(pub)
	if err != nil {
		return exitError, err
	}
	fmt.Fprintln(stderr, "key id:", recorder.KeyID(pub))
	_, err = stdout.Write(text)
	return exitOK, err
}

// keyid prints the ids of public keys, as recordings name them.
func keyid(args []string, stdout, stderr io.Writer) (int, error) {
	name, err := parse(flag.NewFlagSet("keyid", flag.ContinueOnError), args, stderr)
	if err != nil {
		return 0, err
	}
	keys, err := recorder.ReadPublicKeys(name)
	if err != nil {
		return exitError, err
	}
	p := printer{w: stdout}
	for _, k := range keys {
		p.line("%s", recorder.KeyID(k))
	}
	return exitOK, p.err
}
