package pam

// Routes returns the method and pattern of every route, for tests outside the package.
func (b *Broker) Routes() (out [][2]string) {
	for _, rt := range b.table() {
		out = append(out, [2]string{rt.method, rt.pattern})
	}
	return out
}
