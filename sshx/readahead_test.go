package sshx

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// flow is a source of bytes: each read finds what piled up since the start at so many bytes a second, or waits for the first of it.
type flow struct {
	rate  int // bytes a second
	total int
	sent  int
	reads int
	start time.Time
	end   error // with the last bytes, and from then on
}

func (f *flow) Read(b []byte) (int, error) {
	f.reads++
	if f.sent == f.total {
		return 0, f.end
	}
	ready := func() int { return min(f.total, int(time.Since(f.start).Seconds()*float64(f.rate))) - f.sent }
	for ready() <= 0 {
		time.Sleep(100 * time.Microsecond)
	}
	n := min(len(b), ready())
	for i := range n {
		b[i] = byte((f.sent + i) * 7)
	}
	if f.sent += n; f.sent == f.total {
		return n, f.end
	}
	return n, nil
}

// drain reads a flow through a readAhead, with reads as small and as large as the SSH library's.
func drain(t *testing.T, f *flow) (elapsed time.Duration, err error) {
	t.Helper()
	f.start = time.Now()
	var a readAhead
	var got []byte
	sizes := []int{4096, 1, 0, 32 << 10, aheadBytes + 1, 17}
	for i := 0; err == nil; i++ {
		var n int
		b := make([]byte, sizes[i%len(sizes)])
		n, err = a.read(f, b)
		got = append(got, b[:n]...)
	}
	want := make([]byte, f.total)
	for i := range want {
		want[i] = byte(i * 7)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d came through, or others", len(got), f.total)
	}
	if a.buf != nil || a.rest != nil {
		t.Error("the buffer was not given back")
	}
	return time.Since(f.start), err
}

func TestReadAhead(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	for name, f := range map[string]*flow{
		"slow":              {rate: 64 << 10, total: 40_000, end: io.EOF},
		"just below":        {rate: aheadRate - aheadRate/8, total: 1 << 20, end: io.EOF},
		"fast":              {rate: 40 << 20, total: 4 << 20, end: io.EOF},
		"very fast":         {rate: 4 << 30, total: 8 << 20, end: io.EOF},
		"fault":             {rate: 40 << 20, total: 1<<20 + 3, end: fault},
		"the end with data": {rate: 40 << 20, total: 1<<20 + 3, end: io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				took, err := drain(t, f)
				if !errors.Is(err, f.end) {
					t.Errorf("ended with %v, want %v", err, f.end)
				}
				due := time.Duration(float64(f.total) / float64(f.rate) * float64(time.Second))
				if took > due+3*aheadPause {
					t.Errorf("took %v of the bubble's time, the source %v", took, due)
				}
			})
		})
	}
}

// A stream that flows is taken in far fewer reads than the library asks for; one that does not is never held back.
func TestReadAhead_Pause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &flow{rate: 40 << 20, total: 4 << 20, end: io.EOF, start: time.Now()}
		var a readAhead
		calls := 0
		b := make([]byte, 4096)
		for {
			calls++
			if _, err := a.read(f, b); err != nil {
				break
			}
		}
		if f.reads*4 > calls {
			t.Errorf("%d reads of the source for %d of the library", f.reads, calls)
		}

		// An echo after it: the stream counts as slow from the first read on that looks at a whole span.
		time.Sleep(time.Second)
		for range 3 {
			before := time.Now()
			if n, err := a.read(bytes.NewReader([]byte("x")), b); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			if waited := time.Since(before); waited > aheadPause {
				t.Errorf("an echo waited %v", waited)
			}
			time.Sleep(100 * time.Millisecond)
		}
		before := time.Now()
		if _, err := a.read(bytes.NewReader([]byte("x")), b); err != nil || time.Since(before) != 0 {
			t.Errorf("an echo on a slow stream waited %v, %v", time.Since(before), err)
		}
	})
}
