package vt

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// clusterText lists the Unicode properties that the page's terminal goes by, a line for each run of code points: where
// it begins (hex), how its characters break clusters (a clusterKind), and their width. It follows the unicode-graphemes
// add-on of xterm.js, whatever its version of Unicode; the client's tests hold it against that code point by code point,
// and write it anew with UPDATE=1.
//
//go:embed clusters.txt
var clusterText string

// clusterKind is how a character breaks grapheme clusters, a value of Grapheme_Cluster_Break.
type clusterKind uint8

const (
	kindOther clusterKind = iota
	kindPrepend
	kindExtend
	kindRegional
	kindSpacing
	kindHangulL
	kindHangulV
	kindHangulT
	kindHangulLV
	kindHangulLVT
	kindZWJ
	kindPictographic
)

// property is a kind, and wide for what takes two cells.
type property uint8

const wideProperty property = 0x80

func (p property) kind() clusterKind { return clusterKind(p &^ wideProperty) }

func (p property) width() uint8 {
	if p&wideProperty != 0 {
		return 2
	}
	return 1
}

type propertyRun struct {
	first rune
	property
}

// directRunes is how many code points have a property of their own in memory: all that text is made of.
const directRunes = 0x20000

type properties struct {
	direct [directRunes]property
	runs   []propertyRun
}

var propertyTable = sync.OnceValue(func() *properties {
	t := new(properties)
	for line := range strings.Lines(clusterText) {
		if run, ok := parseRun(strings.TrimSpace(line)); ok {
			t.runs = append(t.runs, run)
		}
	}
	for i, run := range t.runs {
		end := rune(directRunes)
		if i+1 < len(t.runs) {
			end = min(t.runs[i+1].first, directRunes)
		}
		for r := run.first; r < end; r++ {
			t.direct[r] = run.property
		}
	}
	return t
})

// propertyOf returns what is known of r, which must not be negative.
func propertyOf(r rune) property {
	t := propertyTable()
	if r < directRunes {
		return t.direct[r]
	}
	i, found := slices.BinarySearchFunc(t.runs, r, func(run propertyRun, r rune) int { return int(run.first - r) })
	if !found {
		i--
	}
	return t.runs[i].property
}

// joinState is what the character before the next one decides about it. The zero value follows a control or a
// sequence: nothing joins.
type joinState struct {
	kind  clusterKind
	width uint8 // cells of the cluster so far; 0: there is none
}

// next returns the state after r, and whether r belongs to the cluster before. The rules are the terminal's: simpler
// than those of Unicode, in that any pictograph joins a ZWJ.
func (s joinState) next(r rune) (joinState, bool) {
	p := propertyOf(r)
	n := joinState{kind: p.kind(), width: p.width()}
	if s.width == 0 || !joins(s.kind, n.kind) {
		return n, false
	}
	n.width = max(n.width, s.width)
	if n.kind == kindRegional {
		n = joinState{kind: kindOther, width: 2} // two make a flag, a third begins the next
	}
	return n, true
}

func joins(before, after clusterKind) bool {
	switch {
	case after == kindExtend || after == kindZWJ || after == kindSpacing || before == kindPrepend:
		return true
	case before == kindZWJ:
		return after == kindPictographic
	case before == kindRegional:
		return after == kindRegional
	case before == kindHangulL:
		return after == kindHangulL || after == kindHangulV || after == kindHangulLV || after == kindHangulLVT
	case before == kindHangulV || before == kindHangulLV:
		return after == kindHangulV || after == kindHangulT
	case before == kindHangulT || before == kindHangulLVT:
		return after == kindHangulT
	}
	return false
}

// stateAfter returns the state after a whole cluster.
func stateAfter(first rune, marks string) joinState {
	s, _ := joinState{}.next(first)
	for _, r := range marks {
		s, _ = s.next(r)
	}
	return s
}

// parseRun reads a line of clusterText.
func parseRun(line string) (propertyRun, bool) {
	f := strings.Fields(line)
	if len(f) != 3 || f[0] == "#" {
		return propertyRun{}, false
	}
	first, err1 := strconv.ParseUint(f[0], 16, 21)
	kind, err2 := strconv.ParseUint(f[1], 10, 4)
	if err1 != nil || err2 != nil {
		return propertyRun{}, false
	}
	p := property(kind)
	if f[2] == "2" {
		p |= wideProperty
	}
	return propertyRun{rune(first), p}, true
}
