package rdptest

import (
	"context"
	"fmt"
	"image"
	"slices"
	"sync"
	"time"
	"unicode/utf16"
)

// Limits of a desktop, and of what it remembers.
const (
	minSide   = 200
	maxSide   = 8192
	maxPixels = 33 << 20
	maxEvents = 100_000
	maxText   = 4096 // runes
	maxTrail  = 4096
)

// Desktop is the picture of one session and all that has been typed and clicked on it.
type Desktop struct {
	now  func() time.Time
	user string
	wake chan struct{} // has room for one: something changed
	// shortcuts are keys that are not for the text field. What comes faster than it is dealt with is lost.
	shortcuts chan shortcut

	mu         sync.Mutex // guards what follows
	changed    chan struct{}
	img        *image.RGBA
	pen        *pen
	damage     []image.Rectangle
	suppressed bool
	events     []Event
	text       []rune
	surrogate  rune
	shift      [2]bool
	control    [2]bool
	caps       bool
	state      state
	animation  animation
}

func checkDesktop(w, h int) error {
	if w < minSide || h < minSide || w > maxSide || h > maxSide || w*h > maxPixels {
		return fmt.Errorf("rdptest: desktop of %dx%d, want %d to %d a side, and at most %d pixels", w, h, minSide, maxSide, maxPixels)
	}
	return nil
}

func newDesktop(w, h int, user string, now func() time.Time) (*Desktop, error) {
	if err := checkDesktop(w, h); err != nil {
		return nil, err
	}
	p, err := newPen()
	if err != nil {
		return nil, err
	}
	d := &Desktop{
		now: now, user: user, wake: make(chan struct{}, 1), shortcuts: make(chan shortcut, maxShortcuts), changed: make(chan struct{}),
		img: image.NewRGBA(image.Rect(0, 0, w, h)), pen: p,
	}
	d.state.clock = now()
	d.paintAll()
	d.damage = []image.Rectangle{d.img.Rect} // once, not each part again
	return d, nil
}

// Image returns a copy of what is shown.
func (d *Desktop) Image() *image.RGBA {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := *d.img
	m.Pix = slices.Clone(m.Pix)
	return &m
}

// Text returns what was typed into the text field.
func (d *Desktop) Text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return string(d.text)
}

// Events returns the input events so far, at most the first 100,000.
func (d *Desktop) Events() []Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.events)
}

// Wait returns when ok does, which is asked after each change. It must not call the Desktop's methods that wait. When ctx ends it
// returns the cause.
func (d *Desktop) Wait(ctx context.Context, ok func(*Desktop) bool) error {
	for {
		d.mu.Lock()
		changed := d.changed
		d.mu.Unlock()
		if ok(d) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("rdptest: desktop: %w", context.Cause(ctx))
		}
	}
}

// Step moves the clock on to now.
func (d *Desktop) Step() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state.clock = d.now()
	d.paintPanel()
}

// touch notes that a part has changed. d.mu is held.
func (d *Desktop) touch(r image.Rectangle) {
	const few = 64
	r = r.Intersect(d.img.Rect)
	if r.Empty() {
		return
	}
	if len(d.damage) == few { // a union draws more than needed, and stays bounded
		for _, o := range d.damage {
			r = r.Union(o)
		}
		d.damage = d.damage[:0]
	}
	if !slices.Contains(d.damage, r) {
		d.damage = append(d.damage, r)
	}
	d.notify()
}

func (d *Desktop) notify() {
	close(d.changed)
	d.changed = make(chan struct{})
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// takeDamage returns what has changed since it was called last; nothing while output is suppressed.
func (d *Desktop) takeDamage() []image.Rectangle {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.suppressed {
		return nil
	}
	r := d.damage
	d.damage = nil
	return r
}

// pixels returns a copy of a part.
func (d *Desktop) pixels(r image.Rectangle) *image.RGBA {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	for y := range r.Dy() {
		copy(m.Pix[y*m.Stride:][:m.Stride], d.img.Pix[d.img.PixOffset(r.Min.X, r.Min.Y+y):])
	}
	return m
}

func (d *Desktop) suppress(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.suppressed = on
	d.notify()
}

func (d *Desktop) refresh(area image.Rectangle) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.touch(area.Intersect(d.img.Rect))
}

// input takes one event.
func (d *Desktop) input(e Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.events) < maxEvents {
		d.events = append(d.events, e)
	}
	switch e.Kind {
	case EventScancode:
		d.key(e)
	case EventUnicode:
		if e.Down {
			d.unicode(e.Rune)
		}
	case EventMouse:
		d.mouse(e)
	case EventSync:
		const capsLock = 0x04
		d.caps = e.Flags&capsLock != 0
	}
	d.notify()
}

// unicode joins the halves of characters beyond U+FFFF, which come as two events.
func (d *Desktop) unicode(c rune) {
	if d.surrogate != 0 {
		c, d.surrogate = utf16.DecodeRune(d.surrogate, c), 0
	} else if utf16.IsSurrogate(c) {
		d.surrogate = c
		return
	}
	d.typed(c)
}

func (d *Desktop) key(e Event) {
	switch e.Code {
	case scanShiftL:
		if !e.Extended { // an extended one only frames other keys
			d.shift[0] = e.Down
		}
		return
	case scanShiftR:
		d.shift[1] = e.Down
		return
	case scanControl:
		right := 0
		if e.Extended {
			right = 1
		}
		d.control[right] = e.Down
		return
	}
	if !e.Down {
		return
	}
	if d.control[0] || d.control[1] {
		d.shortcut(e.Code)
		return
	}
	switch e.Code {
	case scanCapsLock:
		d.caps = !d.caps
	case scanBackspace:
		if n := len(d.text); n > 0 {
			d.text = d.text[:n-1]
			d.paintField()
		}
	case scanEnter:
		d.typed('\n')
	case scanTab:
		d.typed('\t')
	default:
		if c := usKey(e.Code, d.shift[0] || d.shift[1], d.caps); c != 0 && !e.Extended {
			d.typed(c)
		}
	}
}

// shortcut is a combination with Ctrl that the desktop knows.
type shortcut uint8

const (
	shortcutCopy shortcut = iota
	shortcutPaste

	maxShortcuts = 16 // that wait
)

func (d *Desktop) shortcut(code uint16) {
	s, known := map[uint16]shortcut{scanC: shortcutCopy, scanV: shortcutPaste}[code]
	if !known {
		return
	}
	select {
	case d.shortcuts <- s:
	default:
	}
}

// insert types a text.
func (d *Desktop) insert(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range text {
		d.typed(c)
	}
	d.notify()
}

func (d *Desktop) typed(c rune) {
	if len(d.text) < maxText {
		d.text = append(d.text, c)
		d.paintField()
	}
}
