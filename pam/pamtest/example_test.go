package pamtest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// An event sink whose second write fails: what must not happen without an audit event can now be tested.
func ExampleFaults() {
	sink := &pamtest.EventSink{}
	sink.At("Write", 2, pamtest.Fault{Err: errors.New("disk full")})

	ctx := context.Background()
	fmt.Println(sink.Write(ctx, pam.Event{Verb: pam.StartSession}))
	fmt.Println(sink.Write(ctx, pam.Event{Verb: pam.DecryptField}))
	fmt.Println(len(sink.Events()), sink.Calls("Write"))
	// Output:
	// <nil>
	// disk full
	// 1 2
}
