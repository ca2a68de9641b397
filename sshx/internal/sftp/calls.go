package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Status codes, section 7.
const (
	StatusOK               = 0
	StatusEOF              = 1
	StatusNoSuchFile       = 2
	StatusPermissionDenied = 3
	StatusFailure          = 4
	StatusBadMessage       = 5
	StatusUnsupported      = 8
	StatusExists           = 11 // of later versions, which some servers send all the same
	StatusNoSpace          = 14
	StatusQuota            = 15
)

// StatusError is a server's refusal.
type StatusError struct {
	Code uint32
	Text string // the server's words, as it sent them, cut
}

// Error names the code and the server's words, escaped.
func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %q", e.Code, e.Text) }

// parse takes an answer of the wanted kind apart; a status becomes a *StatusError, or nil if that is what was wanted.
// An answer that is wrong ends the channel.
func (c *Client) parse(a answer, want byte, body func(r *reader)) error {
	defer a.release()
	r := reader{b: a.body}
	if a.kind == typeStatus {
		code := r.u32()
		var text []byte
		if len(r.b) > 0 { // the first drafts had no words
			text = r.str()
		}
		if r.err != nil {
			return c.breach(broken("a status: %w", r.err))
		}
		if code != StatusOK {
			return &StatusError{Code: code, Text: string(text[:min(len(text), maxWords)])}
		}
		if want != typeStatus {
			return c.breach(broken("the status OK in place of packet type %d", want))
		}
		return nil
	}
	if a.kind != want {
		return c.breach(broken("packet type %d in place of %d", a.kind, want))
	}
	body(&r)
	if err := r.end(); err != nil {
		return c.breach(broken("packet type %d: %w", a.kind, err))
	}
	return nil
}

func (c *Client) breach(err error) error {
	c.fail(err)
	return err
}

// ask sends one request and takes its answer apart.
func (c *Client) ask(ctx context.Context, kind byte, build func(request) request, want byte, body func(r *reader)) error {
	k, err := c.start(ctx, kind, build)
	if err != nil {
		return err
	}
	a, err := c.wait(ctx, k)
	if err != nil {
		return err
	}
	return c.parse(a, want, body)
}

func (c *Client) askStatus(ctx context.Context, kind byte, build func(request) request) error {
	return c.ask(ctx, kind, build, typeStatus, nil)
}

func withPath(path string) func(request) request {
	return func(q request) request { return q.str(path) }
}

// oneName asks for a name by a path.
func (c *Client) oneName(ctx context.Context, kind byte, path string) (name string, err error) {
	err = c.ask(ctx, kind, withPath(path), typeName, func(r *reader) {
		if n := r.u32(); n != 1 && r.err == nil {
			r.err = fmt.Errorf("%d names, not one", n)
		}
		name = string(r.str())
		r.str() // what ls would show
		r.attrs()
	})
	return name, err
}

// RealPath returns the absolute form of a path.
func (c *Client) RealPath(ctx context.Context, path string) (string, error) {
	return c.oneName(ctx, typeRealpath, path)
}

// ReadLink returns where a link points.
func (c *Client) ReadLink(ctx context.Context, path string) (string, error) {
	return c.oneName(ctx, typeReadlink, path)
}

func (c *Client) stat(ctx context.Context, kind byte, what string) (a Attrs, err error) {
	err = c.ask(ctx, kind, withPath(what), typeAttrs, func(r *reader) { a = r.attrs() })
	return a, err
}

// Stat describes what a path leads to.
func (c *Client) Stat(ctx context.Context, path string) (Attrs, error) {
	return c.stat(ctx, typeStat, path)
}

// Lstat is Stat without following a link at the end.
func (c *Client) Lstat(ctx context.Context, path string) (Attrs, error) {
	return c.stat(ctx, typeLstat, path)
}

// Fstat describes an open file.
func (c *Client) Fstat(ctx context.Context, handle string) (Attrs, error) {
	return c.stat(ctx, typeFstat, handle)
}

// Remove deletes what is not a folder.
func (c *Client) Remove(ctx context.Context, path string) error {
	return c.askStatus(ctx, typeRemove, withPath(path))
}

// RemoveDir deletes an empty folder.
func (c *Client) RemoveDir(ctx context.Context, path string) error {
	return c.askStatus(ctx, typeRmdir, withPath(path))
}

// Mkdir makes a folder with the server's own permissions.
func (c *Client) Mkdir(ctx context.Context, path string) error {
	return c.askStatus(ctx, typeMkdir, func(q request) request { return q.str(path).u32(0) })
}

// Rename moves a file. What happens if to exists is the server's choice: the protocol wants it to fail.
func (c *Client) Rename(ctx context.Context, from, to string) error {
	return c.askStatus(ctx, typeRename, func(q request) request { return q.str(from).str(to) })
}

// PosixRenameExtension replaces an existing file in one step.
const PosixRenameExtension = "posix-rename@openssh.com"

// PosixRename moves a file over another one. The server must offer PosixRenameExtension in version "1".
func (c *Client) PosixRename(ctx context.Context, from, to string) error {
	return c.askStatus(ctx, typeExtended, func(q request) request { return q.str(PosixRenameExtension).str(from).str(to) })
}

func (c *Client) open(ctx context.Context, kind byte, build func(request) request) (handle string, err error) {
	err = c.ask(ctx, kind, build, typeHandle, func(r *reader) {
		h := r.str()
		if len(h) > maxHandle {
			r.err = fmt.Errorf("a handle of %d bytes", len(h))
		}
		handle = string(h)
	})
	return handle, err
}

// Open opens a file and returns its handle. New files get the server's own permissions.
func (c *Client) Open(ctx context.Context, path string, flags uint32) (handle string, err error) {
	return c.open(ctx, typeOpen, func(q request) request { return q.str(path).u32(flags).u32(0) })
}

// CloseHandle closes a file. When ctx ends first it is closed in the background.
func (c *Client) CloseHandle(ctx context.Context, handle string) error {
	k, err := c.start(ctx, typeClose, withPath(handle))
	if err != nil {
		c.Discard(handle)
		return err
	}
	a, err := c.wait(ctx, k)
	if err != nil {
		return err
	}
	return c.parse(a, typeStatus, nil)
}

// Truncate sets the size of an open file.
func (c *Client) Truncate(ctx context.Context, handle string, size uint64) error {
	return c.askStatus(ctx, typeFsetstat, func(q request) request { return q.str(handle).u32(attrSize).u64(size) })
}

const (
	readAhead = 4  // requests for more names that ReadDir keeps on their way
	maxEmpty  = 16 // answers in a folder that hold no name
)

// ReadDir passes the entries of a folder to visit until that returns false or there are no more. The name is valid
// during the call only and may be anything.
func (c *Client) ReadDir(ctx context.Context, path string, visit func(name []byte, a Attrs) bool) error {
	handle, err := c.open(ctx, typeOpendir, withPath(path))
	if err != nil {
		return err
	}
	defer c.Discard(handle)
	var calls []*call
	defer func() {
		for _, k := range calls {
			c.abandon(k)
		}
	}()
	empty := 0
	for more := true; more; {
		for len(calls) < readAhead {
			k, err := c.start(ctx, typeReaddir, withPath(handle))
			if err != nil {
				return err
			}
			calls = append(calls, k)
		}
		k := calls[0]
		calls = calls[1:]
		a, err := c.wait(ctx, k)
		if err != nil {
			return err
		}
		err = c.parse(a, typeName, func(r *reader) {
			n := r.u32()
			if n == 0 && r.err == nil {
				if empty++; empty > maxEmpty {
					r.err = errors.New("no name, again and again")
				}
			}
			for ; n > 0 && r.err == nil; n-- {
				name := r.str()
				r.str() // what ls would show: made by the server, of no use
				attrs := r.attrs()
				if r.err == nil && more {
					more = visit(name, attrs)
				}
			}
		})
		if s, ok := err.(*StatusError); ok && s.Code == StatusEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// span is a part of a read or write on its way.
type span struct {
	k *call
	n int
}

// ReadAt reads like io.ReaderAt, with several requests on their way.
func (c *Client) ReadAt(ctx context.Context, handle string, p []byte, off uint64) (got int, err error) {
	var spans []span
	abandonAll := func() {
		for _, s := range spans {
			c.abandon(s.k)
		}
		spans = spans[:0]
	}
	defer abandonAll()
	sent, size, window := 0, chunk, maxPerCall
	for got < len(p) {
		for sent < len(p) && len(spans) < window {
			n := min(size, len(p)-sent)
			k, err := c.start(ctx, typeRead, func(q request) request {
				return q.str(handle).u64(off + uint64(sent)).u32(uint32(n))
			})
			if err != nil {
				return got, err
			}
			spans = append(spans, span{k, n})
			sent += n
		}
		first := spans[0]
		spans = spans[1:]
		a, err := c.wait(ctx, first.k)
		if err != nil {
			return got, err
		}
		n := 0
		err = c.parse(a, typeData, func(r *reader) {
			data := r.str()
			switch n = len(data); {
			case r.err != nil:
			case n == 0 || n > first.n:
				r.err = fmt.Errorf("%d bytes of data where %d were asked for", n, first.n)
			default:
				copy(p[got:], data)
			}
		})
		if s, ok := err.(*StatusError); ok && s.Code == StatusEOF {
			return got, io.EOF
		}
		if err != nil {
			return got, err
		}
		got += n
		window = maxPerCall
		if n < first.n && got < len(p) {
			// This is all that the server gives at a time, or the end: only the next answer tells.
			abandonAll()
			sent, size, window = got, max(n, 1<<10), 1
		}
	}
	return got, nil
}

// WriteAt writes like io.WriterAt, with several requests on their way.
func (c *Client) WriteAt(ctx context.Context, handle string, p []byte, off uint64) (done int, err error) {
	var spans []span
	defer func() {
		for _, s := range spans {
			c.abandon(s.k)
		}
	}()
	for sent := 0; done < len(p); {
		for sent < len(p) && len(spans) < maxPerCall {
			part := p[sent:min(sent+chunk, len(p))]
			k, err := c.start(ctx, typeWrite, func(q request) request {
				return q.str(handle).u64(off + uint64(sent)).data(part)
			})
			if err != nil {
				return done, err
			}
			spans = append(spans, span{k, len(part)})
			sent += len(part)
		}
		first := spans[0]
		spans = spans[1:]
		a, err := c.wait(ctx, first.k)
		if err != nil {
			return done, err
		}
		if err := c.parse(a, typeStatus, nil); err != nil {
			return done, err
		}
		done += first.n
	}
	return done, nil
}
