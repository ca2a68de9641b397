package rdptest

// Scancodes of set 1 that mean more than a character.
const (
	scanBackspace = 0x0e
	scanTab       = 0x0f
	scanEnter     = 0x1c
	scanControl   = 0x1d
	scanShiftL    = 0x2a
	scanC         = 0x2e
	scanV         = 0x2f
	scanShiftR    = 0x36
	scanCapsLock  = 0x3a
)

// usRow is a run of neighbouring keys of the US layout: what they write without and with Shift.
type usRow struct {
	first          uint16
	plain, shifted string
}

var usRows = [...]usRow{
	{0x02, "1234567890-=", "!@#$%^&*()_+"},
	{0x10, "qwertyuiop[]", "QWERTYUIOP{}"},
	{0x1e, "asdfghjkl;'`", `ASDFGHJKL:"~`},
	{0x2b, `\zxcvbnm,./`, "|ZXCVBNM<>?"},
	{0x39, " ", " "},
}

// usKey returns what a key writes, 0 for nothing.
func usKey(code uint16, shift, caps bool) rune {
	for _, row := range usRows {
		if code < row.first || int(code-row.first) >= len(row.plain) {
			continue
		}
		c := row.plain[code-row.first]
		if letter := c >= 'a' && c <= 'z'; shift != (caps && letter) {
			c = row.shifted[code-row.first]
		}
		return rune(c)
	}
	return 0
}
