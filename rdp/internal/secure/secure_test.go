package secure

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

var methods = []pdu.EncryptionMethods{pdu.Encryption40, pdu.Encryption56, pdu.Encryption128, pdu.EncryptionFIPS}

func testKeys(t *testing.T, m pdu.EncryptionMethods) *Keys {
	t.Helper()
	client, server := make([]byte, RandomSize), make([]byte, RandomSize)
	for i := range RandomSize {
		client[i], server[i] = byte(i), byte(7*i+1)
	}
	k, err := Derive(m, client, server)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestDirection_KeysChange: packets are opened in the order in which they were sealed, across two changes of the key, with and without salt; one
// that was changed, or comes twice, is found.
func TestDirection_KeysChange(t *testing.T) {
	for _, m := range methods {
		for _, salt := range []bool{false, true} {
			k := testKeys(t, m)
			out, err := newDirection(k, true, true)
			if err != nil {
				t.Fatal(err)
			}
			in, err := newDirection(k, true, false)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 2*updateAfter + 3 {
				want := []byte(fmt.Sprint("packet ", i))
				mac, sealed, pad := out.seal(want, salt)
				if bytes.Contains(sealed, []byte("packet")) {
					t.Fatalf("%v: packet %d is in clear", m, i)
				}
				got, err := in.open(mac, sealed, pad, salt)
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%v, salt %v: packet %d: %q %v", m, salt, i, got, err)
				}
			}
			if m != pdu.EncryptionFIPS && bytes.Equal(out.current, out.initial) {
				t.Errorf("%v: the key never changed", m)
			}
			mac, sealed, pad := out.seal([]byte("the last one"), salt)
			sealed[0] ^= 1
			if _, err := in.open(mac, sealed, pad, salt); !errors.Is(err, errMAC) {
				t.Errorf("%v: a changed packet: %v", m, err)
			}
			if _, err := in.open(mac, sealed, pad, salt); err == nil {
				t.Errorf("%v: a packet twice", m)
			}
		}
	}
}

// TestDerive: keys are as long as their method, both ways differ, and 40 and 56 bits keep the fixed bytes in front (5.3.5.1).
func TestDerive(t *testing.T) {
	sizes := map[pdu.EncryptionMethods]int{pdu.Encryption40: 8, pdu.Encryption56: 8, pdu.Encryption128: 16, pdu.EncryptionFIPS: 24}
	for _, m := range methods {
		k := testKeys(t, m)
		if len(k.client) != sizes[m] || len(k.server) != sizes[m] || bytes.Equal(k.client, k.server) {
			t.Errorf("%v: keys %x and %x", m, k.client, k.server)
		}
		fixed := map[pdu.EncryptionMethods][]byte{pdu.Encryption40: {0xd1, 0x26, 0x9e}, pdu.Encryption56: {0xd1}}[m]
		next := updatedOf(m, k.client)
		for _, key := range [][]byte{k.client, k.server, next} {
			if !bytes.HasPrefix(key, fixed) {
				t.Errorf("%v: key %x", m, key)
			}
		}
	}
	for _, bad := range []pdu.EncryptionMethods{0, 3, 0x20} {
		if _, err := Derive(bad, make([]byte, RandomSize), make([]byte, RandomSize)); err == nil {
			t.Errorf("method %#x", uint32(bad))
		}
	}
	if _, err := Derive(pdu.Encryption128, make([]byte, RandomSize-1), make([]byte, RandomSize)); err == nil {
		t.Error("a short random")
	}
}

func updatedOf(m pdu.EncryptionMethods, key []byte) []byte {
	if m == pdu.EncryptionFIPS {
		return key
	}
	return updated(m, key, key)
}

// pair is a connection with the same keys under both ends.
func pair(t *testing.T, m pdu.EncryptionMethods) (client, server *Conn) {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	client, err := NewConn(a, bufio.NewReader(a), testKeys(t, m), false, pdu.GlobalChannel)
	if err != nil {
		t.Fatal(err)
	}
	server, err = NewConn(b, bufio.NewReader(b), testKeys(t, m), true, pdu.GlobalChannel)
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

func request(t *testing.T, kind pdu.MCSKind, channel pdu.ChannelID, data []byte) []byte {
	t.Helper()
	b, err := wrap(&pdu.MCS{Kind: kind, User: 1007, Channel: channel, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestConn_S09: units of every kind come out as they went in, several at a time, both ways, with and without salt.
func TestConn_S09(t *testing.T) {
	info := append(pdu.AppendSecurityHeader(nil, pdu.SecurityInfo), "the client info"...)
	license := append(pdu.AppendSecurityHeader(nil, pdu.SecurityLicense), "a licence"...)
	share, err := (&pdu.ShareControl{Kind: pdu.ShareData, Source: 1007, Body: []byte("some data")}).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	fast, err := (&pdu.FastPath{Events: 3, Body: []byte("events")}).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range methods {
		client, server := pair(t, m)
		for round := range 3 {
			for _, way := range []struct {
				from, to *Conn
				kind     pdu.MCSKind
			}{{client, server, pdu.MCSSendDataRequest}, {server, client, pdu.MCSSendDataIndication}} {
				want := bytes.Join([][]byte{
					request(t, way.kind, pdu.GlobalChannel, info), request(t, way.kind, pdu.GlobalChannel, license),
					request(t, way.kind, pdu.GlobalChannel, share), fast, request(t, way.kind, 1004, []byte{1, 0, 0, 0, 3, 0, 0, 0, 7}),
					request(t, pdu.MCSErectDomainRequest, 0, nil),
				}, nil)
				sent := make(chan error, 1)
				go func() { _, err := way.from.Write(want); sent <- err }()
				got := make([]byte, len(want))
				if _, err := io.ReadFull(way.to, got); err != nil {
					t.Fatalf("%v: round %d: %v", m, round, err)
				}
				if err := <-sent; err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%v: round %d: %v\n%x\n%x", m, round, err, got, want)
				}
			}
			client.Salt()
			server.Salt()
		}
	}
}

// TestConn_S09_Hostile: what is not encrypted, cut short or changed is an error, and never a panic.
func TestConn_S09_Hostile(t *testing.T) {
	plainFast, err := (&pdu.FastPath{Body: []byte("update")}).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range methods {
		var sealed []byte
		{
			_, server := pair(t, m)
			if sealed, err = server.sealUnit(request(t, pdu.MCSSendDataIndication, 1004, []byte("data"))); err != nil {
				t.Fatal(err)
			}
		}
		var mcs pdu.MCS
		payload, err := pdu.DataPayload(sealed)
		if err != nil || mcs.UnmarshalBinary(payload) != nil {
			t.Fatal(err)
		}
		units := map[string][]byte{
			"plain fast path": plainFast,
			"plain data":      request(t, pdu.MCSSendDataIndication, pdu.GlobalChannel, make([]byte, 20)),
			"plain channel":   request(t, pdu.MCSSendDataIndication, 1004, []byte{1, 0, 0, 0, 3, 0, 0, 0, 7}),
		}
		for n := range mcs.Data {
			units[fmt.Sprint("cut to ", n)] = request(t, pdu.MCSSendDataIndication, 1004, mcs.Data[:n])
			changed := bytes.Clone(mcs.Data)
			changed[n] ^= 0x08
			if n >= 4 {
				units[fmt.Sprint("changed at ", n)] = request(t, pdu.MCSSendDataIndication, 1004, changed)
			}
		}
		for name, unit := range units {
			client, _ := pair(t, m)
			if out, err := client.openUnit(unit); err == nil {
				t.Errorf("%v: %s is taken: %x", m, name, out)
			}
		}
	}
	client, _ := pair(t, pdu.Encryption128)
	if _, err := client.Write([]byte{3, 0, 0}); err == nil {
		t.Error("half a unit is written")
	}
}

// FuzzConn_S09 opens any unit.
func FuzzConn_S09(f *testing.F) {
	f.Add([]byte{3, 0, 0, 12, 2, 0xf0, 0x80, 0x68, 0, 1, 3, 0xeb}, uint8(0))
	f.Add([]byte{0xc0, 14, 0x10, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8}, uint8(3))
	f.Fuzz(func(t *testing.T, unit []byte, m uint8) {
		client, _ := pair(t, methods[int(m)%len(methods)])
		if n, err := pdu.FrameSize(unit); err != nil || n != len(unit) {
			return
		}
		_, _ = client.openUnit(unit)
	})
}
