package sshx

import (
	"fmt"
	"strings"
)

// AttrEnvironment is the asset attribute with environment variables for the shell, one NAME=value per line; lines starting
// with # are skipped. The launch parameter locale goes before a LANG of it. What the target does not take (sshd's
// AcceptEnv) becomes a notice with NoticeEnvRefused.
const AttrEnvironment = "environment"

const (
	maxEnvironment = 32 // variables
	maxEnvName     = 64
	maxEnvValue    = 1024
)

// parseEnvironment reads AttrEnvironment.
func parseEnvironment(text string) ([]envRequest, error) {
	var env []envRequest
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.Trim(line, "\r\n"); strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		switch {
		case !ok || name == "" || len(name) > maxEnvName || !onlyRunes(name, "_") || name[0] >= '0' && name[0] <= '9':
			return nil, fmt.Errorf("line %d: want NAME=value with a name of letters, digits and _", n)
		case name == "TERM":
			return nil, fmt.Errorf("line %d: TERM is the parameter %s", n, ParamTerm)
		case len(value) > maxEnvValue || hasControl(value):
			return nil, fmt.Errorf("line %d: the value of %s is longer than %d bytes, or has control characters", n, name, maxEnvValue)
		case len(env) == maxEnvironment:
			return nil, fmt.Errorf("more than %d variables", maxEnvironment)
		}
		for _, e := range env {
			if e.Name == name {
				return nil, fmt.Errorf("line %d: %s stands there twice", n, name)
			}
		}
		env = append(env, envRequest{name, value})
	}
	return env, nil
}
