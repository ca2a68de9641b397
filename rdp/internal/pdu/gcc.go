package pdu

import (
	"bytes"
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// GCC, the Generic Conference Control (T.124): one request and one response that wrap blocks of user data.

var (
	gccObject = []byte{0x00, 0x05, 0x00, 0x14, 0x7c, 0x00, 0x01} // {itu-t recommendation t 124 version(0) 1}, as a Key
	gccClient = []byte("Duca")                                   // h221NonStandard key of clients
	gccServer = []byte("McDn")                                   // and of servers
)

const minKey = 4 // h221NonStandard keys have at least four octets

// AppendConferenceCreateRequest wraps the client's blocks ([MS-RDPBCGR] 2.2.1.3, T.124 8.7).
func AppendConferenceCreateRequest(b, blocks []byte) ([]byte, error) {
	var c []byte
	c = append(c, 0x00, 0x08)                      // choice conferenceCreateRequest, userData is there
	c = append(c, 0x00, 0x10, 0x00)                // conferenceName "1" as a simple numeric string, flags, padding
	c = append(c, 0x01, 0xc0)                      // one set of user data, choice h221NonStandard
	c = wire.AppendPEROctets(c, gccClient, minKey) // key
	if c = appendPERBlock(c, blocks); c == nil {
		return nil, fmt.Errorf("conference create request: %d bytes of user data, at most %d", len(blocks), 0x3fff)
	}
	b = append(b, gccObject...)
	if b = appendPERBlock(b, c); b == nil {
		return nil, fmt.Errorf("conference create request: %d bytes, at most %d", len(c), 0x3fff)
	}
	return b, nil
}

// appendPERBlock appends an octet string with a length of two bytes, as the usual peers write it; nil if it is too long.
func appendPERBlock(b, p []byte) []byte {
	if len(p) >= 0x4000 {
		return nil
	}
	return append(wire.AppendU16BE(b, 0x8000|uint16(len(p))), p...)
}

// TakeConferenceCreateRequest returns the client's blocks, which alias b.
func TakeConferenceCreateRequest(b []byte) ([]byte, error) {
	r := wire.NewReader(b)
	takeGCCKey(&r)
	n := r.PERLength("connectPDU")
	c := r.Sub("connectPDU", n)
	c.Skip("choice and name", 5)
	c.Want("number of sets", uint64(c.U8("number of sets")), 1)
	c.Want("choice of key", uint64(c.U8("choice of key")), 0xc0)
	if key := c.PEROctets("h221NonStandard", minKey); c.Err() == nil && !bytes.Equal(key, gccClient) {
		c.Failf("h221NonStandard: got %q, want %q", key, gccClient)
	}
	blocks := c.Bytes("userData", c.PERLength("userData"))
	r.Fail(c.Close("ConferenceCreateRequest"))
	return blocks, r.Close("GCC")
}

func takeGCCKey(r *wire.Reader) {
	if got := r.Bytes("key", len(gccObject)); r.Err() == nil && !bytes.Equal(got, gccObject) {
		r.Failf("key: got % x, want % x", got, gccObject)
	}
}

// AppendConferenceCreateResponse wraps the server's blocks (2.2.1.4, T.124 8.7).
func AppendConferenceCreateResponse(b, blocks []byte) ([]byte, error) {
	var c []byte
	c = append(c, 0x14)                              // choice conferenceCreateResponse, userData is there
	c = wire.AppendPERInteger16(c, 0x79f3, userBase) // nodeID
	c = append(c, 0x01, 0x01)                        // tag: an integer of one byte
	c = append(c, 0x00)                              // result: success
	c = append(c, 0x01, 0xc0)                        // one set, choice h221NonStandard
	c = wire.AppendPEROctets(c, gccServer, minKey)
	if c = appendPERBlock(c, blocks); c == nil {
		return nil, fmt.Errorf("conference create response: %d bytes of user data, at most %d", len(blocks), 0x3fff)
	}
	b = append(b, gccObject...)
	if b = appendPERBlock(b, c); b == nil {
		return nil, fmt.Errorf("conference create response: %d bytes, at most %d", len(c), 0x3fff)
	}
	return b, nil
}

// TakeConferenceCreateResponse returns the server's blocks, which alias b.
func TakeConferenceCreateResponse(b []byte) ([]byte, error) {
	r := wire.NewReader(b)
	takeGCCKey(&r)
	r.PERLength("connectPDU") // some servers write a length that counts nothing: it is the rest in any case
	r.U8("choice")
	r.PERInteger16("nodeID", userBase)
	r.PERInteger("tag")
	r.Want("result", uint64(r.U8("result")), 0)
	r.Want("number of sets", uint64(r.U8("number of sets")), 1)
	r.Want("choice of key", uint64(r.U8("choice of key")), 0xc0)
	if key := r.PEROctets("h221NonStandard", minKey); r.Err() == nil && !bytes.Equal(key, gccServer) {
		r.Failf("h221NonStandard: got %q, want %q", key, gccServer)
	}
	blocks := r.Bytes("userData", r.PERLength("userData"))
	return blocks, r.Close("GCC ConferenceCreateResponse")
}

// Types of the blocks of user data ([MS-RDPBCGR] 2.2.1.3.1).
const (
	csCore           = 0xc001
	csSecurity       = 0xc002
	csNet            = 0xc003
	csCluster        = 0xc004
	csMonitor        = 0xc005
	csMessageChannel = 0xc006
	csMultitransport = 0xc00a
	scCore           = 0x0c01
	scSecurity       = 0x0c02
	scNet            = 0x0c03
	scMessageChannel = 0x0c04
	scMultitransport = 0x0c08
)

const (
	blockHeader = 2 /* type */ + 2 /* length */
	maxBlocks   = 32
)

// appendBlock appends one block of user data.
func appendBlock(b []byte, kind uint16, body []byte) []byte {
	b = wire.AppendU16LE(b, kind)
	return append(wire.AppendU16LE(b, uint16(blockHeader+len(body))), body...)
}

// eachBlock hands the blocks to take, which returns an error for one that it cannot read. Unknown blocks are the caller's to ignore.
func eachBlock(blocks []byte, take func(kind uint16, r *wire.Reader) error) error {
	r := wire.NewReader(blocks)
	for n := 0; r.Len() > 0; n++ {
		if n == maxBlocks {
			return &wire.LimitError{Field: "blocks", Got: maxBlocks + 1, Max: maxBlocks}
		}
		kind := r.U16LE("type")
		body := r.Sub("block", int(r.U16LE("length"))-blockHeader)
		if err := r.Err(); err != nil {
			return err
		}
		if err := take(kind, &body); err != nil {
			return fmt.Errorf("block %#04x: %w", kind, err)
		}
	}
	return r.Err()
}
