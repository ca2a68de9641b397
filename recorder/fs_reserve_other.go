//go:build !linux

package recorder

import (
	"errors"
	"os"
)

// reserve is not possible here without changing the file's length: the free-space floor stands alone.
func reserve(*os.File, int64) error { return errors.ErrUnsupported }
