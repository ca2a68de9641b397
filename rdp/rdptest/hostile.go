package rdptest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// step is what the server sends: one phase of the connection sequence (1.3.1.1).
type step uint8

const (
	stepConfirm   step = iota // X.224 Connection Confirm
	stepTLS                   // the server's part of the TLS handshake
	stepChallenge             // NTLM challenge
	stepKey                   // proof of the TLS key
	stepEarly                 // early user authorization result
	stepResponse              // MCS Connect-Response
	stepAttach                // Attach User Confirm
	stepJoin                  // Channel Join Confirm
	stepLicense               // licensing
	stepDemand                // Demand Active
	stepFinal                 // finalization
	stepUpdate                // the first update
)

var stepNames = [...]string{
	"confirm", "tls", "challenge", "key", "early", "response", "attach", "join", "license", "demand", "final", "update",
}

// variant is one way to break the protocol. send gets the first unit of the step, and sends what stands in its place; after that
// the server only listens, until the client hangs up.
type variant struct {
	step step
	name string // after that of the step
	send func(p *poison, unit []byte) error
}

// errHostile ends the ordinary course of a connection with a variant.
var errHostile = errors.New("rdptest: the rest of this connection is hostile")

// Variants returns the names of all hostile variants, for Config.Hostile: what is sent, and what is wrong with it.
func Variants() []string {
	all := variants()
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].String()
	}
	return names
}

func (v *variant) String() string { return stepNames[v.step] + ": " + v.name }

func variants() []variant {
	var all []variant
	for s := stepConfirm; s <= stepFinal; s++ {
		all = append(all, variant{s, "silence", func(*poison, []byte) error { return nil }}, variant{s, "hangs up", func(p *poison, _ []byte) error {
			return p.c.conn.Close()
		}})
	}
	return append(append(append(all, connectVariants()...), activationVariants()...), updateVariants()...)
}

func findVariant(name string) (*variant, error) {
	if name == "" {
		return nil, nil
	}
	for _, v := range variants() {
		if v.String() == name {
			return &v, nil
		}
	}
	return nil, fmt.Errorf("rdptest: there is no hostile variant %q", name)
}

// Taken returns how many bytes the connections of this server have taken of its hostile units. On a connection without a buffer of
// its own, such as net.Pipe, it is what the client has read.
func (s *Server) Taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Heard returns how many bytes came from clients after they had been sent something hostile, before the desktop was active. It counts
// once they have hung up.
func (s *Server) Heard() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard
}

// poison sends hostile bytes.
type poison struct{ c *Session }

// beHostile sends the variant in the place of unit, once. c.wmu is held.
func (c *Session) beHostile(v *variant, unit []byte) error {
	if c.hostile {
		return errHostile
	}
	c.hostile = true
	var heard sync.WaitGroup
	defer heard.Wait() // it is up to the client to end this
	if v.step != stepUpdate {
		heard.Go(func() { // nobody else listens
			n, _ := io.Copy(io.Discard, c.r)
			c.server.mu.Lock()
			defer c.server.mu.Unlock()
			c.server.heard += int(n)
		})
	}
	return errors.Join(errHostile, v.send(&poison{c}, unit))
}

func (p *poison) write(b []byte) error {
	n, err := p.c.conn.Write(b)
	p.c.server.mu.Lock()
	defer p.c.server.mu.Unlock()
	p.c.server.taken += n
	return err
}

// change is a variant that sends one changed unit.
func change(s step, name string, f func([]byte) []byte) variant {
	return variant{s, name, func(p *poison, unit []byte) error { return p.write(f(unit)) }}
}

// tooLong is long, and no more than that.
var tooLong = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// set returns a change that overwrites bytes at an offset, counted from the end if it is negative.
func set(at int, bytes ...byte) func([]byte) []byte {
	return func(b []byte) []byte {
		if at < 0 {
			copy(b[len(b)+at:], bytes)
		} else {
			copy(b[at:], bytes)
		}
		return b
	}
}

// cut returns a change that keeps the first bytes of the payload of a TPKT, whose length stays right.
func cut(n int) func([]byte) []byte {
	return func(b []byte) []byte { return tpkt(b[tpktSize:min(len(b), tpktSize+n)]) }
}

func with(b []byte) func([]byte) []byte { return func([]byte) []byte { return b } }

const (
	tpktSize = 4
	dataSize = 3 // X.224 Data
)

// tpkt is a TPKT without any check.
func tpkt(payload []byte) []byte {
	b := append([]byte{3, 0, 0, 0}, payload...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

// inData changes the payload of an X.224 Data TPDU.
func inData(f func([]byte) []byte) func([]byte) []byte {
	return func(b []byte) []byte {
		head := b[tpktSize : tpktSize+dataSize]
		payload := append([]byte(nil), b[tpktSize+dataSize:]...)
		return tpkt(append(append([]byte(nil), head...), f(payload)...))
	}
}

// inShare changes the user data of a Send Data Indication.
func inShare(f func([]byte) []byte) func([]byte) []byte {
	return inData(func(b []byte) []byte {
		var m pdu.MCS
		if err := m.UnmarshalBinary(b); err != nil {
			panic(err) // the server's own
		}
		m.Data = f(append([]byte(nil), m.Data...))
		out, err := m.AppendBinary(nil)
		if err != nil {
			panic(err) // the variants are fixed, and each is tested
		}
		return out
	})
}

// indication is a unit with a Send Data Indication of the desktop's channel.
func indication(data []byte) []byte {
	b, err := (&pdu.MCS{Kind: pdu.MCSSendDataIndication, User: serverUser, Channel: pdu.GlobalChannel, Data: data}).AppendBinary(nil)
	if err != nil {
		panic(err) // as above
	}
	return tpkt(append([]byte{2, 0xf0, 0x80}, b...))
}

// shareUnit is a unit with a share control PDU.
func shareUnit(kind pdu.ShareKind, body []byte) []byte {
	b, err := (&pdu.ShareControl{Kind: kind, Source: serverUser, Body: body}).AppendBinary(nil)
	if err != nil {
		panic(err) // as above
	}
	return indication(b)
}

// dataUnit is a unit with a share data PDU.
func dataUnit(kind pdu.DataKind, body []byte) []byte {
	b, err := (&pdu.Data{ShareID: shareID, Kind: kind, Body: body}).AppendBinary(nil)
	if err != nil {
		panic(err) // as above
	}
	return shareUnit(pdu.ShareData, b)
}
