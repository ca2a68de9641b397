package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is made from other files")

// The client's tokens.ts is where the design's values are; web/tokens.css is made from it by
// go test ./examples/portal -run Tokens -update.
func TestTokens_AreTheClients(t *testing.T) {
	source, err := os.ReadFile("../../toolbar/web/src/elements/tokens.ts")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(source), "const tokens = css`\n")
	sheet, _, ok2 := strings.Cut(rest, "\n`\n")
	if !ok || !ok2 {
		t.Fatal("tokens.ts has another shape now")
	}
	want := []byte("/* Made from the client's tokens.ts; change them there. See tokens_test.go. */\n\n" +
		strings.TrimPrefix(strings.ReplaceAll(sheet, "\n  ", "\n"), "  ") + "\n")
	if *update {
		if err := os.WriteFile("web/tokens.css", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile("web/tokens.css"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("web/tokens.css is not what the client has (%v); run go test ./examples/portal -run Tokens -update", err)
	}
}
