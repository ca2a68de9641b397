package main

import (
	"context"

	"github.com/sallyport/sallyport/examples/internal/bench"
	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// runGateway measures a job through a gateway.
func runGateway(ctx context.Context, g *bench.Gateway, j job, recorded bool) (result, error) {
	asset := spine.Unrecorded
	if recorded {
		asset = spine.Recorded
	}
	before, err := g.CPU()
	if err != nil {
		return result{}, err
	}
	r, err := do(ctx, j, func(ctx context.Context) (terminal, error) { return openPage(ctx, g.URL, asset) })
	if err != nil {
		return r, err
	}
	after, err := g.CPU()
	r.CPU = after - before
	return r, err
}

// pageTerminal is a session through the gateway.
type pageTerminal struct {
	ctx  context.Context
	page *pamtest.Page
	out  chan []byte
}

func openPage(ctx context.Context, url string, asset pam.AssetID) (terminal, error) {
	b := spine.Browser(url)
	id, err := b.Start(ctx, asset, nil)
	if err != nil {
		return nil, err
	}
	t := &pageTerminal{ctx: ctx, out: make(chan []byte, 256)}
	t.page, err = b.Attach(ctx, id, pamtest.PageOptions{Output: func(p []byte, _ bool) {
		select {
		case t.out <- append([]byte(nil), p...):
		case <-ctx.Done():
		}
	}})
	if err != nil {
		return nil, err
	}
	if err := t.page.Await(ctx, func(v pamtest.PageView) bool { return v.State["state"] == "active" || v.End != nil }); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *pageTerminal) type_(text string) error { return t.page.Key(t.ctx, text) }
func (t *pageTerminal) output() <-chan []byte   { return t.out }
func (t *pageTerminal) close() {
	_ = t.page.Disconnect(t.ctx)
	go func() {
		for range t.out { //nolint:revive // the page must not block on what nobody reads
		}
	}()
	<-t.page.Gone()
	t.page.Close()
	close(t.out)
}
