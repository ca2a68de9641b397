package pam_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// TestShutdown_S37_Drains: while the broker drains, new starts are refused with a time to try again, live sessions are
// warned and go on, a page may even reload; when the last one has ended, so has the drain.
func TestShutdown_S37_Drains(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Drain = time.Hour })
	id, pg, c := r.begin()
	done := make(chan error, 1)
	go func() { done <- r.broker.Shutdown(r.ctx) }()
	pg.await("warning", func() bool {
		ends, _ := pg.state["ends"].(map[string]any)
		return ends["code"] == string(pam.CodeGatewayShutdown)
	})
	if h := r.broker.Health(); !h.Closing || h.Ready() || h.Live != 1 || h.States[pam.StateActive] != 1 {
		t.Errorf("health %+v", h)
	}
	st, body := r.alice().call("POST", "api/asset/"+string(asset1)+"/sessions", map[string]any{})
	if st != http.StatusServiceUnavailable || code(body) != pam.CodeShuttingDown {
		t.Errorf("start while draining: %d %v", st, body)
	}
	if got := r.alice().request("POST", "api/asset/"+string(asset1)+"/sessions", struct{}{}).header.Get("Retry-After"); got == "" {
		t.Error("no Retry-After")
	}
	pg.key("x")
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "x" }); err != nil {
		t.Fatal(err)
	}
	again := r.alice().attach(id) // a reload
	again.awaitState("active")
	c.End(&pam.End{Reason: pam.EndRemoteLogoff})
	if got := again.awaitEnd(); got != pam.CodeRemoteLogoff {
		t.Errorf("end %q", got)
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if got := r.completed(id).Reason; got != pam.EndRemoteLogoff {
		t.Errorf("reason %q", got)
	}
}

// TestShutdown_S37_DeadlineEndsTheDrain: when the time is up every session ends with gateway_shutdown, in order and sealed.
func TestShutdown_S37_DeadlineEndsTheDrain(t *testing.T) {
	for name, stop := range map[string]func(r *rig) (context.Context, context.CancelFunc){
		"drain time": func(r *rig) (context.Context, context.CancelFunc) { return context.WithCancel(r.ctx) },
		"the caller's deadline": func(r *rig) (context.Context, context.CancelFunc) {
			return context.WithTimeout(r.ctx, 30*time.Second+50*time.Millisecond) // 3 x CloseTimeout is kept for the ends
		},
		"a second signal": func(r *rig) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(r.ctx)
			cancel()
			return ctx, cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			drain := time.Hour
			if name == "drain time" {
				drain = 20 * time.Millisecond
			}
			r := newRig(t, func(c *pam.Config) { c.Limits.Drain, c.Limits.CloseTimeout = drain, 10*time.Second })
			r.recorded()
			id, pg, _ := r.begin()
			ctx, cancel := stop(r)
			defer cancel()
			if err := r.broker.Shutdown(ctx); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			if got := pg.awaitEnd(); got != pam.CodeGatewayShutdown {
				t.Errorf("end %q", got)
			}
			if got := r.completed(id).Reason; got != pam.EndGatewayShutdown {
				t.Errorf("reason %q", got)
			}
			rec, err := r.recorder.Recording(r.ctx, 1)
			if err != nil {
				t.Fatal(err)
			}
			if rec.End() == nil {
				t.Error("the recording is not sealed")
			}
		})
	}
}

// TestShutdown_S37_SaysWhatWasNotFlushed: the error names what could not be sealed and what did not finish.
func TestShutdown_S37_SaysWhatWasNotFlushed(t *testing.T) {
	t.Run("seal fails", func(t *testing.T) {
		r := newRig(t)
		r.recorded()
		r.begin()
		r.recorder.At("Close", 0, pamtest.Fault{Err: errFake})
		var fault *pam.ShutdownError
		err := r.broker.Shutdown(r.ctx)
		rec, rerr := r.recorder.Recording(r.ctx, 1)
		if rerr != nil {
			t.Fatal(rerr)
		}
		if !errors.As(err, &fault) || !slices.Equal(fault.Unsealed, []string{rec.Path()}) || len(fault.Unfinished) != 0 {
			t.Errorf("Shutdown: %v", err)
		}
	})
	t.Run("seal hangs", func(t *testing.T) {
		r := newRig(t, func(c *pam.Config) { c.Limits.CloseTimeout = 20 * time.Millisecond })
		r.recorded()
		id, _, _ := r.begin()
		// Two steps of the end take their whole time, one after the other; the caller waits for one such time only.
		r.recorder.At("Close", 0, pamtest.Fault{Block: true})
		r.events.At("Write", 0, pamtest.Fault{Block: true})
		ctx, cancel := context.WithCancel(r.ctx)
		cancel()
		var fault *pam.ShutdownError
		err := r.broker.Shutdown(ctx)
		if !errors.As(err, &fault) || !slices.Equal(fault.Unfinished, []pam.SessionID{id}) || !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown: %v", err)
		}
	})
}
