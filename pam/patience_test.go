package pam_test

import (
	"context"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// heedless is a protocol and a recorder whose opening calls keep to no context.
type heedless struct {
	*pamtest.Protocol
	rec  *pamtest.Recorder
	gate chan struct{}
}

func (s heedless) Connect(_ context.Context, r pam.ConnectRequest) (pam.Conn, error) {
	<-s.gate
	return s.Protocol.Connect(context.Background(), r)
}

type heedlessRecorder heedless

func (s heedlessRecorder) Open(_ context.Context, m pam.RecordingMeta, w pam.RecordingWatcher) (pam.Recording, error) {
	<-s.gate
	return s.rec.Open(context.Background(), m, w)
}

// TestEnd_S28_HeedlessNeighbours: a Connect or an Open that does not keep to its context holds up no end; what it returns
// after all is closed, and a late recording is sealed.
func TestEnd_S28_HeedlessNeighbours(t *testing.T) {
	for _, where := range []string{"Connect", "Open"} {
		t.Run(where, func(t *testing.T) {
			gate := make(chan struct{})
			r := newRig(t, func(c *pam.Config) {
				c.Limits.CloseTimeout = 10 * time.Millisecond
				s := heedless{c.Protocols[0].(*pamtest.Protocol), c.Recorder.(*pamtest.Recorder), gate}
				if where == "Connect" {
					c.Protocols = []pam.Protocol{s}
				} else {
					c.Recorder = heedlessRecorder(s)
				}
			})
			if where == "Open" {
				r.recorded()
			}
			p := r.alice()
			id := p.start()
			pg := p.attach(id)
			pg.await("launch", func() bool {
				return pg.state["state"] == "connecting" || where == "Open" && pg.state["state"] == "launching"
			})
			if err := r.broker.Terminate(r.ctx, admin, id, ""); err != nil {
				t.Fatal(err)
			}
			if got := pg.awaitEnd(); got != pam.CodeTerminated {
				t.Errorf("end %q", got)
			}
			r.completed(id)
			close(gate)
			if where == "Connect" {
				select {
				case <-r.target(1).Closed():
				case <-r.ctx.Done():
					t.Error("the late connection was not closed")
				}
				return
			}
			rec, err := r.recorder.Recording(r.ctx, 1)
			if err != nil {
				t.Fatal(err)
			}
			select {
			case <-rec.Done():
			case <-r.ctx.Done():
				t.Error("the late recording was not closed")
			}
			if rec.End() == nil {
				t.Error("the late recording is not sealed")
			}
		})
	}
}
