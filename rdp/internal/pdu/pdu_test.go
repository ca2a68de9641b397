package pdu_test

import (
	"bytes"
	"encoding"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// message is what every PDU of this package is.
type message interface {
	AppendBinary(b []byte) ([]byte, error)
	encoding.BinaryUnmarshaler
}

// vectors are PDUs with their bytes: from the annotated examples of [MS-RDPBCGR] 4.1 where there is one, the rest made by hand.
var vectors = []struct {
	name string
	hex  string
	pdu  message
}{
	{
		"connection request, 4.1.1", "0300002c27e00000000000436f6f6b69653a206d737473686173683d656c746f6e730d0a0100080000000000",
		&pdu.ConnectionRequest{Cookie: "eltons", Negotiate: true},
	},
	{"connection request, TLS and CredSSP", "030000130ee000000000000100080003000000", &pdu.ConnectionRequest{Negotiate: true, Protocols: pdu.ProtocolSSL | pdu.ProtocolHybrid}},
	{"connection request, nothing", "0300000b06e00000000000", &pdu.ConnectionRequest{}},
	{"connection confirm, TLS", "030000130ed000000000000200080001000000", &pdu.ConnectionConfirm{Negotiated: true, Selected: pdu.ProtocolSSL}},
	{"connection confirm, failure", "030000130ed000000000000300080005000000", &pdu.ConnectionConfirm{Negotiated: true, Failure: pdu.HybridRequired}},
	{"connection confirm, old server", "0300000b06d00000000000", &pdu.ConnectionConfirm{}},
	{"erect domain, 4.1.5", "0401000100", &pdu.MCS{Kind: pdu.MCSErectDomainRequest}},
	{"attach user, 4.1.6", "28", &pdu.MCS{Kind: pdu.MCSAttachUserRequest}},
	{"attach user confirm, 4.1.7", "2e000006", &pdu.MCS{Kind: pdu.MCSAttachUserConfirm, User: 1007}},
	{"channel join, 4.1.8.1.1", "38000603ef", &pdu.MCS{Kind: pdu.MCSChannelJoinRequest, User: 1007, Channel: 1007}},
	{"channel join confirm, 4.1.8.1.2", "3e00000603ef03ef", &pdu.MCS{Kind: pdu.MCSChannelJoinConfirm, User: 1007, Channel: 1007}},
	{"disconnect, user requested", "2180", &pdu.MCS{Kind: pdu.MCSDisconnectProviderUltimatum, Reason: pdu.ReasonUserRequested}},
	{"send data request", "64000603eb708003010203", &pdu.MCS{Kind: pdu.MCSSendDataRequest, User: 1007, Channel: 1003, Data: []byte{1, 2, 3}}},
	{"licence is valid", "ff03100007000000020000000400 0000", &pdu.LicenseError{Code: pdu.LicenseValidClient, Transition: pdu.LicenseNoTransition}},
	{"send data indication", "68000103eb708001ff", &pdu.MCS{Kind: pdu.MCSSendDataIndication, User: 1002, Channel: 1003, Data: []byte{0xff}}},
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func fresh(m message) message {
	return reflect.New(reflect.TypeOf(m).Elem()).Interface().(message)
}

// TestVectors encodes and decodes every vector, and every prefix of one must fail.
func TestVectors(t *testing.T) {
	for _, tc := range vectors {
		want := unhex(t, tc.hex)
		got, err := tc.pdu.AppendBinary(nil)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: encoded\n got %x, %v\nwant %x", tc.name, got, err, want)
		}
		p := fresh(tc.pdu)
		if err := p.UnmarshalBinary(want); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		} else if diff := cmp.Diff(tc.pdu, p); diff != "" {
			t.Errorf("%s: decoded (-want +got)\n%s", tc.name, diff)
		}
		for n := range want {
			if err := fresh(tc.pdu).UnmarshalBinary(want[:n]); err == nil {
				t.Errorf("%s: its first %d bytes are taken", tc.name, n)
			}
		}
		if err := fresh(tc.pdu).UnmarshalBinary(append(bytes.Clone(want), 0)); err == nil {
			t.Errorf("%s: a byte more is taken", tc.name)
		}
	}
}

// TestGCC_RoundTrip wraps and unwraps client and server data as Connect-Initial and Connect-Response carry them.
func TestGCC_RoundTrip(t *testing.T) {
	client := &pdu.ClientData{
		Core: pdu.ClientCore{
			Version: pdu.Version10, Width: 1024, Height: 768, KeyboardLayout: 0x409, Build: 7601, Name: "sallyport", KeyboardType: 4, FunctionKeys: 12,
			Depth: 24, SupportedDepths: pdu.Depths24 | pdu.Depths32, EarlyCapabilities: pdu.EarlyErrorInfo | pdu.EarlyWant32,
			ConnectionType: pdu.ConnectionLAN, Selected: pdu.ProtocolSSL, DesktopScale: 100, DeviceScale: 100,
		},
		Cluster:        pdu.ClusterRedirection | pdu.ClusterVersion4,
		Channels:       []pdu.ChannelDef{{Name: "cliprdr", Options: pdu.ChannelInitialized}, {Name: "rdpdr", Options: pdu.ChannelInitialized | pdu.ChannelCompressRDP}},
		MessageChannel: true,
	}
	blocks, err := client.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	request, err := pdu.AppendConferenceCreateRequest(nil, blocks)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := (&pdu.ConnectInitial{UserData: request}).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	var initial pdu.ConnectInitial
	if err := initial.UnmarshalBinary(wire); err != nil {
		t.Fatal(err)
	}
	if blocks, err = pdu.TakeConferenceCreateRequest(initial.UserData); err != nil {
		t.Fatal(err)
	}
	var gotClient pdu.ClientData
	if err := gotClient.UnmarshalBinary(blocks); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(client, &gotClient); diff != "" {
		t.Errorf("client data (-want +got)\n%s", diff)
	}

	server := &pdu.ServerData{
		Version: pdu.Version5, Requested: pdu.ProtocolSSL, EarlyCapabilities: pdu.SkipJoinSupported, Method: pdu.Encryption128, Level: pdu.LevelHigh,
		Random: bytes.Repeat([]byte{7}, 32), Certificate: []byte("certificate"), IOChannel: pdu.GlobalChannel, Channels: []pdu.ChannelID{1004, 1005, 1006},
		MessageChannel: 1008,
	}
	if blocks, err = server.AppendBinary(nil); err != nil {
		t.Fatal(err)
	}
	answer, err := pdu.AppendConferenceCreateResponse(nil, blocks)
	if err != nil {
		t.Fatal(err)
	}
	if wire, err = (&pdu.ConnectResponse{UserData: answer}).AppendBinary(nil); err != nil {
		t.Fatal(err)
	}
	var response pdu.ConnectResponse
	if err := response.UnmarshalBinary(wire); err != nil {
		t.Fatal(err)
	}
	if blocks, err = pdu.TakeConferenceCreateResponse(response.UserData); err != nil {
		t.Fatal(err)
	}
	var gotServer pdu.ServerData
	if err := gotServer.UnmarshalBinary(blocks); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(server, &gotServer); diff != "" {
		t.Errorf("server data (-want +got)\n%s", diff)
	}
}

// TestClientInfo_S13_RoundTrip: everything comes back, and the password prints nowhere.
func TestClientInfo_S13_RoundTrip(t *testing.T) {
	want := &pdu.ClientInfo{
		Layout: 0x407, Flags: pdu.InfoMouse | pdu.InfoUnicode | pdu.InfoCompression, Compression: 3, Domain: "corp", User: "jürgen", Password: "gehe1m",
		Shell: "notepad.exe", Directory: `C:\`, Address: "10.0.0.1", Performance: pdu.PerfNoWallpaper, Reconnect: bytes.Repeat([]byte{9}, 28),
	}
	b, err := want.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got pdu.ClientInfo
	if err := got.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want, &got) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if s := fmt.Sprintf(verb, want); strings.Contains(s, "gehe1m") || strings.Contains(s, hex.EncodeToString([]byte("gehe1m"))) {
			t.Errorf("%s prints the password: %s", verb, s)
		}
	}
	taken := 0
	for n := range 120 {
		if new(pdu.ClientInfo).UnmarshalBinary(b[:n]) == nil {
			taken++
		}
	}
	if taken != 1 { // the whole extended part may be missing
		t.Errorf("%d prefixes are taken", taken)
	}
	if _, err := (&pdu.ClientInfo{User: strings.Repeat("u", 300)}).AppendBinary(nil); err == nil {
		t.Error("a user of 300 characters is sent")
	}
}

// TestShare_RoundTrip wraps a data PDU, and takes two PDUs that stand in one indication apart.
func TestShare_RoundTrip(t *testing.T) {
	body, err := (&pdu.Data{ShareID: 0x103ea, Kind: pdu.DataControl, Body: pdu.AppendControl(nil, pdu.ControlCooperate, 0, 0)}).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	// [MS-RDPBCGR] 4.1.15: Control (cooperate).
	if want := unhex(t, "ea030100 00 01 0c00 14 00 0000 0400 0000 00000000"); !bytes.Equal(body, want) {
		t.Errorf("data PDU %x, want %x", body, want)
	}
	two, err := (&pdu.ShareControl{Kind: pdu.ShareData, Source: 1007, Body: body}).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	two = append(two, unhex(t, "0400 1600")...) // Deactivate All without a source
	two = append(two, unhex(t, "0080 00 41 00 00 ea03")...)
	first, rest, err := pdu.TakeShareControl(two)
	if err != nil || first.Kind != pdu.ShareData || first.Source != 1007 {
		t.Fatalf("%+v, %v", first, err)
	}
	var d pdu.Data
	if err := d.UnmarshalBinary(first.Body); err != nil || d.Kind != pdu.DataControl || d.ShareID != 0x103ea {
		t.Errorf("%+v, %v", d, err)
	}
	if action, err := pdu.TakeControl(d.Body); err != nil || action != pdu.ControlCooperate {
		t.Errorf("action %d, %v", action, err)
	}
	second, rest, err := pdu.TakeShareControl(rest)
	if err != nil || second.Kind != pdu.ShareDeactivateAll || len(second.Body) != 0 {
		t.Fatalf("%+v, %v", second, err)
	}
	flow, rest, err := pdu.TakeShareControl(rest)
	if err != nil || flow != nil || len(rest) != 0 {
		t.Errorf("%+v, %d bytes left, %v", flow, len(rest), err)
	}
	for _, bad := range []string{"", "0300", "0300 1700", "ffff 1700 ea03", "0600 1700"} {
		if _, _, err := pdu.TakeShareControl(unhex(t, bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestActive_RoundTrip(t *testing.T) {
	for _, confirm := range []bool{false, true} {
		want := &pdu.Active{
			Confirm: confirm, ShareID: 0x103ea, Descriptor: []byte("RDP\x00"),
			Capabilities: []pdu.Capability{{Kind: pdu.CapGeneral, Body: make([]byte, 20)}, {Kind: pdu.CapShare, Body: []byte{1, 2, 3, 4}}, {Kind: 99, Body: []byte{}}},
		}
		b, err := want.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		got := &pdu.Active{Confirm: confirm}
		if err := got.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("confirm %v (-want +got)\n%s", confirm, diff)
		}
		if !bytes.Equal(got.Find(pdu.CapShare), []byte{1, 2, 3, 4}) || got.Find(pdu.CapInput) != nil {
			t.Error("Find finds the wrong set")
		}
		for n := range b {
			if !confirm && n >= len(b)-4 {
				break // the session id may be missing
			}
			if (&pdu.Active{Confirm: confirm}).UnmarshalBinary(b[:n]) == nil {
				t.Errorf("confirm %v: the first %d bytes are taken", confirm, n)
			}
		}
	}
}

// FuzzShare_S09 decodes bytes as what follows a security header.
func FuzzShare_S09(f *testing.F) {
	f.Add(unhex(f, "1200 1700 ef03 ea030100 00 01 0c00 14 00 0000 0400 0000 00000000"))
	f.Add(unhex(f, "ff0310000700000002000000040000 00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = pdu.TakeSecurityHeader(b)
		_, _ = pdu.LicenseKind(b)
		_ = new(pdu.LicenseError).UnmarshalBinary(b)
		_ = new(pdu.ClientInfo).UnmarshalBinary(b)
		for rest := b; len(rest) > 0; {
			p, next, err := pdu.TakeShareControl(rest)
			if err != nil {
				break
			}
			if len(next) >= len(rest) {
				t.Fatal("nothing was taken")
			}
			rest = next
			if p == nil {
				continue
			}
			_ = new(pdu.Data).UnmarshalBinary(p.Body)
			_ = new(pdu.Active).UnmarshalBinary(p.Body)
			_ = (&pdu.Active{Confirm: true}).UnmarshalBinary(p.Body)
			_, _ = pdu.TakeControl(p.Body)
		}
	})
}

func TestFrameSize(t *testing.T) {
	for _, tc := range []struct {
		hex  string
		want int
		bad  bool
	}{
		{"", 0, false},
		{"03", 0, false},
		{"030000", 0, false},
		{"0300000b", 11, false},
		{"03000006", 0, true},
		{"0005", 5, false},
		{"00", 0, false},
		{"0085", 0, false},
		{"008123", 0x123, false},
		{"0002", 0, true},
		{"008003", 0, true},
		{"0105", 0, true},
		{"16030100", 0, true},
	} {
		got, err := pdu.FrameSize(unhex(t, tc.hex))
		if got != tc.want || (err != nil) != tc.bad {
			t.Errorf("FrameSize(%s) = %d, %v; want %d", tc.hex, got, err, tc.want)
		}
	}
}

// FuzzPDU_S09 decodes bytes as every PDU: nothing panics, and what is decoded encodes to something that decodes alike.
func FuzzPDU_S09(f *testing.F) {
	for _, tc := range vectors {
		f.Add(unhex(f, tc.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4<<10 {
			return
		}
		seen := map[reflect.Type]bool{}
		for _, tc := range vectors {
			if typ := reflect.TypeOf(tc.pdu); seen[typ] {
				continue
			} else {
				seen[typ] = true
			}
			p := fresh(tc.pdu)
			if p.UnmarshalBinary(b) != nil {
				continue
			}
			again, err := p.AppendBinary(nil)
			if err != nil {
				continue // it may hold what we would not send
			}
			q := fresh(tc.pdu)
			if err := q.UnmarshalBinary(again); err != nil {
				t.Fatalf("%T: %x decoded, its encoding %x does not: %v", p, b, again, err)
			}
			if diff := cmp.Diff(p, q); diff != "" {
				t.Fatalf("%T: %s", p, diff)
			}
		}
	})
}

// FuzzGCC_S09 decodes bytes as the four layers of a connect PDU.
func FuzzGCC_S09(f *testing.F) {
	blocks, err := (&pdu.ClientData{Channels: []pdu.ChannelDef{{Name: "x"}}}).AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	request, err := pdu.AppendConferenceCreateRequest(nil, blocks)
	if err != nil {
		f.Fatal(err)
	}
	initial, err := (&pdu.ConnectInitial{UserData: request}).AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(initial)
	f.Add(request)
	f.Add(blocks)
	f.Fuzz(func(t *testing.T, b []byte) {
		var initial pdu.ConnectInitial
		if initial.UnmarshalBinary(b) == nil {
			b = initial.UserData
		}
		var response pdu.ConnectResponse
		if response.UnmarshalBinary(b) == nil {
			b = response.UserData
		}
		if blocks, err := pdu.TakeConferenceCreateRequest(b); err == nil {
			b = blocks
		} else if blocks, err := pdu.TakeConferenceCreateResponse(b); err == nil {
			b = blocks
		}
		var client pdu.ClientData
		if client.UnmarshalBinary(b) == nil && len(client.Channels) > pdu.MaxChannels {
			t.Fatalf("%d channels", len(client.Channels))
		}
		var server pdu.ServerData
		if server.UnmarshalBinary(b) == nil && len(server.Channels) > pdu.MaxChannels {
			t.Fatalf("%d channels", len(server.Channels))
		}
	})
}
