package sshx

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/pam"
)

// AttrAuthPrompts is the asset attribute that says which questions of keyboard-interactive (RFC 4256) are answered, and
// with which field of the vault, one per line:
//
//	password = (current )?password:
//	otp echo = (verification|one-time) code:
//
// Left stands a field, and "echo" where the target may show the answer; right a regular expression (RE2) for the whole
// question, in any case and without surrounding spaces. The vault may compute the field, as it would a one-time
// code. Each field is sent once in a sign-in; a question that no line fits ends the method. Missing means that a
// single question without echo gets the password, and nothing else is answered.
const AttrAuthPrompts = "auth_prompts"

// Limits of AttrAuthPrompts and of what a target may ask.
const (
	maxPromptRules   = 16
	maxPromptPattern = 256
	maxQuestions     = 8
	maxQuestion      = 1024
	maxRounds        = 8
)

// promptRule is one line of AttrAuthPrompts.
type promptRule struct {
	field   string
	echo    bool // the answer may be shown
	pattern *regexp.Regexp
}

func parsePrompts(text string) ([]promptRule, error) {
	var rules []promptRule
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if len(rules) == maxPromptRules {
			return nil, fmt.Errorf("more than %d prompts", maxPromptRules)
		}
		left, pattern, ok := strings.Cut(line, "=")
		field, echo, _ := strings.Cut(strings.TrimSpace(left), " ")
		if echo = strings.TrimSpace(echo); !ok || field == "" || len(field) > 64 || !onlyRunes(field, "_") || (echo != "" && echo != "echo") {
			return nil, fmt.Errorf("line %d: want \"field = pattern\" or \"field echo = pattern\"", n)
		}
		if pattern = strings.TrimSpace(pattern); pattern == "" || len(pattern) > maxPromptPattern {
			return nil, fmt.Errorf("line %d: the pattern is empty or longer than %d bytes", n, maxPromptPattern)
		}
		// Alone first: no bracket of it may close ours.
		if _, err := regexp.Compile(pattern); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		re, err := regexp.Compile(`(?i)\A(?:` + pattern + `)\z`)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		rules = append(rules, promptRule{field: field, echo: echo != "", pattern: re})
	}
	return rules, nil
}

// challenge answers one round of keyboard-interactive. Only expected questions are answered, and only when all of a round
// are: anything else may be an attempt to have a secret shown or repeated (S05).
func (s *signIn) challenge(_, _ string, questions []string, echos []bool) ([]string, error) {
	if s.rounds++; s.rounds > maxRounds {
		s.odd = fmt.Errorf("the target asks more than %d times", maxRounds)
		return nil, s.odd
	}
	if len(questions) == 0 {
		return nil, nil
	}
	fields, err := s.expected(questions, echos)
	if err != nil {
		s.odd = err
		return nil, err
	}
	answers := make([]string, len(fields))
	for i, name := range fields {
		answers[i], err = s.send(name)
		if errors.Is(err, pam.ErrNoField) {
			err = fmt.Errorf("the vault has no field %s for the question %q", name, plainText(questions[i], 128))
			s.odd = err
		}
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// expected returns the field that answers each question.
func (s *signIn) expected(questions []string, echos []bool) ([]string, error) {
	if len(questions) != len(echos) || len(questions) > maxQuestions {
		return nil, fmt.Errorf("the target asks %d questions at once", len(questions))
	}
	if len(s.plan.prompts) == 0 {
		if len(questions) != 1 || echos[0] {
			return nil, fmt.Errorf("the target asks %d questions; only one without echo is answered unless the attribute %s expects others",
				len(questions), AttrAuthPrompts)
		}
		return []string{pam.FieldPassword}, nil
	}
	fields := make([]string, len(questions))
	for i, q := range questions {
		for _, rule := range s.plan.prompts {
			if len(q) <= maxQuestion && (rule.echo || !echos[i]) && rule.pattern.MatchString(strings.TrimSpace(q)) {
				fields[i] = rule.field
				break
			}
		}
		if fields[i] == "" {
			return nil, fmt.Errorf("the target asks %q (echo %t), which no line of the attribute %s expects", plainText(q, 128), echos[i], AttrAuthPrompts)
		}
	}
	return fields, nil
}
