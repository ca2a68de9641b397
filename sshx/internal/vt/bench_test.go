package vt

import (
	"bytes"
	"fmt"
	"testing"
)

// benchmark streams, each about 1 MB.
func streams() map[string][]byte {
	var plain, coloured, unicode, dense bytes.Buffer
	for i := 0; plain.Len() < 1<<20; i++ {
		fmt.Fprintf(&plain, "%06d: the quick brown fox jumps over the lazy dog and goes on to the end of line\r\n", i)
	}
	for i := 0; coloured.Len() < 1<<20; i++ {
		fmt.Fprintf(&coloured, "\x1b[01;34mdirectory%d\x1b[0m  \x1b[01;32mprogram%d\x1b[0m  plain%d.txt  \x1b[38;5;%dmother\x1b[0m\r\n", i, i, i, i%256)
	}
	for i := 0; unicode.Len() < 1<<20; i++ {
		fmt.Fprintf(&unicode, "%d: größe naïve façade Ελληνικά 日本語の文章 ✓ │ ┌─┐\r\n", i)
	}
	for i := 0; dense.Len() < 1<<20; i++ {
		fmt.Fprintf(&dense, "\x1b[%d;%dH\x1b[38;2;%d;%d;%dm#", i%24+1, i%80+1, i%256, i/2%256, i/3%256)
	}
	return map[string][]byte{"plain": plain.Bytes(), "coloured": coloured.Bytes(), "unicode": unicode.Bytes(), "dense": dense.Bytes()}
}

func BenchmarkTerminal_Write(b *testing.B) {
	for name, data := range streams() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			m := New(80, 24)
			for b.Loop() {
				m.Write(data)
			}
		})
	}
}

func BenchmarkTerminal_Snapshot(b *testing.B) {
	m := New(80, 24)
	m.Write(streams()["coloured"])
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = m.AppendSnapshot(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkTracker_Output(b *testing.B) {
	data := streams()["plain"]
	b.SetBytes(32 << 10)
	b.ReportAllocs()
	k := NewTracker(80, 24)
	defer k.Close()
	for i := 0; b.Loop(); i++ {
		off := i % 16 * (32 << 10)
		k.Output(data[off : off+32<<10])
	}
}
