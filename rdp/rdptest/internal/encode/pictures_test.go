package encode

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/codec"
	"github.com/sallyport/sallyport/rdp/internal/screen"
)

// update writes the pictures anew, from random ones with fixed seeds and from what real servers sent.
var update = flag.Bool("update", false, "rewrite rdp/internal/screen/testdata/pictures.json")

// picturesFile is read by the browser client's tests too: the same payloads make the same pixels there, by each of its decoders.
const picturesFile = "../../../internal/screen/testdata/pictures.json"

// pictures is the file.
type pictures struct {
	Cases   []pictureCase   `json:"cases"`
	Mutants []pictureMutant `json:"mutants"`
}

// pictureCase is a payload with what it draws.
type pictureCase struct {
	Name    string `json:"name"`
	Payload []byte `json:"payload"`
	drawn
}

// pictureMutant is a case's payload with some bytes set to other values and its end cut off.
type pictureMutant struct {
	Of    int      `json:"of"`
	Set   [][2]int `json:"set"`
	Bytes int      `json:"bytes"`
	drawn
}

// drawn is what comes of a payload: the size of the desktop, the beginning of the hash of its pixels, how many units cannot be drawn, and
// whether the rest cannot be taken apart.
type drawn struct {
	Width  int    `json:"width"`
	Height int    `json:"height"`
	SHA256 string `json:"sha256"`
	Faults int    `json:"faults,omitempty"`
	Broken bool   `json:"broken,omitempty"`
}

// draw is the oracle: what package screen makes of a payload.
func draw(payload []byte) (d drawn) {
	p := screen.NewPicture()
	err := p.Draw(payload)
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		d.Faults = len(joined.Unwrap())
	} else if err != nil {
		d.Broken = true
	}
	m := p.Image()
	d.Width, d.Height = m.Rect.Dx(), m.Rect.Dy()
	sum := sha256.Sum256(m.Pix)
	d.SHA256 = hex.EncodeToString(sum[:8])
	return d
}

func (m *pictureMutant) payload(of []pictureCase) []byte {
	b := bytes.Clone(of[m.Of].Payload)
	for _, s := range m.Set {
		b[s[0]] = byte(s[1])
	}
	return b[:m.Bytes]
}

// TestPictures_S22_DrawTheSame: payloads of all codecs, and what random changes make of them, draw what the file says.
func TestPictures_S22_DrawTheSame(t *testing.T) {
	if *update {
		b, err := json.Marshal(makePictures(t))
		if err != nil {
			t.Fatal(err)
		}
		b = bytes.ReplaceAll(b, []byte(`},{`), []byte("},\n{"))
		if err := os.WriteFile(picturesFile, append(b, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(picturesFile)
	if err != nil {
		t.Fatal(err)
	}
	var f pictures
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Cases {
		if got := draw(c.Payload); got != c.drawn {
			t.Errorf("%s: drew %+v, want %+v", c.Name, got, c.drawn)
		}
	}
	faults := 0
	for i, m := range f.Mutants {
		got := draw(m.payload(f.Cases))
		if got != m.drawn {
			t.Errorf("mutant %d of %s: drew %+v, want %+v", i, f.Cases[m.Of].Name, got, m.drawn)
		}
		if got.Faults > 0 || got.Broken {
			faults++
		}
	}
	if len(f.Cases) < 40 || faults < len(f.Mutants)/8 || faults > len(f.Mutants)*7/8 {
		t.Errorf("%d cases, %d of %d mutants with a fault", len(f.Cases), faults, len(f.Mutants))
	}
}

// gallery collects cases.
type gallery struct {
	*rand.Rand
	t *testing.T
	pictures
}

// add draws units on a desktop that has pixels of its own, to see what stays as it was.
func (g *gallery) add(name string, units ...[]byte) {
	payload := screen.AppendDesktop(nil, 97, 71)
	ground := image.NewRGBA(image.Rect(0, 0, 8, 4))
	for i := range ground.Pix {
		ground.Pix[i] = byte(7 * i)
	}
	payload = screen.AppendTile(payload, codec.Raw32, image.Rect(3, 2, 11, 6), 8, 4, Raw(ground, 8, 32))
	payload = screen.AppendPresent(append(payload, bytes.Join(units, nil)...))
	c := pictureCase{Name: name, Payload: payload, drawn: draw(payload)}
	if c.Faults > 0 || c.Broken {
		g.t.Errorf("%s: %+v", name, c.drawn)
	}
	g.Cases = append(g.Cases, c)
}

// tile is a unit of a picture whose rows are width pixels, at 5,4; what is beyond the right and lower edge of the desktop is cut.
func tile(id codec.ID, m *image.RGBA, width int, picture []byte) []byte {
	r := image.Rect(5, 4, 5+m.Rect.Dx(), 4+m.Rect.Dy())
	return screen.AppendTile(nil, id, r, width, m.Rect.Dy(), picture)
}

func makePictures(t *testing.T) *pictures {
	g := &gallery{Rand: rand.New(rand.NewPCG(22, 8)), t: t}
	sizes := []image.Point{{32, 24}, {13, 7}, {100, 5}, {1, 1}}
	each := func(name string, f func(m *image.RGBA) []byte) {
		for _, s := range sizes {
			g.add(fmt.Sprintf("%s %dx%d", name, s.X, s.Y), f(picture(g.Rand, s.X, s.Y)))
		}
	}
	for _, v := range []struct {
		name  string
		id    codec.ID
		depth int
	}{{"raw15", codec.Raw15, 15}, {"raw16", codec.Raw16, 16}, {"raw24", codec.Raw24, 24}, {"raw32", codec.Raw32, 32}} {
		each(v.name, func(m *image.RGBA) []byte {
			width := (m.Rect.Dx() + 3) &^ 3
			return tile(v.id, m, width, Raw(m, width, v.depth))
		})
	}
	for _, v := range []struct {
		name  string
		id    codec.ID
		depth int
	}{{"surface16", codec.Surface16, 16}, {"surface24", codec.Surface24, 24}, {"surface32", codec.Surface32, 32}} {
		each(v.name, func(m *image.RGBA) []byte { return tile(v.id, m, m.Rect.Dx(), Raw(m, m.Rect.Dx(), v.depth)) })
	}
	for _, v := range []struct {
		name  string
		id    codec.ID
		depth int
	}{{"rle15", codec.RLE15, 15}, {"rle16", codec.RLE16, 16}, {"rle24", codec.RLE24, 24}} {
		for range 2 {
			each(v.name, func(m *image.RGBA) []byte {
				width := (m.Rect.Dx() + 3) &^ 3
				return tile(v.id, m, width, Interleaved(m, width, v.depth))
			})
		}
	}
	for i, o := range []PlanarOptions{
		{}, {RLE: true}, {RLE: true, NoAlpha: true}, {NoAlpha: true, Loss: 1}, {RLE: true, Loss: 3}, {RLE: true, NoAlpha: true, Loss: 2, HalfSize: true}, {Loss: 7, HalfSize: true},
	} {
		each("planar "+strconv.Itoa(i), func(m *image.RGBA) []byte { return tile(codec.Planar, m, m.Rect.Dx(), Planar(m, o)) })
	}
	for loss := 1; loss <= 7; loss += 2 {
		for _, half := range []bool{false, true} {
			each(fmt.Sprintf("nscodec %d %v", loss, half), func(m *image.RGBA) []byte {
				return tile(codec.NSCodec, m, m.Rect.Dx(), NSCodec(m, loss, half))
			})
		}
	}
	g.remoteFX()
	g.recorded()
	for range 640 {
		g.mutate()
	}
	return &g.pictures
}

// remoteFX adds tiles of an encoder, with and without clips, and tiles of random bytes with any quantisation: sums that wrap are to wrap alike.
func (g *gallery) remoteFX() {
	for _, mode := range []struct {
		name  string
		coded Entropy
	}{{"rlgr1", RLGR1}, {"rlgr3", RLGR3}} {
		for i := range 3 {
			m := picture(g.Rand, 64, 64)
			f, err := codec.NewRemoteFX().Parse(NewRemoteFX(mode.coded, 64, 64).Encode(m))
			if err != nil {
				g.t.Fatal(err)
			}
			at := image.Pt(16*i, 7*i)
			if i == 2 {
				f.Rects = []codec.Rect{{X: 3, Y: 5, W: 20, H: 9}, {X: 30, Y: 0, W: 34, H: 64}, {X: 0, Y: 60, W: 64, H: 4}}
			}
			g.add(fmt.Sprintf("remotefx %s %d", mode.name, i), screen.AppendRemoteFX(nil, f, &f.Tiles[0], at.X, at.Y, image.Rect(0, 0, 97, 71)))
		}
	}
	for i := range 24 {
		tl := codec.Tile{Entropy: []codec.Entropy{codec.RLGR1, codec.RLGR3}[i%2]}
		sparse := byte(0xff)
		if i%3 == 0 {
			sparse = byte(g.Uint32()) // more zeros, shorter codes
		}
		for c := range tl.Data {
			for j := range tl.Quant[c] {
				tl.Quant[c][j] = uint8(g.IntN(16))
				if i%4 < 2 {
					tl.Quant[c][j] = uint8(6 + g.IntN(3))
				}
			}
			tl.Data[c] = make([]byte, g.IntN(200))
			for j := range tl.Data[c] {
				tl.Data[c][j] = byte(g.Uint32()) & sparse
			}
		}
		f := &codec.Frame{Rects: []codec.Rect{{W: 64, H: 64}}}
		g.add(fmt.Sprintf("remotefx random %d", i), screen.AppendRemoteFX(nil, f, &tl, g.IntN(40), g.IntN(10), image.Rect(0, 0, 97, 71)))
	}
}

// recorded adds some of what real servers sent.
func (g *gallery) recorded() {
	for _, v := range []struct {
		set string
		id  codec.ID
	}{{"xrdp-inter16", codec.RLE16}, {"shadow-inter16", codec.RLE16}, {"xrdp-inter24", codec.RLE24}, {"xrdp-planar32", codec.Planar}, {"shadow-planar32", codec.Planar}} {
		dir := filepath.Join("../../../internal/codec/testdata/vectors", v.set)
		index, err := os.ReadFile(filepath.Join(dir, "index.tsv"))
		if err != nil {
			g.t.Fatal(err)
		}
		for line := range strings.Lines(string(index)) {
			f := strings.Split(line, "\t")
			if strings.HasPrefix(f[1], "bulk") {
				continue
			}
			w, err1 := strconv.Atoi(f[3])
			h, err2 := strconv.Atoi(f[4])
			in, err3 := os.ReadFile(filepath.Join(dir, f[0]+"-"+f[1]+".in"))
			if err := errors.Join(err1, err2, err3); err != nil {
				g.t.Fatal(err)
			}
			g.add(v.set, screen.AppendTile(nil, v.id, image.Rect(0, 0, w, h), w, h, in))
			break
		}
	}
}

// mutate changes a case.
func (g *gallery) mutate() {
	m := pictureMutant{Of: g.IntN(len(g.Cases)), Set: [][2]int{}}
	of := g.Cases[m.Of].Payload
	m.Bytes = len(of)
	const ground = 9 + 18 + 8*4*4 // the desktop and its pixels, which mostly stay
	from := min(ground, len(of)-1)
	if g.IntN(16) == 0 {
		from = 0
	}
	for range 1 + g.IntN(6) {
		at := from + g.IntN(len(of)-from)
		if g.IntN(3) == 0 { // headers
			at = min(from+g.IntN(48), len(of)-1)
		}
		value := int(byte(g.Uint32()))
		if g.IntN(4) == 0 {
			value = []int{0, 1, 127, 128, 255}[g.IntN(5)]
		}
		m.Set = append(m.Set, [2]int{at, value})
	}
	if g.IntN(24) == 0 {
		m.Bytes = g.IntN(len(of))
	}
	m.drawn = draw(m.payload(g.Cases))
	if m.Width*m.Height > 1<<18 { // would only take time in every test
		return
	}
	g.Mutants = append(g.Mutants, m)
}
