package rdp

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp/internal/codec"
)

// Names of the launch parameters (L3).
const (
	ParamResolution     = "resolution"
	ParamColorDepth     = "color_depth"
	ParamScale          = "scale"
	ParamKeyboardLayout = "keyboard_layout"
	ParamConsole        = "console"
	ParamStartProgram   = "start_program"
	ParamAudio          = "audio"
	ParamDrive          = "drive"
	ParamCodec          = "codec"
	ParamWallpaper      = "wallpaper"
	ParamZoom           = "zoom" // of the page alone
	ParamThemes         = "themes"
	ParamFontSmoothing  = "font_smoothing"
	ParamAnimations     = "animations"
)

// ResolutionFit is the value of ParamResolution that follows the size of the owner's page.
const ResolutionFit = "fit"

const maxProgram = 511 // characters of alternateShell in 2.2.1.11.1.1, which are one byte each here

// Params returns the launcher's schema.
func (p *Protocol) Params() []pam.Param {
	flag := func(name, label, value string) pam.Param {
		return pam.Param{Name: name, Label: label, Kind: pam.ParamBool, Default: value}
	}
	drive, audio := flag(ParamDrive, "Drive for files", "true"), flag(ParamAudio, "Sound", "false")
	audio.Needs = pam.Audio
	drive.Needs, drive.Or = pam.FileUpload, pam.FileDownload
	return []pam.Param{
		{
			Name: ParamResolution, Label: "Resolution", Kind: pam.ParamChoice, Default: ResolutionFit,
			Choices: choices("As the window", ResolutionFit, "", "1024x768", "", "1280x720", "", "1280x800", "", "1366x768", "", "1440x900", "", "1600x900",
				"", "1680x1050", "", "1920x1080", "", "1920x1200", "", "2560x1440", "", "3840x2160"),
		},
		{Name: ParamScale, Label: "Scale (percent)", Kind: pam.ParamInt, Default: "100", Min: 100, Max: 500},
		{Name: ParamZoom, Label: "Zoom", Kind: pam.ParamChoice, Default: "fit", Display: true, Choices: choices(
			"As the window", "fit", "50 %", "50", "75 %", "75", "100 % (1:1)", "100", "125 %", "125", "150 %", "150", "175 %", "175", "200 %", "200")},
		{Name: ParamKeyboardLayout, Label: "Keyboard layout", Kind: pam.ParamChoice, Default: "en-us", Choices: layoutChoices()},
		{
			Name: ParamColorDepth, Label: "Colour depth", Kind: pam.ParamChoice, Default: "32",
			Choices: choices("15 bits", "15", "16 bits", "16", "24 bits", "24", "32 bits", "32"),
		},
		{
			Name: ParamCodec, Label: "Picture", Kind: pam.ParamChoice, Default: "auto",
			Choices: choices("As the target likes", "auto", "Lossless", "lossless", "RemoteFX", "remotefx", "NSCodec", "nscodec"),
		},
		flag(ParamConsole, "Administrative session", "false"),
		{Name: ParamStartProgram, Label: "Start program", Kind: pam.ParamText, Max: maxProgram, Needs: pam.Keyboard},
		audio, drive,
		flag(ParamWallpaper, "Wallpaper", "false"),
		flag(ParamThemes, "Themes", "true"),
		flag(ParamFontSmoothing, "Smooth fonts", "true"),
		flag(ParamAnimations, "Animations", "false"),
	}
}

// choices pairs labels with values; a label that is empty is the value.
func choices(pairs ...string) []pam.Choice {
	var out []pam.Choice
	for i := 0; i < len(pairs); i += 2 {
		label, value := pairs[i], pairs[i+1]
		if label == "" {
			label = strings.ReplaceAll(value, "x", " × ")
		}
		out = append(out, pam.Choice{Value: value, Label: label})
	}
	return out
}

// keyboardLayouts are the input locales of Windows that the launcher offers.
var keyboardLayouts = []struct {
	name, label string
	id          uint32
}{
	{"en-us", "English (US)", 0x409},
	{"en-gb", "English (UK)", 0x809},
	{"de-de", "German", 0x407},
	{"de-ch", "German (Switzerland)", 0x807},
	{"fr-fr", "French", 0x40c},
	{"fr-be", "French (Belgium)", 0x80c},
	{"fr-ca", "French (Canada)", 0x1009},
	{"fr-ch", "French (Switzerland)", 0x100c},
	{"es-es", "Spanish", 0x40a},
	{"es-mx", "Spanish (Latin America)", 0x80a},
	{"it-it", "Italian", 0x410},
	{"pt-br", "Portuguese (Brazil)", 0x416},
	{"pt-pt", "Portuguese", 0x816},
	{"nl-nl", "Dutch", 0x413},
	{"sv-se", "Swedish", 0x41d},
	{"nb-no", "Norwegian", 0x414},
	{"da-dk", "Danish", 0x406},
	{"fi-fi", "Finnish", 0x40b},
	{"pl-pl", "Polish", 0x415},
	{"cs-cz", "Czech", 0x405},
	{"hu-hu", "Hungarian", 0x40e},
	{"tr-tr", "Turkish", 0x41f},
	{"ru-ru", "Russian", 0x419},
	{"ja-jp", "Japanese", 0x411},
	{"ko-kr", "Korean", 0x412},
}

func layoutChoices() []pam.Choice {
	var out []pam.Choice
	for _, l := range keyboardLayouts {
		out = append(out, pam.Choice{Value: l.name, Label: l.label})
	}
	return out
}

// launch is what the parameters ask for.
type launch struct {
	fixed        [2]int // of the desktop; 0: as the page
	depth, scale int
	layout       uint32
	codec        string
	console      bool
	program      string
	audio, drive bool
	experience   Experience
}

// newLaunch checks the parameters once more: the schema cannot say everything, and the broker may be another. What is missing has its default.
func newLaunch(r *pam.ConnectRequest, schema []pam.Param) (launch, error) {
	given := func(name string) string {
		if v, ok := r.Params[name]; ok {
			return v
		}
		for _, p := range schema {
			if p.Name == name {
				return p.Default
			}
		}
		return ""
	}
	var l launch
	var bad string
	flag := func(name string) bool {
		v := given(name)
		if v != "true" && v != "false" {
			bad = name
		}
		return v == "true"
	}
	number := func(name string, low, high int) int {
		n, err := strconv.Atoi(given(name))
		if err != nil || n < low || n > high {
			bad = name
		}
		return n
	}
	if size := given(ParamResolution); size != ResolutionFit {
		if n, err := fmt.Sscanf(size, "%dx%d", &l.fixed[0], &l.fixed[1]); n != 2 || err != nil {
			bad = ParamResolution
		}
		l.fixed[0], l.fixed[1] = desktopSize(l.fixed[0], l.fixed[1])
	}
	l.depth, l.scale = number(ParamColorDepth, 15, 32), number(ParamScale, 100, 500)
	for _, k := range keyboardLayouts {
		if k.name == given(ParamKeyboardLayout) {
			l.layout = k.id
		}
	}
	if l.layout == 0 {
		bad = ParamKeyboardLayout
	}
	l.codec, l.program = given(ParamCodec), given(ParamStartProgram)
	if len(l.program) > maxProgram || strings.ContainsFunc(l.program, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		bad = ParamStartProgram
	}
	l.console, l.audio, l.drive = flag(ParamConsole), flag(ParamAudio), flag(ParamDrive)
	l.experience = Experience{
		NoWallpaper: !flag(ParamWallpaper), NoThemes: !flag(ParamThemes), NoFontSmoothing: !flag(ParamFontSmoothing), NoAnimations: !flag(ParamAnimations),
	}
	if bad != "" {
		return l, &pam.TargetError{Code: pam.CodeInvalidParam, Err: fmt.Errorf("parameter %s: malformed", bad)}
	}
	if l.program != "" && !r.Capabilities.Permits(pam.Keyboard) {
		return l, &pam.TargetError{Code: pam.CodeCapabilityDenied, Err: fmt.Errorf("a start program needs %s", pam.Keyboard)}
	}
	l.audio = l.audio && r.Capabilities.Permits(pam.Audio)
	return l, nil
}

// desktopSize returns the size of a desktop that is closest to what is asked for.
func desktopSize(width, height int) (int, int) {
	if width == 0 || height == 0 {
		return DefaultWidth, DefaultHeight
	}
	w, h := max(minSide, min(width, codec.MaxSide))&^1, max(minSide, min(height, codec.MaxSide))
	if w*h > codec.MaxPixels {
		h = codec.MaxPixels / w
	}
	return w, h
}
