package recorder

// enough says whether own bytes of one recording may wait in memory, n of them new (S27).
//
// Alone, a recording may use MaxPending. All together may use MaxPendingTotal: one half goes to whoever needs it,
// the other is shared out evenly, so that recordings behind a store that hangs cannot fail one whose store does
// not. Since nobody exceeds its share while the first half is used up, the total holds.
func (r *Recorder) enough(own, n int64) bool {
	if own > r.cfg.MaxPending {
		return false
	}
	half := r.cfg.MaxPendingTotal / 2
	return r.pending.Load()+n <= half || own <= half/max(r.openCount.Load(), 1)
}

// addPending counts n bytes more, or less, that wait to be written.
func (r *Recorder) addPending(n int64) { r.met.pending.Update(r.pending.Add(n)) }

// addUnsynced counts n bytes more, or less, that are written but not durable.
func (r *Recorder) addUnsynced(n int64) { r.met.unsynced.Update(r.unsynced.Add(n)) }
