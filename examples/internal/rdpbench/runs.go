package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/examples/internal/bench"
	"github.com/sallyport/sallyport/examples/internal/spine"
)

// Names of the paths.
const (
	pathFloor    = "rdp, bare (floor)"
	pathXFreeRDP = "xfreerdp"
	pathGateway  = "gateway"
	pathRecorded = "gateway, recorded"
)

// result is what a run gave. Times are seconds.
type result struct {
	CPU   float64 // of the process that is measured, while a load lasts
	Bytes int     // of pictures
	Keys  []float64
	Start []float64
	Join  []float64
}

// benches are all measurements against one xrdp.
type benches struct {
	ctx     context.Context
	o       options
	desk    *desk
	gateway *bench.Gateway
	display *display
}

// open opens a desktop by a path. Those that are to be timed to their first image are lossless, since only these can be looked at.
func (b *benches) open(name string, lossless bool) (viewer, error) {
	switch name {
	case pathFloor:
		return openFloor(b.ctx, b.desk.target, lossless)
	case pathXFreeRDP:
		return openXFreeRDP(b.ctx, b.display, b.desk.target)
	case pathRecorded:
		return openPage(b.ctx, b.gateway, spine.Recorded, lossless)
	}
	return openPage(b.ctx, b.gateway, spine.Unrecorded, lossless)
}

// settle is how long what a connection draws at first takes at most.
const settle = 1500 * time.Millisecond

func (b *benches) run() error {
	all := []string{pathFloor, pathXFreeRDP, pathGateway, pathRecorded}
	ours := []string{pathFloor, pathGateway, pathRecorded}
	// The first session starts an X server, which is no path's doing.
	v, err := b.open(pathFloor, true)
	if err != nil {
		return err
	}
	_, err = v.firstImage()
	v.close()
	if err != nil {
		return err
	}
	var t table
	for _, m := range []struct {
		kind  string
		paths []string
		run   func(name string) (result, error)
	}{
		{loadText, all, func(name string) (result, error) { return b.load(name, loadText) }},
		{loadPicture, all, func(name string) (result, error) { return b.load(name, loadPicture) }},
		{"key", ours, b.keys},
		{"start", all, b.starts},
		{"join", []string{pathGateway, pathRecorded}, b.joins},
	} {
		if !listed(b.o.measure, func(one string) bool { return one == m.kind }) {
			continue
		}
		if err := t.measure(m.kind, b.o.runs, b.paths(m.paths, m.run)); err != nil {
			return err
		}
	}
	t.print(os.Stdout)
	return nil
}

func (b *benches) paths(names []string, run func(name string) (result, error)) (paths []bench.Path[result]) {
	for _, name := range names {
		if !listed(b.o.paths, func(end string) bool { return strings.HasSuffix(strings.TrimSuffix(name, ")"), end) }) {
			continue
		}
		paths = append(paths, bench.Path[result]{Name: name, Run: func() (result, error) { return run(name) }})
	}
	return paths
}

// listed says whether an element of a list with commas fits. An empty list has everything.
func listed(list string, fits func(string) bool) bool {
	return list == "" || slices.ContainsFunc(strings.Split(list, ","), fits)
}

// load shows a load while a desktop is open.
func (b *benches) load(name, load string) (r result, err error) {
	v, err := b.open(name, false)
	if err != nil {
		return r, err
	}
	defer v.close()
	time.Sleep(settle)
	before, err := bench.CPU(v.pid())
	if err != nil {
		return r, err
	}
	had := v.received()
	if err := b.desk.show(load, b.o.seconds); err != nil {
		return r, err
	}
	after, err := bench.CPU(v.pid())
	r.CPU, r.Bytes = after-before, v.received()-had
	return r, err
}

func (b *benches) keys(name string) (r result, err error) {
	v, err := b.open(name, false)
	if err != nil {
		return r, err
	}
	defer v.close()
	time.Sleep(settle)
	r.Keys, err = v.keys(b.o.keys)
	return r, err
}

func (b *benches) starts(name string) (r result, err error) {
	for range b.o.starts {
		v, err := b.open(name, true)
		if err != nil {
			return r, err
		}
		s, err := v.firstImage()
		v.close()
		if err != nil {
			return r, err
		}
		r.Start = append(r.Start, s)
	}
	return r, nil
}

func (b *benches) joins(name string) (r result, err error) {
	v, err := b.open(name, false)
	if err != nil {
		return r, err
	}
	defer v.close()
	p, ok := v.(*page)
	if !ok {
		return r, fmt.Errorf("%s has no joiners", name)
	}
	time.Sleep(settle)
	if err := b.desk.show(loadText, 1); err != nil { // so that there are units of more than one frame
		return r, err
	}
	for range b.o.joins {
		s, err := p.join()
		if err != nil {
			return r, err
		}
		r.Join = append(r.Join, s)
	}
	return r, nil
}
