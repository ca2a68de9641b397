package recorder_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
)

// Layout of FORMAT.md, written down again on purpose: these tests must not follow a change of the code.
const (
	preambleSize  = 16
	chunkHeadSize = 28
	linkSize      = 32
)

// chunksOf cuts a good recording into preamble and chunks.
func chunksOf(t testing.TB, b []byte) [][]byte {
	t.Helper()
	parts := [][]byte{b[:preambleSize]}
	for off := preambleSize; off < len(b); {
		n := chunkHeadSize + int(binary.BigEndian.Uint32(b[off+4:])) + linkSize
		parts = append(parts, b[off:off+n])
		off += n
	}
	return parts
}

func TestVerify_R5_S24_FlipEveryBit(t *testing.T) {
	good := sample(t, "flip", 22, testKey("gateway"))
	if len(good) < 4<<10 {
		t.Fatalf("sample has %d bytes, want at least 4096", len(good))
	}
	if rep := verify(t, good); rep.State != recorder.StateValidComplete || rep.Entries != 23 || rep.SignedEntries != 23 {
		t.Fatalf("untouched: %+v", rep)
	}
	var starts []int64 // of chunks
	off := int64(0)
	for _, p := range chunksOf(t, good) {
		starts = append(starts, off)
		off += int64(len(p))
	}
	for bit := range 8 {
		t.Run(fmt.Sprint("bit", bit), func(t *testing.T) {
			t.Parallel()
			bad := bytes.Clone(good)
			chunk := 0
			for i := range bad {
				for chunk+1 < len(starts) && starts[chunk+1] <= int64(i) {
					chunk++
				}
				if raceEnabled && bit != i%8 {
					continue
				}
				bad[i] ^= 1 << bit
				rep := verify(t, bad)
				// The first bad byte is named as the start of the chunk that the flipped bit is in.
				if rep.State != recorder.StateBroken || rep.At != starts[chunk] {
					t.Fatalf("bit %d of byte %d flipped: %v at %d (%v), want broken at %d", bit, i, rep.State, rep.At, rep.Cause, starts[chunk])
				}
				bad[i] ^= 1 << bit
			}
		})
	}
}

func TestVerify_R5_S24_CutAtEveryByte(t *testing.T) {
	good := sample(t, "cut", 12, testKey("gateway"))
	bounds := map[int]bool{}
	off := 0
	for _, p := range chunksOf(t, good) {
		off += len(p)
		bounds[off] = true
	}
	for n := range len(good) {
		rep := verify(t, good[:n])
		switch {
		case bounds[n] && n > preambleSize: // whole chunks: true as far as it goes, and it says that there is no seal
			if rep.State != recorder.StateValidIncomplete || rep.Seal != nil {
				t.Fatalf("cut to %d bytes: %v, want valid-incomplete", n, rep.State)
			}
		case rep.State != recorder.StateBroken || rep.At > int64(n):
			t.Fatalf("cut to %d bytes: %v at %d, want broken", n, rep.State, rep.At)
		}
	}
	for _, more := range [][]byte{{0}, good[:preambleSize], good} {
		if rep := verify(t, append(bytes.Clone(good), more...)); rep.State != recorder.StateBroken || rep.At != int64(len(good)) {
			t.Fatalf("%d bytes behind the seal: %v at %d, want broken at %d", len(more), rep.State, rep.At, len(good))
		}
	}
}

func TestVerify_R5_S24_MoveChunks(t *testing.T) {
	parts := chunksOf(t, sample(t, "move", 40, testKey("gateway")))
	check := func(what string, i int, list [][]byte) {
		t.Helper()
		rep := verify(t, bytes.Join(list, nil))
		if rep.State == recorder.StateValidComplete {
			t.Fatalf("%s chunk %d: %v", what, i, rep.State)
		}
		if last := i == len(parts)-1; !last && rep.State != recorder.StateBroken {
			t.Fatalf("%s chunk %d: %v, want broken", what, i, rep.State)
		}
	}
	for i := range parts {
		check("without", i, append(append([][]byte{}, parts[:i]...), parts[i+1:]...))
		check("twice", i, append(append(append([][]byte{}, parts[:i+1]...), parts[i]), parts[i+1:]...))
		if i+1 < len(parts) {
			swapped := append([][]byte{}, parts...)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			check("swapped", i, swapped)
		}
	}
}

// Two recordings of the same gateway, even of the same session, cannot be joined at any chunk.
func TestVerify_R5_S24_Splice(t *testing.T) {
	key := testKey("gateway")
	a := chunksOf(t, sample(t, "splice", 30, key))
	for _, other := range []string{"splice", "other"} {
		b := chunksOf(t, sample(t, other, 30, key))
		for i := 1; i < len(a); i++ {
			for j := max(1, i-1); j < min(len(b), i+2); j++ {
				rep := verify(t, bytes.Join(append(append([][]byte{}, a[:i]...), b[j:]...), nil))
				if i == 1 && j == 1 {
					continue // that is b itself
				}
				if rep.State != recorder.StateBroken {
					t.Fatalf("%d chunks of one and those from %d of the other: %v", i, j, rep.State)
				}
			}
		}
	}
}

func TestVerify_R5_S24_WrongKey(t *testing.T) {
	good := sample(t, "key", 10, testKey("gateway"))
	if rep := verify(t, good, publicOf(testKey("thief"))); rep.State != recorder.StateBroken || rep.At != 0 {
		t.Errorf("another key: %v at %d, want broken at 0", rep.State, rep.At)
	}
	if rep := verify(t, good, publicOf(testKey("thief")), publicOf(testKey("gateway"))); rep.State != recorder.StateValidComplete {
		t.Errorf("the right key among two: %v (%v)", rep.State, rep.Cause)
	}
	// Whoever re-records with a key of his own gets a file that is consistent in itself.
	forged := sample(t, "key", 10, testKey("thief"))
	if rep := verify(t, forged); rep.State != recorder.StateBroken {
		t.Errorf("re-signed: %v", rep.State)
	}
	if _, err := recorder.Verify(bytes.NewReader(good)); err == nil {
		t.Error("no key given: no error")
	}
}

// One who holds no key but can compute CRCs and links may only cut an unsealed tail, and that shows.
func TestVerify_R5_S24_RecomputedChain(t *testing.T) {
	parts := chunksOf(t, sample(t, "rechain", 60, testKey("gateway")))
	rng := rand.New(rand.NewPCG(1, 2))
	var tried int
	for i := 2; i < len(parts); i++ {
		if parts[i][0] != 'D' {
			continue
		}
		tried++
		forged := append([][]byte{}, parts...)
		c := bytes.Clone(parts[i])
		c[chunkHeadSize+rng.IntN(len(c)-chunkHeadSize-linkSize)] ^= 1
		forged[i] = c
		prev := parts[i-1][len(parts[i-1])-linkSize:]
		signed := 0 // end of the last signed chunk before i
		off := 0
		for j, p := range parts[:i] {
			if off += len(p); j > 0 && p[0] != 'D' {
				signed = off
			}
		}
		for j := i; j < len(forged); j++ {
			forged[j] = recorder.Relink(prev, forged[j])
			prev = forged[j][len(forged[j])-linkSize:]
		}
		rep := verify(t, bytes.Join(forged, nil))
		if rep.State != recorder.StateBroken || rep.At != int64(signed) {
			t.Fatalf("chunk %d forged with a chain that fits: %v at %d (%v), want broken at %d", i, rep.State, rep.At, rep.Cause, signed)
		}
	}
	if tried < 20 {
		t.Fatalf("only %d chunks tried", tried)
	}
}

func TestReader_S44_DamageEndsReading(t *testing.T) {
	good := sample(t, "reader", 12, testKey("gateway"))
	all, h, seal, err := readAll(good)
	if err != nil || seal == nil || !seal.Complete || seal.End.Reason != pam.EndRemoteLogoff || h.Meta.Session != "reader" {
		t.Fatalf("good: %v, %+v, %+v", err, seal, h)
	}
	if n := checkOutput(t, all); n != 12 {
		t.Fatalf("got %d outputs, want 12", n)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		entries, _, _, err := readAll(bad)
		if at, ok := brokenAt(err); !ok || at > int64(i) {
			t.Fatalf("byte %d changed: error %v", i, err)
		}
		checkOutput(t, entries) // what came before is untouched
	}
}
