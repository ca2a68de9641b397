package rdptest_test

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/rdptest"
)

// A server on a free port of loopback, for a client under test.
func Example() {
	s, err := rdptest.NewServer(rdptest.Config{Passwords: map[string]string{"anna": "secret"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	if _, err := s.Listen(); err != nil {
		fmt.Println(err)
		return
	}
	// Connect the client to the address; s.WaitSession then returns its session, and s.Attempts how it signed in.
	fmt.Println(len(s.Attempts()))
	// Output: 0
}
