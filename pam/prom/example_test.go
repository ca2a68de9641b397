package prom_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/prom"
)

// A host mounts the handler where its monitoring reaches it and browsers do not.
func ExampleHandler() {
	registry := metrics.NewRegistry() // the one of pam.Config.Metrics
	metrics.GetOrRegisterCounter("pam.sessions.started", registry).Inc(7)
	handler, err := prom.Handler(registry, pam.Metrics())
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		fmt.Print(line)
	}
	// Output:
	// # HELP sallyport_sessions_started_total Sessions created.
	// # TYPE sallyport_sessions_started_total counter
	// sallyport_sessions_started_total 7
}
