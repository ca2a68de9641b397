package rdp

import (
	"errors"

	"github.com/sallyport/sallyport/rdp/internal/channel"
	"github.com/sallyport/sallyport/rdp/internal/channel/disp"
)

// ErrDesktopTooLarge says that a desktop has more pixels than the server takes.
var ErrDesktopTooLarge = disp.ErrTooLarge

// display is the state of a Client's display control.
type display struct {
	*dynamic
	client *disp.Client // of the channel that is open; guarded by static.mu
}

func newDisplay(d *dynamics) *display {
	b := &display{}
	b.dynamic = d.listen(disp.Name, disp.MaxMessage, func() channel.Processor {
		b.client = disp.New()
		return b.client
	})
	return b
}

// Resize asks the server for a desktop of another size, in pixels: 200 to 8192 a side; an odd width is one less. scale is how large things are to
// be drawn, in percent, 100 to 500; zero means 100. The desktop that the server then makes comes as *Resized, in the size that the server
// likes, or not at all.
//
// It needs Config.Resize. With ErrNotOffered the server has no display control, or has not opened it yet, as some do only after the sign-in: the way
// to another size is then to connect anew. With ErrDesktopTooLarge a smaller one may do. No error of the size ends the connection.
func (c *Client) Resize(width, height, scale int) error {
	b := c.display
	if b == nil {
		return ErrNotConfigured
	}
	if scale == 0 {
		scale = 100
	}
	return b.do(func() ([][]byte, error) {
		m, err := b.client.Layout(width, height, scale)
		if errors.Is(err, disp.ErrNotReady) {
			return nil, ErrNotOffered
		}
		if err != nil {
			return nil, err
		}
		return [][]byte{m}, nil
	})
}
