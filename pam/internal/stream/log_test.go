package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func item(s string) Item { return Item{Kind: 1, Payload: []byte(s)} }

func text(items []Item) string {
	var b bytes.Buffer
	for _, it := range items {
		b.Write(it.Payload)
	}
	return b.String()
}

// TestGate_S03_NothingBeyondWritten shows that no reader sees what the recording has not got.
func TestGate_S03_NothingBeyondWritten(t *testing.T) {
	l := New(1<<20, time.Second)
	r := l.NewReader(true)
	l.Append(item("a"), 1)
	l.Append(item("b"), 2)
	l.Append(item("c"), 3)
	if got, err := r.Next(nil, 100, true); err != nil || len(got) != 0 {
		t.Fatalf("before the gate: %q, %v", text(got), err)
	}
	l.SetGate(2)
	if got, err := r.Next(nil, 100, true); err != nil || text(got) != "ab" {
		t.Fatalf("gate 2: %q, %v; want ab", text(got), err)
	}
	l.Close()
	if got, err := r.Next(nil, 100, true); !errors.Is(err, io.EOF) || len(got) != 0 {
		t.Fatalf("closed below the gate: %q, %v; want EOF", text(got), err)
	}
}

func TestNext_BoundsABatch(t *testing.T) {
	l := New(1<<20, time.Second)
	r := l.NewReader(true)
	for _, s := range []string{"aaaa", "bb", "cc"} {
		l.Append(item(s), 0)
	}
	for _, want := range []string{"aaaa", "bb", "cc"} {
		if got, _ := r.Next(nil, 3, true); text(got) != want {
			t.Fatalf("got %q, want %q", text(got), want)
		}
	}
}

func TestReserve_WaitsForRequiredReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1000, time.Second)
		r := l.NewReader(true)
		l.Append(item(string(make([]byte, 1000))), 0)
		done := make(chan error, 1)
		go func() { done <- l.Reserve(t.Context()) }()
		time.Sleep(time.Hour) // the appender waits for as long as it takes
		select {
		case err := <-done:
			t.Fatalf("Reserve returned %v while the reader was behind", err)
		default:
		}
		if _, err := r.Next(nil, 5000, true); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestReserve_S27_GateStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(100, 10*time.Second)
		l.Append(item(string(make([]byte, 200))), 1)
		start := time.Now()
		if err := l.Reserve(t.Context()); !errors.Is(err, ErrGateStalled) {
			t.Fatalf("Reserve = %v, want ErrGateStalled", err)
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("stalled after %v, want 10 s", d)
		}
	})
}

func TestReserve_HonoursContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(100, time.Hour)
		l.Append(item(string(make([]byte, 200))), 1)
		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		if err := l.Reserve(ctx); !errors.Is(err, why) {
			t.Errorf("Reserve = %v, want the cause", err)
		}
	})
}

// TestReader_S26_SlowJoinerHurtsOnlyItself: a reader that is not required neither slows the appender nor holds
// memory, and is told that it lost its place.
func TestReader_S26_SlowJoinerHurtsOnlyItself(t *testing.T) {
	l := New(1000, time.Second)
	owner, joiner := l.NewReader(true), l.NewReader(false)
	for i := range 1000 {
		if err := l.Reserve(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.Append(item(fmt.Sprint(i%10)), 0)
		if got, err := owner.Next(nil, 1<<20, true); err != nil || len(got) != 1 {
			t.Fatalf("owner at %d: %v, %v", i, got, err)
		}
	}
	l.mu.Lock()
	kept := len(l.ring) - l.head
	l.mu.Unlock()
	if kept > 1000/overhead+2 {
		t.Errorf("the log keeps %d items for a joiner that does not read", kept)
	}
	if _, err := joiner.Next(nil, 10, true); !errors.Is(err, ErrBehind) {
		t.Errorf("joiner: %v, want ErrBehind", err)
	}
	l.Append(item("new"), 0)
	if got, err := joiner.Next(nil, 10, true); err != nil || text(got) != "new" {
		t.Errorf("joiner afterwards: %q, %v", text(got), err)
	}
}

func TestReader_SkipToTheFuture(t *testing.T) {
	l := New(1000, time.Second)
	r := l.NewReader(true)
	r.SkipTo(3)
	for _, s := range []string{"a", "b", "c"} {
		l.Append(item(s), 0)
	}
	if got, err := r.Next(nil, 100, true); err != nil || text(got) != "c" {
		t.Errorf("got %q, %v; want c", text(got), err)
	}
}

// TestLog_Model compares a log with a plain slice under random schedules.
func TestLog_Model(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := New(1<<20, time.Second)
		var all []byte
		var gate, seq uint64
		type pos struct {
			r  *Reader
			at uint64
		}
		var readers []*pos
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				seq++
				b := byte('a' + seq%26)
				all = append(all, b)
				if got := l.Append(Item{Payload: []byte{b}}, seq); got != seq {
					t.Fatalf("seq = %d, want %d", got, seq)
				}
			},
			"gate": func(t *rapid.T) {
				gate = max(gate, rapid.Uint64Range(0, seq).Draw(t, "gate"))
				l.SetGate(gate)
			},
			"join": func(t *rapid.T) {
				readers = append(readers, &pos{l.NewReader(rapid.Bool().Draw(t, "required")), seq})
			},
			"leave": func(t *rapid.T) {
				if len(readers) > 0 {
					readers[0].r.Close()
					readers = readers[1:]
				}
			},
			"read": func(t *rapid.T) {
				for _, p := range readers {
					n := rapid.IntRange(1, 10).Draw(t, "max")
					got, err := p.r.Next(nil, n, true)
					if err != nil {
						t.Fatal(err)
					}
					want := uint64(0)
					if gate > p.at {
						want = min(gate-p.at, uint64(n))
					}
					if uint64(len(got)) != want || text(got) != string(all[p.at:p.at+want]) {
						t.Fatalf("reader at %d, gate %d: got %q, want %d items", p.at, gate, text(got), want)
					}
					p.at += want
				}
			},
			"": func(t *rapid.T) {
				if l.Len() != seq || l.Visible() != min(gate, seq) {
					t.Fatalf("len %d visible %d, want %d %d", l.Len(), l.Visible(), seq, gate)
				}
			},
		})
	})
}

// BenchmarkFanOut measures one append read by n readers; the bytes are shared.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := New(1<<20, time.Second)
			var readers []*Reader
			for range n {
				readers = append(readers, l.NewReader(true))
			}
			it := Item{Kind: 0x10, Payload: make([]byte, 32<<10)}
			buf := make([]Item, 0, 4)
			b.SetBytes(int64(len(it.Payload)))
			b.ReportAllocs()
			for b.Loop() {
				if err := l.Reserve(b.Context()); err != nil {
					b.Fatal(err)
				}
				l.Append(it, 0)
				for _, r := range readers {
					if _, err := r.Next(buf, 1<<20, true); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// An item that the gate holds back wakes no reader, since there is nothing to read: SetGate does, once. A reader that
// falls out of the backlog is told at once.
func TestLog_NothingToReadWakesNobody(t *testing.T) {
	l := New(1<<10, time.Second)
	r := l.NewReader(false)
	woken := func() bool {
		select {
		case <-r.Ready():
			return true
		default:
			return false
		}
	}
	l.Append(Item{Payload: []byte("held")}, 5)
	if woken() {
		t.Error("woken for what the gate holds back")
	}
	l.SetGate(5)
	if !woken() {
		t.Error("not woken when the gate moved")
	}
	l.Append(Item{Payload: []byte("shown")}, 5)
	if !woken() {
		t.Error("not woken for what can be read")
	}
	l.Append(Item{Payload: make([]byte, 2<<10)}, 6)
	if !woken() {
		t.Error("a reader that fell out of the backlog was not woken")
	}
}
