package pam_test

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
)

// TestProbe_I7_ComesBack: what a page asks comes back to it as it was; a monitor may ask as well.
func TestProbe_I7_ComesBack(t *testing.T) {
	r := newRig(t)
	id, pg, _ := r.begin()
	for _, pg := range []*page{pg, r.carol().joined(id, pam.ModeMonitor)} {
		want := []byte("\x00\x01probe\xff")
		pg.send(frame.Frame{Kind: frame.Probe, Payload: want})
		pg.await("the answer", func() bool { return bytes.Equal(pg.probed, want) })
	}
}

// TestMetrics_I7_WhatPagesGet: the way to a page is measured at each heartbeat, and what is sent to it is counted.
func TestMetrics_I7_WhatPagesGet(t *testing.T) {
	registry := metrics.NewRegistry()
	r := newRig(t, func(c *pam.Config) { c.Metrics, c.Limits.Heartbeat = registry, time.Millisecond })
	_, pg, c := r.begin()
	trips := registry.Get("pam.viewers.latency_ns").(metrics.Histogram)
	bytesBefore := registry.Get("pam.viewers.bytes").(metrics.Counter).Count()
	sent := 0
	for n := 0; trips.Count() == 0; n++ {
		text := strconv.Itoa(n) + ";"
		r.say(c, text)
		pg.awaitOutput(text)
		sent += len(text)
	}
	if trips.Min() <= 0 {
		t.Errorf("a way of %d ns", trips.Min())
	}
	if got := registry.Get("pam.viewers.bytes").(metrics.Counter).Count() - bytesBefore; got < int64(sent) {
		t.Errorf("%d bytes counted, %d were sent", got, sent)
	}
}
