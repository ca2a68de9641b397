package channel_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/bulk"
	"github.com/sallyport/sallyport/rdp/internal/channel"
)

func chunks(t *testing.T, message []byte) (out [][]byte) {
	t.Helper()
	err := channel.Chunks(message, true, func(c []byte) error {
		out = append(out, slices.Clone(c))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// chunk is one as a peer may make it up.
func chunk(length, flags uint32, data string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, length)
	return append(binary.LittleEndian.AppendUint32(b, flags), data...)
}

// TestJoin_WhatChunksCut: messages of every length come out as they went in, by one Joiner.
func TestJoin_WhatChunksCut(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	j := channel.Joiner{Bulk: bulk.NewDecompressor()}
	for _, n := range []int{0, 1, 1599, 1600, 1601, 3200, 3201, 100_000} {
		want := make([]byte, n)
		for i := range want {
			want[i] = byte(r.Uint32())
		}
		cut := chunks(t, want)
		if most := max(1, (n+1599)/1600); len(cut) != most {
			t.Errorf("%d bytes: %d chunks, want %d", n, len(cut), most)
		}
		for i, c := range cut {
			if len(c) > 8+channel.ChunkLength {
				t.Errorf("chunk of %d bytes", len(c))
			}
			got, done, err := j.Join(c)
			if err != nil || done != (i == len(cut)-1) {
				t.Fatalf("%d bytes, chunk %d of %d: %v, %v", n, i, len(cut), done, err)
			}
			if done && !bytes.Equal(got, want) {
				t.Errorf("%d bytes: other bytes came out", n)
			}
		}
	}
	stop := errors.New("stop")
	if err := channel.Chunks(make([]byte, 4000), false, func([]byte) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// TestJoin_S09_LyingChunks: chunks that lie about the message are errors, and none of them takes memory for what it announces.
func TestJoin_S09_LyingChunks(t *testing.T) {
	const first, last, compressed = 1, 2, 0x00200000
	for name, all := range map[string][][]byte{
		"no header":                  {{1, 0, 0, 0, 3, 0, 0}},
		"more than the limit":        {chunk(1001, first|last, "")},
		"four gigabytes":             {chunk(0xffffffff, first, "abc")},
		"longer than announced":      {chunk(2, first|last, "abc")},
		"shorter than announced":     {chunk(4, first|last, "abc")},
		"second chunk without first": {chunk(3, last, "abc")},
		"first chunk twice":          {chunk(6, first, "abc"), chunk(6, first, "abc")},
		"total changes":              {chunk(6, first, "abc"), chunk(5, last, "de")},
		"too much in the end":        {chunk(6, first, "abc"), chunk(6, last, "defg")},
		"too little in the end":      {chunk(6, first, "abc"), chunk(6, last, "de")},
		"compressed":                 {chunk(3, first|last|compressed, "abc")},
	} {
		j := channel.Joiner{Max: 1000}
		var err error
		for i, c := range all {
			if _, _, err = j.Join(c); err != nil && i != len(all)-1 {
				t.Fatalf("%s: chunk %d: %v", name, i, err)
			}
		}
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	j := channel.Joiner{Max: 1 << 30}
	if n := testing.AllocsPerRun(1, func() { _, _, _ = j.Join(chunk(1<<30, first, "abc")) }); n > 20 {
		t.Errorf("%v allocations", n)
	}
	if _, done, err := (&channel.Joiner{}).Join(chunk(0, 0x20, "")); done || err != nil {
		t.Error("suspend:", done, err)
	}
}

// TestJoin_S20_SkipsWhatIsTooLong: where a long message is no reason to end the session, it is left out, and those around it are not.
func TestJoin_S20_SkipsWhatIsTooLong(t *testing.T) {
	j := channel.Joiner{Max: 5000, Skip: true}
	for i, n := range []int{5000, 5001, 1 << 20, 3} {
		var got []byte
		for _, c := range chunks(t, make([]byte, n)) {
			m, done, err := j.Join(c)
			if err != nil {
				t.Fatal(err)
			}
			if done {
				got = m
			}
		}
		if want := []int{5000, 0, 0, 3}[i]; len(got) != want {
			t.Errorf("%d bytes: %d came out, want %d", n, len(got), want)
		}
	}
	if j.Skipped != 2 {
		t.Errorf("%d skipped", j.Skipped)
	}
	if _, _, err := j.Join(chunk(6000, 3, "abc")); err == nil {
		t.Error("a skipped message may lie about its length")
	}
}

// FuzzJoin: whatever a channel sends, no panic, and no message beyond the limit.
func FuzzJoin(f *testing.F) {
	f.Add([]byte("hello"), []byte("world"))
	f.Add(chunk(6, 1, "abc"), chunk(6, 2, "def"))
	f.Add(chunk(3, 0x00210003, "abc"), chunk(3, 3, "abc"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		j := channel.Joiner{Max: 1 << 16, Bulk: bulk.NewDecompressor()}
		for _, c := range [][]byte{a, b} {
			m, done, err := j.Join(c)
			if len(m) > 1<<16 {
				t.Fatalf("message of %d bytes", len(m))
			}
			if err != nil {
				return
			}
			if !done && m != nil {
				t.Fatal("a message before its end")
			}
		}
	})
}
