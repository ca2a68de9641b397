package sshx_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// S05: questions that the record expects are answered, each field once; one that it does not expect ends the method before
// any answer of its round is given.
func TestSSH_S05_DeclaredPrompts(t *testing.T) {
	const otp = "424242"
	vault := fields{pam.FieldPassword: canary, "otp": otp}
	both := "# the second factor\npassword = (unix )?password:\n\notp echo = (verification|one-time) code.*:\n"
	for name, tc := range map[string]struct {
		record  string
		prompts []sshtest.Prompt
		sent    []string // what the target saw of us; nil: it let us in with both
	}{
		"both at once":           {both, []sshtest.Prompt{{Text: "Password: ", Answer: canary}, {Text: "One-time code (6 digits):", Answer: otp, Echo: true}}, nil},
		"one after the other":    {both, []sshtest.Prompt{{Text: "UNIX Password:", Answer: canary}, {Text: "Verification code: ", Answer: otp, Round: true}}, nil},
		"an unexpected one":      {both, []sshtest.Prompt{{Text: "Password:", Answer: canary}, {Text: "Mother's name:", Answer: "x"}}, []string{}},
		"later an odd one":       {both, []sshtest.Prompt{{Text: "Verification code:", Answer: otp}, {Text: "Mother's name:", Round: true}}, []string{otp}},
		"a password with echo":   {both, []sshtest.Prompt{{Text: "Password:", Answer: canary, Echo: true}}, []string{}},
		"the same again":         {both, []sshtest.Prompt{{Text: "Password:", Answer: canary}, {Text: "Password:", Round: true}}, []string{canary}},
		"twice at once":          {both, []sshtest.Prompt{{Text: "Password:", Answer: canary}, {Text: "Unix password:"}}, []string{}},
		"part of a pattern":      {both, []sshtest.Prompt{{Text: "Password: and more", Answer: canary}}, []string{}},
		"a field that is not":    {"pin = PIN:", []sshtest.Prompt{{Text: "PIN:", Answer: "1"}}, []string{}},
		"very many":              {"password = .*", slices.Repeat([]sshtest.Prompt{{Text: "?"}}, 9), []string{}},
		"a question like a tape": {"password = x*", []sshtest.Prompt{{Text: strings.Repeat("x", 4096)}}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			srv, addr := server(t, sshtest.Config{Prompts: tc.prompts, Handler: lines})
			r := request(addr, "demo", srv.HostKey(), vault)
			r.Asset.Attributes[sshx.AttrAuthPrompts] = tc.record
			c, err := newProtocol(t, sshx.Config{}).Connect(context.Background(), r)
			if tc.sent == nil {
				if err != nil {
					t.Fatal(err)
				}
				_ = c.Close(context.Background())
				if a := srv.Attempts(); len(a) != 1 || !a[0].OK {
					t.Errorf("the target saw %+v", a)
				}
				return
			}
			wantCode(t, err, pam.CodeTargetAuthFailed)
			if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), otp) {
				t.Errorf("the error shows a secret: %v", err)
			}
			if a := srv.Answers(); !slices.Equal(a, tc.sent) {
				t.Errorf("the target was told %q, want %q", a, tc.sent)
			}
		})
	}
}

// The vault is asked for what the target accepts, in the order of the record, and for nothing else.
func TestSSH_S13_FieldsAreFetchedWhenTheirMethodIsWanted(t *testing.T) {
	signer, key := newKey(t)
	keys := []ssh.PublicKey{signer.PublicKey()}
	vault := fields{pam.FieldPassword: "demo-password", pam.FieldPrivateKey: key}
	for name, tc := range map[string]struct {
		cfg     sshtest.Config
		methods string
		asked   []string
		code    pam.Code
	}{
		"key":                     {sshtest.Config{AuthorizedKeys: keys}, "", []string{"private_key", "certificate"}, ""},
		"key, password first":     {sshtest.Config{AuthorizedKeys: keys}, "password private_key", []string{"private_key"}, ""},
		"password first":          {sshtest.Config{AuthorizedKeys: keys, Passwords: map[string]string{"demo": "demo-password"}}, "password,private_key", []string{"password"}, ""},
		"password alone":          {sshtest.Config{Passwords: map[string]string{"demo": "demo-password"}}, "password", []string{"password"}, ""},
		"not what is allowed":     {sshtest.Config{AuthorizedKeys: keys}, "password", nil, pam.CodeTargetAuthFailed},
		"an unknown method":       {sshtest.Config{AuthorizedKeys: keys}, "hostbased", nil, pam.CodeTargetConfig},
		"a method twice":          {sshtest.Config{AuthorizedKeys: keys}, "password password", nil, pam.CodeTargetConfig},
		"an agent that is not":    {sshtest.Config{AuthorizedKeys: keys}, "agent", nil, pam.CodeTargetAuthFailed},
		"certificate that is not": {sshtest.Config{AuthorizedKeys: keys}, "certificate", []string{"private_key", "certificate"}, pam.CodeTargetAuthFailed},
	} {
		t.Run(name, func(t *testing.T) {
			tc.cfg.Handler = lines
			srv, addr := server(t, tc.cfg)
			r := request(addr, "demo", srv.HostKey(), nil)
			r.Asset.Attributes[sshx.AttrAuthMethods] = tc.methods
			var asked []string
			r.Field = func(ctx context.Context, name string) (pam.Secret, error) {
				asked = append(asked, name)
				return vault.get(ctx, name)
			}
			c, err := newProtocol(t, sshx.Config{}).Connect(context.Background(), r)
			if c != nil {
				_ = c.Close(context.Background())
			}
			if tc.code != "" {
				wantCode(t, err, tc.code)
			} else if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(asked, tc.asked) {
				t.Errorf("the vault was asked for %q, want %q", asked, tc.asked)
			}
		})
	}
}

func TestSSH_TargetConfig_SignInAttributes(t *testing.T) {
	srv, addr := server(t, sshtest.Config{})
	for name, attribute := range map[string][2]string{
		"pattern":         {sshx.AttrAuthPrompts, "password = ("},
		"no pattern":      {sshx.AttrAuthPrompts, "password ="},
		"no field":        {sshx.AttrAuthPrompts, "= x"},
		"odd word":        {sshx.AttrAuthPrompts, "password loudly = x"},
		"too many":        {sshx.AttrAuthPrompts, strings.Repeat("a = b\n", 17)},
		"agent key":       {sshx.AttrAgentKeys, "SHA256:short"},
		"authority":       {sshx.AttrHostCAKeys, "no key"},
		"unknown set":     {sshx.AttrAlgorithms, "ancient"},
		"environment":     {sshx.AttrEnvironment, "A=b\nA=c"},
		"odd name":        {sshx.AttrEnvironment, "A B=c"},
		"odd value":       {sshx.AttrEnvironment, "A=\x1b[31m"},
		"TERM":            {sshx.AttrEnvironment, "TERM=x"},
		"forbidden set":   {sshx.AttrAlgorithms, sshx.AlgorithmsLegacy},
		"too many to pin": {sshx.AttrHostKeys, strings.Repeat(srv.HostKey()+"\n", 65)},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(addr, "demo", srv.HostKey(), demoVault)
			r.Asset.Attributes[attribute[0]] = attribute[1]
			_, err := newProtocol(t, sshx.Config{}).Connect(context.Background(), r)
			wantCode(t, err, pam.CodeTargetConfig)
			if !strings.Contains(err.Error(), "attribute "+attribute[0]) {
				t.Errorf("%v does not name the attribute", err)
			}
		})
	}
	if a := srv.Attempts(); len(a) > 0 {
		t.Errorf("the target saw %+v", a)
	}
}

// S16: a target that goes on asking nothing, or that says every method is one half of the way, is given up.
func TestSSH_S16_EndlessSignIn(t *testing.T) {
	rounds := 0
	endless := &ssh.ServerConfig{KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		for {
			if _, err := ask("", "", nil, nil); err != nil {
				return nil, err
			}
			rounds++
		}
	}}
	halves := 0
	half := &ssh.ServerConfig{}
	half.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
		halves++
		return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PasswordCallback: half.PasswordCallback}}
	}
	for name, cfg := range map[string]*ssh.ServerConfig{"questions": endless, "halves": half} {
		t.Run(name, func(t *testing.T) {
			addr, hostKey := bareServer(t, cfg)
			_, err := newProtocol(t, sshx.Config{}).Connect(context.Background(), request(addr, "demo", hostKey, demoVault))
			wantCode(t, err, pam.CodeTargetAuthFailed)
		})
	}
	if rounds != 8 || halves != 1 {
		t.Errorf("%d empty rounds were answered and the password was sent %d times; want 8 and once", rounds, halves)
	}
}

// bareServer runs the library's server with a configuration as it is; nobody gets in.
func bareServer(t *testing.T, cfg *ssh.ServerConfig) (address, hostKey string) {
	t.Helper()
	signer := newSigner(t)
	cfg.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, _, _, err := ssh.NewServerConn(c, cfg); err == nil {
			t.Error("somebody got in")
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String(), sshtest.AuthorizedKey(signer.PublicKey())
}
