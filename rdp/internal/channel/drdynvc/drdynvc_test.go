package drdynvc_test

import (
	"bytes"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/channel"
	"github.com/sallyport/sallyport/rdp/internal/channel/drdynvc"
)

func bin(t testing.TB, p drdynvc.PDU) []byte {
	t.Helper()
	b, err := p.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pdus are one of each kind, as a server or a client sends them.
var pdus = []drdynvc.PDU{
	{Command: drdynvc.CommandCapabilities, Version: 1},
	{Command: drdynvc.CommandCapabilities, Version: 2, Charges: [4]uint16{936, 3276, 9362, 21845}},
	{Command: drdynvc.CommandCapabilities, Version: 3, Response: true},
	{Command: drdynvc.CommandCreate, Channel: 3, Priority: 2, Name: "testdvc"},
	{Command: drdynvc.CommandCreate, Channel: 0x1234, Response: true, Status: drdynvc.StatusNoListener},
	{Command: drdynvc.CommandDataFirst, Channel: 0x12345678, Length: 3000, Data: []byte("abc")},
	{Command: drdynvc.CommandDataFirst, Channel: 7, Length: 70_000, Data: []byte("abc")},
	{Command: drdynvc.CommandData, Channel: 255, Data: []byte("abc")},
	{Command: drdynvc.CommandClose, Channel: 256},
}

// TestPDU_BothWays: each PDU is taken as it was appended, and its fixed part at no shorter length.
func TestPDU_BothWays(t *testing.T) {
	for _, want := range pdus {
		b := bin(t, want)
		got := drdynvc.PDU{Response: want.Response}
		if err := got.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("% x: %+v, %v, want %+v", b, got, err, want)
		}
		fixed := len(b) - len(want.Data) - len(want.Name)
		if want.Name != "" {
			fixed-- // its NUL
		}
		for n := range fixed {
			if new(drdynvc.PDU).UnmarshalBinary(b[:n]) == nil && !want.Response {
				t.Errorf("% x: %d bytes are taken", b, n)
			}
		}
	}
	// As [MS-RDPEDYC] 4.1.1 and 4.2.1 have them.
	for want, p := range map[string]drdynvc.PDU{
		"\x50\x00\x02\x00\x33\x33\x11\x11\x3d\x0a\xa7\x04": {Command: drdynvc.CommandCapabilities, Version: 2, Charges: [4]uint16{0x3333, 0x1111, 0x0a3d, 0x04a7}},
		"\x10\x03testdvc\x00":                              {Command: drdynvc.CommandCreate, Channel: 3, Name: "testdvc"},
		"\x10\x03\x00\x00\x00\x00":                         {Command: drdynvc.CommandCreate, Channel: 3, Response: true},
		"\x40\x03":                                         {Command: drdynvc.CommandClose, Channel: 3},
		"\x30\x03\x71":                                     {Command: drdynvc.CommandData, Channel: 3, Data: []byte{0x71}},
		"\x24\x03\x7b\x0c\x71":                             {Command: drdynvc.CommandDataFirst, Channel: 3, Length: 0xc7b, Data: []byte{0x71}},
	} {
		if got := bin(t, p); string(got) != want {
			t.Errorf("% x, want % x", got, want)
		}
	}
	for _, p := range []drdynvc.PDU{{Command: drdynvc.CommandCreate, Priority: 4}, {Command: drdynvc.CommandCreate, Name: "a\x00"}, {Command: 12}} {
		if _, err := p.AppendBinary(nil); err == nil {
			t.Errorf("%+v is appended", p)
		}
	}
}

// echo says everything twice over.
type echo struct {
	first  [][]byte
	got    [][]byte
	closed bool
	err    error
}

func (e *echo) Receive(m []byte) ([][]byte, error) {
	e.got = append(e.got, slices.Clone(m))
	return [][]byte{e.got[len(e.got)-1]}, e.err
}
func (e *echo) Opened() [][]byte { return e.first }
func (e *echo) Closed()          { e.closed = true }

func listen(e *echo, most int) *drdynvc.Client {
	return drdynvc.New(map[string]drdynvc.Listener{
		"echo": {Open: func(uint32) channel.Processor { return e }, MaxMessage: most},
		"shut": {Open: func(uint32) channel.Processor { return nil }},
	})
}

func say(t *testing.T, c *drdynvc.Client, messages ...[]byte) (out [][]byte) {
	t.Helper()
	for _, m := range messages {
		replies, err := c.Receive(m)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, replies...)
	}
	return out
}

// TestClient_Versions: the client agrees to the lower version, and never to one with compressed data.
func TestClient_Versions(t *testing.T) {
	for version, want := range map[uint16]uint16{1: 1, 2: 2, 3: 2, 99: 2} {
		got := say(t, listen(&echo{}, 0), bin(t, drdynvc.PDU{Command: drdynvc.CommandCapabilities, Version: version}))
		if len(got) != 1 || !bytes.Equal(got[0], bin(t, drdynvc.PDU{Command: drdynvc.CommandCapabilities, Response: true, Version: want})) {
			t.Errorf("version %d: % x", version, got)
		}
	}
}

// TestClient_OpensTalksCloses: a channel opens when somebody listens; messages of every length go both ways; it closes, and opens anew.
func TestClient_OpensTalksCloses(t *testing.T) {
	e := &echo{first: [][]byte{[]byte("hello")}}
	c := listen(e, 0)
	for _, id := range []uint32{3, 0x1234, 0x12345678} {
		out := say(t, c, bin(t, drdynvc.PDU{Command: drdynvc.CommandCreate, Channel: id, Name: "echo"}))
		want := [][]byte{
			bin(t, drdynvc.PDU{Command: drdynvc.CommandCreate, Channel: id, Response: true}),
			bin(t, drdynvc.PDU{Command: drdynvc.CommandData, Channel: id, Data: []byte("hello")}),
		}
		if !reflect.DeepEqual(out, want) {
			t.Fatalf("channel %d: % x, want % x", id, out, want)
		}
		for _, n := range []int{0, 1, 1594, 1595, 1596, 1600, 3190, 100_000} {
			message := bytes.Repeat([]byte{'x'}, n)
			cut := drdynvc.Cut(id, message)
			if got := say(t, c, cut...); !reflect.DeepEqual(got, cut) {
				t.Errorf("channel %d, %d bytes: %d PDUs went back, want %d", id, n, len(got), len(cut))
			}
			for _, b := range cut {
				if len(b) > 1600 {
					t.Errorf("PDU of %d bytes", len(b))
				}
			}
			if sent, err := c.Send(id, message); err != nil || !reflect.DeepEqual(sent, cut) {
				t.Error(len(sent), err)
			}
		}
		shut := bin(t, drdynvc.PDU{Command: drdynvc.CommandClose, Channel: id})
		if out := say(t, c, shut); len(out) != 1 || !bytes.Equal(out[0], shut) || !e.closed {
			t.Errorf("close is answered with % x", out)
		}
		if out := say(t, c, shut, bin(t, drdynvc.PDU{Command: drdynvc.CommandData, Channel: id, Data: []byte("late")})); out != nil {
			t.Errorf("after the close: % x", out)
		}
		if _, err := c.Send(id, []byte("late")); !errors.Is(err, drdynvc.ErrClosed) {
			t.Error(err)
		}
		e.closed = false
	}
}

// TestClient_S19_RefusesWhatNobodyListensTo: by name, by the listener's will, by number; what is then sent there reaches nobody.
func TestClient_S19_RefusesWhatNobodyListensTo(t *testing.T) {
	e := &echo{}
	c := listen(e, 0)
	create := func(id uint32, name string) drdynvc.Status {
		out := say(t, c, bin(t, drdynvc.PDU{Command: drdynvc.CommandCreate, Channel: id, Name: name}))
		p := drdynvc.PDU{Response: true}
		if err := p.UnmarshalBinary(out[0]); err != nil || len(out) != 1 || p.Channel != id {
			t.Fatalf("% x: %+v, %v", out, p, err)
		}
		return p.Status
	}
	for _, name := range []string{"", "shut", "ECHO", "echo2", strings.Repeat("n", 256)} {
		if s := create(900, name); uint32(s) != 0xc0000001 {
			t.Errorf("%q: %#x", name, uint32(s))
		}
	}
	if out := say(t, c, bin(t, drdynvc.PDU{Command: drdynvc.CommandData, Channel: 900, Data: []byte("x")})); out != nil {
		t.Errorf("% x", out)
	}
	for i := range uint32(64) {
		if s := create(i, "echo"); s != drdynvc.StatusOK {
			t.Errorf("channel %d: %d", i, s)
		}
	}
	if s := create(64, "echo"); s != drdynvc.StatusNoListener {
		t.Errorf("a 65th channel: %d", s)
	}
	if len(e.got) > 0 {
		t.Error("something reached the listener")
	}
}

// TestClient_S09_Lies: PDUs that lie, or that were not agreed on, are errors, and none takes memory for what it announces.
func TestClient_S09_Lies(t *testing.T) {
	first := func(length uint32, data string) []byte {
		return bin(t, drdynvc.PDU{Command: drdynvc.CommandDataFirst, Channel: 1, Length: length, Data: []byte(data)})
	}
	more := func(data string) []byte {
		return bin(t, drdynvc.PDU{Command: drdynvc.CommandData, Channel: 1, Data: []byte(data)})
	}
	for name, all := range map[string][][]byte{
		"nothing":                {{}},
		"unknown command":        {{0xf0, 1}},
		"command 0":              {{0x00, 1}},
		"channel of length 3":    {{0x33, 1, 2, 3, 4}},
		"length of length 3":     {{0x2c, 1, 2, 3, 4, 5}},
		"version 0":              {{0x50, 0, 0, 0}},
		"no version":             {{0x50, 0}},
		"name too long":          {append([]byte{0x10, 9}, bytes.Repeat([]byte{'n'}, 257)...)},
		"open already":           {bin(t, drdynvc.PDU{Command: drdynvc.CommandCreate, Channel: 1, Name: "echo"})},
		"more than the limit":    {first(1001, "abc")},
		"four gigabytes":         {first(0xffffffff, "abc")},
		"one PDU over the limit": {more(strings.Repeat("x", 1001))},
		"longer than announced":  {first(2, "abc")},
		"zero, and then some":    {first(0, "abc")},
		"too much in the end":    {first(6, "abc"), more("defg")},
		"first twice":            {first(6, "abc"), first(6, "abc")},
		"compressed":             {{0x70, 1, 0xe0, 0x04, 'a'}},
		"first, compressed":      {{0x60, 1, 3, 0xe0, 0x04, 'a'}},
		"soft sync":              {{0x80, 0, 8, 0, 0, 0, 0, 0, 0, 0}},
	} {
		c := listen(&echo{}, 1000)
		say(t, c, bin(t, drdynvc.PDU{Command: drdynvc.CommandCreate, Channel: 1, Name: "echo"}))
		var err error
		for i, m := range all {
			if _, err = c.Receive(m); err != nil && i != len(all)-1 {
				t.Fatalf("%s: PDU %d: %v", name, i, err)
			}
		}
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	c := listen(&echo{}, 1<<30)
	say(t, c, bin(t, drdynvc.PDU{Command: drdynvc.CommandCreate, Channel: 1, Name: "echo"}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_ = say(t, c, first(1<<30, "abc"))
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 1<<20 {
		t.Errorf("%d bytes for a message that only announces itself", after.TotalAlloc-before.TotalAlloc)
	}
	e := &echo{err: errors.New("broken")}
	c = listen(e, 0)
	say(t, c, bin(t, drdynvc.PDU{Command: drdynvc.CommandCreate, Channel: 1, Name: "echo"}))
	if _, err := c.Receive(more("x")); !errors.Is(err, e.err) {
		t.Error(err)
	}
}

// FuzzClient: whatever a server sends, no panic, and no message beyond the limit.
func FuzzClient(f *testing.F) {
	var all []byte
	for _, p := range pdus {
		b := bin(f, p)
		all = append(append(all, byte(len(b))), b...)
		f.Add(append([]byte{byte(len(b))}, b...))
	}
	f.Add(all)
	for _, b := range drdynvc.Cut(3, make([]byte, 3000)) {
		f.Add(append([]byte{byte(len(b))}, b...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e := &echo{}
		c := listen(e, 100)
		if _, err := c.Receive(bin(t, drdynvc.PDU{Command: drdynvc.CommandCreate, Channel: 3, Name: "echo"})); err != nil {
			t.Fatal(err)
		}
		for len(b) > 0 {
			n := min(int(b[0]), len(b)-1)
			if _, err := c.Receive(b[1 : 1+n]); err != nil {
				return
			}
			b = b[1+n:]
		}
		for _, m := range e.got {
			if len(m) > 100 {
				t.Fatalf("message of %d bytes", len(m))
			}
		}
	})
}
