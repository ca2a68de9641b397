package rdp

import (
	"context"
	"encoding/binary"

	"github.com/sallyport/sallyport/pam"
)

// playSounds passes on what a connection plays. What nobody takes in time is dropped: sound is never late.
func (c *conn) playSounds(ctx context.Context, client *Client) {
	for {
		s, err := client.NextSound(ctx)
		if err != nil {
			return // Next tells how the connection has ended
		}
		b := make([]byte, 0, 4+1+4+len(s.Samples))
		b = binary.BigEndian.AppendUint32(b, uint32(s.Rate))
		b = binary.BigEndian.AppendUint32(append(b, byte(s.Channels)), uint32(s.Lost.Milliseconds()))
		c.out.offer(pam.Frame{Kind: pam.FrameAudio, Flags: pam.FlagDroppable, Payload: append(b, s.Samples...)})
	}
}
