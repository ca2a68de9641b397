package wire_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

func TestReader_FieldsAndFirstError(t *testing.T) {
	r := wire.NewReader([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	if got := r.U8("a"); got != 1 {
		t.Errorf("a = %d", got)
	}
	if got := r.U16LE("b"); got != 0x0302 {
		t.Errorf("b = %#x", got)
	}
	if got := r.U16BE("c"); got != 0x0405 {
		t.Errorf("c = %#x", got)
	}
	if got := r.Peek(2); !bytes.Equal(got, []byte{6, 7}) {
		t.Errorf("peek = %v", got)
	}
	if got := r.U64LE("d"); got != 0 {
		t.Errorf("d = %#x", got)
	}
	var short *wire.ShortError
	if !errors.As(r.Err(), &short) || *short != (wire.ShortError{Field: "d", Need: 8, Have: 4}) {
		t.Fatalf("err = %v", r.Err())
	}
	r.U8("e")
	r.Failf("other")
	if err := r.Close("PDU"); err == nil || err.Error() != "PDU: d: need 8 bytes, have 4" {
		t.Errorf("Close = %v", err)
	}
	if r.Len() != 0 || r.Rest() != nil || r.Peek(1) != nil {
		t.Error("a reader with an error has bytes left")
	}
}

func TestReader_CloseWantsAllRead(t *testing.T) {
	r := wire.NewReader([]byte{1, 2})
	r.U8("a")
	if err := r.Close("PDU"); !errors.Is(err, wire.ErrTrailing) {
		t.Errorf("Close = %v", err)
	}
	r = wire.NewReader([]byte{1, 2})
	if err := r.Done("PDU"); err != nil {
		t.Errorf("Done = %v", err)
	}
}

// TestReader_S22_CountsBeforeMemory: what a peer announces meets its limit, and what must be there, before it is believed.
func TestReader_S22_CountsBeforeMemory(t *testing.T) {
	for _, tc := range []struct {
		n           uint64
		size, limit int
		want        int
		bad         bool
	}{
		{4, 2, 10, 4, false},
		{5, 2, 10, 0, true},
		{11, 0, 10, 0, true},
		{10, 0, 10, 10, false},
		{1 << 63, 8, 1 << 30, 0, true},
		{1 << 40, 1, 1 << 30, 0, true},
	} {
		r := wire.NewReader(make([]byte, 8))
		if got := r.Count("n", tc.n, tc.size, tc.limit); got != tc.want || (r.Err() != nil) != tc.bad {
			t.Errorf("Count(%d of %d, limit %d) = %d, %v", tc.n, tc.size, tc.limit, got, r.Err())
		}
	}
}

// TestReader_SubStaysInside: a nested block cannot read past its length, and what is wrong in it is its own.
func TestReader_SubStaysInside(t *testing.T) {
	r := wire.NewReader([]byte{1, 2, 3})
	sub := r.Sub("block", 2)
	sub.U32LE("x")
	if sub.Err() == nil || r.Err() != nil || r.U8("after") != 3 {
		t.Errorf("sub %v, outer %v", sub.Err(), r.Err())
	}
	if s := r.Sub("more", 1); s.Err() == nil || s.Len() != 0 {
		t.Errorf("a block that is not there: %v", s.Err())
	}
}

func TestBER_RoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 255, 256, 65535, 65536} {
		b := wire.AppendBERTag(nil, wire.BEROctetString, make([]byte, n))
		r := wire.NewReader(b)
		if c := r.BERTag("s", wire.BEROctetString); c.Len() != n || r.Close("x") != nil {
			t.Errorf("octets of %d: %d, %v", n, c.Len(), r.Err())
		}
	}
	for _, v := range []uint32{0, 1, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffffffff} {
		for _, b := range [][]byte{wire.AppendBERInteger(nil, v), wire.AppendBEREnumerated(nil, v)} {
			r := wire.NewReader(b)
			got := uint32(0)
			if b[0] == wire.BERInteger {
				got = r.BERInteger("i")
			} else {
				got = r.BEREnumerated("i")
			}
			if got != v || r.Close("x") != nil {
				t.Errorf("number %d: %d, %v (% x)", v, got, r.Err(), b)
			}
		}
	}
	for _, tag := range []uint8{1, 30, 101} {
		b := wire.AppendBERApplication(nil, tag, []byte("abc"))
		r := wire.NewReader(b)
		c := r.BERApplication("app", tag)
		if string(c.Rest()) != "abc" || r.Close("x") != nil {
			t.Errorf("application %d: %v", tag, r.Err())
		}
	}
	r := wire.NewReader(wire.AppendBERBool(wire.AppendBERBool(nil, true), false))
	if !r.BERBool("t") || r.BERBool("f") || r.Close("x") != nil {
		t.Errorf("booleans: %v", r.Err())
	}
}

func TestBER_S09_Refuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"indefinite length": {0x04, 0x80, 0, 0}, "long length": {0x04, 0x85, 0, 0, 0, 0, 1}, "length that lies": {0x04, 0x84, 0xff, 0xff, 0xff, 0xff},
		"other tag": {0x02, 1, 0}, "empty": {},
	} {
		r := wire.NewReader(b)
		r.BERTag("s", wire.BEROctetString)
		if r.Err() == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for name, b := range map[string][]byte{"empty number": {2, 0}, "long number": {2, 5, 1, 2, 3, 4, 5}} {
		r := wire.NewReader(b)
		r.BERInteger("i")
		if r.Err() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestPER_RoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 0x3fff} {
		r := wire.NewReader(wire.AppendPERLength(nil, n))
		if got := r.PERLength("n"); got != n || r.Close("x") != nil {
			t.Errorf("length %d: %d, %v", n, got, r.Err())
		}
	}
	if wire.AppendPERLength(nil, 0x4000) != nil || wire.AppendPERLength(nil, -1) != nil {
		t.Error("a length that PER cannot say is appended")
	}
	for _, v := range []uint32{0, 255, 256, 65535, 65536, 0xffffffff} {
		r := wire.NewReader(wire.AppendPERInteger(nil, v))
		if got := r.PERInteger("v"); got != v || r.Close("x") != nil {
			t.Errorf("number %d: %d, %v", v, got, r.Err())
		}
	}
	r := wire.NewReader(wire.AppendPERInteger16(nil, 1003, 1001))
	if got := r.PERInteger16("v", 1001); got != 1003 {
		t.Errorf("constrained: %d, %v", got, r.Err())
	}
	r = wire.NewReader([]byte{0xff, 0xff})
	r.PERInteger16("v", 1001)
	if r.Err() == nil {
		t.Error("a constrained number beyond 65535 is taken")
	}
	r = wire.NewReader([]byte{0xc1})
	r.PERLength("n")
	if r.Err() == nil {
		t.Error("a fragmented length is taken")
	}
	r = wire.NewReader(wire.AppendPEROctets(nil, []byte("Duca"), 4))
	if got := r.PEROctets("h", 4); string(got) != "Duca" || r.Close("x") != nil {
		t.Errorf("octets: %q, %v", got, r.Err())
	}
}

func TestUTF16(t *testing.T) {
	b := wire.AppendUTF16(nil, "aé😀")
	r := wire.NewReader(b)
	if got := r.UTF16("s", len(b)); got != "aé😀" || r.Close("x") != nil {
		t.Errorf("text %q, %v", got, r.Err())
	}
	r = wire.NewReader([]byte("abc"))
	r.UTF16("s", 3)
	if r.Err() == nil || !strings.Contains(r.Err().Error(), "odd") {
		t.Errorf("odd length: %v", r.Err())
	}
	for size, want := range map[int]string{2: "", 4: "a", 6: "aé", 8: "aé", 10: "aé😀", 16: "aé😀"} {
		b := wire.AppendFixedUTF16(nil, "aé😀", size)
		if len(b) != size {
			t.Errorf("size %d: %d bytes", size, len(b))
		}
		r := wire.NewReader(b)
		if got := r.FixedUTF16("s", size); got != want {
			t.Errorf("size %d: %q, want %q", size, got, want)
		}
	}
}

// FuzzReader calls every method in an order that the input chooses: nothing may panic, and no more may come out than went in.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, []byte{0x30, 3, 2, 1, 5, 0x82, 1, 0})
	f.Add([]byte{9, 10, 11, 12}, wire.AppendBERApplication(nil, 101, wire.AppendBERInteger(nil, 77)))
	f.Add([]byte{13, 14, 15}, wire.AppendPEROctets(wire.AppendPERInteger(nil, 1<<20), []byte("McDn"), 4))
	f.Fuzz(func(t *testing.T, ops, data []byte) {
		r := wire.NewReader(data)
		before := r.Len()
		for _, op := range ops {
			n := int(int8(op))
			switch op % 19 {
			case 0:
				r.U8("f")
			case 1:
				r.U16LE("f")
			case 2:
				r.U32LE("f")
			case 3:
				r.U64LE("f")
			case 4:
				r.U16BE("f")
			case 5:
				r.U32BE("f")
			case 6:
				r.Bytes("f", n)
			case 7:
				r.Skip("f", n)
			case 8:
				sub := r.Sub("f", n)
				sub.U32LE("g")
			case 9:
				r.BERTag("f", wire.BERSequence)
			case 10:
				r.BERApplication("f", 101)
			case 11:
				r.BERInteger("f")
			case 12:
				r.BERBool("f")
			case 13:
				r.PERInteger("f")
			case 14:
				r.PEROctets("f", n)
			case 15:
				r.PERInteger16("f", uint16(op))
			case 16:
				r.UTF16("f", n)
			case 17:
				r.Count("f", uint64(op)<<(op%57), n, 1<<20)
			case 18:
				r.Peek(n)
			}
			if r.Len() > before {
				t.Fatalf("%d bytes left, there were %d", r.Len(), before)
			}
			before = r.Len()
		}
	})
}
