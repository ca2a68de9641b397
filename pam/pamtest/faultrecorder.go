package pamtest

import (
	"context"

	"github.com/sallyport/sallyport/pam"
)

// FaultRecorder breaks another recorder, usually a real one: Faults knows its method "Open", and of all its
// recordings "Append" and "Close". An injected error of Append fails that one call and all later ones of the same
// recording and tells the watcher, as the contract of pam.Recording asks; the recorder below hears nothing of it.
type FaultRecorder struct {
	Faults
	Recorder pam.Recorder // required
}

var _ pam.Recorder = (*FaultRecorder)(nil)

// Open implements pam.Recorder.
func (f *FaultRecorder) Open(ctx context.Context, m pam.RecordingMeta, w pam.RecordingWatcher) (pam.Recording, error) {
	if err := f.enter(ctx, "Open"); err != nil {
		return nil, err
	}
	latch := &latchedWatcher{next: w}
	rec, err := f.Recorder.Open(ctx, m, latch)
	if err != nil {
		return nil, err
	}
	return &faultRecording{Recording: rec, faults: &f.Faults, latch: latch}, nil
}

type faultRecording struct {
	pam.Recording
	faults *Faults
	latch  *latchedWatcher
}

func (r *faultRecording) Append(e pam.Entry) (uint64, error) {
	if err := r.latch.failed(); err != nil {
		return 0, err
	}
	if err := r.faults.enter(context.Background(), "Append"); err != nil {
		r.latch.fail(err)
		return 0, err
	}
	return r.Recording.Append(e)
}

func (r *faultRecording) Close(ctx context.Context, end pam.Entry) error {
	fault := r.faults.enter(ctx, "Close")
	err := r.Recording.Close(ctx, end)
	r.latch.wait()
	if latched := r.latch.failed(); latched != nil {
		return latched
	}
	if fault != nil {
		return fault
	}
	return err
}
