package eventlog_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/eventlog"
)

// A host writes its events to a file, which must have them, and to a second sink, which gets what it can.
func ExampleNewFanout() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "eventlog")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file, err := eventlog.OpenFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	events, err := eventlog.NewFanout(eventlog.FanoutConfig{
		Required:   []pam.EventSink{file},
		BestEffort: []pam.EventSink{eventlog.NewMemory(100)}, // here a host has its syslog
	})
	if err != nil {
		log.Fatal(err)
	}
	// The broker does this.
	if err := events.Write(ctx, pam.Event{Seq: 1, Verb: pam.StartSession, User: "alice"}); err != nil {
		log.Fatal(err)
	}
	if err := events.Close(ctx); err != nil {
		log.Fatal(err)
	}
	page, err := events.Events(ctx, pam.EventFilter{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Events[0].Verb, events.Stats()[0].Written)
	// Output: Start Session 1
}
