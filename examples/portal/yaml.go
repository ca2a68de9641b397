package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/sallyport/sallyport/pam"
)

// fault is one thing that is wrong with a configuration file.
type fault struct {
	file string
	line int
	what string // where it is and what is wrong with it
	todo string // what to do about it
}

func (f *fault) Error() string { return fmt.Sprintf("%s:%d: %s; %s", f.file, f.line, f.what, f.todo) }

// doc walks a YAML document by hand. Decoding into structs would say at which line a key is unknown, but
// not where a value is that only makes no sense beside another one, and it would stop at the first fault.
type doc struct {
	file   string
	faults []error
}

func (d *doc) fault(line int, todo, format string, args ...any) {
	d.faults = append(d.faults, &fault{file: d.file, line: line, what: fmt.Sprintf(format, args...), todo: todo})
}

// parse returns the root node of the one document in b, or nil after a fault.
func (d *doc) parse(b []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var root yaml.Node
	if err := dec.Decode(&root); err != nil {
		if errors.Is(err, io.EOF) {
			d.fault(1, "see examples/portal/demo.yaml for one that works", "the file is empty")
			return nil
		}
		line := 1
		// The library's message has the line in the text only.
		text := strings.TrimPrefix(err.Error(), "yaml: ")
		if n, rest, ok := cutLine(text); ok {
			line, text = n, rest
		}
		d.fault(line, "correct the indentation or quote the value", "not valid YAML: %s", text)
		return nil
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		d.fault(max(more.Line, 1), "keep one document per file", "a second YAML document begins")
		return nil
	}
	return root.Content[0]
}

func cutLine(text string) (line int, rest string, ok bool) {
	n, err := fmt.Sscanf(text, "line %d:", &line)
	if n != 1 || err != nil {
		return 0, "", false
	}
	_, rest, _ = strings.Cut(text, ": ")
	return line, rest, true
}

// keys maps each allowed key of a mapping to what takes its value.
type keys map[string]func(*yaml.Node)

// mapping walks a mapping; a key that is unknown or comes twice is a fault. what names it, as in `asset "web"`.
func (d *doc) mapping(n *yaml.Node, what string, ks keys) {
	if n.Kind != yaml.MappingNode {
		d.fault(n.Line, "write it as key: value lines", "%s is %s, not a mapping", what, kindName(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		take, known := ks[k.Value]
		switch first := seen[k.Value]; {
		case k.Kind != yaml.ScalarNode:
			d.fault(k.Line, "use a plain word", "%s has a key that is %s", what, kindName(k))
		case first != 0:
			d.fault(k.Line, "remove one of them", "%s has the key %q again (first on line %d)", what, k.Value, first)
		case !known:
			d.fault(k.Line, suggest(k.Value, ks), "%s has the unknown key %q", what, k.Value)
		default:
			seen[k.Value] = k.Line
			take(v)
		}
	}
}

// list walks a sequence. An empty value is an empty list.
func (d *doc) list(n *yaml.Node, what string, item func(*yaml.Node)) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fault(n.Line, `write one "- …" line for each`, "%s is %s, not a list", what, kindName(n))
		return
	}
	for _, c := range n.Content {
		item(c)
	}
}

// text takes a scalar as text, whatever YAML would make of it: an id 0123 stays as it is written.
func (d *doc) text(what string, dst *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		switch {
		case n.Kind != yaml.ScalarNode:
			d.fault(n.Line, "write a single value", "%s is %s, not text", what, kindName(n))
		case n.Tag == "!!null" || n.Value == "":
			d.fault(n.Line, "write a value or remove the key", "%s is empty", what)
		default:
			*dst = n.Value
		}
	}
}

// secret takes a scalar that must not be shown.
func (d *doc) secret(what string, dst *pam.Secret) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var v string
		d.text(what, &v)(n)
		*dst = pam.NewSecret(v)
	}
}

// source adds the three keys by which a secret can be given.
func (d *doc) source(ks keys, name string, s *secretSource) {
	once := func(take func(*yaml.Node)) func(*yaml.Node) {
		return func(n *yaml.Node) {
			if s.set() {
				d.fault(n.Line, "keep one", "%s is given twice", name)
				return
			}
			s.line = n.Line
			take(n)
		}
	}
	ks[name] = once(d.secret(name, &s.inline))
	ks[name+"_file"] = once(d.text(name+"_file", &s.file))
	ks[name+"_env"] = once(d.text(name+"_env", &s.env))
}

// texts takes a list of scalars.
func (d *doc) texts(what string, dst *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		d.list(n, what, func(c *yaml.Node) {
			var s string
			d.text("an entry of "+what, &s)(c)
			if s != "" {
				*dst = append(*dst, s)
			}
		})
	}
}

func (d *doc) boolean(what string, dst *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
			d.fault(n.Line, "write true or false", "%s is not true or false", what)
			return
		}
		*dst = n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
	}
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias (aliases are not read)"
	default:
		if n.Tag == "!!null" {
			return "empty"
		}
		return "a single value"
	}
}

func suggest(key string, ks keys) string {
	names := make([]string, 0, len(ks))
	for k := range ks {
		if strings.EqualFold(k, key) || strings.ReplaceAll(k, "_", "") == strings.ReplaceAll(strings.ToLower(key), "-", "") {
			return fmt.Sprintf("write %q", k)
		}
		names = append(names, k)
	}
	slices.Sort(names)
	return "the keys here are " + strings.Join(names, ", ")
}
