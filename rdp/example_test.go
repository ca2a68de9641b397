package rdp_test

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// A client connects, draws what the server shows, and types. The server here runs in the same process.
func Example() {
	server, err := rdptest.NewServer(rdptest.Config{Passwords: map[string]string{"anna": "secret"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	addr, err := server.Listen()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	client, err := rdp.Dial(ctx, addr, &rdp.Config{
		Pins: []string{rdp.Fingerprint(server.Certificate())},
		Credentials: func(context.Context) (rdp.Credentials, error) {
			return rdp.Credentials{User: "anna", Password: "secret"}, nil
		},
		Width: 800, Height: 600,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	screen, err := rdp.NewFramebuffer(client.Size())
	if err != nil {
		fmt.Println(err)
		return
	}
	update, err := client.Next(ctx)
	if err == nil {
		err = screen.Apply(update)
	}
	if err == nil {
		err = client.Type("hello")
	}
	fmt.Println(screen.Image().Bounds(), client.Info().Protocol, err)
	// Output: (0,0)-(800,600) CredSSP-EX <nil>
}
