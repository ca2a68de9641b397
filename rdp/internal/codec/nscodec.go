package codec

import (
	"encoding/binary"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// DecodeNSCodec draws a picture of NSCodec ([MS-RDPNSC] 2.2.2, 3.1.8): luma and two chroma planes, each run-length coded on
// its own. Surface bits of real servers stand bottom-up.
func DecodeNSCodec(t Target, src []byte, bottomUp bool) error {
	if err := t.check(); err != nil {
		return err
	}
	r := wire.NewReader(src)
	var counts [4]int // luma, orange chroma, green chroma, alpha
	for i := range counts {
		counts[i] = r.Limit("PlaneByteCount", uint64(r.U32LE("PlaneByteCount")), uint64(len(src)))
	}
	loss := int(r.U8("ColorLossLevel"))
	sub := r.U8("ChromaSubsamplingLevel") != 0
	r.Skip("Reserved", 2)
	if r.Err() == nil && (loss < 1 || loss > 7) {
		r.Failf("ColorLossLevel: got %d, want 1 to 7", loss)
	}
	lumaW, chromaW, chromaH := t.W, t.W, t.H
	if sub {
		lumaW = (t.W + 7) &^ 7
		chromaW, chromaH = lumaW/2, (t.H+1)/2
	}
	sizes := [4]int{lumaW * t.H, chromaW * chromaH, chromaW * chromaH, t.W * t.H}
	buf := planes.Get().(*[]byte)
	defer planes.Put(buf)
	total := sizes[0] + sizes[1] + sizes[2] + sizes[3]
	if cap(*buf) < total {
		*buf = make([]byte, total)
	}
	all := (*buf)[:total]
	var plane [4][]byte
	for i, n := range sizes {
		plane[i], all = all[:n], all[n:]
		coded := r.Bytes("plane", counts[i])
		if r.Err() != nil {
			break
		}
		if !unpackNSPlane(plane[i], coded) {
			r.Failf("plane %d: %d bytes do not make %d", i, len(coded), n)
		}
	}
	if err := r.Done("nscodec"); err != nil {
		return corruptf("nscodec", "%v", err)
	}
	for y := range t.H {
		row, cy := t.row(y), y
		if bottomUp {
			row = t.row(t.H - 1 - y)
		}
		if sub {
			cy = y / 2
		}
		drawPlanarRow(row, plane[0][y*lumaW:][:t.W], plane[1][cy*chromaW:][:chromaW], plane[2][cy*chromaW:][:chromaW], loss, sub)
	}
	return nil
}

// unpackNSPlane undoes the run-length coding of one plane ([MS-RDPNSC] 2.2.2.2, 3.1.8.1.1): two equal bytes are followed by a
// length, and the last four bytes stand as they are. An empty plane is all 255, one of full size is not coded.
func unpackNSPlane(plane, src []byte) bool {
	switch {
	case len(src) == 0:
		for i := range plane {
			plane[i] = 255
		}
		return true
	case len(src) >= len(plane):
		return copy(plane, src) == len(plane)
	}
	const tail = 4
	for len(plane) > tail {
		if len(src) < 1 {
			return false
		}
		v := src[0]
		src = src[1:]
		n := 1
		if len(plane) > tail+1 && len(src) > 0 && src[0] == v {
			if len(src) < 2 {
				return false
			}
			if n = int(src[1]) + 2; src[1] < 0xff {
				src = src[2:]
			} else {
				if len(src) < 6 {
					return false
				}
				long := binary.LittleEndian.Uint32(src[2:])
				src = src[6:]
				if long > uint32(len(plane)) {
					return false
				}
				n = int(long)
			}
			if n > len(plane)-tail {
				return false
			}
		}
		for i := range plane[:n] {
			plane[i] = v
		}
		plane = plane[n:]
	}
	return copy(plane, src) == len(plane)
}
