package rdp

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// Pictures and pointers of the active stage, whichever path they came by.

func (s *stage) takeBitmap(data []byte) (Update, error) {
	n, rest, err := pdu.TakeBitmaps(data)
	if err != nil {
		return nil, err
	}
	s.bitmap.Tiles = s.bitmap.Tiles[:0]
	for range n {
		p := &s.picture
		if rest, err = pdu.TakeBitmap(rest, p); err != nil {
			return nil, err
		}
		t := Tile{
			Codec: bitmapCodec(p), X: int(p.Left), Y: int(p.Top), W: int(p.Right) - int(p.Left) + 1, H: int(p.Bottom) - int(p.Top) + 1,
			Width: int(p.Width), Height: int(p.Height), Data: p.Data,
		}
		if t.Codec == 0 {
			return nil, fmt.Errorf("bitmap of %d bits", p.Depth)
		}
		if err := s.checkTile(&t); err != nil {
			return nil, err
		}
		s.bitmap.Tiles = append(s.bitmap.Tiles, t)
	}
	return &s.bitmap, nil
}

// checkTile refuses pictures that cannot be a part of the desktop (S22). A rectangle may be smaller than the picture, whose rest is padding,
// and may reach over the edge of the desktop.
func (s *stage) checkTile(t *Tile) error {
	switch {
	case t.Width < 1 || t.Height < 1 || t.Width > s.activation.Width+3 || t.Height > s.activation.Height+3:
		return fmt.Errorf("picture of %dx%d on a desktop of %dx%d", t.Width, t.Height, s.activation.Width, s.activation.Height)
	case t.W < 1 || t.H < 1 || t.X >= s.activation.Width || t.Y >= s.activation.Height:
		return fmt.Errorf("picture for %dx%d at %d,%d on a desktop of %dx%d", t.W, t.H, t.X, t.Y, s.activation.Width, s.activation.Height)
	}
	t.W, t.H = min(t.W, t.Width), min(t.H, t.Height)
	return nil
}

func (s *stage) takePalette(data []byte) (Update, error) {
	colors, err := pdu.TakePalette(data)
	s.palette.Colors = colors
	return &s.palette, err
}

// takeCommand takes one surface command.
func (s *stage) takeCommand() (Update, error) {
	p := &s.command
	rest, err := pdu.TakeSurfaceCommand(s.cmds, p)
	if err != nil {
		return nil, err
	}
	s.cmds = rest
	if p.Kind == pdu.SurfaceKindFrame {
		s.marker = FrameMarker{End: p.End, ID: p.Frame}
		return &s.marker, nil
	}
	// Right and bottom are wrong on some servers; width and height say all.
	t := Tile{
		Codec: surfaceCodec(p), X: int(p.Left), Y: int(p.Top), W: int(p.Width), H: int(p.Height),
		Width: int(p.Width), Height: int(p.Height), Data: p.Data,
	}
	if t.Codec == 0 {
		return nil, fmt.Errorf("surface bits of codec %d and %d bits, which was not offered", p.Codec, p.Depth)
	}
	if err := s.checkTile(&t); err != nil {
		return nil, err
	}
	s.surface.Tile = t
	return &s.surface, nil
}

func (s *stage) takePointer(kind pdu.PointerKind, body []byte) (Update, error) {
	switch kind {
	case pdu.PointerKindSystem:
		if len(body) < 4 {
			return nil, fmt.Errorf("system pointer of %d bytes", len(body))
		}
		s.system = PointerSystem{Hidden: body[0]|body[1]|body[2]|body[3] == 0} // SYSPTR_NULL; any other is the default
		return &s.system, nil
	case pdu.PointerKindPosition:
		return s.takePosition(body)
	case pdu.PointerKindCached:
		return s.takeCached(body)
	case pdu.PointerKindColor, pdu.PointerKindNew, pdu.PointerKindLarge:
		return s.takeShape(kind, body)
	}
	return nil, fmt.Errorf("pointer update of unknown type %d", kind)
}

func (s *stage) takePosition(body []byte) (Update, error) {
	x, y, err := pdu.TakePoint(body)
	s.moved = PointerMoved{int(x), int(y)}
	return &s.moved, err
}

func (s *stage) takeCached(body []byte) (Update, error) {
	if len(body) < 2 {
		return nil, fmt.Errorf("cached pointer of %d bytes", len(body))
	}
	s.cached.Index = int(body[0]) | int(body[1])<<8
	return &s.cached, checkPointer(s.cached.Index)
}

func (s *stage) takeShape(kind pdu.PointerKind, body []byte) (Update, error) {
	p := &s.shape
	if err := p.UnmarshalBinary(kind, body); err != nil {
		return nil, err
	}
	s.pointer = PointerShape{
		Index: int(p.Index), HotX: int(p.HotX), HotY: int(p.HotY), Width: int(p.Width), Height: int(p.Height),
		Depth: int(p.Depth), And: p.And, Xor: p.Xor,
	}
	return &s.pointer, checkPointer(s.pointer.Index)
}
