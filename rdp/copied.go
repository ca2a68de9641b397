package rdp

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// fetchPatience is how long a target may take to hand over a text that it has offered.
const fetchPatience = 10 * time.Second

// Paste makes the text what the session's clipboard holds. The session fetches it when it is pasted there.
func (c *conn) Paste(_ context.Context, p pam.Paste) error {
	return c.connection().OfferText(func(context.Context) (string, error) { return p.Text, nil })
}

// fetchTexts passes on what is copied in the session, until ctx ends.
func (c *conn) fetchTexts(ctx context.Context) {
	for {
		select {
		case <-c.copied:
		case <-ctx.Done():
			return
		}
		text, err := c.fetchText(ctx)
		switch {
		case err != nil:
			c.log.Debug("the session's clipboard", "err", err)
		case text != "":
			if c.out.put(ctx, outgoing{Frame: pam.Frame{Kind: pam.FrameClipboard, Payload: []byte(text)}}) != nil {
				return
			}
		}
	}
}

func (c *conn) fetchText(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchPatience)
	defer cancel()
	text, err := c.connection().FetchText(ctx)
	if errors.Is(err, ErrClipboardDenied) || errors.Is(err, ErrClipboardEmpty) {
		return "", nil
	}
	return text, err
}
