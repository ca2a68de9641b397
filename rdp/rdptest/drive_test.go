package rdptest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/drive"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// worksOn does with a drive what programs of a session do.
func worksOn(ctx context.Context, t *testing.T, d *rdptest.Drive) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	long := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	must(d.Mkdir(ctx, "töpfe"))
	must(d.WriteFile(ctx, "töpfe/long", long))
	must(d.WriteFile(ctx, "töpfe/empty", nil))
	must(d.WriteFile(ctx, "top.txt", []byte("first")))
	must(d.WriteFile(ctx, "top.txt", []byte("2nd")))
	for name, want := range map[string][]byte{"töpfe/long": long, "töpfe/empty": nil, "top.txt": []byte("2nd")} {
		if got, err := d.ReadFile(ctx, name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v; want %d", name, len(got), err, len(want))
		}
	}
	list, err := d.List(ctx, "töpfe")
	must(err)
	slices.SortFunc(list, func(a, b rdptest.DriveEntry) int { return strings.Compare(a.Name, b.Name) })
	if want := []rdptest.DriveEntry{{Name: "empty"}, {Name: "long", Size: int64(len(long))}}; !slices.Equal(list, want) {
		t.Errorf("listed %+v, want %+v", list, want)
	}
	must(d.Rename(ctx, "töpfe/long", "moved"))
	must(d.Remove(ctx, "töpfe/empty"))
	must(d.Remove(ctx, "töpfe"))
	if _, err := d.ReadFile(ctx, "töpfe/long"); err == nil {
		t.Error("what was moved is still there")
	}
	if list, err = d.List(ctx, ""); err != nil || len(list) != 2 {
		t.Errorf("listed %+v, %v", list, err)
	}
}

// TestDrive_S19: a session works with the drive that package rdp gives it, and finds no way out of it.
func TestDrive_S19(t *testing.T) {
	s := newServer(t, func(c *rdptest.Config) { c.Drive = true })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	for name, text := range map[string]string{"secret": "outside", "drive/inside": "inside"} {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := drive.NewRoot(filepath.Join(dir, "drive"), drive.RootConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	c := dialAs(ctx, t, s, rdp.Config{Drive: &rdp.Drive{Files: files, Name: "shared"}})
	copies(t, c)
	d, err := session(t, s).Drive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.ReadFile(ctx, "inside"); err != nil || string(got) != "inside" {
		t.Fatalf("%q, %v", got, err)
	}
	for _, name := range []string{"../secret", `..\secret`, "x/../../secret", "/../secret", "inside:stream", "NUL", "./../secret", strings.Repeat("x/../", 40) + "../secret"} {
		if got, err := d.ReadFile(ctx, name); !errors.As(err, new(*rdptest.DriveError)) {
			t.Errorf("read %q: %q, %v", name, got, err)
		}
		if err := d.WriteFile(ctx, name, []byte("x")); !errors.As(err, new(*rdptest.DriveError)) {
			t.Errorf("wrote %q: %v", name, err)
		}
		if err := d.Rename(ctx, "inside", name); !errors.As(err, new(*rdptest.DriveError)) {
			t.Errorf("renamed to %q: %v", name, err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(dir, "secret")); err != nil || string(got) != "outside" {
		t.Errorf("outside there is %q, %v", got, err)
	}
	if err := d.Remove(ctx, "inside"); err != nil {
		t.Fatal(err)
	}
	worksOn(ctx, t, d)

	without := newServer(t, nil)
	dialAs(ctx, t, without, rdp.Config{})
	if _, err := session(t, without).Drive(ctx); !errors.Is(err, rdptest.ErrNoDrive) {
		t.Error(err)
	}
}

// TestXfreerdp_Drive: so it does with a folder that xfreerdp gives it.
func TestXfreerdp_Drive(t *testing.T) {
	s := newServer(t, func(c *rdptest.Config) { c.Drive = true })
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	xfreerdp(t, addr, "/cert:ignore", "/drive:shared,"+dir)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d, err := session(t, s).Drive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "shared" {
		t.Errorf("the drive is called %q", d.Name)
	}
	worksOn(ctx, t, d)
	if got, err := os.ReadFile(filepath.Join(dir, "top.txt")); err != nil || string(got) != "2nd" {
		t.Errorf("in the folder there is %q, %v", got, err)
	}
}
