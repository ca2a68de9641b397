package rdp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/internal/rdplab"
	"github.com/sallyport/sallyport/rdp/internal/screen"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// page is a viewer of a connection, and takes everything that is emitted.
type page struct {
	mu      sync.Mutex // guards what follows
	picture *screen.Picture
	frames  []pam.Frame // emitted so far, without pictures
	n       uint64
	err     error
	changed chan struct{} // closed and made anew by each frame
}

func newPage() *page { return &page{picture: screen.NewPicture(), changed: make(chan struct{})} }

// Emit implements pam.Sink.
func (p *page) Emit(_ context.Context, f pam.Frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	p.show(f)
	close(p.changed)
	p.changed = make(chan struct{})
	return nil
}

func (p *page) show(frames ...pam.Frame) {
	for _, f := range frames {
		if f.Kind == pam.FrameScreen {
			p.err = errors.Join(p.err, p.picture.Draw(f.Payload))
		} else {
			p.frames = append(p.frames, f)
		}
	}
}

// wait waits until ok is true of the page.
func (p *page) wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		p.mu.Lock()
		done, changed, err := ok(), p.changed, p.err
		p.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%s: never", what)
		}
	}
}

func (p *page) shows(t *testing.T, d *rdptest.Desktop) {
	t.Helper()
	p.wait(t, "the desktop's picture", func() bool { return samePixels(p.picture.Image(), d.Image()) })
}

func samePixels(a, b *image.RGBA) bool { return a.Rect == b.Rect && bytes.Equal(a.Pix, b.Pix) }

// tab is a session of an adapter with a scripted server.
type tab struct {
	pam.Conn
	*page
	far  *rdptest.Session
	done chan struct{} // closed when end is there
	end  error
}

func protocol(t *testing.T, cfg rdp.ProtocolConfig) *rdp.Protocol {
	t.Helper()
	p, err := rdp.NewProtocol(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// request is one for a session with a scripted server.
func request(t *testing.T, s *rdptest.Server, params pam.Params) pam.ConnectRequest {
	t.Helper()
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	all := pam.Declarations{}
	for _, d := range []pam.Declaration{pam.Keyboard, pam.ClipboardUpload, pam.ClipboardDownload, pam.FileUpload, pam.FileDownload, pam.Audio} {
		all[d] = pam.Allow
	}
	return pam.ConnectRequest{
		Asset: pam.Asset{
			ID: "desk", Address: addr, Account: "anna", Type: pam.AssetType{Protocol: "rdp", OS: pam.OSWindows},
			Attributes: map[string]string{rdp.AttrCertificates: rdp.Fingerprint(s.Certificate())},
		},
		Params: params, Size: pam.Size{Cols: 80, Rows: 24, Width: 640, Height: 480}, Capabilities: pam.NewCapabilities(all),
		Field: func(_ context.Context, name string) (pam.Secret, error) {
			if name != pam.FieldPassword {
				return pam.Secret{}, pam.ErrNoField
			}
			return pam.NewSecret(password), nil
		},
	}
}

func openTab(t *testing.T, s *rdptest.Server, r pam.ConnectRequest) *tab {
	t.Helper()
	c, err := protocol(t, rdp.ProtocolConfig{}).Connect(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	d := runTab(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if d.far, err = s.WaitSession(ctx, 0); err != nil {
		t.Fatal(err)
	}
	return d
}

// runTab runs a connection.
func runTab(t *testing.T, c pam.Conn) *tab {
	t.Helper()
	d := &tab{Conn: c, page: newPage(), done: make(chan struct{})}
	go func() {
		defer close(d.done)
		d.end = c.Run(context.Background(), d.page)
	}()
	t.Cleanup(func() {
		_ = c.Close(context.Background())
		<-d.done
	})
	return d
}

func key(code uint16, down bool) []byte {
	b := []byte{1, 0}
	if down {
		b[1] = 1
	}
	return binary.BigEndian.AppendUint16(b, code)
}

func pointer(kind, flags uint8, x, y, delta int) []byte {
	b := []byte{kind, flags}
	for _, v := range []int{x, y, delta} {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func (d *tab) input(t *testing.T, k pam.InputKind, events ...[]byte) {
	t.Helper()
	if err := d.Input(t.Context(), pam.Input{Kind: k, Participant: "p", Data: bytes.Join(events, nil)}); err != nil {
		t.Fatal(err)
	}
}

// TestConn_J4_C2: what is typed and pointed at arrives; who was there from the start, who comes now, and who has missed a part see the same.
func TestConn_J4_C2(t *testing.T) {
	codecs := []rdptest.Codec{rdptest.CodecRaw, rdptest.CodecInterleaved, rdptest.CodecPlanar}
	for _, codec := range codecs {
		t.Run(fmt.Sprint(codec), func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(c *rdptest.Config) { c.Codec = codec })
			d := openTab(t, s, request(t, s, pam.Params{rdp.ParamCodec: "lossless"}))
			far := d.far.Desktop()
			d.shows(t, far)

			missed := newPage()
			frames, seen, err := d.Conn.(pam.KeyFramer).KeyFrame(t.Context())
			if err != nil || len(frames) == 0 || frames[0].Flags&pam.FlagKey == 0 {
				t.Fatalf("key frame %v, %v", frames, err)
			}
			missed.show(frames...)

			for _, code := range []uint16{0x23, 0x12, 0x26, 0x26, 0x18} { // hello
				d.input(t, pam.InputKey, key(code, true), key(code, false))
			}
			d.input(t, pam.InputPointer, pointer(1, 0, 300, 300, 0), pointer(2, 0x81, 300, 300, 0), pointer(1, 0, 420, 380, 0), pointer(2, 1, 420, 380, 0))
			// All that was sent has arrived, the button's release last: a desktop that still had to draw the drag would differ from who comes now.
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := far.Wait(ctx, func(*rdptest.Desktop) bool { return len(far.Events()) == 5*2+4 }); err != nil {
				t.Fatalf("%d events, %q typed: %v", len(far.Events()), far.Text(), err)
			}
			if got := far.Text(); got != "hello" {
				t.Fatalf("typed %q", got)
			}
			d.shows(t, far)

			late := newPage()
			frames, _, err = d.Conn.(pam.KeyFramer).KeyFrame(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			late.show(frames...)
			late.shows(t, far)
			frames, n, err := d.Conn.(pam.Follower).Since(t.Context(), seen)
			if err != nil || n <= seen {
				t.Fatalf("since %d: to %d, %v", seen, n, err)
			}
			missed.show(frames...)
			missed.shows(t, far)
		})
	}
}

// TestConn_Frames: with frame markers the target draws no more than two frames ahead of the owner's page, and goes on without one.
func TestConn_Frames(t *testing.T) {
	for _, codec := range []rdptest.Codec{rdptest.CodecNSCodec, rdptest.CodecRemoteFX3} {
		t.Run(fmt.Sprint(codec), func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(c *rdptest.Config) { c.Codec = codec })
			params := pam.Params{rdp.ParamCodec: "remotefx"}
			if codec == rdptest.CodecNSCodec {
				params[rdp.ParamCodec] = "nscodec"
			}
			d := openTab(t, s, request(t, s, params))
			far := d.far.Desktop()
			const text = 20
			for i := range text {
				d.input(t, pam.InputKey, key(0x1e, true), key(0x1e, false))
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				err := far.Wait(ctx, func(*rdptest.Desktop) bool { return len(far.Text()) == i+1 })
				cancel()
				if err != nil {
					t.Fatal(err)
				}
			}
			d.Conn.(pam.Watched).Drawn(pam.AllDrawn)
			d.wait(t, "a picture near the desktop's", func() bool { return rdplab.MeanError(d.picture.Image(), far.Image()) < 3 })
			d.wait(t, "the same picture for who comes late", func() bool {
				late := newPage()
				frames, n, err := d.Conn.(pam.KeyFramer).KeyFrame(t.Context())
				late.show(frames...)
				return err == nil && n == d.n && samePixels(late.picture.Image(), d.picture.Image())
			})
		})
	}
}

// TestConn_I23_Released: what a person holds down is lifted when the page is gone, and what another holds stays.
func TestConn_I23_Released(t *testing.T) {
	s := newServer(t, nil)
	d := openTab(t, s, request(t, s, nil))
	far := d.far.Desktop()
	held := func() (all []string) {
		down := map[string]bool{}
		for _, e := range far.Events() {
			what := fmt.Sprintf("%v %#x %v", e.Kind, e.Code, e.Extended)
			on := e.Down
			if e.Flags&^rdptest.PointerDown != 0 { // a button
				what, on = fmt.Sprintf("button %#x", e.Flags&0x7000), e.Flags&rdptest.PointerDown != 0
			}
			down[what] = on
		}
		for what, on := range down {
			if on {
				all = append(all, what)
			}
		}
		return all
	}
	await := func(what string, n int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := far.Wait(ctx, func(*rdptest.Desktop) bool { return len(held()) == n }); err != nil {
			t.Errorf("%s: %q, %v", what, held(), err)
		}
	}
	d.input(t, pam.InputKey, key(0x2a, true), key(0xe01d, true))
	d.input(t, pam.InputPointer, pointer(2, 0x81, 50, 60, 0))
	await("pressed", 3)
	if err := d.Input(t.Context(), pam.Input{Kind: pam.InputKey, Participant: "another", Data: key(0x1e, true)}); err != nil {
		t.Fatal(err)
	}
	await("by another, too", 4)
	d.Conn.(pam.Watched).Gone("p")
	await("gone", 1)
	if err := d.Input(t.Context(), pam.Input{Kind: pam.InputKey, Participant: "another", Data: []byte{4, 0, 0, 0}}); err != nil {
		t.Fatal(err)
	}
	await("lifted", 0)
	for name, data := range map[string][]byte{"half an event": {1, 0, 0}, "no such kind": {9, 0, 0, 0}, "no such key": key(0xff01, true)} {
		if err := d.Input(t.Context(), pam.Input{Kind: pam.InputKey, Participant: "p", Data: data}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestConn_S20_Clipboard: text passes both ways, and nothing of a direction that is denied.
func TestConn_S20_Clipboard(t *testing.T) {
	s := newServer(t, func(c *rdptest.Config) { c.Clipboard = true })
	d := openTab(t, s, request(t, s, nil))
	d.shows(t, d.far.Desktop())
	if err := d.Conn.(pam.Paster).Paste(t.Context(), pam.Paste{Text: "from here"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if got, err := d.far.Paste(ctx); err != nil || got != "from here" {
		t.Errorf("pasted %q, %v", got, err)
	}
	if err := d.far.Copy("from there"); err != nil {
		t.Fatal(err)
	}
	texts := func() (all []string) {
		for _, f := range d.frames {
			if f.Kind == pam.FrameClipboard {
				all = append(all, string(f.Payload))
			}
		}
		return all
	}
	d.wait(t, "the text", func() bool { return len(texts()) == 1 && texts()[0] == "from there" })
}

// TestConn_I11_S19_Files: a file that is uploaded is on the session's drive, what the session writes there can be fetched, and nothing else is there.
func TestConn_I11_S19_Files(t *testing.T) {
	s := newServer(t, func(c *rdptest.Config) { c.Drive = true })
	d := openTab(t, s, request(t, s, nil))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	files, err := d.Conn.(pam.Files).Files(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	f, err := files.Open(ctx, "/up.txt", pam.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(ctx, []byte("uploaded"), 0)
	if err := errors.Join(err, f.Close(ctx)); err != nil {
		t.Fatal(err)
	}
	there, err := d.far.Drive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := there.ReadFile(ctx, "/up.txt"); err != nil || string(b) != "uploaded" {
		t.Errorf("in the session: %q, %v", b, err)
	}
	if err := there.WriteFile(ctx, "/down.txt", []byte("from the session")); err != nil {
		t.Fatal(err)
	}
	l, err := files.List(ctx, "/")
	if err != nil || len(l.Files) != 2 || l.Files[0].Name != "down.txt" || l.Files[0].Size != 16 {
		t.Errorf("%+v, %v", l, err)
	}
	if f, err = files.Open(ctx, "/down.txt", pam.OpenRead); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 20)
	if n, err := f.ReadAt(ctx, b, 0); !errors.Is(err, io.EOF) || string(b[:n]) != "from the session" {
		t.Errorf("%q, %v", b[:n], err)
	}
	for _, name := range []string{"/../etc/passwd", "relative", "/a:b", "/NUL"} {
		var fe *pam.FileError
		if _, err := files.Open(ctx, name, pam.OpenRead); !errors.As(err, &fe) || fe.Code != pam.CodeFileBadName {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestProtocol_L3_Params: what the parameters ask for is what the server is asked for.
func TestProtocol_L3_Params(t *testing.T) {
	for name, tc := range map[string]struct {
		params pam.Params
		size   image.Point
		code   pam.Code
	}{
		"the page's size":  {nil, image.Pt(640, 480), ""},
		"fixed":            {pam.Params{rdp.ParamResolution: "1024x768"}, image.Pt(1024, 768), ""},
		"depth":            {pam.Params{rdp.ParamColorDepth: "16"}, image.Pt(640, 480), ""},
		"no resolution":    {pam.Params{rdp.ParamResolution: "large"}, image.Point{}, pam.CodeInvalidParam},
		"no depth":         {pam.Params{rdp.ParamColorDepth: "7"}, image.Point{}, pam.CodeInvalidParam},
		"no layout":        {pam.Params{rdp.ParamKeyboardLayout: "xx"}, image.Point{}, pam.CodeInvalidParam},
		"control in shell": {pam.Params{rdp.ParamStartProgram: "a\nb"}, image.Point{}, pam.CodeInvalidParam},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, nil)
			r := request(t, s, tc.params)
			if tc.code != "" {
				_, err := protocol(t, rdp.ProtocolConfig{}).Connect(t.Context(), r)
				var te *pam.TargetError
				if !errors.As(err, &te) || te.Code != tc.code {
					t.Fatalf("%v, want %s", err, tc.code)
				}
				return
			}
			d := openTab(t, s, r)
			if got := d.far.Desktop().Image().Rect.Max; got != tc.size {
				t.Errorf("%v, want %v", got, tc.size)
			}
		})
	}
}

// TestProtocol_S05_S09_Refusals: what is wrong has a code of its own.
func TestProtocol_S05_S09_Refusals(t *testing.T) {
	s := newServer(t, nil)
	good := request(t, s, nil)
	change := func(attributes map[string]string, account string) pam.ConnectRequest {
		r := good
		r.Asset.Attributes = attributes
		r.Asset.Account = account
		return r
	}
	pinned := good.Asset.Attributes
	for name, tc := range map[string]struct {
		r    pam.ConnectRequest
		code pam.Code
	}{
		"no pin":      {change(nil, "anna"), pam.CodeCertificateUnknown},
		"another pin": {change(map[string]string{rdp.AttrCertificates: "sha256:" + fmt.Sprintf("%064d", 1)}, "anna"), pam.CodeCertificateMismatch},
		"bad pin":     {change(map[string]string{rdp.AttrCertificates: "sha1:00"}, "anna"), pam.CodeTargetConfig},
		"bad account": {change(pinned, "nobody"), pam.CodeTargetAuthFailed},
		"security":    {change(map[string]string{rdp.AttrCertificates: pinned[rdp.AttrCertificates], rdp.AttrSecurity: "none"}, "anna"), pam.CodeTargetConfig},
	} {
		_, err := protocol(t, rdp.ProtocolConfig{}).Connect(t.Context(), tc.r)
		var te *pam.TargetError
		if !errors.As(err, &te) || te.Code != tc.code {
			t.Errorf("%s: %v, want %s", name, err, tc.code)
		}
	}
}

// TestConn_C1_Ends: how a session ended is told apart, with the server's text.
func TestConn_C1_Ends(t *testing.T) {
	for info, want := range map[uint32]pam.End{
		0x0000000c: {Reason: pam.EndRemoteLogoff},
		0x00000001: {Reason: pam.EndTargetError, Code: pam.CodeTargetTerminated},
		0x00000003: {Reason: pam.EndTargetError, Code: pam.CodeTargetIdle},
		0x00000005: {Reason: pam.EndTargetError, Code: pam.CodeTargetReplaced},
		0x0000000b: {Reason: pam.EndTargetError, Code: pam.CodeTargetDisconnected},
	} {
		t.Run(fmt.Sprintf("%#x", info), func(t *testing.T) {
			t.Parallel()
			s := newServer(t, nil)
			d := openTab(t, s, request(t, s, nil))
			d.shows(t, d.far.Desktop())
			if err := d.far.Disconnect(info); err != nil && !errors.Is(err, net.ErrClosed) { // the client may be quicker to close
				t.Fatal(err)
			}
			<-d.done
			var end *pam.End
			if !errors.As(d.end, &end) || end.Reason != want.Reason || end.Code != want.Code || end.Text == "" {
				t.Errorf("%#v, want %#v", d.end, want)
			}
		})
	}
	s := newServer(t, nil)
	d := openTab(t, s, request(t, s, nil))
	if err := d.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if <-d.done; !errors.Is(d.end, net.ErrClosed) {
		t.Errorf("after Close: %v", d.end)
	}
}

// TestConn_L7_Resize: the desktop takes the size of the page, by display control or by another connection.
func TestConn_L7_Resize(t *testing.T) {
	s := newServer(t, func(c *rdptest.Config) { c.DisplayControl = true })
	d := openTab(t, s, request(t, s, nil))
	d.shows(t, d.far.Desktop())
	for _, size := range []pam.Size{{Width: 800, Height: 600}, {Width: 501, Height: 333}} {
		if err := d.Conn.(pam.Resizer).Resize(t.Context(), size); err != nil {
			t.Fatal(err)
		}
		want := image.Rect(0, 0, size.Width&^1, size.Height)
		d.wait(t, "the size", func() bool { return d.picture.Image().Rect == want })
		d.shows(t, d.far.Desktop())
	}
}
