package pamtest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// pattern is one byte sequence that betrays a secret.
type pattern struct {
	secret  int
	form    string
	text    []byte
	squeeze bool // look for it in the stream without white space
}

type form struct{ name, text string }

// plainForms are whole ways to write secret down, as a careless program would.
func plainForms(secret string) []form {
	raw := []byte(secret)
	forms := []form{
		{"raw", secret},
		{"reversed", reversed(secret)},
		{"hex", hex.EncodeToString(raw)},
		{"upper-case hex", strings.ToUpper(hex.EncodeToString(raw))},
		{"spaced hex", fmt.Sprintf("% x", raw)},
		{"decimal bytes", strings.Trim(fmt.Sprint(raw), "[]")},
		{"byte list", byteList(raw, "%d", ", ")},
		{"Go byte list", byteList(raw, "%#02x", ", ")},
		{"UTF-16LE", string(utf16Bytes(secret, false))},
		{"UTF-16BE", string(utf16Bytes(secret, true))},
		{"Go quoted", strings.Trim(strconv.Quote(secret), `"`)},
		{"Go quoted, ASCII", strings.Trim(strconv.QuoteToASCII(secret), `"`)},
		{"JSON", jsonText(secret, true)},
		{"JSON, HTML unescaped", jsonText(secret, false)},
		{"HTML", html.EscapeString(secret)},
		{"URL query", url.QueryEscape(secret)},
		{"URL path", url.PathEscape(secret)},
		{"URL, lower-case", lowerEscapes(url.QueryEscape(secret))},
		{"URL, all escaped", allEscaped(raw)},
	}
	// base64 groups three bytes: what stands before the secret decides which text it becomes.
	for _, enc := range []struct {
		name string
		*base64.Encoding
	}{{"base64", base64.StdEncoding}, {"base64url", base64.URLEncoding}} {
		for before := range 3 {
			text := enc.EncodeToString([]byte("xyz"[:before] + secret + "tail"))
			forms = append(forms, form{fmt.Sprintf("%s at offset %d", enc.name, before), text})
		}
	}
	wrapped := base64.StdEncoding.EncodeToString(raw)
	forms = append(forms, form{"base64 with line breaks", wrapped[:8] + "\r\n  " + wrapped[8:]})
	return forms
}

// patternsOf returns what to search for, without doubles and without the texts that depend on neighbours.
func patternsOf(index int, secret string) []pattern {
	var out []pattern
	add := func(name, text string, squeeze bool) {
		same := func(p pattern) bool { return p.squeeze == squeeze && string(p.text) == text }
		if !slices.ContainsFunc(out, same) {
			out = append(out, pattern{index, name, []byte(text), squeeze})
		}
	}
	for _, f := range plainForms(secret) {
		switch {
		case strings.HasPrefix(f.name, "base64"), strings.HasSuffix(f.name, "hex"), strings.HasSuffix(f.name, "list"):
		default:
			add(f.name, f.text, false)
		}
	}
	raw := []byte(secret)
	add("hex", hex.EncodeToString(raw), true)
	add("upper-case hex", strings.ToUpper(hex.EncodeToString(raw)), true)
	add("byte list", byteList(raw, "%d", ","), true)
	add("Go byte list", byteList(raw, "%#02x", ","), true)
	for before := range 3 {
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			add(name, base64Core(enc, secret, before), true)
		}
	}
	return out
}

// base64Core returns the part of secret's base64 text that does not depend on the bytes around it, when before
// bytes stand before it in its group of three.
func base64Core(enc *base64.Encoding, secret string, before int) string {
	const bitsPerChar, bitsPerByte = 6, 8
	text := enc.EncodeToString([]byte("xyz"[:before] + secret))
	first := (before*bitsPerByte + bitsPerChar - 1) / bitsPerChar // first character made of secret bits only
	last := (before + len(secret)) * bitsPerByte / bitsPerChar    // one past the last such character
	return text[first:last]
}

func byteList(raw []byte, verb, separator string) string {
	parts := make([]string, len(raw))
	for i, c := range raw {
		parts[i] = fmt.Sprintf(verb, c)
	}
	return strings.Join(parts, separator)
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func utf16Bytes(s string, bigEndian bool) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if bigEndian {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

func jsonText(s string, escapeHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escapeHTML)
	_ = e.Encode(s) // a string always encodes
	return strings.Trim(strings.TrimSpace(b.String()), `"`)
}

func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

func allEscaped(raw []byte) string {
	var b strings.Builder
	for _, c := range raw {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
