package recorder

// thrift leaves out compressing where it has not paid of late. Pictures of a desktop come coded, and most of them do not get smaller: trying each
// took as long as all else that a recording does. What has paid goes on being compressed, and what has not is tried again, less and less often.
type thrift struct {
	skip int // chunks that are not tried
	rest int // how many there were after the last failure, which is what there are after the next one
}

const (
	paysFrom = 8  // compressing pays if it saves one part in so many
	mostRest = 16 // chunks
)

// try says whether the next chunk is to be compressed.
func (t *thrift) try() bool {
	if t.skip == 0 {
		return true
	}
	t.skip--
	return false
}

// took says what became of a chunk that was tried.
func (t *thrift) took(raw, packed int) {
	if packed <= raw-raw/paysFrom {
		t.rest = 0
		return
	}
	t.rest = min(max(1, 2*t.rest), mostRest)
	t.skip = t.rest
}
