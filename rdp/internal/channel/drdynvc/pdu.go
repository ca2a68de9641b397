package drdynvc

import (
	"bytes"
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Command is what a PDU is (Cmd of the header, 2.2.1 to 2.2.5).
type Command uint8

// The commands.
const (
	CommandCreate              Command = 1
	CommandDataFirst           Command = 2
	CommandData                Command = 3
	CommandClose               Command = 4
	CommandCapabilities        Command = 5
	CommandDataFirstCompressed Command = 6
	CommandDataCompressed      Command = 7
	CommandSoftSyncRequest     Command = 8
	CommandSoftSyncResponse    Command = 9
)

// Status is the result of a Create Request (CreationStatus, 2.2.2.2): below zero the channel is refused.
type Status int32

// The results.
const (
	StatusOK         Status = 0
	StatusNoListener Status = -0x3fffffff // 0xC0000001, what clients say when nobody listens to that name
)

const (
	maxPDU  = 1600 // 3.1.5.1.4: of all PDUs that carry data
	maxName = 256  // of a channel, in bytes; longer ones are nobody's
)

// PDU is any PDU of the channel. Which fields count depends on its Command.
type PDU struct {
	Command  Command
	Version  uint16    // CommandCapabilities
	Charges  [4]uint16 // CommandCapabilities from the server, of versions 2 and up: bandwidth by priority
	Response bool      // CommandCapabilities, CommandCreate: it is the client's answer
	Channel  uint32
	Priority uint8  // CommandCreate from the server: 0 to 3
	Name     string // CommandCreate from the server
	Status   Status // CommandCreate from the client
	Length   uint32 // CommandDataFirst: of the whole message
	Data     []byte // CommandDataFirst, CommandData; it aliases what was decoded
}

// AppendBinary appends the PDU.
func (p *PDU) AppendBinary(b []byte) ([]byte, error) {
	at, sp := len(b), uint8(0)
	b = append(b, 0)
	if p.Command == CommandCapabilities {
		b = wire.AppendU16LE(append(b, 0), p.Version)
		if !p.Response && p.Version > 1 {
			for _, c := range p.Charges {
				b = wire.AppendU16LE(b, c)
			}
		}
		b[at] = uint8(p.Command) << 4
		return b, nil
	}
	b, id := appendVariable(b, p.Channel)
	switch p.Command {
	case CommandCreate:
		if p.Response {
			b = wire.AppendU32LE(b, uint32(p.Status))
			break
		}
		if sp = p.Priority; sp > 3 || len(p.Name) > maxName || bytes.IndexByte([]byte(p.Name), 0) >= 0 {
			return nil, fmt.Errorf("create request: priority %d, name of %d bytes", p.Priority, len(p.Name))
		}
		b = append(append(b, p.Name...), 0)
	case CommandDataFirst:
		b, sp = appendVariable(b, p.Length)
		b = append(b, p.Data...)
	case CommandData:
		b = append(b, p.Data...)
	case CommandClose:
	default:
		return nil, fmt.Errorf("dynamic channel PDU of command %d", p.Command)
	}
	b[at] = uint8(p.Command)<<4 | sp<<2 | id
	return b, nil
}

// UnmarshalBinary takes a PDU of the server, or one of the client if Response is set.
func (p *PDU) UnmarshalBinary(b []byte) error {
	r := wire.NewReader(b)
	head := r.U8("header")
	*p = PDU{Command: Command(head >> 4), Response: p.Response}
	sp, id := head>>2&3, head&3
	if p.Command == CommandCapabilities {
		r.U8("pad")
		p.Version = r.U16LE("version")
		if !p.Response && p.Version > 1 {
			for i := range p.Charges {
				p.Charges[i] = r.U16LE("priorityCharge")
			}
		}
		return r.Done("dynamic channel capabilities")
	}
	if p.Command == CommandSoftSyncRequest || p.Command == CommandSoftSyncResponse || p.Command == 0 || p.Command > CommandSoftSyncResponse {
		return r.Done("dynamic channel PDU")
	}
	p.Channel = takeVariable(&r, "channelId", id)
	switch p.Command {
	case CommandCreate:
		if p.Response {
			p.Status = Status(r.I32LE("creationStatus"))
			break
		}
		p.Priority = sp
		rest := r.Rest()
		n := bytes.IndexByte(rest, 0)
		if n < 0 {
			n = len(rest) // the end of the PDU is an end, too
		}
		p.Name = string(rest[:r.Limit("channelName", uint64(n), maxName)])
	case CommandDataFirst, CommandDataFirstCompressed:
		p.Length = takeVariable(&r, "length", sp)
		p.Data = r.Rest()
	case CommandData, CommandDataCompressed:
		p.Data = r.Rest()
	}
	return r.Done("dynamic channel PDU")
}

// takeVariable takes a number of one, two or four bytes, as size says (cbId, Len).
func takeVariable(r *wire.Reader, field string, size uint8) uint32 {
	switch size {
	case 0:
		return uint32(r.U8(field))
	case 1:
		return uint32(r.U16LE(field))
	case 2:
		return r.U32LE(field)
	}
	r.Failf("%s: length %d is not one", field, size)
	return 0
}

// appendVariable appends a number in as few bytes as can be, and returns how many: 0, 1 or 2.
func appendVariable(b []byte, v uint32) ([]byte, uint8) {
	switch {
	case v <= 0xff:
		return append(b, uint8(v)), 0
	case v <= 0xffff:
		return wire.AppendU16LE(b, uint16(v)), 1
	}
	return wire.AppendU32LE(b, v), 2
}

// Cut returns a message of a channel as PDUs (3.1.5.1.4): one Data, or a Data First and what follows.
func Cut(channel uint32, message []byte) (out [][]byte) {
	add := func(p PDU) int {
		p.Channel = channel
		b, _ := p.AppendBinary(nil) // header alone: it has no error
		n := min(len(message), maxPDU-len(b))
		out = append(out, append(b, message[:n]...))
		message = message[n:]
		return n
	}
	const header = 1 /* header */ + 4 /* channelId */
	if len(message) <= maxPDU-header {
		add(PDU{Command: CommandData})
		return out
	}
	add(PDU{Command: CommandDataFirst, Length: uint32(len(message))})
	for len(message) > 0 {
		add(PDU{Command: CommandData})
	}
	return out
}
