package rdpdr_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/channel/rdpdr"
)

// FuzzVolume: whatever a server asks for, no panic, no name that is not one of the drive, nothing beyond the quota.
func FuzzVolume(f *testing.F) {
	pack := func(all ...rdpdr.Request) (out []byte) {
		for _, q := range all {
			b := q.Append()[4:]
			out = append(append(out, byte(len(b)), byte(len(b)>>8)), b...)
		}
		return out
	}
	f.Add(pack(requests...))
	make1 := rdpdr.Request{Major: rdpdr.MajorCreate, Path: `\a`, Disposition: rdpdr.DispositionCreate, Access: everything}
	f.Add(pack(make1, rdpdr.Request{Major: rdpdr.MajorWrite, File: 1, Data: []byte("abc")}, rdpdr.Request{Major: rdpdr.MajorRead, File: 1, Length: 10},
		rdpdr.Request{Major: rdpdr.MajorSet, File: 1, Class: rdpdr.ClassRename, Data: rdpdr.RenameData(`\..\b`, true)},
		rdpdr.Request{Major: rdpdr.MajorSet, File: 1, Class: rdpdr.ClassDisposition}, rdpdr.Request{Major: rdpdr.MajorClose, File: 1}))
	f.Add(pack(rdpdr.Request{Major: rdpdr.MajorCreate, Path: `\d`, Disposition: rdpdr.DispositionCreate, Options: rdpdr.OptionDirectory},
		rdpdr.Request{Major: rdpdr.MajorDirectory, Minor: rdpdr.MinorNotifyChange, File: 1}, rdpdr.Request{Major: rdpdr.MajorDirectory, Minor: rdpdr.MinorQueryDirectory, File: 1, First: true, Class: 3, Path: `\d\*.<`},
		rdpdr.Request{Major: rdpdr.MajorSet, File: 1, Class: rdpdr.ClassRename, Data: rdpdr.RenameData(`\e`, true)}, rdpdr.Request{Major: rdpdr.MajorClose, File: 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := newDisk(t, false)
		for range 50 {
			if len(b) < 2 {
				break
			}
			n := min(int(binary.LittleEndian.Uint16(b)), len(b)-2)
			q, err := rdpdr.TakeRequest(b[2 : 2+n])
			b = b[2+n:]
			if err != nil {
				continue
			}
			for _, out := range d.Serve(context.Background(), &q) {
				if !bytes.HasPrefix(out, []byte("rDCI")) || len(out) > rdpdr.MaxMessage {
					t.Fatalf("% x", out[:min(len(out), 50)])
				}
			}
			if s, _ := d.files.Space(context.Background()); s.Free < 0 {
				t.Fatalf("%d bytes over the quota", -s.Free)
			}
		}
		d.Close(context.Background())
	})
}
