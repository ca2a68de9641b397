package rdpdr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/channel/rdpdr"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// TestVolume_Create: every disposition, with something there and with nothing, does what [MS-RDPEFS] says, and says what it has done.
func TestVolume_Create(t *testing.T) {
	const (
		no  = rdpdr.StatusNoSuchFile
		has = rdpdr.StatusNameCollision
		dir = rdpdr.StatusIsDirectory
		ok  = rdpdr.StatusOK
	)
	for _, tc := range []struct {
		disposition uint32
		there       rdpdr.Status // with a file there
		thereInfo   uint8
		emptied     bool
		missing     rdpdr.Status // with nothing there
		folder      rdpdr.Status // with a folder there
	}{
		{rdpdr.DispositionSupersede, ok, 0, true, ok, dir},
		{rdpdr.DispositionOpen, ok, 1, false, no, ok},
		{rdpdr.DispositionCreate, has, 0, false, ok, has},
		{rdpdr.DispositionOpenIf, ok, 1, false, ok, ok},
		{rdpdr.DispositionOverwrite, ok, 3, true, no, dir},
		{rdpdr.DispositionOverwriteIf, ok, 3, true, ok, dir},
	} {
		d := newDisk(t, false)
		d.put("/There", "data")
		if err := d.files.Mkdir(t.Context(), "/Folder"); err != nil {
			t.Fatal(err)
		}
		if s, _, info := d.create(`\there`, tc.disposition, 0, everything); s != tc.there || s == ok && info != tc.thereInfo {
			t.Errorf("disposition %d, there: %v, %d", tc.disposition, s, info)
		}
		if s, id, info := d.create(`\missing`, tc.disposition, rdpdr.OptionNoDirectory, everything); s != tc.missing || s == ok && (info != 0 || id == 0) {
			t.Errorf("disposition %d, missing: %v, %d", tc.disposition, s, info)
		}
		if s, _, _ := d.create(`\Folder`, tc.disposition, 0, 0); s != tc.folder {
			t.Errorf("disposition %d, folder: %v", tc.disposition, s)
		}
		want := "/Folder/ /There=data"
		if tc.missing == ok {
			want = "/Folder/ /missing= /There=data"
		}
		if tc.emptied {
			want = strings.Replace(want, "data", "", 1)
		}
		if got := d.content(); got != want {
			t.Errorf("disposition %d: %q, want %q", tc.disposition, got, want)
		}
	}
	d := newDisk(t, false)
	d.put("/f", "")
	d.close(d.open(`\d`, rdpdr.DispositionCreate, rdpdr.OptionDirectory))
	for _, tc := range []struct {
		path                 string
		disposition, options uint32
		want                 rdpdr.Status
	}{
		{`\d`, rdpdr.DispositionOpen, rdpdr.OptionNoDirectory, dir},
		{`\f`, rdpdr.DispositionOpen, rdpdr.OptionDirectory, rdpdr.StatusNotADirectory},
		{`\f`, rdpdr.DispositionOpen, rdpdr.OptionDirectory | rdpdr.OptionNoDirectory, rdpdr.StatusInvalidParameter},
		{`\f`, 6, 0, rdpdr.StatusInvalidParameter},
		{`\f`, rdpdr.DispositionOpen, 0x2000, rdpdr.StatusNotSupported},
		{`\x\y`, rdpdr.DispositionOpenIf, 0, rdpdr.StatusPathNotFound},
		{`\f\y`, rdpdr.DispositionOpenIf, 0, rdpdr.StatusPathNotFound},
		{`\..\f`, rdpdr.DispositionOpen, 0, rdpdr.StatusNameInvalid},
		{`\`, rdpdr.DispositionOpen, rdpdr.OptionDeleteOnClose, rdpdr.StatusCannotDelete},
		{`\`, rdpdr.DispositionOpen, rdpdr.OptionDirectory, ok},
	} {
		if s, _, _ := d.create(tc.path, tc.disposition, tc.options, everything); s != tc.want {
			t.Errorf("%q, %d, %#x: %v, want %v", tc.path, tc.disposition, tc.options, s, tc.want)
		}
	}
}

// TestVolume_ReadsAndWrites: data goes both ways at any offset, and only with the rights that the file was opened with.
func TestVolume_ReadsAndWrites(t *testing.T) {
	d := newDisk(t, false)
	id := d.open(`\a`, rdpdr.DispositionCreate, 0)
	for _, w := range []struct {
		off  uint64
		data string
	}{{0, "hello"}, {7, "x"}, {1<<64 - 1, "end"}, {1, "E"}} {
		b := d.want(rdpdr.StatusOK, rdpdr.Request{Major: rdpdr.MajorWrite, File: id, Offset: w.off, Data: []byte(w.data)})
		if len(b) != 5 || int(b[0]) != len(w.data) {
			t.Errorf("write is answered with % x", b)
		}
	}
	const want = "hEllo\x00\x00xend"
	for off := range uint64(len(want) + 2) {
		for _, n := range []uint32{0, 1, 4, 100, rdpdr.MaxData} {
			part := want[min(int(off), len(want)):min(int(off)+int(n), len(want))]
			if got := d.read(id, off, n); got != part {
				t.Errorf("%d bytes from %d: %q, want %q", n, off, got, part)
			}
		}
	}
	if got := d.read(id, 1<<62, 10); got != "" {
		t.Errorf("far behind the end: %q", got)
	}
	d.want(rdpdr.StatusInvalidParameter, rdpdr.Request{Major: rdpdr.MajorRead, File: id, Length: rdpdr.MaxData + 1})
	d.want(rdpdr.StatusInvalidParameter, rdpdr.Request{Major: rdpdr.MajorRead, File: id, Offset: 1 << 63, Length: 1})
	d.want(rdpdr.StatusInvalidParameter, rdpdr.Request{Major: rdpdr.MajorWrite, File: id, Offset: 1 << 63, Data: []byte("x")})
	d.want(rdpdr.StatusDiskFull, rdpdr.Request{Major: rdpdr.MajorWrite, File: id, Offset: 1 << 40, Data: []byte("x")})
	d.want(rdpdr.StatusDiskFull, rdpdr.Request{Major: rdpdr.MajorWrite, File: id, Data: make([]byte, 1<<20+1)})
	_, reader, _ := d.create(`\a`, rdpdr.DispositionOpen, 0, rdpdr.AccessReadData)
	_, writer, _ := d.create(`\a`, rdpdr.DispositionOpen, 0, rdpdr.AccessAppendData)
	_, neither, _ := d.create(`\a`, rdpdr.DispositionOpen, 0, 0x80)
	folder := d.open(`\`, rdpdr.DispositionOpen, 0)
	for status, all := range map[rdpdr.Status][]rdpdr.Request{
		rdpdr.StatusAccessDenied: {
			{Major: rdpdr.MajorWrite, File: reader, Data: []byte("x")},
			{Major: rdpdr.MajorRead, File: writer, Length: 1},
			{Major: rdpdr.MajorRead, File: neither, Length: 1},
			{Major: rdpdr.MajorSet, File: reader, Class: rdpdr.ClassEndOfFile, Data: make([]byte, 8)},
			{Major: rdpdr.MajorWrite, File: neither, Data: []byte("x")},
			{Major: rdpdr.MajorSetVolume, File: folder, Class: rdpdr.ClassVolumeLabel, Data: []byte("x")},
		},
		rdpdr.StatusIsDirectory: {
			{Major: rdpdr.MajorRead, File: folder, Length: 1},
			{Major: rdpdr.MajorWrite, File: folder, Data: []byte("x")},
			{Major: rdpdr.MajorSet, File: folder, Class: rdpdr.ClassEndOfFile, Data: make([]byte, 8)},
		},
		rdpdr.StatusInvalidHandle: {
			{Major: rdpdr.MajorRead, File: 999, Length: 1}, {Major: rdpdr.MajorClose}, {Major: rdpdr.MajorQuery, File: 999, Class: rdpdr.ClassBasic}, {Major: 0x99, File: 999},
		},
		rdpdr.StatusNotSupported:   {{Major: rdpdr.MajorLock, File: id}, {Major: 0x99, File: id}, {Major: rdpdr.MajorDirectory, Minor: 9, File: id}},
		rdpdr.StatusInvalidRequest: {{Major: rdpdr.MajorControl, File: id, Code: 0x900a8}},
		rdpdr.StatusInvalidClass: {
			{Major: rdpdr.MajorQuery, File: id, Class: 99},
			{Major: rdpdr.MajorSet, File: id, Class: 99},
			{Major: rdpdr.MajorQueryVolume, File: id, Class: 99},
			{Major: rdpdr.MajorDirectory, Minor: rdpdr.MinorQueryDirectory, File: folder, Class: 99, First: true, Path: `\*`},
		},
	} {
		for _, q := range all {
			d.want(status, q)
		}
	}
	d.close(id)
	d.want(rdpdr.StatusInvalidHandle, rdpdr.Request{Major: rdpdr.MajorRead, File: id, Length: 1})
}

// TestVolume_Information: the classes of files and of the volume have the fields of [MS-FSCC], without the padding that [MS-RDPEFS] leaves out.
func TestVolume_Information(t *testing.T) {
	d := newDisk(t, false)
	d.put("/a", "hello")
	file, folder := d.open(`\a`, rdpdr.DispositionOpen, 0), d.open(`\`, rdpdr.DispositionOpen, 0)
	const noon = 134168400000000000 // 2026-03-01 12:00 UTC
	times := func(b []byte) []byte {
		for range 4 {
			b = wire.AppendU64LE(b, noon)
		}
		return b
	}
	name := wire.AppendUTF16(nil, "a")
	entry := wire.AppendU64LE(wire.AppendU64LE(times(make([]byte, 8)), 5), 4096)
	entry = append(entry, 0x20, 0, 0, 0, 2, 0, 0, 0)
	for class, want := range map[uint32]string{
		rdpdr.ClassBasic:        string(append(times(nil), 0x20, 0, 0, 0)),
		rdpdr.ClassStandard:     "\x00\x10\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00",
		rdpdr.ClassAttributeTag: "\x20\x00\x00\x00\x00\x00\x00\x00",
	} {
		if got := d.want(rdpdr.StatusOK, rdpdr.Request{Major: rdpdr.MajorQuery, File: file, Class: class}); string(got[4:]) != want || int(got[0]) != len(want) {
			t.Errorf("class %d: % x, want % x", class, got[4:], want)
		}
	}
	if got := d.want(rdpdr.StatusOK, rdpdr.Request{Major: rdpdr.MajorQuery, File: folder, Class: rdpdr.ClassAttributeTag}); got[4] != 0x10 {
		t.Errorf("folder: % x", got)
	}
	for class, want := range map[uint32]string{
		rdpdr.ClassDirectory:     string(entry) + string(name),
		rdpdr.ClassFullDirectory: string(entry) + "\x00\x00\x00\x00" + string(name),
		rdpdr.ClassBothDirectory: string(entry) + strings.Repeat("\x00", 29) + string(name),
		rdpdr.ClassNames:         "\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00" + string(name),
	} {
		got := d.want(rdpdr.StatusOK, rdpdr.Request{Major: rdpdr.MajorDirectory, Minor: rdpdr.MinorQueryDirectory, File: folder, Class: class, First: true, Path: `\*`})
		if string(got[4:]) != want {
			t.Errorf("class %d: % x, want % x", class, got[4:], want)
		}
	}
	sizes := "\x00\x01\x00\x00\x00\x00\x00\x00" + "\xff\x00\x00\x00\x00\x00\x00\x00" // 1 MiB, less 5 bytes, in clusters of 4 KiB
	for class, want := range map[uint32]string{
		rdpdr.ClassVolume:           strings.Repeat("\x00", 8) + "\x11\x5a\x00\x00\x0a\x00\x00\x00\x00" + string(wire.AppendUTF16(nil, "Files")),
		rdpdr.ClassVolumeSize:       sizes + "\x08\x00\x00\x00\x00\x02\x00\x00",
		rdpdr.ClassVolumeFullSize:   sizes + sizes[8:] + "\x08\x00\x00\x00\x00\x02\x00\x00",
		rdpdr.ClassVolumeDevice:     "\x07\x00\x00\x00\x00\x00\x00\x00",
		rdpdr.ClassVolumeAttributes: "\x06\x00\x00\x00\xff\x00\x00\x00\x12\x00\x00\x00" + string(wire.AppendUTF16(nil, "SALLYPORT")),
	} {
		if got := d.want(rdpdr.StatusOK, rdpdr.Request{Major: rdpdr.MajorQueryVolume, File: folder, Class: class}); string(got[4:]) != want {
			t.Errorf("volume class %d: % x, want % x", class, got[4:], want)
		}
	}
}

// TestVolume_Sets: times, sizes, names and the end of files are set.
func TestVolume_Sets(t *testing.T) {
	d := newDisk(t, false)
	d.put("/a", "hello")
	id := d.open(`\a`, rdpdr.DispositionOpen, 0)
	size := func(n uint64) []byte { return wire.AppendU64LE(nil, n) }
	for _, step := range []struct {
		class uint32
		size  uint64
		want  string
	}{{rdpdr.ClassEndOfFile, 7, "hello\x00\x00"}, {rdpdr.ClassAllocation, 100, "hello\x00\x00"}, {rdpdr.ClassAllocation, 4, "hell"}, {rdpdr.ClassEndOfFile, 2, "he"}} {
		d.set(rdpdr.StatusOK, id, step.class, size(step.size))
		if got := d.read(id, 0, 100); got != step.want {
			t.Errorf("class %d, size %d: %q", step.class, step.size, got)
		}
	}
	d.set(rdpdr.StatusDiskFull, id, rdpdr.ClassEndOfFile, size(1<<40))
	d.set(rdpdr.StatusDiskFull, id, rdpdr.ClassAllocation, size(1<<40))
	d.set(rdpdr.StatusInvalidParameter, id, rdpdr.ClassEndOfFile, size(1<<63))
	d.set(rdpdr.StatusInvalidParameter, id, rdpdr.ClassEndOfFile, []byte{1})
	d.set(rdpdr.StatusInvalidParameter, id, rdpdr.ClassBasic, make([]byte, 35))
	stamp := func(v uint64) []byte {
		b := wire.AppendU64LE(make([]byte, 16), v)
		return append(b, make([]byte, 12)...)
	}
	for _, v := range []uint64{0, 1<<64 - 1, 1<<64 - 2} { // leave it
		d.set(rdpdr.StatusOK, id, rdpdr.ClassBasic, stamp(v))
	}
	if i, _ := d.files.Stat(t.Context(), "/a"); !i.ModTime.Equal(d.now) {
		t.Error(i.ModTime)
	}
	d.set(rdpdr.StatusOK, id, rdpdr.ClassBasic, stamp(116444736000000001))
	if i, _ := d.files.Stat(t.Context(), "/a"); !i.ModTime.Equal(time.Unix(0, 100)) {
		t.Error(i.ModTime)
	}
}
