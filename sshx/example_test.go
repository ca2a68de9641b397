package sshx_test

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// A broker does this for its sessions; a host only hands the protocol in.
func Example() {
	srv, err := sshtest.NewServer(sshtest.Config{
		Passwords: map[string]string{"ada": "secret"},
		Handler: func(s *sshtest.Session) int {
			fmt.Fprintf(s, "welcome %s", s.User)
			return 3
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	address, err := srv.Listen()
	if err != nil {
		fmt.Println(err)
		return
	}

	proto, err := sshx.New(sshx.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := proto.Connect(context.Background(), pam.ConnectRequest{
		Asset: pam.Asset{
			Address: address, Account: "ada",
			Attributes: map[string]string{sshx.AttrHostKeys: srv.HostKey()},
		},
		Size: pam.Size{Cols: 80, Rows: 24},
		Field: func(_ context.Context, name string) (pam.Secret, error) {
			if name != pam.FieldPassword {
				return pam.Secret{}, pam.ErrNoField
			}
			return pam.NewSecret("secret"), nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close(context.Background())

	err = conn.Run(context.Background(), printer{})
	var end *pam.End
	if errors.As(err, &end) {
		fmt.Println(end.Reason, *end.Status)
	}
	// Output:
	// welcome ada
	// remote_logoff 3
}

type printer struct{}

func (printer) Emit(_ context.Context, f pam.Frame) error {
	if f.Kind == pam.FrameOutput {
		fmt.Printf("%s\n", f.Payload)
	}
	return nil
}

// The keys stay in the agent of whoever runs the gateway; an unknown host key is a question to the host.
func ExampleAgentSigners() {
	proto, err := sshx.New(sshx.Config{
		Signers: sshx.AgentSigners(func(ctx context.Context, r sshx.SignersRequest) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", "/run/agents/"+string(r.Asset.ID))
		}),
		ConfirmHostKey: func(_ context.Context, k sshx.UnknownHostKey) (bool, error) {
			fmt.Printf("to be asked about: %s %s\n", k.Address, k.Fingerprint)
			return false, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(proto.Name())
	// Output: ssh
}
