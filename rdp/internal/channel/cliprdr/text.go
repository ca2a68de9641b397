package cliprdr

import (
	"bytes"
	"strings"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// EncodeText returns text as a format has it: lines end with CR LF, a NUL ends the whole. What CF_TEXT cannot hold is a question mark.
func EncodeText(format uint32, text string) []byte {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	if format == FormatUnicode {
		return wire.AppendU16LE(wire.AppendUTF16(nil, text), 0)
	}
	b := make([]byte, 0, len(text)+1)
	for _, c := range text {
		if c > 0xff {
			c = '?'
		}
		b = append(b, byte(c))
	}
	return append(b, 0)
}

// DecodeText is the opposite, up to the first NUL; lines end with LF.
func DecodeText(format uint32, data []byte) string {
	text := ""
	if format == FormatUnicode {
		text = wire.DecodeUTF16(data)
	} else {
		text = latin1(data)
	}
	return strings.ReplaceAll(text, "\r\n", "\n")
}

// latin1 returns the text before the first NUL. The code page of the peer is not known; of all of them this is the common part.
func latin1(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	var s strings.Builder
	for _, c := range b {
		s.WriteRune(rune(c))
	}
	return s.String()
}
