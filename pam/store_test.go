package pam_test

import (
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

func TestMemoryStore_S07_Suite(t *testing.T) {
	pamtest.StoreSuite(t, func(*testing.T) pam.Store { return pam.NewMemoryStore() })
}
