package rdp

import (
	"bytes"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/screen"
)

// TestReader_FrameStaysTogether: a frame whose end comes by itself is passed on as one burst, not as its pictures and a mark without any; what is
// outside of frames, and a large part of one, is not held back.
func TestReader_FrameStaysTogether(t *testing.T) {
	command := func(c pdu.SurfaceCommand) []byte {
		return fastUnit(pdu.FastPathUpdate{Code: pdu.UpdateSurfaceCommands, Data: must(c.AppendBinary(nil))})
	}
	begin, end := command(pdu.SurfaceCommand{Kind: pdu.SurfaceKindFrame, Frame: 1}), command(pdu.SurfaceCommand{Kind: pdu.SurfaceKindFrame, End: true, Frame: 1})
	bits := func(side uint16) []byte {
		return command(pdu.SurfaceCommand{
			Kind: pdu.SurfaceKindSetBits, Right: side, Bottom: side, Width: side, Height: side, Depth: 32, Data: make([]byte, 4*int(side)*int(side)),
		})
	}
	small, large := bits(8), bits(80) // three of the latter are more than frameBytes
	present := screen.AppendPresent(nil)
	for name, c := range map[string]struct {
		units [][]byte
		want  []bool // for each burst: whether it ends with the mark to present it
	}{
		"a frame in three units":       {[][]byte{begin, small, end}, []bool{true}},
		"two frames":                   {[][]byte{begin, small, end, begin, small, small, end}, []bool{true, true}},
		"a picture outside of a frame": {[][]byte{small, begin, small}, []bool{true}},
		"a large frame":                {[][]byte{begin, large, large, large, small, end}, []bool{false, true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := testStage()
			r := &reader{c: &conn{out: newOutbox()}, ctx: t.Context(), client: &Client{}, feed: newFeed()}
			r.feed.resize(nil, 640, 480)
			for _, unit := range c.units {
				if err := s.feed(unit); err != nil {
					t.Fatal(err)
				}
				for {
					u, err := s.next()
					if err != nil {
						t.Fatal(err)
					}
					if u == nil {
						break
					}
					if err := r.apply(u); err != nil {
						t.Fatal(err)
					}
				}
				r.rest()
			}
			var got []bool
			for _, o := range r.c.out.queue {
				got = append(got, bytes.HasSuffix(o.Payload, present))
			}
			if len(got) != len(c.want) {
				t.Fatalf("%d bursts, want %d", len(got), len(c.want))
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("burst %d ends with the mark: %v, want %v", i, got[i], c.want[i])
				}
			}
		})
	}
}
