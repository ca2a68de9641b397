package rdptest

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// The faces of a pen.
type faceName uint8

const (
	faceText faceName = iota
	faceBold
	faceMono
	faceTitle
	faceCount
)

var parsedFonts = sync.OnceValues(func() (fonts [3]*opentype.Font, err error) {
	for i, ttf := range [...][]byte{goregular.TTF, gobold.TTF, gomono.TTF} {
		if fonts[i], err = opentype.Parse(ttf); err != nil {
			return fonts, fmt.Errorf("rdptest: font: %w", err)
		}
	}
	return fonts, nil
})

// pen draws text. A face keeps a buffer of its own, so that each desktop needs a pen.
type pen struct{ faces [faceCount]font.Face }

func newPen() (*pen, error) {
	fonts, err := parsedFonts()
	if err != nil {
		return nil, err
	}
	p := &pen{}
	for i, f := range [faceCount]struct {
		font int
		size float64
	}{faceText: {0, 14}, faceBold: {1, 14}, faceMono: {2, 14}, faceTitle: {1, 20}} {
		if p.faces[i], err = opentype.NewFace(fonts[f.font], &opentype.FaceOptions{Size: f.size, DPI: 72, Hinting: font.HintingFull}); err != nil {
			return nil, fmt.Errorf("rdptest: font: %w", err)
		}
	}
	return p, nil
}

func (p *pen) width(f faceName, s string) int { return font.MeasureString(p.faces[f], s).Ceil() }

// text writes s with its base line at y.
func (p *pen) text(m draw.Image, f faceName, c color.Color, x, y int, s string) {
	d := font.Drawer{Dst: m, Src: image.NewUniform(c), Face: p.faces[f], Dot: fixed.P(x, y)}
	d.DrawString(s)
}

func fill(m *image.RGBA, r image.Rectangle, c color.Color) {
	draw.Draw(m, r, image.NewUniform(c), image.Point{}, draw.Src)
}

// frame draws a line of one pixel along the inside of r.
func frame(m *image.RGBA, r image.Rectangle, c color.Color) {
	fill(m, image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+1), c)
	fill(m, image.Rect(r.Min.X, r.Max.Y-1, r.Max.X, r.Max.Y), c)
	fill(m, image.Rect(r.Min.X, r.Min.Y, r.Min.X+1, r.Max.Y), c)
	fill(m, image.Rect(r.Max.X-1, r.Min.Y, r.Max.X, r.Max.Y), c)
}
