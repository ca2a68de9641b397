package pam

// Params are launch parameters by name, as text.
type Params map[string]string

// ParamKind is the kind of a launch parameter and of its field in the launcher.
type ParamKind string

// The kinds of parameters.
const (
	ParamText   ParamKind = "text"
	ParamInt    ParamKind = "int"
	ParamChoice ParamKind = "choice"
	ParamBool   ParamKind = "bool" // "true" or "false"
)

// Param describes one launch parameter (L3). The launcher draws it, the broker validates by it.
type Param struct {
	Name    string    `json:"name"`
	Label   string    `json:"label"` // English; the client translates by name
	Kind    ParamKind `json:"kind"`
	Default string    `json:"default"`
	Choices []Choice  `json:"choices,omitempty"` // of ParamChoice
	Min     int       `json:"min,omitempty"`     // of ParamInt
	Max     int       `json:"max,omitempty"`     // of ParamInt; of ParamText the greatest length in bytes, zero means 256
	// Needs is a declaration that must permit for any value but the default; empty: none.
	Needs Declaration `json:"needs,omitempty"`
	// Or does in place of Needs; empty: nothing does.
	Or Declaration `json:"or,omitempty"`
	// OS limits the parameter to one family; empty: all.
	OS OSFamily `json:"os,omitempty"`
	// Display marks a parameter that only the viewer uses (font size, colours): the adapter ignores it.
	Display bool `json:"display,omitempty"`
}

// permitted reports whether the declarations let the value be another than the default.
func (p Param) permitted(caps Capabilities) bool {
	return p.Needs == "" || caps.Permits(p.Needs) || p.Or != "" && caps.Permits(p.Or)
}

// Choice is one allowed value of a ParamChoice.
type Choice struct {
	Value string `json:"value"`
	Label string `json:"label"`
}
