package recorder_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
)

// The broker does what stands between New and Verify here; a host only makes the Recorder.
func Example() {
	dir, err := os.MkdirTemp("", "recordings")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()

	key, err := recorder.LoadOrCreateKey(filepath.Join(dir, "signing.key"))
	if err != nil {
		log.Fatal(err)
	}
	r, err := recorder.New(recorder.Config{Dir: filepath.Join(dir, "recordings"), Key: key, FreeFloor: 1 << 20})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := r.Adopt(ctx); err != nil { // at start: seal what a crash left open
		log.Fatal(err)
	}

	meta := pam.RecordingMeta{Session: "s-1", Name: "db", Protocol: "ssh", User: "ann", Started: time.Now(), Size: pam.Size{Cols: 80, Rows: 24}}
	rec, err := r.Open(ctx, meta, printFailure{})
	if err != nil {
		log.Fatal(err) // the session must not start
	}
	hello := pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, At: time.Second, Data: []byte("$ uptime\r\n")}
	if _, err := rec.Append(hello); err != nil {
		log.Fatal(err) // the session must end
	}
	end := pam.Entry{Kind: pam.EntryEnd, At: 2 * time.Second, Data: []byte(`{"reason":"user_disconnect"}`)}
	if err := rec.Close(ctx, end); err != nil {
		log.Fatal(err)
	}
	if err := r.Close(ctx); err != nil {
		log.Fatal(err)
	}

	rep, err := recorder.VerifyFile(rec.Path(), r.PublicKey())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rep.State, rep.Entries, rep.Seal.End.Reason)
	// Output: valid-complete 2 user_disconnect
}

type printFailure struct{}

func (printFailure) Written(uint64)   {}
func (printFailure) Failed(err error) { log.Print(err) }
