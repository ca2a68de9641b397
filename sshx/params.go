package sshx

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
)

// Names of the launch parameters (L3).
const (
	ParamTerm           = "term"
	ParamFontSize       = "font_size"
	ParamColorScheme    = "color_scheme"
	ParamScrollback     = "scrollback"
	ParamStartDirectory = "start_directory"
	ParamInitialCommand = "initial_command"
	ParamLocale         = "locale"
)

const (
	defaultTerm  = "xterm-256color"
	maxDirectory = 1024
	maxCommand   = 4096
	maxLocale    = 64
)

// Params returns the launcher's schema.
//
// The start directory and the initial command run on a unix target before the login shell starts, in the same
// process: the directory is changed, the command is executed by the account's shell, and that shell is then
// replaced by an interactive login shell, which inherits directory and environment. On other targets, which
// may know no exec request, the initial command is typed, followed by Enter, as soon as the shell runs.
func (p *Protocol) Params() []pam.Param {
	return []pam.Param{
		{
			Name: ParamTerm, Label: "Terminal type", Kind: pam.ParamChoice, Default: defaultTerm,
			Choices: []pam.Choice{
				{Value: defaultTerm, Label: "xterm-256color"},
				{Value: "xterm", Label: "xterm"},
				{Value: "vt220", Label: "vt220"},
				{Value: "vt100", Label: "vt100"},
				{Value: "linux", Label: "linux"},
			},
		},
		{Name: ParamFontSize, Label: "Font size", Kind: pam.ParamInt, Default: "14", Min: 8, Max: 32, Display: true},
		{
			Name: ParamColorScheme, Label: "Colours", Kind: pam.ParamChoice, Default: "auto", Display: true,
			Choices: []pam.Choice{
				{Value: "auto", Label: "As the page"},
				{Value: "dark", Label: "Dark"},
				{Value: "midnight", Label: "Midnight"},
				{Value: "forest", Label: "Forest"},
				{Value: "ember", Label: "Ember"},
				{Value: "light", Label: "Light"},
				{Value: "paper", Label: "Paper"},
				{Value: "contrast_dark", Label: "High contrast, dark"},
				{Value: "contrast_light", Label: "High contrast, light"},
			},
		},
		{Name: ParamScrollback, Label: "Lines of scroll-back", Kind: pam.ParamInt, Default: "5000", Min: 0, Max: 50000, Display: true},
		{
			Name: ParamStartDirectory, Label: "Start directory", Kind: pam.ParamText, Max: maxDirectory,
			Needs: pam.Keyboard, OS: pam.OSUnix,
		},
		{Name: ParamInitialCommand, Label: "Initial command", Kind: pam.ParamText, Max: maxCommand, Needs: pam.Keyboard},
		{Name: ParamLocale, Label: "Locale", Kind: pam.ParamText, Max: maxLocale},
	}
}

// launch is what a shell is started with.
type launch struct {
	term   string
	env    []envRequest // LANG by the locale first
	script string       // run by exec; "": a plain shell
	typed  string       // typed once the shell runs
}

// newLaunch checks the parameters once more: the schema cannot say everything, and the broker may be another.
func newLaunch(r pam.ConnectRequest) (launch, error) {
	l := launch{term: r.Params[ParamTerm]}
	locale, dir, command := r.Params[ParamLocale], r.Params[ParamStartDirectory], r.Params[ParamInitialCommand]

	invalid := func(name, why string) (launch, error) {
		return launch{}, &pam.TargetError{Code: pam.CodeInvalidParam, Err: fmt.Errorf("parameter %s: %s", name, why)}
	}
	if l.term == "" {
		l.term = defaultTerm
	}
	if len(l.term) > 64 || !onlyRunes(l.term, "-+._") {
		return invalid(ParamTerm, "malformed")
	}
	if len(locale) > maxLocale || !onlyRunes(locale, "-_.@") {
		return invalid(ParamLocale, "malformed")
	}
	if len(dir) > maxDirectory || hasControl(dir) {
		return invalid(ParamStartDirectory, "too long, or has control characters")
	}
	if len(command) > maxCommand || hasControl(command) {
		return invalid(ParamInitialCommand, "too long, or has control characters")
	}
	if (dir != "" || command != "") && !r.Capabilities.Permits(pam.Keyboard) {
		return launch{}, &pam.TargetError{Code: pam.CodeCapabilityDenied, Err: fmt.Errorf(
			"a start directory or initial command needs %s", pam.Keyboard)}
	}

	env, err := parseEnvironment(r.Asset.Attributes[AttrEnvironment])
	if err != nil {
		return launch{}, &pam.TargetError{Code: pam.CodeTargetConfig, Err: fmt.Errorf("attribute %s: %w", AttrEnvironment, err)}
	}
	if locale != "" {
		env = slices.DeleteFunc(env, func(e envRequest) bool { return e.Name == "LANG" })
		env = append([]envRequest{{"LANG", locale}}, env...)
	}
	l.env = env

	unix := r.Asset.Type.OS == pam.OSUnix
	switch {
	case dir != "" && !unix:
		return invalid(ParamStartDirectory, "only for unix targets")
	case unix:
		l.script = loginScript(dir, command)
	default:
		l.typed = command
	}
	return l, nil
}

// loginScript builds what the account's shell executes before it becomes a login shell. It keeps to what sh,
// csh and fish read alike: single quotes, newlines, exec. sshd sets SHELL.
func loginScript(dir, command string) string {
	if dir == "" && command == "" {
		return ""
	}
	var b strings.Builder
	if dir != "" {
		b.WriteString("cd " + quoteDir(dir) + "\n")
	}
	if command != "" {
		b.WriteString(command + "\n")
	}
	b.WriteString(`exec "$SHELL" -l`)
	return b.String()
}

// quoteDir quotes a directory for the shell; a leading ~ means the home directory, as people expect.
func quoteDir(dir string) string {
	switch {
	case dir == "~":
		return `"$HOME"`
	case strings.HasPrefix(dir, "~/"):
		return `"$HOME"/` + quote(dir[2:])
	case strings.HasPrefix(dir, "-"):
		// cd -- is not known to every shell.
		dir = "./" + dir
	}
	return quote(dir)
}

// quote makes one word of s for sh, csh and fish. Between single quotes nothing is special but the quote itself and,
// in fish, the backslash: both stand outside, behind a backslash.
func quote(s string) string {
	return "'" + strings.NewReplacer("'", `'\''`, `\`, `'\\'`).Replace(s) + "'"
}

func onlyRunes(s, more string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(more, r)) {
			return false
		}
	}
	return true
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) })
}

// Requests on a session channel, RFC 4254 6.2 to 6.10.
type (
	ptyRequest struct {
		Term                      string
		Cols, Rows, Width, Height uint32
		Modes                     string
	}
	envRequest    struct{ Name, Value string }
	execRequest   struct{ Command string }
	windowChange  struct{ Cols, Rows, Width, Height uint32 }
	exitStatusMsg struct{ Status uint32 }
	exitSignalMsg struct {
		Signal     string
		CoreDumped bool
		Error      string
		Lang       string
	}
)

// ttyModes encodes terminal modes (RFC 4254 8): what a browser's terminal is, whatever the target's default.
func ttyModes() string {
	modes := ssh.Marshal(struct {
		A byte
		B uint32
		C byte
		D uint32
		E byte
		F uint32
		G byte
		H uint32
		I byte
	}{
		ssh.VERASE, 0x7f, // the key that erases sends DEL
		ssh.IUTF8, 1, // erase whole characters
		ssh.TTY_OP_ISPEED, 38400,
		ssh.TTY_OP_OSPEED, 38400,
		0, // TTY_OP_END
	})
	return string(modes)
}
