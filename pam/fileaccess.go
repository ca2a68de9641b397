package pam

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
)

// What one session may hold for files. Its target has limits of its own.
const (
	maxFileRequests  = 16 // at a time
	maxFileStreams   = 4  // of them, that carry bytes
	maxTransfers     = 32 // that are not over
	maxTransfersKept = 32 // that are over and can still be asked about
)

// fileOp is an operation on files: what it needs, and how it is written down.
type fileOp struct {
	operation
	verb   Verb   // empty: never written down
	action string // of a SessionEvent
}

// record is the declaration whose Record makes events of the operation.
func (o *fileOp) record() Declaration { return o.needs }

// direction is that of a SessionEvent.
func (o *fileOp) direction() string {
	if o.needs == FileDownload {
		return "down"
	}
	return "up"
}

// filePeople are the modes that have files. A monitor has none (J2).
var filePeople = []Mode{ModeOwner, ModeParticipate}

// The operations on files (I11). Either direction is enough to look around: a place must be found for an upload too.
// What replaces a file destroys it, so that needs the right to delete beside the right to write.
var (
	fileBrowse   = fileOp{operation: operation{name: "files", needs: FileDownload, or: FileUpload, modes: filePeople}}
	fileDownload = fileOp{operation{name: "download", needs: FileDownload, modes: filePeople}, DownloadFile, "download"}
	fileUpload   = fileOp{operation{name: "upload", needs: FileUpload, modes: filePeople}, UploadFile, "upload"}
	fileMkdir    = fileOp{operation{name: "mkdir", needs: FileUpload, modes: filePeople}, UploadFile, "mkdir"}
	fileRename   = fileOp{operation{name: "rename", needs: FileUpload, modes: filePeople}, UploadFile, "rename"}
	fileReplace  = fileOp{operation{name: "replace", needs: FileUpload, also: FileDelete, modes: filePeople}, UploadFile, "upload"}
	fileMoveOver = fileOp{operation{name: "replace", needs: FileUpload, also: FileDelete, modes: filePeople}, UploadFile, "rename"}
	fileRemove   = fileOp{operation{name: "remove", needs: FileDelete, modes: filePeople}, DeleteFile, "remove"}
)

// sessionFiles is one session's access to its target's files. Requests come and go; the file system is opened with the
// first and closed with the session.
type sessionFiles struct {
	s       *liveSession
	slots   chan struct{} // one for each request at work
	streams chan struct{} // one for each that carries bytes
	opening chan struct{} // one token: Files is asked once at a time

	mu        sync.Mutex // guards all below
	system    FileSystem // nil: to be opened
	transfers []*transfer
	closed    bool
	busy      sync.WaitGroup // requests at work; nothing is added once closed is set
}

func newSessionFiles(s *liveSession) *sessionFiles {
	f := &sessionFiles{
		s: s, slots: make(chan struct{}, maxFileRequests), streams: make(chan struct{}, maxFileStreams), opening: make(chan struct{}, 1),
	}
	f.opening <- struct{}{}
	return f
}

// fileCall is one request under way.
type fileCall struct {
	*sessionFiles
	p    *participant
	addr netip.Addr
}

// enter begins work on files. Its context ends with the session too.
func (f *sessionFiles) enter(ctx context.Context) (context.Context, func(), error) {
	select {
	case f.slots <- struct{}{}:
	default:
		return nil, nil, &Refusal{Code: CodeLimitReached}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		<-f.slots
		return nil, nil, &Refusal{Code: CodeSessionEnded}
	}
	f.busy.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(f.s.ctx, func() { cancel(context.Cause(f.s.ctx)) })
	return ctx, func() {
		stop()
		cancel(nil)
		<-f.slots
		f.busy.Done()
	}, nil
}

// withFiles is how every request about files begins: who asks, for which session, and that it is let in.
func (b *Broker) withFiles(r *http.Request, who Identity, do func(context.Context, fileCall) error) error {
	s, p, err := b.place(r, who)
	if err != nil {
		return err
	}
	ctx, leave, err := s.files.enter(r.Context())
	if err != nil {
		return err
	}
	defer leave()
	err = &Refusal{Code: CodeInternal, Err: errPanic} // what stays if the adapter panics
	s.contain("files", func() { err = do(ctx, fileCall{s.files, p, b.clientAddr(r)}) })
	return fileRefusal(err)
}

// fileRefusal puts what went wrong with files into a code. Causes that say something about the target go to the log.
func fileRefusal(err error) error {
	var refusal *Refusal
	var file *FileError
	var end *End
	switch {
	case err == nil || errors.As(err, &refusal):
		return err
	case errors.As(err, &end):
		return &Refusal{Code: CodeSessionEnded}
	case errors.Is(err, context.Canceled), errors.Is(err, errOvertaken):
		return &Refusal{Code: CodeFileCancelled} // nobody waits for the answer
	case !errors.As(err, &file):
		return &Refusal{Code: CodeFileFailed, Err: err}
	}
	switch file.Code {
	case CodeFileFailed, CodeTargetProtocol, CodeFilesUnavailable, CodeFileTimeout:
		return &Refusal{Code: file.Code, Err: err}
	}
	return &Refusal{Code: file.Code}
}

// codeOf is the code of what went wrong with files.
func codeOf(err error) Code {
	var refusal *Refusal
	if errors.As(fileRefusal(err), &refusal) {
		return refusal.Code
	}
	return CodeAllowed
}

// may is the capability check of an operation on files, at the moment of use. It asks for an attached page like every
// other (S04). A refused attempt is written down.
func (c fileCall) may(ctx context.Context, op fileOp, e SessionEvent) error {
	if err := c.allowed(c.p, op); err != nil {
		c.denied(ctx, op, e, codeOf(err))
		return err
	}
	c.s.stir()
	return nil
}

// allowed is the check itself.
func (f *sessionFiles) allowed(p *participant, op fileOp) error {
	f.s.mu.Lock()
	state, attached, ended := f.s.state, p.viewer != nil, f.s.end != nil
	f.s.mu.Unlock()
	switch {
	case ended:
		return &Refusal{Code: CodeSessionEnded}
	case !attached || !state.permits(attached) || !p.permits(op.operation):
		return &Refusal{Code: CodeCapabilityDenied}
	}
	return nil
}

// still is allowed for a transfer under way. While its person's page is away it waits: a page that is loaded anew must not
// break a download, and a page that stays away loses its place in the end.
func (f *sessionFiles) still(ctx context.Context, p *participant, op fileOp) error {
	s := f.s
	for {
		s.mu.Lock()
		away := s.end == nil && !p.left && p.viewer == nil && (s.state == StateActive || s.state == StateReconnecting)
		if !away || !p.permits(op.operation) {
			s.mu.Unlock()
			return f.allowed(p, op)
		}
		if s.moved == nil {
			s.moved = make(chan struct{})
		}
		moved := s.moved
		s.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// open returns the session's file system.
func (f *sessionFiles) open(ctx context.Context) (FileSystem, error) {
	select {
	case <-f.opening:
		defer func() { f.opening <- struct{}{} }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	f.mu.Lock()
	system := f.system
	f.mu.Unlock()
	if system != nil {
		return system, nil
	}
	conn, ok := f.s.connected().(Files)
	if !ok {
		return nil, &FileError{Op: "files", Code: CodeFilesUnavailable, Err: errors.New("the adapter has no files")}
	}
	system, err := conn.Files(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	closed := f.closed
	if !closed {
		f.system = system
	}
	f.mu.Unlock()
	if closed {
		_ = system.Close()
		return nil, &Refusal{Code: CodeSessionEnded}
	}
	return system, nil
}

// do makes a call on the session's file system. One that is of no more use is closed, and the next call opens another.
func (f *sessionFiles) do(ctx context.Context, call func(FileSystem) error) error {
	system, err := f.open(ctx)
	if err != nil {
		return err
	}
	err = call(system)
	f.spent(system, err)
	return err
}

// spent drops a file system after an error that ends it.
func (f *sessionFiles) spent(system FileSystem, err error) {
	var file *FileError
	if !errors.As(err, &file) {
		return
	}
	switch file.Code {
	case CodeFilesUnavailable, CodeFileTimeout, CodeTargetProtocol:
	default:
		return
	}
	f.mu.Lock()
	mine := f.system == system
	if mine {
		f.system = nil
	}
	f.mu.Unlock()
	if mine {
		_ = system.Close()
	}
}

// closeFiles ends what goes on with files: transfers are broken off and what they have left beside their target is
// removed, as long as the connection is still there.
func (s *liveSession) closeFiles() {
	f := s.files
	f.mu.Lock()
	f.closed = true
	open := f.openLocked()
	f.mu.Unlock()
	ctx, cancel := s.lastSteps()
	defer cancel()
	s.contain("files", func() {
		left := make(chan struct{})
		s.b.wg.Go(func() {
			f.busy.Wait()
			close(left)
		})
		select {
		case <-left: // each request ends with the session's context
		case <-ctx.Done():
			s.log.Error("a call on files did not keep to its context")
		}
		for _, t := range open {
			t.end(ctx, CodeSessionEnded)
		}
		f.mu.Lock()
		system := f.system
		f.system = nil
		f.mu.Unlock()
		if system != nil {
			_ = system.Close()
		}
	})
}
