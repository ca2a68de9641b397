package bench

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

// Main is the rest of a measuring command, once its flags are read: it runs one of the roles of its processes, "" being the one that
// measures, until it is done or interrupted, and ends the program if that fails.
func Main(name, role string, roles map[string]func(context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run, ok := roles[role]
	if !ok {
		Misused(name, fmt.Errorf("unknown role %q", role))
	}
	if err := run(ctx); err != nil {
		end(name, err, 1)
	}
}

// Misused ends the program if its flags are wrong.
func Misused(name string, err error) {
	if err != nil {
		end(name, err, 2)
	}
}

func end(name string, err error, status int) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	os.Exit(status)
}
