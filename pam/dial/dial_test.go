package dial_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/sallyport/sallyport/pam/dial"
)

func TestSplit(t *testing.T) {
	for in, want := range map[string]string{
		"host:2222": "host|2222", "host": "host|22", "10.0.0.1": "10.0.0.1|22", "[::1]:2222": "::1|2222", "::1": "::1|22", "[::1]": "::1|22",
		"": "", ":22": "", "host:0": "", "host:x": "", "a b:22": "", "h/x:22": "", "a:b:c": "", "host:65536": "",
	} {
		host, port, err := dial.Split(in, "22")
		got := host + "|" + port
		if err != nil {
			got = ""
		}
		if got != want {
			t.Errorf("Split(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

// S30: a name that suddenly means this machine is refused after resolving.
func TestCheckResolved_S30(t *testing.T) {
	for _, tc := range []struct {
		host, addr string
		ok         bool
	}{
		{"db.example", "10.0.0.5", true},
		{"db.example", "127.0.0.1", false},
		{"db.example", "::1", false},
		{"db.example", "::ffff:127.0.0.1", false},
		{"db.example", "169.254.169.254", false},
		{"db.example", "fe80::1", false},
		{"127.0.0.1", "127.0.0.1", true},
		{"localhost", "127.0.0.1", true},
		{"0.0.0.0", "0.0.0.0", false},
		{"224.0.0.1", "224.0.0.1", false},
	} {
		if err := dial.CheckResolved(tc.host, netip.MustParseAddr(tc.addr)); (err == nil) != tc.ok {
			t.Errorf("CheckResolved(%s, %s) = %v, want ok %t", tc.host, tc.addr, err, tc.ok)
		}
	}
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func (f dialFunc) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return f(ctx, network, address)
}

// S30: the dialer gets the address that was checked, not the name; what is refused is not dialled.
func TestTo_S30_CheckedAddressIsDialled(t *testing.T) {
	var dialled []string
	d := dialFunc(func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return nil, errors.New("not today")
	})
	refuse := errors.New("forbidden")
	check := func(_ string, a netip.Addr) error {
		if a.IsLoopback() {
			return refuse
		}
		return nil
	}
	if _, err := dial.To(t.Context(), d, check, "localhost", "22"); !errors.Is(err, refuse) || len(dialled) > 0 {
		t.Errorf("%v after dialling %q, want the check's refusal and no dial", err, dialled)
	}
	if _, err := dial.To(t.Context(), d, check, "192.0.2.7", "2222"); err == nil || len(dialled) != 1 || dialled[0] != "192.0.2.7:2222" {
		t.Errorf("%v, dialled %q", err, dialled)
	}
	if _, err := dial.To(t.Context(), d, nil, "name", "1"); err == nil || len(dialled) != 2 || dialled[1] != "name:1" {
		t.Errorf("unchecked: %v, dialled %q", err, dialled)
	}
}

// An adapter connects to an asset's address.
func ExampleTo() {
	host, port, err := dial.Split("127.0.0.1:1", "22")
	if err != nil {
		fmt.Println(err)
		return
	}
	d, check := dial.Defaults(nil, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = dial.To(ctx, d, check, host, port)
	fmt.Println(host, port, errors.Is(err, context.Canceled))
	// Output: 127.0.0.1 1 true
}
