package spine_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
)

// playedFile returns the terminal bytes of a recording as far as they can be read, and what Verify says.
func playedFile(t *testing.T, path string, g *spine.Gateway) ([]byte, recorder.State) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return playedBytes(t, raw, g)
}

func playedBytes(t *testing.T, raw []byte, g *spine.Gateway) ([]byte, recorder.State) {
	t.Helper()
	rep, err := recorder.Verify(bytes.NewReader(raw), g.Key)
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	r, err := recorder.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, rep.State
	}
	defer r.Close()
	var out bytes.Buffer
	for {
		e, err := r.Next()
		if err != nil {
			var broken *recorder.BrokenError
			if !errors.Is(err, io.EOF) && !errors.As(err, &broken) {
				t.Fatalf("reading the recording: %v", err)
			}
			return out.Bytes(), rep.State
		}
		if e.Kind == pam.EntryFrame && e.Frame == pam.FrameOutput && e.Flags&pam.FlagRepeat == 0 {
			out.Write(e.Data)
		}
	}
}
