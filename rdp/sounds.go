package rdp

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/sallyport/sallyport/pam"
)

// playSounds passes on what a connection plays. What nobody takes in time is dropped: sound is never late.
func (c *conn) playSounds(ctx context.Context, client *Client) {
	for {
		s, err := client.NextSound(ctx)
		if err != nil {
			return // Next tells how the connection has ended
		}
		c.out.offer(pam.Frame{Kind: pam.FrameAudio, Flags: pam.FlagDroppable, Payload: s.payload()})
	}
}

// payload is the sound as a page takes it (pam/PROTOCOL.md, audio).
func (s *Sound) payload() []byte {
	b := make([]byte, 0, 4+1+4+len(s.Samples))
	b = binary.BigEndian.AppendUint32(b, uint32(s.Rate))
	b = binary.BigEndian.AppendUint32(append(b, byte(s.Channels)), uint32(min(max(s.Lost.Milliseconds(), 0), math.MaxUint32)))
	return append(b, s.Samples...)
}
