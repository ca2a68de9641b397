package pam

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"net/url"
	"path"
	"sync"
	"time"
)

// errOvertaken ends a stream of a transfer because a newer one is there.
var errOvertaken = errors.New("another request goes on with the transfer")

// transferIDBytes is the entropy of a transfer's id. It grants nothing beyond the session's place.
const transferIDBytes = 18

// transfer is one file on its way. It belongs to the session and not to a request, so that it can go on after a break; it
// ends with its last byte, a failure, a cancellation, a long rest, or the session.
type transfer struct {
	c    fileCall
	id   string
	op   fileOp
	path string
	size int64
	temp string // where an upload is written until it is whole
	file File
	from FileSystem    // that file belongs to
	keep bool          // the policy wanted a record when it began
	turn chan struct{} // one token: one request carries bytes
	sum  hash.Hash     // of the first done bytes; of whoever has the turn

	mu      sync.Mutex // guards all below
	stop    *context.CancelCauseFunc
	done    int64
	code    Code // empty while it is not over
	sha256  string
	resting *time.Timer
}

// transferView is a transfer as its owner sees it.
type transferView struct {
	ID        string `json:"id"`
	Direction string `json:"direction"` // up, down
	Path      string `json:"path"`
	Name      string `json:"name"`
	Size      int64  `json:"size"`
	Done      int64  `json:"done"`
	Code      Code   `json:"code,omitempty"` // once it is over: allowed if all went well
	SHA256    string `json:"sha256,omitempty"`
	URL       string `json:"url"`
}

func (t *transfer) view() transferView {
	if t == nil { // it never came to be
		return transferView{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return transferView{
		ID: t.id, Direction: t.op.direction(), Path: t.path, Name: path.Base(t.path), Size: t.size, Done: t.done, Code: t.code, SHA256: t.sha256,
		URL: "api/session/" + url.PathEscape(string(t.c.s.id)) + "/transfer/" + t.id,
	}
}

// beginDownload opens a file for reading. What is opened stays the same, whatever happens to its name.
func (c fileCall) beginDownload(ctx context.Context, name string) (*transfer, error) {
	if _, err := RawFilePath(name); err != nil {
		return nil, &Refusal{Code: CodeFileBadName}
	}
	e := SessionEvent{Action: "begin", Path: name}
	if err := c.may(ctx, fileDownload, e); err != nil {
		return nil, err
	}
	t, err := c.newTransfer(fileDownload, name, 0)
	if err != nil {
		return nil, err
	}
	var info FileInfo
	err = c.do(ctx, func(x FileSystem) (err error) {
		t.from = x
		if t.file, err = x.Open(ctx, name, OpenRead); err != nil {
			return err
		}
		info, err = t.file.Stat(ctx)
		return err
	})
	if err == nil {
		t.size, e.Size = info.Size, info.Size
		err = c.note(ctx, t.op, e)
	}
	return t, c.begun(ctx, t, err)
}

// beginUpload makes the file that is written beside the one that is meant.
func (c fileCall) beginUpload(ctx context.Context, body uploadBody) (*transfer, error) {
	op := fileUpload
	if body.Replace {
		op = fileReplace
	}
	if _, err := RawFilePath(body.Path); err != nil || body.Path == "/" {
		return nil, &Refusal{Code: CodeFileBadName}
	}
	if body.Size < 0 {
		return nil, &Refusal{Code: CodeInvalidParam, Field: "size"}
	}
	e := SessionEvent{Action: "begin", Path: body.Path, Size: body.Size}
	if err := c.may(ctx, op, e); err != nil {
		return nil, err
	}
	if body.Size > c.s.b.cfg.Limits.Upload {
		e.Outcome = CodeFileTooLarge
		return nil, errors.Join(&Refusal{Code: CodeFileTooLarge}, c.note(ctx, op, e))
	}
	t, err := c.newTransfer(op, body.Path, body.Size)
	if err != nil {
		return nil, err
	}
	err = c.do(ctx, func(x FileSystem) error {
		t.from = x
		// For an early word only: what is at the name when all is written decides.
		info, err := x.Stat(ctx, body.Path)
		if err == nil && (!body.Replace || info.Mode.IsDir()) {
			return &FileError{Op: "upload", Name: body.Path, Code: CodeFileExists, Err: errors.New("the name is taken")}
		}
		if codeOf(err) != CodeFileNotFound && err != nil {
			return err
		}
		if err := c.note(ctx, op, e); err != nil {
			return err
		}
		temp := beside(t.path, t.id)
		if t.file, err = x.Open(ctx, temp, OpenCreate); err == nil {
			t.temp = temp
		}
		return err
	})
	return t, c.begun(ctx, t, err)
}

// begun lets a transfer wait for its bytes, or takes it back.
func (c fileCall) begun(ctx context.Context, t *transfer, err error) error {
	if err == nil {
		t.rest()
		return nil
	}
	t.end(context.WithoutCancel(ctx), codeOf(err))
	return err
}

// newTransfer takes a place for a transfer.
func (c fileCall) newTransfer(op fileOp, name string, size int64) (*transfer, error) {
	id, err := c.s.b.randomText(transferIDBytes)
	if err != nil {
		return nil, &Refusal{Code: CodeInternal, Err: err}
	}
	t := &transfer{c: c, id: id, op: op, path: name, size: size, turn: make(chan struct{}, 1), sum: sha256.New(), keep: c.p.caps.Load().Value(op.record()) == Record}
	t.turn <- struct{}{}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, &Refusal{Code: CodeSessionEnded}
	}
	if len(c.openLocked()) >= maxTransfers {
		return nil, &Refusal{Code: CodeLimitReached}
	}
	c.transfers = append(c.transfers, t)
	return t, nil
}

// openLocked returns the transfers that are not over and forgets old ones that are. The caller holds mu.
func (f *sessionFiles) openLocked() (open []*transfer) {
	var kept []*transfer
	over := 0
	for i := len(f.transfers) - 1; i >= 0; i-- {
		t := f.transfers[i]
		switch {
		case !t.over():
			open = append(open, t)
		case over == maxTransfersKept:
			continue
		default:
			over++
		}
		kept = append(kept, t)
	}
	f.transfers = f.transfers[:0]
	for i := len(kept) - 1; i >= 0; i-- {
		f.transfers = append(f.transfers, kept[i])
	}
	return open
}

// of returns a participant's transfers, the oldest first.
func (f *sessionFiles) of(p *participant) (mine []*transfer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.transfers {
		if t.c.p == p {
			mine = append(mine, t)
		}
	}
	return mine
}

// find returns one of the participant's own transfers.
func (c fileCall) find(id string) (*transfer, error) {
	for _, t := range c.of(c.p) {
		if t.id == id {
			return t, nil
		}
	}
	return nil, &Refusal{Code: CodeNotFound}
}

func (t *transfer) over() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.code != ""
}

// take gets the turn; a request that has it is broken off, as its other end may be gone without a word.
func (t *transfer) take(ctx context.Context) (context.Context, func(), error) {
	ctx, cancel := context.WithCancelCause(ctx)
	t.mu.Lock()
	old := t.stop
	t.stop = &cancel
	t.mu.Unlock()
	if old != nil {
		(*old)(errOvertaken)
	}
	forget := func() {
		t.mu.Lock()
		if t.stop == &cancel {
			t.stop = nil
		}
		t.mu.Unlock()
		cancel(nil)
	}
	select {
	case <-t.turn:
	case <-ctx.Done():
		defer forget()
		return nil, nil, context.Cause(ctx)
	}
	if code := t.view().Code; code != "" {
		t.turn <- struct{}{}
		forget()
		if code == CodeAllowed {
			code = CodeNotFound // all has been taken
		}
		return nil, nil, &Refusal{Code: code}
	}
	t.busy()
	return ctx, func() {
		t.rest()
		t.turn <- struct{}{}
		forget()
	}, nil
}

// busy and rest stop and start the time after which a transfer is given up.
func (t *transfer) busy() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.resting != nil {
		t.resting.Stop()
	}
}

func (t *transfer) rest() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.code != "" {
		return
	}
	if t.resting != nil {
		t.resting.Stop()
	}
	t.resting = time.AfterFunc(t.c.s.b.cfg.Limits.Transfer, t.giveUp)
}

// giveUp cancels a transfer that has lain still, or whose person has left.
func (t *transfer) giveUp() {
	ctx, leave, err := t.c.enter(context.Background())
	if err != nil {
		t.rest() // too many requests: later, or with the session
		return
	}
	defer leave()
	t.c.s.contain("files", func() { _ = t.cancel(ctx) })
}

// cancel ends a transfer at its person's will.
func (t *transfer) cancel(ctx context.Context) error {
	_, release, err := t.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	t.end(ctx, CodeFileCancelled)
	return nil
}

// progress counts bytes that the target has taken or that were sent.
func (t *transfer) progress(p []byte) {
	_, _ = t.sum.Write(p)
	t.mu.Lock()
	t.done += int64(len(p))
	t.mu.Unlock()
	t.c.s.stir()
}

// digest is the SHA-256 of what was carried.
func (t *transfer) digest() string { return hex.EncodeToString(t.sum.Sum(nil)) }

// end closes a transfer; the first code counts. Whoever calls it has the turn, or the session is over and nobody has it.
func (t *transfer) end(ctx context.Context, code Code) {
	t.mu.Lock()
	if t.code != "" {
		t.mu.Unlock()
		return
	}
	t.code = code
	if t.resting != nil {
		t.resting.Stop()
	}
	done := t.done
	if code == CodeAllowed {
		t.sha256 = t.digest()
	}
	sum := t.sha256
	t.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.c.s.b.cfg.Limits.CloseTimeout)
	defer cancel()
	if t.file != nil {
		if err := t.file.Close(ctx); err != nil {
			t.c.s.log.Debug("closing a file", "err", err)
		}
	}
	if code != CodeAllowed {
		t.c.s.b.met.fileFailed.Inc(1)
		if t.temp != "" {
			if err := t.discard(ctx); err != nil {
				t.c.s.log.Warn("an upload was left beside its target", "file", t.temp, "err", err)
			}
		}
	}
	if code != CodeAllowed || t.op.needs == FileDownload { // an upload is written down before it gets its name
		if t.file == nil {
			done = t.size
		}
		e := SessionEvent{Action: "end", Path: t.path, Size: done, SHA256: sum, Outcome: code}
		if err := t.note(ctx, e); err != nil {
			t.c.s.log.Error("the end of a transfer is not written down", "err", err)
		}
	}
}

// note writes down an end. What was to be recorded when it began is, even if that right has gone.
func (t *transfer) note(ctx context.Context, e SessionEvent) error {
	if t.keep {
		return t.c.writeDown(ctx, t.op, e)
	}
	return t.c.note(ctx, t.op, e)
}

// discard removes what an upload has written.
func (t *transfer) discard(ctx context.Context) error {
	return t.c.do(ctx, func(x FileSystem) error { return x.Remove(ctx, t.temp) })
}
