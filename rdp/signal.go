package rdp

// signal wakes whoever waits at a channel of capacity one, which looks anyway if it was woken before.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
