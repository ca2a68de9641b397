package pam

// Routes returns the method and pattern of every route, for tests outside the package.
func (b *Broker) Routes() (out [][2]string) {
	for _, rt := range b.table() {
		out = append(out, [2]string{rt.method, rt.pattern})
	}
	return out
}

// Gauges is what the sampled gauges show.
type Gauges struct {
	Unacked, UnackedMax, Behind, BehindMax, Unwritten, UnwrittenBytes, UnwrittenMax int64
}

// ReadGauges samples now, however old the last sample is.
func ReadGauges(b *Broker) Gauges {
	x := b.sample()
	return Gauges{x.unacked, x.unackedMax, x.behind, x.behindMax, x.unwritten, x.unwrittenBytes, x.unwrittenWorst}
}
