package rdptest

import (
	"errors"
	"image"
	"time"
)

// Animation is what moves on the desktop by itself. The zero value is nothing but the clock.
type Animation struct {
	// Frames is how many pictures a second the canvas shows, at most 1000.
	Frames int
	// Letters is how many letters a second are written into the text field, at most 10,000.
	Letters int
}

// Limits of an Animation.
const (
	maxFrames  = 1000
	maxLetters = 10_000
)

func (a Animation) check() error {
	if a.Frames < 0 || a.Frames > maxFrames || a.Letters < 0 || a.Letters > maxLetters {
		return errors.New("Config.Animation is out of its bounds")
	}
	return nil
}

// rate is how often a second something moves.
func (a Animation) rate() int { return max(a.Frames, a.Letters) }

// animation is how far it has come.
type animation struct {
	Animation
	start   time.Time
	frame   int
	letters int
}

// Frame returns the number of the animation's picture, which begins at 0.
func (d *Desktop) Frame() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.animation.frame
}

// move brings the animation to where the clock says. Pictures that nobody was in time for are left out; letters are not.
func (d *Desktop) move() {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := &d.animation
	passed := d.now().Sub(a.start)
	due := func(rate int) int { return int(passed * time.Duration(rate) / time.Second) }
	if n := due(a.Frames); n > a.frame {
		a.frame = n
		d.paintMoving()
	}
	n := due(a.Letters)
	if n <= a.letters {
		return
	}
	for ; a.letters < n; a.letters++ {
		if len(d.text) == maxText {
			d.text = d.text[:0]
		}
		d.text = append(d.text, letter(a.letters))
	}
	d.paintField()
}

// letter is the nth one that is written.
func letter(n int) rune {
	const words = "The quick brown fox jumps over the lazy dog. "
	return rune(words[n%len(words)])
}

// paintMoving paints the present picture of the animation: colours that move, each row and column at its own pace.
func (d *Desktop) paintMoving() {
	r, n := d.layout().canvas.Inset(1).Intersect(d.img.Rect), d.animation.frame
	for y := r.Min.Y; y < r.Max.Y; y++ {
		line := d.img.Pix[d.img.PixOffset(r.Min.X, y):][:4*r.Dx()]
		for x := range r.Dx() {
			p := line[4*x:][:4:4]
			p[0], p[1], p[2], p[3] = byte(x+3*n), byte(y+2*n), byte((x+y)/2-n), 0xff
		}
	}
	d.touch(image.Rectangle{r.Min, r.Max})
}
