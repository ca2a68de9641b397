package rdp_test

import (
	"context"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/drive"
)

// TestFiles_I11_I12_I13_S18_Drive runs what the broker promises of files on the drive of a session, in memory and in a folder.
func TestFiles_I11_I12_I13_S18_Drive(t *testing.T) {
	for name, files := range map[string]func(*testing.T) drive.FileSystem{
		"memory": func(*testing.T) drive.FileSystem { return drive.NewMemory(drive.MemoryConfig{}) },
		"folder": func(t *testing.T) drive.FileSystem {
			f, err := drive.NewRoot(t.TempDir(), drive.RootConfig{})
			if err != nil {
				t.Fatal(err)
			}
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			pamtest.FileSuite(t, func(t *testing.T) pamtest.FileTarget {
				shared := files(t)
				server := newServer(t, nil)
				return pamtest.FileTarget{
					Protocol: protocol(t, rdp.ProtocolConfig{Drive: func(context.Context, pam.ConnectRequest) (drive.FileSystem, error) { return shared, nil }}),
					Asset:    desktopAsset(t, server), Secrets: map[string]string{pam.FieldPassword: password}, Dir: "/",
				}
			})
		})
	}
}
