package channel

// Processor speaks the protocol of one virtual channel, static or dynamic. It does no I/O and has no goroutine, and belongs to one
// caller at a time.
type Processor interface {
	// Receive takes one whole message of the peer and returns what is to be sent in answer, message by message, in order. message is not
	// kept. After an error the channel is unusable.
	Receive(message []byte) (replies [][]byte, err error)
}
