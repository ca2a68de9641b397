package rdp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/sallyport/sallyport/rdp/drive"
	"github.com/sallyport/sallyport/rdp/internal/channel/rdpdr"
)

// attachDrive has the server take the drive.
func attachDrive(f *far, updates <-chan Update) {
	f.t.Helper()
	id := rdpdr.ID{Major: 1, Minor: 12, Client: 1}
	f.say(driveChannel, id.Append(rdpdr.PacketServerAnnounce), rdpdr.Capabilities{Minor: 12, Extended: rdpdr.ExtendedUserLoggedOn, Drives: true}.Append(rdpdr.PacketServerCapability),
		id.Append(rdpdr.PacketClientID), rdpdr.UserLoggedOn())
	for range 4 { // reply, name, capabilities, an empty list
		f.next(driveChannel)
	}
	if got := f.next(driveChannel); !bytes.Equal(got, rdpdr.DeviceList(rdpdr.Device{Type: rdpdr.DeviceDrive, ID: 1, DOSName: "Files", Name: "Files"})) {
		f.t.Fatalf("% x", got)
	}
	f.say(driveChannel, rdpdr.DeviceReply(1, rdpdr.StatusOK))
	if u := await[*DriveAttached](f.t, updates); !u.OK || u.Status != 0 {
		f.t.Errorf("%+v", u)
	}
}

// completion returns the client's next answer.
func (f *far) completion() rdpdr.Completion {
	f.t.Helper()
	p, body, err := rdpdr.TakeHeader(f.next(driveChannel))
	if err != nil || p != rdpdr.PacketCompletion {
		f.t.Fatal(p, err)
	}
	return must(rdpdr.TakeCompletion(body))
}

// ask sends a request and returns its answer.
func (f *far) ask(q rdpdr.Request) rdpdr.Completion {
	f.t.Helper()
	q.Device, q.ID = 1, 4711
	f.say(driveChannel, q.Append())
	return f.completion()
}

// openFile has the server open a file for reading and writing.
func (f *far) openFile(path string, disposition uint32) uint32 {
	f.t.Helper()
	c := f.ask(rdpdr.Request{Major: rdpdr.MajorCreate, Path: path, Disposition: disposition, Access: rdpdr.AccessReadData | rdpdr.AccessWriteData})
	if c.Status != rdpdr.StatusOK || len(c.Body) != 5 {
		f.t.Fatalf("%+v", c)
	}
	return binary.LittleEndian.Uint32(c.Body)
}

// TestDrive_FilesBothWays: the session reads what the host has put there, the host what the session has, long files too; the session hears of changes.
func TestDrive_FilesBothWays(t *testing.T) {
	ctx := t.Context()
	m := drive.NewMemory(drive.MemoryConfig{})
	long := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
	file := must(m.Open(ctx, "/host", drive.Write|drive.Create))
	if _, err := file.WriteAt(ctx, long, 0); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(ctx); err != nil {
		t.Fatal(err)
	}
	c, f, updates := pair(t, Config{Drive: &Drive{Files: m}})
	attachDrive(f, updates)
	id := f.openFile(`\host`, rdpdr.DispositionOpen)
	got := f.ask(rdpdr.Request{Major: rdpdr.MajorRead, File: id, Length: rdpdr.MaxData})
	if got.Status != rdpdr.StatusOK || !bytes.Equal(got.Body[4:], long) {
		t.Errorf("%v, %d bytes", got.Status, len(got.Body))
	}
	id = f.openFile(`\session`, rdpdr.DispositionCreate)
	if got := f.ask(rdpdr.Request{Major: rdpdr.MajorWrite, File: id, Data: long}); got.Status != rdpdr.StatusOK {
		t.Error(got.Status)
	}
	if info, err := m.Stat(ctx, "/session"); err != nil || info.Size != int64(len(long)) {
		t.Error(info, err)
	}
	root := f.openFile(`\`, rdpdr.DispositionOpen)
	f.say(driveChannel, (&rdpdr.Request{Device: 1, ID: 99, Major: rdpdr.MajorDirectory, Minor: rdpdr.MinorNotifyChange, File: root}).Append())
	f.ask(rdpdr.Request{Major: rdpdr.MajorQuery, File: root, Class: rdpdr.ClassBasic}) // the other one waits by now
	if err := c.DriveChanged("/"); err != nil {
		t.Error(err)
	}
	if got := f.completion(); got.ID != 99 || got.Status != rdpdr.StatusNotifyEnumDir {
		t.Errorf("%+v", got)
	}
	// Somebody signs in anew: what was open is closed, and the drive announced again.
	attachDrive(f, updates)
	if got := f.ask(rdpdr.Request{Major: rdpdr.MajorRead, File: id, Length: 1}); got.Status != rdpdr.StatusInvalidHandle {
		t.Error(got.Status)
	}
}

// TestDrive_NotConfigured: without the Config there is no drive, nor with a server that has no such channel; a Config that cannot be is an error.
func TestDrive_NotConfigured(t *testing.T) {
	c, _, _ := pair(t, Config{})
	if err := c.DriveChanged("/"); !errors.Is(err, ErrNotConfigured) {
		t.Error(err)
	}
	m := drive.NewMemory(drive.MemoryConfig{})
	c, _, _ = pair(t, Config{Drive: &Drive{Files: m}}, driveChannel)
	if err := c.DriveChanged("/"); !errors.Is(err, ErrNotOffered) {
		t.Error(err)
	}
	for _, d := range []*Drive{{}, {Files: m, Name: "12345678"}, {Files: m, Name: "a b"}, {Files: m, Name: "ä"}, {Files: m, Name: `a\b`}} {
		if _, err := (&Config{Drive: d}).validate(); err == nil {
			t.Errorf("%+v is taken", d)
		}
	}
}

// stuck is a FileSystem whose Space waits for its context, and which says when it does.
type stuck struct {
	*drive.Memory
	waits chan struct{}
	ended chan error
}

func (s *stuck) Space(ctx context.Context) (drive.Space, error) {
	s.waits <- struct{}{}
	<-ctx.Done()
	s.ended <- ctx.Err()
	return drive.Space{}, ctx.Err()
}

// TestDrive_S19_SlowFiles: while files are slow the desktop goes on, no more requests wait than may, and the end of the client ends the call and closes
// what is open.
func TestDrive_S19_SlowFiles(t *testing.T) {
	s := &stuck{Memory: drive.NewMemory(drive.MemoryConfig{MaxBytes: 100}), waits: make(chan struct{}, 1), ended: make(chan error, 1)}
	c, f, updates := pair(t, Config{Drive: &Drive{Files: s}})
	attachDrive(f, updates)
	f.ask(rdpdr.Request{Major: rdpdr.MajorWrite, File: f.openFile(`\a`, rdpdr.DispositionCreate), Data: []byte("x")})
	space := rdpdr.Request{Device: 1, ID: 1, Major: rdpdr.MajorQueryVolume, Class: rdpdr.ClassVolumeSize}
	f.say(driveChannel, space.Append())
	<-s.waits
	for range 128 {
		f.say(driveChannel, space.Append())
	}
	space.ID = 2
	f.say(driveChannel, space.Append())
	if got := f.completion(); got.ID != 2 || got.Status != rdpdr.StatusResources {
		t.Errorf("%+v", got)
	}
	f.show(updates)
	if err := s.Remove(t.Context(), "/a"); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := <-s.ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if room := must(s.Memory.Space(t.Context())); room.Free != room.Total {
		t.Error("a file is still open")
	}
}
