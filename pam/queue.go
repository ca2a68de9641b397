package pam

// Limits of input that waits for a target which does not take it.
const (
	maxQueuedBytes = 2 << 20
	maxQueuedJobs  = 4096
)

// job is one piece of a participant's work for the target.
type job struct {
	size int
	do   func() error
}

// enqueue runs do after all that was enqueued before, on a goroutine that lives only while there is work: an
// idle viewer has none. A target that takes nothing for so long that the queue is full loses what comes then,
// and the user is told.
func (v *viewer) enqueue(size int, do func() error) {
	v.mu.Lock()
	if len(v.queue) >= maxQueuedJobs || v.queued+size > maxQueuedBytes {
		v.mu.Unlock()
		v.s.b.met.droppedOps.Inc(1)
		v.notify(Notice{Code: string(CodeRateLimited)})
		return
	}
	v.queue = append(v.queue, job{size, do})
	v.queued += size
	start := !v.working
	v.working = true
	v.mu.Unlock()
	if start {
		v.work.Go(func() { v.s.contain("input", v.drainQueue) })
	}
}

// drainQueue does the queued jobs. The first error ends the viewer.
func (v *viewer) drainQueue() {
	var failed error
	for {
		v.mu.Lock()
		if len(v.queue) == 0 || failed != nil || v.ctx.Err() != nil {
			v.queue, v.queued, v.working = nil, 0, false
			v.mu.Unlock()
			return
		}
		j := v.queue[0]
		v.queue[0] = job{}
		v.queue = v.queue[1:]
		v.queued -= j.size
		v.mu.Unlock()
		// A session that ends takes its jobs with it, and has a last word for the page: it must not be cut off before.
		if failed = j.do(); failed != nil && !v.s.ended() {
			v.cancel(failed)
		}
	}
}
