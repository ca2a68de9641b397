package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
)

func TestDatabase_R7_SessionsOfACrashedGatewayAreClosed(t *testing.T) {
	dir := t.TempDir()
	db, err := openDatabase(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	for _, s := range []pam.SessionInfo{
		{ID: "lost", Asset: "web", User: "anna", State: pam.StateActive, Created: began, Updated: began},
		{ID: "over", Asset: "web", User: "anna", State: pam.StateCompleted, Reason: pam.EndIdle, Created: began, Updated: began, Completed: began},
	} {
		if err := db.PutSession(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Write(t.Context(), pam.Event{Seq: 1, At: began, Verb: pam.StartSession, Session: "lost"}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := parseConfig("c.yaml", []byte(world))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing left to do
		_, stop := runServer(t, portalConfig{config: c, ui: noClient{}, log: discard()}, serverConfig{addr: "127.0.0.1:0", data: dir})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	if db, err = openDatabase(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	s, err := db.Session(t.Context(), "lost")
	if err != nil || s.State != pam.StateCompleted || s.Reason != pam.EndGatewayCrash || !s.Completed.After(began) {
		t.Errorf("the open session: %+v, %v; want completed as gateway_crash", s, err)
	}
	if s, err := db.Session(t.Context(), "over"); err != nil || s.Reason != pam.EndIdle {
		t.Errorf("the ended session: %+v, %v; want it as it was", s, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	var out bytes.Buffer
	if err := run(t.Context(), []string{"events", "-data", dir}, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var got []pam.Event
	for dec := json.NewDecoder(&out); ; {
		var e pam.Event
		if err := dec.Decode(&e); err != nil {
			break
		}
		got = append(got, e)
	}
	if len(got) != 2 || got[0].Verb != pam.StartSession || got[1].Verb != pam.CompleteSession || got[1].Reason != pam.EndGatewayCrash || got[1].Seq != 2 {
		t.Errorf("portal events printed %+v; want the start, then one end as gateway_crash", got)
	}
}

func TestEvents_Arguments(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "write portal events -data FOLDER"},
		{[]string{"-data", t.TempDir()}, "has no portal.db"},
		{[]string{"-data", t.TempDir(), "-from", "May"}, "write a day"},
	} {
		err := printEvents(t.Context(), tc.args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("portal events %q: %v, want %q", tc.args, err, tc.want)
		}
	}
}
