package pamtest

import (
	"errors"
	"io"
	"net"
	"time"
)

const (
	pumpRead  = 16 << 10 // bytes per read
	pumpQueue = 256      // reads on their way; beyond that the sender is slowed, as by a full pipe
)

// parcel is one read on its way through the link, or the end of the direction.
type parcel struct {
	data []byte
	due  time.Time
	end  error // io.EOF: an orderly end, anything else: a broken one
}

// pump carries one direction: a reader stamps what comes with the time it is due, a writer delivers it then.
func (b *BadLink) pump(c *badConn, from, to net.Conn, quality func() (Quality, chan struct{})) {
	queue := make(chan parcel, pumpQueue)
	gone := make(chan struct{}) // closed when the writer has ended
	b.wg.Go(func() {
		reads := 0
		for end := error(nil); end == nil; {
			buf := make([]byte, pumpRead)
			n, err := from.Read(buf)
			end = err
			q, _ := quality()
			due := time.Now().Add(q.Delay)
			if reads++; q.Lose > 0 && reads%q.Lose == 0 {
				due = due.Add(q.Again)
			}
			select {
			case queue <- parcel{buf[:n], due, err}:
			case <-gone:
				return
			case <-b.ctx.Done():
				return
			}
		}
	})
	defer close(gone)
	for {
		var p parcel
		select {
		case p = <-queue:
		case <-b.ctx.Done():
			return
		}
		ok := b.deliver(c, to, p, quality)
		switch {
		case c.isCut():
			<-b.ctx.Done() // the client must see nothing, not even an end
			return
		case !ok:
			_ = from.Close() // frees the reader
			return
		case p.end == nil:
		case errors.Is(p.end, io.EOF):
			closeWrite(to) // the other direction goes on
			return
		default:
			c.reset(to)
			return
		}
	}
}

func closeWrite(to net.Conn) {
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = to.Close()
}

func (c *badConn) isCut() bool {
	select {
	case <-c.cut:
		return true
	default:
		return false
	}
}

// deliver writes one parcel when it is due, in pieces as the quality of that moment asks.
func (b *BadLink) deliver(c *badConn, to net.Conn, p parcel, quality func() (Quality, chan struct{})) bool {
	if !b.sleep(c, time.Until(p.due)) {
		return false
	}
	for {
		q, stalled := quality()
		if stalled != nil {
			select {
			case <-stalled:
				continue // there may be a new stall already
			case <-c.cut:
				return false
			case <-b.ctx.Done():
				return false
			}
		}
		if len(p.data) == 0 {
			return true
		}
		n := len(p.data)
		if q.Chunk > 0 {
			n = min(n, q.Chunk)
		}
		if q.Rate > 0 {
			// At most a twentieth of a second at once, so that a change of quality shows soon.
			n = min(n, max(1, q.Rate/20))
			if !b.sleep(c, time.Duration(n)*time.Second/time.Duration(q.Rate)) {
				return false
			}
		}
		// Counted before it can be answered.
		b.carried(to == c.target, n)
		if _, err := to.Write(p.data[:n]); err != nil {
			return false
		}
		p.data = p.data[n:]
	}
}

// sleep waits for d and reports whether the connection is still there.
func (b *BadLink) sleep(c *badConn, d time.Duration) bool {
	if d <= 0 {
		return b.ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.cut:
		return false
	case <-b.ctx.Done():
		return false
	}
}
