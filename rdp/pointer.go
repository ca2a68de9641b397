package rdp

import "encoding/binary"

// Kinds of the payload of a cursor (pam/PROTOCOL.md).
const (
	pointerSystem uint8 = iota + 1
	pointerHidden
	pointerShape
	pointerMoved
)

// maxShapes is how many bytes of pointers are kept, of the 25 that a target may have stored. Ordinary ones have 4 KiB.
const maxShapes = 4 << 20

// shapes are the pointers that the target has stored, as payloads.
type shapes struct {
	cache [pointerCache][]byte
	bytes int
}

// payload is what a browser is told about a pointer; nil is nothing. A pointer that cannot be drawn is the system's.
func (s *shapes) payload(u Update) []byte {
	switch u := u.(type) {
	case *PointerShape:
		p := systemPointer()
		if c, err := u.Cursor(); err == nil {
			p = c.payload()
		}
		s.store(u.Index, p)
		return p
	case *PointerCached:
		if p := s.cache[u.Index]; p != nil {
			return p
		}
		return systemPointer()
	case *PointerSystem:
		if u.Hidden {
			return []byte{pointerHidden}
		}
		return systemPointer()
	case *PointerMoved:
		return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{pointerMoved}, uint16(u.X)), uint16(u.Y))
	}
	return nil
}

func (s *shapes) store(i int, p []byte) {
	s.bytes -= len(s.cache[i])
	s.cache[i] = nil
	if s.bytes+len(p) <= maxShapes {
		s.cache[i], s.bytes = p, s.bytes+len(p)
	}
}

func systemPointer() []byte { return []byte{pointerSystem} }

func (c *Cursor) payload() []byte {
	size := c.Image.Rect.Size()
	b := make([]byte, 0, 1+4*2+len(c.Image.Pix))
	b = append(b, pointerShape)
	for _, v := range []int{c.HotX, c.HotY, size.X, size.Y} {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return append(b, c.Image.Pix...)
}
