package vt

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// browserCells is what the page's terminal, 20 columns wide, made of a text in Chromium. The client's browser tests
// write the file and are held against it.
type browserCells struct {
	Text  string  `json:"text"`
	Lines [][]any `json:"lines"` // of cells: text and width
	X     int     `json:"x"`
	Y     int     `json:"y"`
}

func TestTerminal_C2_ClustersAreAsWideAsInTheBrowser(t *testing.T) {
	b, err := os.ReadFile("testdata/clusters.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]browserCells
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("%d texts", len(all))
	}
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			m := New(20, 4)
			m.Write([]byte(want.Text))
			got := browserCells{Text: want.Text, X: m.x, Y: m.y}
			for y := range m.y + 1 {
				got.Lines = append(got.Lines, cellsOf(m.line(y)))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("cells (-browser +model):\n%s", diff)
			}
			checkSnapshot(t, m, "x")
		})
	}
}

// cellsOf returns text and width of each cell of r up to its last character.
func cellsOf(r *row) []any {
	cells := []any{}
	for x := range r.used() {
		c := r.at(x)
		width := 1.0
		switch {
		case c.flags&wideTail != 0:
			continue
		case c.flags&wideHead != 0:
			width = 2
		}
		text := ""
		if c.r != 0 {
			text = string(c.r) + r.marksOf(c)
		}
		cells = append(cells, []any{text, width})
	}
	return cells
}
