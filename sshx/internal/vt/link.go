package vt

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// Limits of hyperlinks (OSC 8), whose addresses are the target's choice.
const (
	maxLinkMark  = 4 << 10   // bytes of address and parameters; what is longer is ignored, by the page as well
	maxLinks     = 1024      // known at one time
	maxLinkBytes = 256 << 10 // of all that are known
	// Beyond these, what a key frame draws is text alone.
	maxRowLinkBytes  = 16 << 10 // of links in one drawn row
	maxDrawLinkBytes = 1 << 20  // of links in one key frame, scroll-back not counted
)

// linkID is a place in a linkTable, plus one; 0 is no link.
type linkID uint16

// linkTable holds the links that cells refer to. The zero value is empty.
type linkTable struct {
	links  []link // an empty one is free
	free   int    // no place before it is free
	bytes  int
	serial uint64 // of links that had no name of their own
	opened int    // since the last sweep
}

// link is an address, and the name that joins its parts.
type link struct {
	id, address []byte
}

func (l *link) size() int { return len(l.id) + len(l.address) }

// hyperlink is OSC 8: parameters, a semicolon, an address. Without an address a link ends.
func (t *Terminal) hyperlink(mark []byte) {
	if len(mark) > maxLinkMark || !printableText(mark) {
		return
	}
	params, address, ok := bytes.Cut(mark, []byte{';'})
	if !ok {
		return
	}
	if len(address) == 0 {
		if len(bytes.TrimSpace(params)) == 0 {
			t.pen.link = 0
		}
		return
	}
	var name []byte
	for p := range bytes.SplitSeq(bytes.TrimSpace(params), []byte{':'}) {
		if v, found := bytes.CutPrefix(p, []byte("id=")); found {
			name = v
			break
		}
	}
	t.pen.link = t.link(name, address)
}

// printableText reports whether b is UTF-8 without controls: what is redrawn cannot end early.
func printableText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == utf8.RuneError && n == 1 {
			return false
		}
		b = b[n:]
	}
	return true
}

// link returns the link of this name and address, which it makes if need be; 0 if there is no room. Without a name each
// is one of its own, and gets a name: what is one link must stay one if it is drawn again in parts.
func (t *Terminal) link(name, address []byte) linkID {
	s := &t.links
	if len(name) > 0 {
		for i := range s.links {
			if l := &s.links[i]; bytes.Equal(l.id, name) && bytes.Equal(l.address, address) {
				return linkID(i + 1)
			}
		}
		name = bytes.Clone(name)
	} else {
		s.serial++
		name = strconv.AppendUint([]byte("sp-"), s.serial, 36)
	}
	l := link{id: name, address: bytes.Clone(address)}
	s.opened++
	if s.full(l) && s.opened >= maxLinks/2 {
		t.sweepLinks()
	}
	if s.full(l) {
		return 0
	}
	for s.free < len(s.links) && s.links[s.free].address != nil {
		s.free++
	}
	if s.free == len(s.links) {
		s.links = append(s.links, link{})
	}
	s.links[s.free] = l
	s.bytes += l.size()
	return linkID(s.free + 1)
}

func (s *linkTable) full(l link) bool {
	if s.bytes+l.size() > maxLinkBytes {
		return true
	}
	for s.free < len(s.links) && s.links[s.free].address != nil {
		s.free++
	}
	return s.free == maxLinks
}

// sweepLinks forgets the links that no cell has any more. It looks at every cell: callers see to it that this is rare.
func (t *Terminal) sweepLinks() {
	var used [maxLinks + 1]bool
	used[t.pen.link] = true
	for _, b := range []*buffer{&t.main, &t.alt} {
		used[b.saved.pen.link] = true
		for i := range b.rows {
			if r := &b.rows[i]; r.styled {
				for _, c := range r.cells {
					used[c.link] = true
				}
			}
		}
	}
	s := &t.links
	for i := range s.links {
		if !used[i+1] && s.links[i].address != nil {
			s.bytes -= s.links[i].size()
			s.links[i] = link{}
		}
	}
	s.free, s.opened = 0, 0
}

// get returns the link id, which may be 0.
func (s *linkTable) get(id linkID) *link {
	if id == 0 || int(id) > len(s.links) {
		return nil
	}
	return &s.links[id-1]
}

// linkDrawer draws links as long as there is room for them.
type linkDrawer struct {
	table *linkTable
	room  int // bytes, for all that is drawn
	row   int // for the present row
}

// append appends what opens the link id, or ends the one before.
func (d *linkDrawer) append(b []byte, id linkID) []byte {
	l := d.table.get(id)
	if l == nil {
		return append(b, endLink...)
	}
	n := l.size() + 2*len(endLink)
	if n > d.room || n > d.row {
		d.row = 0
		return append(b, endLink...)
	}
	d.room -= n
	d.row -= n
	b = append(b, "\x1b]8;id="...)
	b = append(b, l.id...)
	b = append(b, ';')
	b = append(b, l.address...)
	return append(b, '\a')
}

const endLink = "\x1b]8;;\a"
