package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/sqlstore"
)

// databaseName is the file in the data folder with sessions, tickets, launch parameters and events.
const databaseName = "portal.db"

// eventStore takes audit events and finds them again.
type eventStore interface {
	pam.EventSink
	pam.EventLog
}

func openDatabase(ctx context.Context, data string) (*sqlstore.Store, error) {
	db, err := sqlstore.Open(ctx, sqlstore.Config{Path: filepath.Join(data, databaseName)})
	if err != nil {
		return nil, fmt.Errorf("portal: %s: %w", filepath.Join(data, databaseName), err)
	}
	return db, nil
}

// maxEventExport bounds an export, which is put together in memory.
const maxEventExport = 100_000

// allEvents returns what matches, newest first, up to maxEventExport; more tells whether that left something out.
func allEvents(ctx context.Context, log pam.EventLog, f pam.EventFilter) (all []pam.Event, more bool, err error) {
	f.Limit = 1000
	for {
		page, err := log.Events(ctx, f)
		if err != nil {
			return nil, false, err
		}
		all = append(all, page.Events...)
		if page.Next == 0 || len(all) >= maxEventExport {
			return all, page.Next != 0, nil
		}
		f.Before = page.Next
	}
}

// printEvents is the command "portal events": the audit events of a data folder as lines of JSON, the oldest first. The
// portal may run meanwhile.
func printEvents(ctx context.Context, args []string, out, errOut io.Writer) error {
	flags := flag.NewFlagSet("portal events", flag.ContinueOnError)
	flags.SetOutput(errOut)
	data := flags.String("data", "", "data folder of the portal")
	from := flags.String("from", "", "first day, as 2006-01-02 in UTC; empty: all, up to the newest 100,000")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *data == "" || flags.NArg() > 0 {
		return errors.New("portal: write portal events -data FOLDER")
	}
	begin, _, ok := eventTime(*from)
	if !ok {
		return fmt.Errorf("portal: -from %q: write a day as 2006-01-02", *from)
	}
	if _, err := os.Stat(filepath.Join(*data, databaseName)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("portal: -data %s has no %s", *data, databaseName)
	}
	db, err := openDatabase(ctx, *data)
	if err != nil {
		return err
	}
	defer db.Close()
	all, _, err := allEvents(ctx, db, pam.EventFilter{From: begin})
	if err != nil {
		return fmt.Errorf("portal: events: %w", err)
	}
	w := bufio.NewWriter(out)
	enc := json.NewEncoder(w)
	for _, e := range slices.Backward(all) {
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("portal: events: %w", err)
		}
	}
	return w.Flush()
}
