package rdp

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/channel/disp"
	"github.com/sallyport/sallyport/rdp/internal/channel/drdynvc"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// sayDynamic sends PDUs of dynamic channels.
func (f *far) sayDynamic(all ...drdynvc.PDU) {
	f.t.Helper()
	for _, p := range all {
		f.say(dynamicChannel, must(p.AppendBinary(nil)))
	}
}

// nextDynamic returns the client's next PDU of a dynamic channel.
func (f *far) nextDynamic() (p drdynvc.PDU) {
	f.t.Helper()
	p.Response = true
	if err := p.UnmarshalBinary(f.next(dynamicChannel)); err != nil {
		f.t.Fatal(err)
	}
	return p
}

// openDynamic opens a dynamic channel of the client.
func (f *far) openDynamic(id uint32, name string) {
	f.t.Helper()
	f.sayDynamic(drdynvc.PDU{Command: drdynvc.CommandCreate, Channel: id, Name: name})
	if p := f.nextDynamic(); p.Command != drdynvc.CommandCreate || p.Channel != id || p.Status != drdynvc.StatusOK {
		f.t.Fatalf("create is answered with %+v", p)
	}
}

// TestResize_AsksTheServer: a size is asked for when the server has opened display control, and not otherwise; sizes that cannot be are errors,
// and the channel goes on.
func TestResize_AsksTheServer(t *testing.T) {
	c, f, updates := pair(t, Config{Resize: true})
	f.sayDynamic(drdynvc.PDU{Command: drdynvc.CommandCapabilities, Version: 3})
	if p := f.nextDynamic(); p.Command != drdynvc.CommandCapabilities || p.Version != 2 {
		t.Fatalf("%+v", p)
	}
	if err := c.Resize(800, 600, 0); !errors.Is(err, ErrNotOffered) {
		t.Error(err)
	}
	for id := range uint32(2) { // opened twice, the second one counts
		f.openDynamic(7+id, disp.Name)
		if err := c.Resize(800, 600, 0); !errors.Is(err, ErrNotOffered) {
			t.Error(err)
		}
		caps := must((&disp.Caps{Monitors: 1, FactorA: 1920, FactorB: 1080}).AppendBinary(nil))
		f.sayDynamic(drdynvc.PDU{Command: drdynvc.CommandData, Channel: 7 + id, Data: caps})
		f.show(updates)
		if err := c.Resize(1201, 700, 0); err != nil {
			t.Fatal(err)
		}
		want := disp.AppendLayout(nil, disp.Monitor{Primary: true, Width: 1200, Height: 700, Scale: 100, DeviceScale: 100})
		if p := f.nextDynamic(); p.Command != drdynvc.CommandData || p.Channel != 7+id || !bytes.Equal(p.Data, want) {
			t.Errorf("%+v", p)
		}
	}
	if err := c.Resize(3000, 3000, 100); !errors.Is(err, ErrDesktopTooLarge) {
		t.Error(err)
	}
	if err := c.Resize(100, 100, 100); err == nil || errors.Is(err, ErrNotOffered) {
		t.Error(err)
	}
	f.sayDynamic(drdynvc.PDU{Command: drdynvc.CommandClose, Channel: 7})
	f.nextDynamic()
	if err := c.Resize(640, 480, 100); err != nil {
		t.Error("after the end of the first channel:", err)
	}
	f.nextDynamic()
	f.sayDynamic(drdynvc.PDU{Command: drdynvc.CommandClose, Channel: 8})
	f.nextDynamic()
	if err := c.Resize(640, 480, 100); !errors.Is(err, ErrNotOffered) {
		t.Error(err)
	}

	c, _, _ = pair(t, Config{})
	if err := c.Resize(640, 480, 100); !errors.Is(err, ErrNotConfigured) {
		t.Error(err)
	}
	c, _, _ = pair(t, Config{Resize: true}, dynamicChannel)
	if err := c.Resize(640, 480, 100); !errors.Is(err, ErrNotOffered) {
		t.Error(err)
	}
}

// show has the server show something, and waits until the client has: then it has also heard all that was said before.
func (f *far) show(updates <-chan Update) {
	f.t.Helper()
	if _, err := f.conn.Write(fastUnit(pdu.FastPathUpdate{Code: pdu.UpdatePointerHidden})); err != nil {
		f.t.Fatal(err)
	}
	await[*PointerSystem](f.t, updates)
}
