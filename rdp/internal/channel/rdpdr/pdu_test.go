package rdpdr_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/channel/rdpdr"
)

// body cuts a PDU that must be of that type.
func body(t testing.TB, b []byte, want rdpdr.Packet) []byte {
	t.Helper()
	p, rest, err := rdpdr.TakeHeader(b)
	if err != nil || p != want {
		t.Fatalf("%v, %v, want %v", p, err, want)
	}
	return rest
}

// requests are one of each kind.
var requests = []rdpdr.Request{
	{Device: 1, ID: 7, Major: rdpdr.MajorCreate, Access: rdpdr.AccessReadData, Allocation: 1 << 40, Attributes: 0x80, Share: 7, Disposition: rdpdr.DispositionOpenIf, Options: rdpdr.OptionNoDirectory, Path: `\a\b ü.txt`},
	{Device: 1, File: 2, ID: 7, Major: rdpdr.MajorClose},
	{Device: 1, File: 2, ID: 7, Major: rdpdr.MajorRead, Length: 4096, Offset: 1 << 40},
	{Device: 1, File: 2, ID: 7, Major: rdpdr.MajorWrite, Offset: 3, Data: []byte("abc")},
	{Device: 1, File: 2, ID: 7, Major: rdpdr.MajorQuery, Class: rdpdr.ClassBasic, Length: 36},
	{Device: 1, File: 2, ID: 7, Major: rdpdr.MajorSet, Class: rdpdr.ClassEndOfFile, Data: make([]byte, 8)},
	{Device: 1, File: 2, ID: 7, Major: rdpdr.MajorQueryVolume, Class: rdpdr.ClassVolume, Length: 100},
	{Device: 1, File: 2, ID: 7, Major: rdpdr.MajorSetVolume, Class: rdpdr.ClassVolumeLabel, Data: []byte{1, 0, 0, 0, 'x', 0}},
	{Device: 1, File: 2, ID: 7, Major: rdpdr.MajorDirectory, Minor: rdpdr.MinorQueryDirectory, Class: rdpdr.ClassBothDirectory, First: true, Path: `\*`},
	{Device: 1, File: 2, ID: 7, Major: rdpdr.MajorDirectory, Minor: rdpdr.MinorQueryDirectory, Class: rdpdr.ClassNames},
	{Device: 1, File: 2, ID: 7, Major: rdpdr.MajorDirectory, Minor: rdpdr.MinorNotifyChange, Tree: true, Filter: 0x17},
	{Device: 1, File: 2, ID: 7, Major: rdpdr.MajorControl, Code: 0x900a8, Length: 16, Data: []byte("in")},
	{Device: 1, File: 2, ID: 7, Major: rdpdr.MajorLock, Minor: 1},
	{Device: 1, File: 2, ID: 7, Major: 0x77},
}

// fixed is how many bytes of a request cannot be missing.
func fixed(q *rdpdr.Request) int {
	switch {
	case q.Major == rdpdr.MajorClose: // its padding has no meaning
		return 24
	case q.Major == rdpdr.MajorRead:
		return 24 + 12
	case q.Major == rdpdr.MajorQuery || q.Major == rdpdr.MajorQueryVolume:
		return 24 + 8
	case q.Minor == rdpdr.MinorNotifyChange && q.Major == rdpdr.MajorDirectory:
		return 24 + 5
	}
	return len(q.Append())
}

// TestPDU_BothWays: each PDU is taken as it was appended, and is an error at every shorter length.
func TestPDU_BothWays(t *testing.T) {
	short := func(name string, b []byte, fixed int, take func(b []byte) error) {
		t.Helper()
		for n := range fixed {
			if take(b[:n]) == nil {
				t.Errorf("%s: %d bytes of %d are taken", name, n, len(b))
			}
		}
	}
	for _, want := range requests {
		b := want.Append()
		got, err := rdpdr.TakeRequest(body(t, b, rdpdr.PacketRequest))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
		short("request", b[4:], fixed(&want)-4, func(b []byte) error { _, err := rdpdr.TakeRequest(b); return err })
	}
	id := rdpdr.ID{Major: 1, Minor: 12, Client: 0x12345678}
	for _, p := range []rdpdr.Packet{rdpdr.PacketServerAnnounce, rdpdr.PacketClientID} {
		b := body(t, id.Append(p), p)
		if got, err := rdpdr.TakeID(b); err != nil || got != id {
			t.Errorf("%+v, %v", got, err)
		}
		short("ID", b, len(b), func(b []byte) error { _, err := rdpdr.TakeID(b); return err })
	}
	for _, c := range []rdpdr.Capabilities{{Minor: 12, Extended: 7, Drives: true}, {Minor: 5}} {
		b := body(t, c.Append(rdpdr.PacketServerCapability), rdpdr.PacketServerCapability)
		if got, err := rdpdr.TakeCapabilities(b); err != nil || got != c {
			t.Errorf("%+v, %v", got, err)
		}
		short("capabilities", b, len(b)-8, func(b []byte) error { _, err := rdpdr.TakeCapabilities(b); return err })
	}
	b := body(t, rdpdr.ClientName("sallyport"), rdpdr.PacketClientName)
	if got, err := rdpdr.TakeClientName(b); err != nil || got != "sallyport" {
		t.Error(got, err)
	}
	short("client name", b, len(b), func(b []byte) error { _, err := rdpdr.TakeClientName(b); return err })
	devices := []rdpdr.Device{{Type: rdpdr.DeviceDrive, ID: 1, DOSName: "Files", Name: "Fileš"}, {Type: 4, ID: 2, DOSName: "PRN1234", Name: "x"}}
	b = body(t, rdpdr.DeviceList(devices...), rdpdr.PacketDeviceList)
	if got, err := rdpdr.TakeDeviceList(b); err != nil || !reflect.DeepEqual(got, devices) {
		t.Errorf("%+v, %v", got, err)
	}
	short("device list", b, len(b), func(b []byte) error { _, err := rdpdr.TakeDeviceList(b); return err })
	b = body(t, rdpdr.DeviceReply(1, rdpdr.StatusAccessDenied), rdpdr.PacketDeviceReply)
	if id, result, err := rdpdr.TakeDeviceReply(b); err != nil || id != 1 || result != rdpdr.StatusAccessDenied {
		t.Error(id, result, err)
	}
	short("device reply", b, len(b), func(b []byte) error { _, _, err := rdpdr.TakeDeviceReply(b); return err })
	c := rdpdr.Completion{Device: 1, ID: 9, Status: rdpdr.StatusOK, Body: []byte("abc")}
	b = body(t, c.Append(), rdpdr.PacketCompletion)
	if got, err := rdpdr.TakeCompletion(b); err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%+v, %v", got, err)
	}
	short("completion", b, len(b)-3, func(b []byte) error { _, err := rdpdr.TakeCompletion(b); return err })
	body(t, rdpdr.UserLoggedOn(), rdpdr.PacketUserLoggedOn)
	// As [MS-RDPEFS] 4.1 has it.
	if want := []byte("rDnI\x01\x00\x0c\x00\x02\x00\x00\x00"); !bytes.Equal(rdpdr.ID{Major: 1, Minor: 12, Client: 2}.Append(rdpdr.PacketServerAnnounce), want) {
		t.Error("server announce")
	}
}

// TestTake_S09_Lies: lengths and counts that lie are errors before any memory is taken.
func TestTake_S09_Lies(t *testing.T) {
	change := func(q rdpdr.Request, at int, v uint32) []byte {
		b := q.Append()
		b[at], b[at+1], b[at+2], b[at+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
		return b
	}
	for name, b := range map[string][]byte{
		"path of 4 GiB":         change(requests[0], 24+28, 0xfffffffe),
		"path beyond the end":   change(requests[0], 24+28, 100),
		"odd path":              change(requests[0], 24+28, 3),
		"write of 4 GiB":        change(requests[3], 24, 0xffffffff),
		"write beyond the end":  change(requests[3], 24, 4),
		"set beyond the end":    change(requests[5], 28, 9),
		"set of 4 GiB":          change(requests[5], 28, 0xffffffff),
		"pattern of 4 GiB":      change(requests[8], 24+5, 0xfffffffe),
		"control of 4 GiB":      change(requests[11], 28, 0xffffffff),
		"nothing":               {},
		"unknown component":     {1, 2, 3, 4},
		"announce, cut short":   {0x72, 0x44, 0x6e, 0x49, 1, 0},
		"17 capability sets":    {0x72, 0x44, 0x50, 0x53, 17, 0, 0, 0},
		"capability set of 3":   {0x72, 0x44, 0x50, 0x53, 1, 0, 0, 0, 1, 0, 3, 0, 1, 0, 0, 0},
		"general set, no flags": {0x72, 0x44, 0x50, 0x53, 1, 0, 0, 0, 1, 0, 8, 0, 1, 0, 0, 0},
	} {
		c := attach(t)
		if _, err := c.Receive(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := rdpdr.TakeDeviceList([]byte{17, 0, 0, 0}); err == nil {
		t.Error("17 devices that are not there are taken")
	}
}
