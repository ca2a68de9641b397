package pam_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// slowSizes is a connection whose target takes a size only when it may.
type slowSizes struct {
	pam.Conn
	pam.Paster
	pam.KeyFramer
	asked chan struct{}
	may   chan struct{}
}

func (c *slowSizes) Resize(ctx context.Context, _ pam.Size) error {
	select {
	case c.asked <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-c.may:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TestRecordKey_R2_Terminal: a recording of a terminal gets its picture by bytes, marked as a repetition and for no page; never while a
// size is on its way to the target, since the recording is ahead of the picture then.
func TestRecordKey_R2_Terminal(t *testing.T) {
	sizes := &slowSizes{asked: make(chan struct{}), may: make(chan struct{})}
	r := newRig(t)
	r.protocol.Wrap = func(c *pamtest.Conn) pam.Conn {
		sizes.Conn, sizes.Paster, sizes.KeyFramer = c, c, c
		return sizes
	}
	r.recorded()
	_, pg, c := r.begin()
	rec, err := r.recorder.Recording(r.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Repeat("x", 64<<10)
	flood := func() {
		for range 40 { // more than what a terminal may be without a key frame
			r.say(c, part)
		}
	}
	repeats := func() (list []pam.Entry) {
		for _, e := range rec.Entries(pam.EntryFrame) {
			if e.Flags&pam.FlagRepeat != 0 {
				list = append(list, e)
			}
		}
		return list
	}
	flood()
	got := repeats()
	if len(got) != 1 || got[0].Flags != pam.FlagKey|pam.FlagRepeat || !bytes.HasPrefix([]byte(strings.Repeat(part, 40)), got[0].Data) {
		t.Fatalf("%d repetitions", len(got))
	}

	pg.send(frame.Frame{Kind: frame.Resize, Payload: frame.AppendResize(nil, frame.Size{Cols: 120, Rows: 40})})
	<-sizes.asked
	flood()
	flood() // four times what the fake's last one took
	if n := len(repeats()); n != 1 {
		t.Errorf("%d repetitions while a size is on its way", n)
	}
	sizes.may <- struct{}{}
	for len(repeats()) < 2 { // as soon as it is through
		r.say(c, "y")
	}
	r.say(c, "z")
	pg.awaitOutput("z")
	pg.mu.Lock()
	defer pg.mu.Unlock()
	if n := strings.Count(pg.all.String(), "x"); n != 120*len(part) {
		t.Errorf("the page has got %d bytes, want %d", n, 120*len(part))
	}
}
