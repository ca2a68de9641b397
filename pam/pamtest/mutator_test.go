package pamtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
)

func TestMutator(t *testing.T) {
	piece := bytes.Repeat([]byte("0123456789"), 50)
	whole := bytes.Clone(piece)
	run := func(seed uint64, spread int) (out [][]byte, changed int) {
		m := pamtest.NewMutator(seed, spread)
		for range 1000 {
			p := m.Mutate(piece)
			if !bytes.Equal(p, whole) {
				changed++
			}
			out = append(out, bytes.Clone(p))
		}
		if n := m.Mutations(); changed > n {
			t.Errorf("%d pieces differ, %d count as changed", changed, n)
		}
		return out, changed
	}
	first, changed := run(7, 10)
	if changed < 40 || changed > 200 {
		t.Errorf("%d of 1,000 pieces changed, want about 100", changed)
	}
	again, _ := run(7, 10)
	other, _ := run(8, 10)
	same := true
	for i := range first {
		if !bytes.Equal(first[i], again[i]) {
			t.Fatalf("piece %d differs for the same seed", i)
		}
		same = same && bytes.Equal(first[i], other[i])
	}
	if same {
		t.Error("another seed changes the same")
	}
	if _, n := run(1, 0); n < 900 {
		t.Errorf("with a spread of 0 %d of 1,000 pieces changed, want nearly all", n)
	}
	if !bytes.Equal(piece, whole) {
		t.Error("the caller's bytes were changed")
	}
	if p := pamtest.NewMutator(1, 1).Mutate(nil); len(p) != 0 {
		t.Errorf("of nothing came %q", p)
	}
}

func TestMutatingLink(t *testing.T) {
	sent := make([]byte, 4096)
	for i := range sent {
		sent[i] = byte(i ^ i>>8)
	}
	exchange := func(mut *pamtest.Mutator) []byte {
		l := pamtest.NewMutatingLink(t, echo(t), func(int) (up, down *pamtest.Mutator) { return nil, mut })
		defer l.Close()
		c := dial(t, l.Addr())
		if _, err := c.Write(sent); err != nil {
			t.Fatal(err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(c)
		return got
	}
	if got := exchange(nil); !bytes.Equal(got, sent) {
		t.Errorf("without a mutator %d bytes came back that are not the %d sent", len(got), len(sent))
	}
	changed := 0
	for seed := range uint64(10) {
		mut := pamtest.NewMutator(seed, 1)
		if got := exchange(mut); !bytes.Equal(got, sent) {
			changed++
		}
		if mut.Mutations() == 0 {
			t.Errorf("seed %d changed nothing", seed)
		}
	}
	if changed < 5 { // a swap may be of nothing
		t.Errorf("%d of 10 connections gave other bytes", changed)
	}
	l := pamtest.NewMutatingLink(t, echo(t), func(int) (up, down *pamtest.Mutator) { return nil, nil })
	var unveiled atomic.Int32
	l.Unveil(func(_ context.Context, client, target net.Conn) (net.Conn, net.Conn, error) {
		if unveiled.Add(1) > 1 {
			return nil, nil, errors.New("no key")
		}
		return client, target, nil
	})
	c := dial(t, l.Addr())
	roundTrip(t, c, "before")
	if _, err := dial(t, l.Addr()).Read(make([]byte, 1)); err == nil {
		t.Error("a connection that was not unveiled goes on")
	}
	l.Close()
	l.Close() // twice is fine
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection lives on after Close")
	}
}
