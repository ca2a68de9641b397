package drive_test

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/rdp/drive"
)

// A host puts a file on the drive of a session, and lists what is there.
func ExampleNewMemory() {
	ctx := context.Background()
	files := drive.NewMemory(drive.MemoryConfig{MaxBytes: 16 << 20})
	f, err := files.Open(ctx, "/report.txt", drive.Write|drive.Create)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := f.WriteAt(ctx, []byte("for the session"), 0); err != nil {
		fmt.Println(err)
	}
	if err := f.Close(ctx); err != nil {
		fmt.Println(err)
	}
	// Config.Drive = &rdp.Drive{Files: files} would give it to a session.
	all, err := files.List(ctx, "/")
	for _, i := range all {
		fmt.Println(i.Name, i.Size, err)
	}
	_, err = files.Open(ctx, "/../etc/passwd", drive.Read)
	fmt.Println(err)
	// Output:
	// report.txt 15 <nil>
	// name "..": it names no entry: invalid argument
}
