// Command rec verifies, describes and exports recordings, offline. See usage, and recorder/FORMAT.md.
package main

import (
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
