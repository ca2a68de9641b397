package rdpdr_test

import (
	"bytes"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/channel/rdpdr"
)

func say(t testing.TB, c *rdpdr.Client, messages ...[]byte) (out [][]byte) {
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

var (
	announce = rdpdr.ID{Major: 1, Minor: 12, Client: 77}.Append(rdpdr.PacketServerAnnounce)
	confirm  = rdpdr.ID{Major: 1, Minor: 12, Client: 77}.Append(rdpdr.PacketClientID)
	caps     = rdpdr.Capabilities{Minor: 12, Extended: rdpdr.ExtendedUserLoggedOn, Drives: true}.Append(rdpdr.PacketServerCapability)
	drives   = rdpdr.DeviceList(rdpdr.Device{Type: rdpdr.DeviceDrive, ID: 1, DOSName: "Files", Name: "Files"})
)

// attach is a client whose drive was announced.
func attach(t testing.TB) *rdpdr.Client {
	t.Helper()
	c := rdpdr.New(rdpdr.Drive{Name: "Files", Computer: "sallyport"})
	say(t, c, announce, caps, confirm, rdpdr.UserLoggedOn())
	return c
}

// TestClient_Announces: the client says hello, and announces its drive once when a user has signed in, in whatever order servers say so.
func TestClient_Announces(t *testing.T) {
	old := func(p rdpdr.Packet) []byte { return rdpdr.ID{Major: 1, Minor: 5, Client: 77}.Append(p) }
	plain := rdpdr.Capabilities{Minor: 12, Drives: true}.Append(rdpdr.PacketServerCapability)
	for name, tc := range map[string]struct {
		say   [][]byte
		lists [][]byte
	}{
		"after the sign-in":             {[][]byte{announce, caps, confirm, rdpdr.UserLoggedOn()}, [][]byte{rdpdr.DeviceList(), drives}},
		"twice":                         {[][]byte{announce, caps, confirm, rdpdr.UserLoggedOn(), rdpdr.UserLoggedOn()}, [][]byte{rdpdr.DeviceList(), drives}},
		"no flag":                       {[][]byte{announce, plain, confirm, rdpdr.UserLoggedOn()}, [][]byte{rdpdr.DeviceList(), drives}},
		"sign-in first":                 {[][]byte{announce, rdpdr.UserLoggedOn(), plain, confirm}, [][]byte{drives}},
		"an old server":                 {[][]byte{old(rdpdr.PacketServerAnnounce), old(rdpdr.PacketClientID)}, [][]byte{drives}},
		"nobody signed in":              {[][]byte{announce, caps, confirm}, [][]byte{rdpdr.DeviceList()}},
		"anew, and nobody signed in":    {[][]byte{announce, caps, confirm, rdpdr.UserLoggedOn(), announce, caps, confirm}, [][]byte{rdpdr.DeviceList(), drives, rdpdr.DeviceList()}},
		"a sign-in that is not greeted": {[][]byte{rdpdr.UserLoggedOn()}, nil},
	} {
		c := rdpdr.New(rdpdr.Drive{Name: "Files", Computer: "sallyport"})
		var lists [][]byte
		for _, b := range say(t, c, tc.say...) {
			if p, _, _ := rdpdr.TakeHeader(b); p == rdpdr.PacketDeviceList {
				lists = append(lists, b)
			}
		}
		if len(lists) != len(tc.lists) || !bytes.Equal(bytes.Join(lists, nil), bytes.Join(tc.lists, nil)) {
			t.Errorf("%s: % x", name, lists)
		}
	}
	c := rdpdr.New(rdpdr.Drive{Name: "Files", Computer: "sallyport"})
	out := say(t, c, announce, caps)
	if len(out) != 3 {
		t.Fatalf("%d answers", len(out))
	}
	if id, err := rdpdr.TakeID(body(t, out[0], rdpdr.PacketClientID)); err != nil || id.Client != 77 {
		t.Errorf("%+v, %v", id, err)
	}
	if name, err := rdpdr.TakeClientName(body(t, out[1], rdpdr.PacketClientName)); err != nil || name != "sallyport" {
		t.Error(name, err)
	}
	if got, err := rdpdr.TakeCapabilities(body(t, out[2], rdpdr.PacketClientCapability)); err != nil || !got.Drives || got.Extended&rdpdr.ExtendedUserLoggedOn == 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, ok := c.Attached(); ok {
		t.Error("attached before the server has said so")
	}
	say(t, c, rdpdr.DeviceReply(1, rdpdr.StatusAccessDenied), rdpdr.DeviceReply(2, rdpdr.StatusOK), []byte("RP\x43\x50"))
	if s, ok := c.Attached(); !ok || s != rdpdr.StatusAccessDenied {
		t.Error(s, ok)
	}
	if _, ok := c.Attached(); ok {
		t.Error("told twice")
	}
}

// TestClient_S19_BoundsRequests: requests for no drive, and those beyond what may wait, are refused at once; a new beginning forgets the others.
func TestClient_S19_BoundsRequests(t *testing.T) {
	refused := func(out [][]byte, want rdpdr.Status) {
		t.Helper()
		if len(out) != 1 {
			t.Fatalf("%d answers", len(out))
		}
		if got, err := rdpdr.TakeCompletion(body(t, out[0], rdpdr.PacketCompletion)); err != nil || got.Status != want || got.ID != 7 {
			t.Errorf("%+v, %v, want %v", got, err, want)
		}
	}
	q := requests[2]
	c := rdpdr.New(rdpdr.Drive{Name: "Files"})
	say(t, c, announce, caps, confirm)
	refused(say(t, c, q.Append()), rdpdr.StatusNoSuchDevice) // it is not announced yet
	c = attach(t)
	other := q
	other.Device = 2
	refused(say(t, c, other.Append()), rdpdr.StatusNoSuchDevice)
	for range 128 {
		if out := say(t, c, q.Append()); out != nil {
			t.Fatal("answered out of turn")
		}
	}
	refused(say(t, c, q.Append()), rdpdr.StatusResources)
	first, epoch := c.Next()
	if first == nil || first.ID != q.ID {
		t.Fatalf("%+v", first)
	}
	if out := say(t, c, q.Append()); out != nil {
		t.Error("there is room for one, and it is refused")
	}
	say(t, c, announce)
	if next, now := c.Next(); next != nil || now == epoch {
		t.Error("what was asked before the new beginning is still to be served")
	}

	c = attach(t)
	big := rdpdr.Request{Device: 1, File: 1, ID: 7, Major: rdpdr.MajorWrite, Data: make([]byte, rdpdr.MaxData)}
	for range 4 {
		if out := say(t, c, big.Append()); out != nil {
			t.Fatal("refused")
		}
	}
	refused(say(t, c, big.Append()), rdpdr.StatusResources)
	c.Next()
	if out := say(t, c, big.Append()); out != nil {
		t.Error("there is room, and it is refused")
	}
}

// FuzzClient: whatever a server sends, no panic, and no more is kept than the limits.
func FuzzClient(f *testing.F) {
	for _, m := range [][]byte{announce, confirm, caps, rdpdr.UserLoggedOn(), rdpdr.DeviceReply(1, 0)} {
		f.Add(m, caps)
	}
	for _, q := range requests {
		f.Add(q.Append(), requests[0].Append())
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		c := attach(t)
		for _, m := range [][]byte{a, b} {
			if _, err := c.Receive(m); err != nil {
				return
			}
			for q, _ := c.Next(); q != nil; q, _ = c.Next() {
				if len(q.Data) > rdpdr.MaxData || len(q.Path) > 3*4096 {
					t.Fatalf("%d bytes of data, %d of path", len(q.Data), len(q.Path))
				}
			}
		}
	})
}
