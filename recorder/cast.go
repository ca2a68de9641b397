package recorder

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/pam"
)

// ErrNoCast is matched when a recording holds pictures: an asciicast can only hold a terminal.
var ErrNoCast = errors.New("recorder: not a recording of a terminal")

// resetTerminal is RIS: a key frame says "forget what was before".
const resetTerminal = "\x1bc"

// ExportCast reads a recording from src and writes it to w as asciicast v2, which asciinema's player and tools
// play: output, resizes, and echoed keystrokes where they were recorded. It reads in one pass and bounded memory.
//
// Damage ends the export with the error of Reader.Next after everything before it was written, so that what can
// be seen is seen. The text of the target goes into the file as it came, control sequences included: playing it
// is as safe as the player's terminal. Verify the recording first: a cast proves nothing.
func ExportCast(w io.Writer, src io.Reader) error {
	r, err := NewReader(src)
	if err != nil {
		return err
	}
	defer r.Close()
	c := castWriter{w: bufio.NewWriterSize(w, 64<<10)}
	if err := c.header(r.Header().Meta); err != nil {
		return err
	}
	var readErr error
	for e, err := range r.All() {
		if err == nil {
			err = c.entry(e)
		}
		if err != nil {
			readErr = err
			break
		}
	}
	if err := c.close(); err != nil {
		return fmt.Errorf("recorder: export: %w", err)
	}
	return readErr
}

// castHeader is the first line of an asciicast v2.
type castHeader struct {
	Version   int               `json:"version"`
	Width     int               `json:"width"`
	Height    int               `json:"height"`
	Timestamp int64             `json:"timestamp,omitempty"` // Unix seconds
	Title     string            `json:"title,omitempty"`
	Env       map[string]string `json:"env,omitempty"`
}

// castWriter writes one event per line. Errors of w stick in the bufio.Writer.
type castWriter struct {
	w    *bufio.Writer
	last time.Duration // of the event before: times never go back
	line []byte
	out  textJoiner // output
	keys textJoiner // echoed keystrokes
}

func (c *castWriter) header(m pam.RecordingMeta) error {
	h := castHeader{Version: 2, Width: m.Size.Cols, Height: m.Size.Rows, Title: m.Name}
	if !m.Size.Valid() { // also what a session has before its first viewer told its size
		h.Width, h.Height = 80, 24
	}
	if t := m.Started.Unix(); t > 0 {
		h.Timestamp = t
	}
	if m.Term != "" {
		h.Env = map[string]string{"TERM": m.Term}
	}
	line, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("recorder: export: %w", err)
	}
	_, err = c.w.Write(append(line, '\n'))
	return err
}

// entry writes what e means to a player. Entries that a cast has no event for are left out.
func (c *castWriter) entry(e pam.Entry) error {
	switch e.Kind {
	case pam.EntryFrame:
		if e.Flags&pam.FlagRepeat != 0 {
			return nil
		}
		switch e.Frame {
		case pam.FrameOutput:
			if e.Flags&pam.FlagKey != 0 {
				c.event(e.At, 'o', append(c.out.flush(), resetTerminal...))
			}
			c.event(e.At, 'o', c.out.join(e.Data))
		case pam.FrameKeys:
			c.event(e.At, 'i', c.keys.join(e.Data))
		case pam.FrameScreen, pam.FrameCursor:
			return ErrNoCast
		}
	case pam.EntryKeys:
		c.event(e.At, 'i', c.keys.join(e.Data))
	case pam.EntryResize:
		var size pam.ResizeEntry
		if err := json.Unmarshal(e.Data, &size); err != nil {
			return nil // a size that cannot be read moves nothing
		}
		if (pam.Size{Cols: size.Cols, Rows: size.Rows}).Valid() {
			c.event(e.At, 'r', fmt.Appendf(nil, "%dx%d", size.Cols, size.Rows))
		}
	}
	return nil
}

// close writes what a sequence cut short has left, and flushes.
func (c *castWriter) close() error {
	c.event(c.last, 'o', c.out.flush())
	c.event(c.last, 'i', c.keys.flush())
	return c.w.Flush()
}

// event writes one line [seconds, code, text]. text is valid UTF-8. Empty text writes nothing.
func (c *castWriter) event(at time.Duration, code byte, text []byte) {
	if len(text) == 0 {
		return
	}
	c.last = max(c.last, at)
	b := append(c.line[:0], '[')
	micros := c.last.Microseconds()
	b = strconv.AppendInt(b, micros/1e6, 10)
	b = append(b, '.')
	frac := strconv.AppendInt(nil, 1e6+micros%1e6, 10)
	b = append(b, frac[1:]...)
	b = append(b, `, "`...)
	b = append(b, code)
	b = append(b, `", "`...)
	b = appendCastText(b, text)
	b = append(b, `"]`...)
	c.line = append(b, '\n')
	_, _ = c.w.Write(c.line) // the error sticks until Flush
}

const hexDigits = "0123456789abcdef"

// appendCastText escapes text for a JSON string. All that is not printable is escaped, C1 controls and line
// separators too, so that a cast can be looked at in a terminal.
func appendCastText(b, text []byte) []byte {
	for len(text) > 0 {
		if c := text[0]; c >= 0x20 && c < 0x7f {
			if c == '"' || c == '\\' {
				b = append(b, '\\')
			}
			b = append(b, c)
			text = text[1:]
			continue
		}
		r, n := utf8.DecodeRune(text)
		if r < 0xa0 || r == 0x2028 || r == 0x2029 {
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		} else {
			b = utf8.AppendRune(b, r)
		}
		text = text[n:]
	}
	return b
}

// textJoiner makes valid UTF-8 of a byte stream that is cut anywhere: a sequence that goes on in the next piece is
// held back until then, and what can never become one turns into U+FFFD.
type textJoiner struct {
	held []byte // at most utf8.UTFMax-1 bytes, a sequence that may still become whole
	buf  []byte
}

// join returns the text up to the last whole sequence. It is valid until the next call.
func (j *textJoiner) join(p []byte) []byte {
	rest := p
	if len(j.held) > 0 {
		rest = append(j.held, p...)
	}
	j.buf = j.buf[:0]
	for len(rest) > 0 {
		if rest[0] < utf8.RuneSelf {
			j.buf = append(j.buf, rest[0])
			rest = rest[1:]
			continue
		}
		if !utf8.FullRune(rest) {
			break
		}
		r, n := utf8.DecodeRune(rest) // U+FFFD and 1 for a bad byte
		j.buf = utf8.AppendRune(j.buf, r)
		rest = rest[n:]
	}
	j.held = append([]byte(nil), rest...)
	return j.buf
}

// flush returns what is held: a sequence that was never finished.
func (j *textJoiner) flush() []byte {
	if len(j.held) == 0 {
		return nil
	}
	j.held = nil
	return []byte(string(utf8.RuneError))
}
