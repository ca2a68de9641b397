package rdptest_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// TestAnimation_KeepsItsPace: in three seconds of the clock there are as many pictures and letters as were asked for, and the client shows the
// last of them.
func TestAnimation_KeepsItsPace(t *testing.T) {
	for _, a := range []rdptest.Animation{{Frames: 25}, {Letters: 40}, {Frames: 60, Letters: 20}} {
		synctest.Test(t, func(t *testing.T) {
			s, err := rdptest.NewServer(rdptest.Config{Passwords: map[string]string{"anna": password}, Still: true, Animation: a})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			near, far := net.Pipe()
			ended := make(chan struct{})
			go func() { defer close(ended); _ = s.ServeConn(far) }()
			defer func() { near.Close(); <-ended }()
			c, err := rdp.NewClient(t.Context(), near, &rdp.Config{
				Credentials: credentials, Pins: []string{rdp.Fingerprint(s.Certificate())}, Width: 320, Height: 240,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			f, err := rdp.NewFramebuffer(c.Size())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			seen := make(chan struct{})
			go func() {
				defer close(seen)
				for {
					u, err := c.Next(ctx)
					if err != nil {
						return
					}
					if err := f.Apply(u); err != nil {
						t.Error(err)
						return
					}
				}
			}()
			desktop := session(t, s).Desktop()
			time.Sleep(3*time.Second + time.Millisecond) // of the bubble
			synctest.Wait()
			if n := desktop.Frame(); n != 3*a.Frames {
				t.Errorf("%+v: %d pictures, want %d", a, n, 3*a.Frames)
			}
			if n := len(desktop.Text()); n != 3*a.Letters {
				t.Errorf("%+v: %d letters, want %d", a, n, 3*a.Letters)
			}
			want := desktop.Image()
			cancel()
			<-seen
			if !bytes.Equal(f.Image().Pix, want.Pix) {
				t.Errorf("%+v: %v", a, closeTo(f.Image(), want, 0))
			}
		})
	}
	for _, a := range []rdptest.Animation{{Frames: -1}, {Frames: 1001}, {Letters: -1}, {Letters: 10_001}} {
		if _, err := rdptest.NewServer(rdptest.Config{Passwords: map[string]string{"anna": password}, Animation: a}); err == nil {
			t.Errorf("%+v is taken", a)
		}
	}
}
