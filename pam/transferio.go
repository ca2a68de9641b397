package pam

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	transferChunk = 512 << 10 // read from or written to the target at a time: several of its requests
	socketChunk   = 64 << 10  // written to a browser under one deadline
)

// stream begins to carry bytes of a transfer. It fails if the session carries too many already.
func (c fileCall) stream(ctx context.Context, id, direction string) (*transfer, context.Context, func(), error) {
	t, err := c.find(id)
	if err != nil {
		return nil, nil, nil, err
	}
	if t.op.direction() != direction {
		return nil, nil, nil, &Refusal{Code: CodeNotFound}
	}
	ctx, release, err := t.take(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	select {
	case c.streams <- struct{}{}:
	default:
		release()
		return nil, nil, nil, &Refusal{Code: CodeLimitReached}
	}
	return t, ctx, func() {
		<-c.streams
		release()
	}, nil
}

// failed ends a transfer that cannot go on. A request that is gone, or overtaken, leaves it as it is.
func (t *transfer) failed(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		t.c.spent(t.from, err)
		t.end(ctx, codeOf(err))
	}
	return err
}

// serveTransferBytes sends a file. It is only ever an attachment: nothing of a target may run under our origin.
func (b *Broker) serveTransferBytes(w http.ResponseWriter, r *http.Request, who Identity) error {
	if r.Method != http.MethodGet {
		return &Refusal{Code: CodeMethodNotAllowed}
	}
	return b.withFiles(r, who, func(ctx context.Context, c fileCall) error {
		t, ctx, release, err := c.stream(ctx, r.PathValue("transfer"), "down")
		if err != nil {
			return err
		}
		defer release()
		return t.send(ctx, w, r)
	})
}

// span returns the part that a request wants. Only what goes on from bytes that were sent before can be asked for: the
// hash is made of what is sent, in order.
func (t *transfer) span(r *http.Request) (from, to int64, part bool, err error) {
	spec, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
	if match := r.Header.Get("If-Range"); !ok || strings.Contains(spec, ",") || match != "" && match != t.tag() {
		return 0, t.size, false, nil
	}
	first, last, _ := strings.Cut(spec, "-")
	from, errFrom := strconv.ParseInt(first, 10, 64)
	to = t.size
	if last != "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < from {
			return 0, t.size, false, nil
		}
		to = min(n, t.size-1) + 1
	}
	switch {
	case errFrom != nil || from < 0:
		return 0, t.size, false, nil
	case from >= t.size:
		return 0, 0, false, &Refusal{Code: CodeInvalidParam, Field: "Range"}
	case from > t.view().Done:
		return 0, t.size, false, nil
	}
	return from, to, true, nil
}

// tag names the bytes of this transfer for If-Range.
func (t *transfer) tag() string { return `"` + t.id + `"` }

func (t *transfer) send(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	from, to, part, err := t.span(r)
	if err != nil {
		return err
	}
	wire := http.NewResponseController(w)
	defer context.AfterFunc(ctx, func() { _ = wire.SetWriteDeadline(time.Unix(1, 0)) })()
	begun := false
	begin := func() {
		begun = true
		h := w.Header()
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", attachment(t.path))
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Length", strconv.FormatInt(to-from, 10))
		h.Set("Accept-Ranges", "bytes")
		h.Set("ETag", t.tag())
		if part {
			h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, t.size))
			w.WriteHeader(http.StatusPartialContent)
		}
	}
	buf := make([]byte, min(transferChunk, to-from))
	for off := from; off < to; {
		p := buf[:min(int64(len(buf)), to-off)]
		err := t.c.still(ctx, t.c.p, t.op)
		if err == nil {
			err = t.read(ctx, p, off)
		}
		if err != nil {
			if err = t.failed(ctx, err); begun {
				t.c.s.log.Warn("a download broke off", "err", err)
				return nil // the answer is shorter than it said, which the browser sees
			}
			return err
		}
		if !begun {
			begin()
		}
		for rest := p; len(rest) > 0; {
			piece := rest[:min(socketChunk, len(rest))]
			_ = wire.SetWriteDeadline(time.Now().Add(t.c.s.b.cfg.Limits.WriteTimeout))
			if ctx.Err() != nil { // the deadline that this has set may have been the last
				return nil
			}
			if _, err := w.Write(piece); err != nil {
				return nil // the browser is gone; it may come back
			}
			t.sent(piece, off)
			off += int64(len(piece))
			rest = rest[len(piece):]
		}
	}
	if !begun {
		begin()
	}
	if err := wire.Flush(); err != nil {
		return nil
	}
	if t.view().Done == t.size && to == t.size {
		t.end(ctx, CodeAllowed)
	}
	_ = wire.SetWriteDeadline(time.Time{})
	return nil
}

// read fills p from the target's file.
func (t *transfer) read(ctx context.Context, p []byte, off int64) error {
	n, err := t.file.ReadAt(ctx, p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return &FileError{Op: "read", Name: t.path, Code: CodeFileFailed, Err: fmt.Errorf("the file has become shorter: %d of %d bytes at %d", n, len(p), off)}
	}
	return err
}

// sent counts bytes that were written to the browser, once.
func (t *transfer) sent(p []byte, off int64) {
	if end := off + int64(len(p)); end > t.view().Done {
		t.progress(p[t.view().Done-off:])
		t.c.s.b.met.fileDown.Inc(int64(len(p)))
	}
}

// serveTransferPut takes bytes of an upload, from where the target has what came before. With the last one the file gets
// its name.
func (b *Broker) serveTransferPut(w http.ResponseWriter, r *http.Request, who Identity) error {
	var v transferView
	err := b.withFiles(r, who, func(ctx context.Context, c fileCall) error {
		if r.Header.Get("Content-Type") != "application/octet-stream" {
			return &Refusal{Code: CodeBadRequest, Text: "want Content-Type: application/octet-stream"}
		}
		offset, err := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64)
		if err != nil {
			return &Refusal{Code: CodeInvalidParam, Field: "offset"}
		}
		t, ctx, release, err := c.stream(ctx, r.PathValue("transfer"), "up")
		if err != nil {
			return err
		}
		defer release()
		defer func() { v = t.view() }()
		return t.receive(ctx, w, r, offset)
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, v)
	return nil
}

func (t *transfer) receive(ctx context.Context, w http.ResponseWriter, r *http.Request, offset int64) error {
	done := t.view().Done
	if offset != done {
		return &Refusal{Code: CodeInvalidParam, Field: "offset", Text: strconv.FormatInt(done, 10)}
	}
	if r.ContentLength > t.size-done {
		return t.failed(ctx, &Refusal{Code: CodeFileTooLarge})
	}
	wire := http.NewResponseController(w)
	defer context.AfterFunc(ctx, func() { _ = wire.SetReadDeadline(time.Unix(1, 0)) })()
	body := patientReader{ctx, r.Body, wire, t.c.s.b.cfg.Limits.Body}
	buf := make([]byte, min(transferChunk, max(t.size-done, 1)))
	for done < t.size {
		n, gone := io.ReadFull(body, buf[:min(int64(len(buf)), t.size-done)])
		if n > 0 {
			if err := t.write(ctx, buf[:n], done); err != nil {
				return t.failed(ctx, err)
			}
			done += int64(n)
		}
		if errors.Is(gone, io.EOF) || errors.Is(gone, io.ErrUnexpectedEOF) {
			break // a part of the file, or a break: the next request goes on
		}
		if gone != nil {
			return &Refusal{Code: CodeBadRequest, Text: "the body broke off"} // and the deadline stays
		}
	}
	if done == t.size {
		if n, _ := body.Read(buf[:1]); n > 0 {
			return t.failed(ctx, &Refusal{Code: CodeFileTooLarge})
		}
		if err := t.arrive(ctx); err != nil {
			return t.failed(ctx, err)
		}
	}
	_ = wire.SetReadDeadline(time.Time{})
	return nil
}

// write hands bytes to the target.
func (t *transfer) write(ctx context.Context, p []byte, off int64) error {
	if err := t.c.still(ctx, t.c.p, t.op); err != nil {
		return err
	}
	n, err := t.file.WriteAt(ctx, p, off)
	if n = max(0, min(n, len(p))); n > 0 {
		t.progress(p[:n])
		t.c.s.b.met.fileUp.Inc(int64(n))
	}
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

// arrive gives a whole upload its name, in one step.
func (t *transfer) arrive(ctx context.Context) error {
	if err := t.file.Close(ctx); err != nil {
		return err
	}
	if err := t.c.still(ctx, t.c.p, t.op); err != nil {
		return err
	}
	if err := t.note(ctx, SessionEvent{Action: "end", Path: t.path, Size: t.size, SHA256: t.digest()}); err != nil {
		return err
	}
	err := t.c.do(ctx, func(x FileSystem) error { return x.Rename(ctx, t.temp, t.path, t.op.also == FileDelete) })
	if err == nil {
		t.end(ctx, CodeAllowed)
	}
	return err
}

// patientReader reads a body that may come slowly, but not stand still.
type patientReader struct {
	ctx   context.Context
	body  io.Reader
	wire  *http.ResponseController
	limit time.Duration
}

func (r patientReader) Read(p []byte) (int, error) {
	_ = r.wire.SetReadDeadline(time.Now().Add(r.limit))
	if err := r.ctx.Err(); err != nil { // the deadline that this has set may have been the last
		return 0, err
	}
	return r.body.Read(p)
}
