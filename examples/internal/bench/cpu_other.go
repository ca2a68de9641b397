//go:build !linux

package bench

import "errors"

// CPU is for Linux alone.
func CPU(int) (float64, error) { return 0, errors.ErrUnsupported }
