package rdp

import (
	"bufio"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/channel"
	"github.com/sallyport/sallyport/rdp/internal/connect"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// far is the server's end of a Client with channels.
type far struct {
	t    *testing.T
	conn net.Conn
	ids  map[string]pdu.ChannelID
	got  chan said
}

// said is a message of the client.
type said struct {
	channel string
	message []byte
}

// pair is a Client with an active desktop whose server has all channels of cfg but those of without, and that server's end. Next runs until
// the end of the test, and its updates come by a channel.
func pair(t *testing.T, cfg Config, without ...string) (*Client, *far, <-chan Update) {
	t.Helper()
	valid, err := cfg.validate()
	if err != nil {
		t.Fatal(err)
	}
	near, conn := net.Pipe()
	res := &connect.Result{User: 1007, IO: pdu.GlobalChannel, Channels: map[string]pdu.ChannelID{}}
	for i, def := range valid.channels() {
		res.Channels[def.Name] = pdu.ChannelID(1010 + i)
	}
	for _, name := range without {
		delete(res.Channels, name)
	}
	s := testStage()
	c := &Client{cfg: valid, conn: near, r: bufio.NewReaderSize(near, readBuffer), w: newWriter(near, valid.WriteTimeout), stage: s}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.activated()
	c.open(res)
	f := &far{t: t, conn: conn, ids: res.Channels, got: make(chan said, 1000)}
	ended, updates := make(chan struct{}, 2), make(chan Update, 1000)
	go func() {
		defer func() { ended <- struct{}{} }()
		f.hear()
	}()
	go func() {
		defer func() { ended <- struct{}{} }()
		defer close(updates)
		for {
			u, err := c.Next(context.Background())
			if err != nil {
				return
			}
			switch v := u.(type) { // void with the next update
			case *ClipboardChanged:
				kept := *v
				u = &kept
			case *DriveAttached:
				kept := *v
				u = &kept
			}
			updates <- u
		}
	}()
	t.Cleanup(func() {
		c.Close()
		conn.Close()
		<-ended
		<-ended
	})
	return c, f, updates
}

// hear takes what the client says until it hangs up.
func (f *far) hear() {
	defer close(f.got)
	joiners := map[pdu.ChannelID]*channel.Joiner{}
	names := map[pdu.ChannelID]string{}
	for name, id := range f.ids {
		joiners[id], names[id] = &channel.Joiner{}, name
	}
	r := bufio.NewReader(f.conn)
	for {
		n, err := peekSize(r, pdu.FrameSize)
		if err != nil {
			return
		}
		unit := make([]byte, n)
		if _, err := io.ReadFull(r, unit); err != nil {
			return
		}
		var p pdu.MCS
		payload, err := pdu.DataPayload(unit)
		if err == nil {
			err = p.UnmarshalBinary(payload)
		}
		if err != nil {
			f.t.Error(err)
			return
		}
		j := joiners[p.Channel]
		if j == nil {
			continue
		}
		m, done, err := j.Join(p.Data)
		if err != nil {
			f.t.Error(err)
			return
		}
		if done {
			f.got <- said{names[p.Channel], append([]byte(nil), m...)}
		}
	}
}

// say sends messages on a channel.
func (f *far) say(name string, messages ...[]byte) {
	f.t.Helper()
	for _, m := range messages {
		err := channel.Chunks(m, true, func(chunk []byte) error {
			b := must((&pdu.MCS{Kind: pdu.MCSSendDataIndication, User: 1002, Channel: f.ids[name], Data: chunk}).AppendBinary(nil))
			_, err := f.conn.Write(must(pdu.AppendData(nil, b)))
			return err
		})
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

// next returns the client's next message, which must be on that channel.
func (f *far) next(name string) []byte {
	f.t.Helper()
	select {
	case s, ok := <-f.got:
		if !ok || s.channel != name {
			f.t.Fatalf("message on channel %q, want %s", s.channel, name)
		}
		return s.message
	case <-time.After(testPatience):
		f.t.Fatalf("no message on channel %s", name)
	}
	return nil
}

// testPatience ends what hangs.
const testPatience = 2 * time.Minute

// await returns the next update of that type.
func await[T Update](t *testing.T, updates <-chan Update) T {
	t.Helper()
	for {
		select {
		case u, ok := <-updates:
			if v, is := u.(T); is {
				return v
			}
			if !ok {
				t.Fatal("the client has ended")
			}
		case <-time.After(testPatience):
			t.Fatal("no such update")
		}
	}
}

// TestChannels_OnlyWhatIsAskedFor: a Config without services joins no channel, and what comes on channels that were not joined is left out.
func TestChannels_OnlyWhatIsAskedFor(t *testing.T) {
	if defs := (&Config{}).channels(); len(defs) > 0 {
		t.Errorf("%v", defs)
	}
	b := must((&pdu.MCS{Kind: pdu.MCSSendDataIndication, User: 1002, Channel: 1234, Data: []byte("x")}).AppendBinary(nil))
	if n, err := all(testStage(), must(pdu.AppendData(nil, b))); n != 0 || err != nil {
		t.Error(n, err)
	}
}

// TestChannels_EarlyMessages: what a server said before the desktop was active is heard.
func TestChannels_EarlyMessages(t *testing.T) {
	c, f, _ := pair(t, Config{Clipboard: &Clipboard{}})
	_ = c
	var chunk []byte
	_ = channel.Chunks([]byte{1, 0, 0, 0, 0, 0, 0, 0}, true, func(b []byte) error { chunk = append(chunk, b...); return nil })
	s := testStage()
	s.statics = c.stage.statics
	s.early = []connect.Early{{Channel: 4711, Data: chunk}, {Channel: f.ids["cliprdr"], Data: chunk}}
	if _, err := s.next(); err != nil {
		t.Fatal(err)
	}
	f.next("cliprdr") // the format list that answers Monitor Ready
}

// TestChannels_S09_Nonsense: nonsense on a channel ends the connection with a protocol error.
func TestChannels_S09_Nonsense(t *testing.T) {
	c, f, updates := pair(t, Config{Clipboard: &Clipboard{}})
	f.say("cliprdr", []byte{1, 0, 0})
	for range updates {
	}
	if _, err := c.Next(t.Context()); CodeOf(err) != CodeProtocol {
		t.Error(err)
	}
}
