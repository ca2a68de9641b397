package drive_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp/drive"
)

// TestCheckName_S19: names are taken that mean the same everywhere; paths, streams, devices and what Windows would change are not.
func TestCheckName_S19(t *testing.T) {
	for _, name := range []string{
		"a", "a.txt", ".profile", "..a", "a..b", "Übung 1", "~$doc.docx", "com", "com10", "console", "nul1", "lpt", "aux-file", "$Recycle.Bin", "文件", "😀",
		strings.Repeat("a", 255), strings.Repeat("😀", 127),
	} {
		if err := drive.CheckName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{
		"", ".", "..", "a/b", `a\b`, "a:b", "c:", "a::$DATA", `\\?\c`, "a*", "a?", `a"`, "a<", "a>", "a|b", "a.", "a ", "...", " ", "a\x00", "a\nb", "a\x7fb", "a\u0085b",
		"con", "NUL", "nul.txt", "Nul .txt", "aux.", "COM1", "com1.tar.gz", "LPT9", "com¹", "com0", "CONIN$", "conout$.x", "\xff", "a\ufffdb",
		strings.Repeat("a", 256), strings.Repeat("😀", 128), strings.Repeat("a", 1<<20),
	} {
		if err := drive.CheckName(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%.20q: %v", name, err)
		}
		if len(name) > 300 && len(drive.CheckName(name).Error()) > 300 {
			t.Error("the error is as long as the name")
		}
	}
}
