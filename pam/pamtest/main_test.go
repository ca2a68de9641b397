package pamtest_test

import (
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
)

func TestMain(m *testing.M) { pamtest.VerifyNoLeaks(m) }
