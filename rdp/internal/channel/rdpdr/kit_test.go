package rdpdr_test

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp/drive"
	"github.com/sallyport/sallyport/rdp/internal/channel/rdpdr"
)

// disk is a volume and a server that asks it.
type disk struct {
	*rdpdr.Volume
	t     testing.TB
	files *drive.Memory
	now   time.Time
	id    uint32
}

func newDisk(t testing.TB, readOnly bool) *disk {
	d := &disk{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	d.files = drive.NewMemory(drive.MemoryConfig{MaxBytes: 1 << 20, MaxFiles: 20, Now: func() time.Time { return d.now }})
	d.Volume = rdpdr.NewVolume(rdpdr.VolumeConfig{Files: guarded{d.files, t}, Label: "Files", ReadOnly: readOnly})
	return d
}

// put makes a file by the host's hand.
func (d *disk) put(name, data string) {
	d.t.Helper()
	ctx := context.Background()
	f, err := d.files.Open(ctx, name, drive.Write|drive.Create)
	if err == nil {
		_, err = f.WriteAt(ctx, []byte(data), 0)
	}
	if err := errors.Join(err, f.Close(ctx)); err != nil {
		d.t.Fatal(err)
	}
}

// ask asks for something and returns the answers.
func (d *disk) ask(q rdpdr.Request) (out []rdpdr.Completion) {
	d.t.Helper()
	d.id++
	q.Device, q.ID = 1, d.id
	taken, err := rdpdr.TakeRequest(body(d.t, q.Append(), rdpdr.PacketRequest))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, b := range d.Serve(context.Background(), &taken) {
		c, err := rdpdr.TakeCompletion(body(d.t, b, rdpdr.PacketCompletion))
		if err != nil {
			d.t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

// one asks for something that has one answer.
func (d *disk) one(q rdpdr.Request) (rdpdr.Status, []byte) {
	d.t.Helper()
	out := d.ask(q)
	if len(out) != 1 || out[0].ID != d.id || out[0].Device != 1 {
		d.t.Fatalf("answers %+v", out)
	}
	return out[0].Status, out[0].Body
}

const everything = rdpdr.AccessReadData | rdpdr.AccessWriteData | rdpdr.AccessDelete

func (d *disk) create(path string, disposition, options, access uint32) (status rdpdr.Status, id uint32, information uint8) {
	d.t.Helper()
	s, b := d.one(rdpdr.Request{Major: rdpdr.MajorCreate, Path: path, Disposition: disposition, Options: options, Access: access})
	if len(b) != 5 {
		d.t.Fatalf("create is answered with %d bytes", len(b))
	}
	return s, binary.LittleEndian.Uint32(b), b[4]
}

// open is create that must go well.
func (d *disk) open(path string, disposition, options uint32) (id uint32) {
	d.t.Helper()
	s, id, _ := d.create(path, disposition, options, everything)
	if s != rdpdr.StatusOK {
		d.t.Fatalf("%q: %v", path, s)
	}
	return id
}

func (d *disk) want(want rdpdr.Status, q rdpdr.Request) []byte {
	d.t.Helper()
	s, b := d.one(q)
	if s != want {
		d.t.Errorf("%#x.%d of file %d, class %d: %v, want %v", uint32(q.Major), q.Minor, q.File, q.Class, s, want)
	}
	return b
}

func (d *disk) close(id uint32) {
	d.t.Helper()
	d.want(rdpdr.StatusOK, rdpdr.Request{Major: rdpdr.MajorClose, File: id})
}

func (d *disk) read(id uint32, off uint64, n uint32) string {
	d.t.Helper()
	b := d.want(rdpdr.StatusOK, rdpdr.Request{Major: rdpdr.MajorRead, File: id, Offset: off, Length: n})
	if len(b) < 4 || int(binary.LittleEndian.Uint32(b)) != len(b)-4 {
		d.t.Fatalf("read is answered with % x", b)
	}
	return string(b[4:])
}

func (d *disk) set(want rdpdr.Status, id, class uint32, data []byte) {
	d.t.Helper()
	b := d.want(want, rdpdr.Request{Major: rdpdr.MajorSet, File: id, Class: class, Data: data})
	if len(b) < 4 || want == rdpdr.StatusOK && int(binary.LittleEndian.Uint32(b)) != len(data) {
		d.t.Errorf("set is answered with % x", b)
	}
}

// content is the whole drive: paths, with / behind folders, and data.
func (d *disk) content() string {
	d.t.Helper()
	var all []string
	var walk func(dir string)
	walk = func(dir string) {
		list, err := d.files.List(context.Background(), dir)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, i := range list {
			name := strings.TrimSuffix(dir, "/") + "/" + i.Name
			if i.Dir {
				all = append(all, name+"/")
				walk(name)
				continue
			}
			f, err := d.files.Open(context.Background(), name, drive.Read)
			if err != nil {
				d.t.Fatal(err)
			}
			p := make([]byte, i.Size)
			_, _ = f.ReadAt(context.Background(), p, 0)
			_ = f.Close(context.Background())
			all = append(all, name+"="+string(p))
		}
	}
	walk("/")
	return strings.Join(all, " ")
}

// guarded fails the test at the first name that is not one of the drive (S19).
type guarded struct {
	*drive.Memory
	t testing.TB
}

func (g guarded) check(names ...string) {
	for _, name := range names {
		if name == "/" {
			continue
		}
		for _, p := range strings.Split(strings.TrimPrefix(name, "/"), "/") {
			if err := drive.CheckName(p); err != nil || name[0] != '/' {
				g.t.Errorf("the drive is asked for %q: %v", name, err)
			}
		}
	}
}

func (g guarded) Stat(ctx context.Context, name string) (drive.Info, error) {
	g.check(name)
	return g.Memory.Stat(ctx, name)
}

func (g guarded) List(ctx context.Context, name string) ([]drive.Info, error) {
	g.check(name)
	return g.Memory.List(ctx, name)
}

func (g guarded) Open(ctx context.Context, name string, how drive.Mode) (drive.File, error) {
	g.check(name)
	return g.Memory.Open(ctx, name, how)
}

func (g guarded) Mkdir(ctx context.Context, name string) error {
	g.check(name)
	return g.Memory.Mkdir(ctx, name)
}

func (g guarded) Rename(ctx context.Context, from, to string, replace bool) error {
	g.check(from, to)
	return g.Memory.Rename(ctx, from, to, replace)
}

func (g guarded) Remove(ctx context.Context, name string) error {
	g.check(name)
	return g.Memory.Remove(ctx, name)
}
