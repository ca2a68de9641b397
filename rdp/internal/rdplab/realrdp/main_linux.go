// Command realrdp runs a real RDP server of rdplab for tests that are not written in Go, and for benchmarks, which are no tests. It prints one line of JSON that says where the server is
// and who may sign in, and then does what lines of JSON on its standard input ask for, each of which it answers with a line. It ends with its
// standard input, and the server with it, so that neither can outlive who started it.
//
//	go run ./rdp/internal/rdplab/realrdp xrdp | xrdp-apart | shadow
//
// With xrdp-apart each connection gets a desktop of its own, whose text scrolls.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/internal/rdplab"
)

// started is the first line: addresses by what secures the connection.
type started struct {
	Addresses   map[string]string `json:"addresses"`
	User        string            `json:"user"`
	Password    string            `json:"password"`
	Certificate string            `json:"certificate"` // fingerprint
	Home        string            `json:"home"`
}

// request asks for one thing beside the server, and answer has what came of it.
type request struct {
	ID     int      `json:"id"`
	Run    []string `json:"run"`    // a program on the server's display, to its end, by who signs in
	Screen string   `json:"screen"` // the file for the pixels that the display shows: red, green, blue, 255
}

type answer struct {
	ID     int    `json:"id"`
	Out    string `json:"out,omitempty"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
	Error  string `json:"error,omitempty"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "realrdp: want xrdp, xrdp-apart or shadow")
		os.Exit(2)
	}
	t := new(standing)
	defer t.end()
	var s *rdplab.Server
	var at map[string]string
	switch os.Args[1] {
	case "xrdp", "xrdp-apart":
		apart := os.Args[1] == "xrdp-apart"
		s = rdplab.StartXrdp(t, rdplab.LayerTLS, rdplab.Options{Apart: apart, Moving: apart})
		at = map[string]string{"tls": s.Addr}
	case "shadow":
		three := rdplab.StartShadow(t, rdplab.Options{})
		s = three.TLS
		at = map[string]string{"nla": three.NLA.Addr, "tls": three.TLS.Addr, "rdp": three.Standard.Addr}
	default:
		t.Fatalf("there is no server %q", os.Args[1])
	}
	if err := serve(t, s, at); err != nil {
		t.Fatal(err)
	}
}

// serve answers until the standard input ends. Requests do not wait for each other: one may be for what another brings about.
func serve(t *standing, s *rdplab.Server, at map[string]string) error {
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(started{at, s.User, s.Password, rdp.Fingerprint(s.Certificate), s.Home}); err != nil {
		return err
	}
	var all sync.WaitGroup
	defer all.Wait()
	var mu sync.Mutex // guards out
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return err
		}
		all.Go(func() {
			a := do(t, s, &r)
			mu.Lock()
			defer mu.Unlock()
			_ = out.Encode(a) // who asked has gone
		})
	}
	return lines.Err()
}

func do(t *standing, s *rdplab.Server, r *request) answer {
	a := answer{ID: r.ID}
	var err error
	if r.Screen != "" {
		img, failed := s.Screen(t.Context())
		if err = failed; err == nil {
			a.Width, a.Height = img.Rect.Dx(), img.Rect.Dy()
			err = os.WriteFile(r.Screen, img.Pix, 0o600)
		}
	} else {
		var out []byte
		out, err = s.ByUser(t.Context(), r.Run...)
		a.Out = string(out)
	}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}
