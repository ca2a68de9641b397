package pamtest

import (
	"bytes"
	"sync"
)

// tap feeds one stream to its scanner, keeping as much of the end as a pattern may still need.
type tap struct {
	s     *Scanner
	where string

	mu       sync.Mutex // guards both windows
	plain    window
	squeezed window
}

// window is the tail of a stream that was not yet given up.
type window struct {
	buf    []byte
	offset int64 // of buf[0]
}

// Write implements io.Writer and never fails.
func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s.search(&t.plain, t.where, p, false)
	t.s.search(&t.squeezed, t.where, squeeze(p), true)
	t.s.mu.Lock()
	t.s.scanned += int64(len(p))
	t.s.mu.Unlock()
	return len(p), nil
}

// search adds p to w, looks for every pattern that ends in p, and drops what no pattern can need any more.
func (s *Scanner) search(w *window, where string, p []byte, squeezed bool) {
	old := len(w.buf)
	w.buf = append(w.buf, p...)
	for _, pat := range s.patterns {
		if pat.squeeze != squeezed {
			continue
		}
		from := max(0, old-len(pat.text)+1) // what ends earlier was found before
		for {
			i := bytes.Index(w.buf[from:], pat.text)
			if i < 0 {
				break
			}
			hit := Hit{Where: where, Offset: w.offset + int64(from+i), Secret: pat.secret, Form: pat.form}
			s.mu.Lock()
			s.hits = append(s.hits, hit)
			s.mu.Unlock()
			from += i + len(pat.text)
		}
	}
	if drop := len(w.buf) - (s.longest - 1); drop > 0 {
		w.offset += int64(drop)
		w.buf = append(w.buf[:0], w.buf[drop:]...)
	}
}

// squeeze returns p without white space.
func squeeze(p []byte) []byte {
	out := make([]byte, 0, len(p))
	for _, c := range p {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			out = append(out, c)
		}
	}
	return out
}
