package main

import (
	"compress/gzip"
	"log"
	"net/http"
	"strings"
)

// statusWriter notes what is answered, as the middleware of most hosts does.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is what lets http.ResponseController, and the broker's WebSocket, reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(sw, r)
		log.Printf("%s %s %d", r.Method, r.URL.Path, sw.status)
	})
}

// zipWriter compresses what is not compressed yet.
type zipWriter struct {
	http.ResponseWriter
	zip     *gzip.Writer
	decided bool
}

func (w *zipWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *zipWriter) WriteHeader(status int) {
	if !w.decided {
		w.decided = true
		head := w.Header()
		if head.Get("Content-Encoding") == "" && status == http.StatusOK && strings.Contains(head.Get("Content-Type"), "json") {
			head.Set("Content-Encoding", "gzip")
			head.Del("Content-Length")
			w.zip = gzip.NewWriter(w.ResponseWriter)
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *zipWriter) Write(b []byte) (int, error) {
	if !w.decided {
		w.WriteHeader(http.StatusOK)
	}
	if w.zip != nil {
		return w.zip.Write(b)
	}
	return w.ResponseWriter.Write(b)
}

func compressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			next.ServeHTTP(w, r)
			return
		}
		zw := &zipWriter{ResponseWriter: w}
		next.ServeHTTP(zw, r)
		if zw.zip != nil {
			_ = zw.zip.Close() // the client has gone
		}
	})
}

// sealedWriter is a wrapper as careless middleware has it: nothing behind it can be reached.
type sealedWriter struct{ inner http.ResponseWriter }

func (w sealedWriter) Header() http.Header         { return w.inner.Header() }
func (w sealedWriter) Write(b []byte) (int, error) { return w.inner.Write(b) }
func (w sealedWriter) WriteHeader(status int)      { w.inner.WriteHeader(status) }

func opaque(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(sealedWriter{w}, r) })
}
