package rdptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/rdp/internal/channel/rdpdr"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// ErrNoDrive says that a client has given its session no drive.
var ErrNoDrive = errors.New("rdptest: the client has no drive")

// DriveError is a request that the client's drive did not fulfil.
type DriveError struct {
	Op, Name string
	Status   uint32 // NTSTATUS, [MS-ERREF] 2.3
}

// Error describes the failure.
func (e *DriveError) Error() string {
	return fmt.Sprintf("rdptest: drive: %s %s: %v", e.Op, e.Name, rdpdr.Status(e.Status))
}

// DriveEntry is a file or a folder in a folder.
type DriveEntry struct {
	Name string
	Size int64
	Dir  bool
}

// Drive is the drive that a client has given the session ([MS-RDPEFS]), as the session's programs see it. Its methods may be called by several
// goroutines. Names are parts that are separated by a slash; what stands in them is passed on as it is.
type Drive struct {
	Name    string // as the client calls it, at most seven characters of ASCII
	session *Session
	device  uint32
}

// driveChannel is the server's side of the channel.
type driveChannel struct {
	channel *static // nil: there is none

	mu       sync.Mutex // guards what follows
	drive    *Drive     // nil: none is announced
	attached chan struct{}
	next     uint32
	waiting  map[uint32]chan rdpdr.Completion
}

// Numbers of the announcement: the protocol's version, and the client's id.
const (
	rdpdrMajor, rdpdrMinor = 1, 12
	rdpdrClient            = 7
)

// maxRead is how much one request of Drive.ReadFile reads, and of Drive.WriteFile writes.
const maxRead = 64 << 10

// openDrive begins with a client that has the channel (1.3.1).
func (c *Session) openDrive() error {
	d := &c.drive
	d.attached, d.waiting = make(chan struct{}), map[uint32]chan rdpdr.Completion{}
	if d.channel = c.openStatic("rdpdr", rdpdr.MaxMessage, c.hearDrive); d.channel == nil {
		return nil
	}
	return c.sayDrive(rdpdr.ID{Major: rdpdrMajor, Minor: rdpdrMinor, Client: rdpdrClient}.Append(rdpdr.PacketServerAnnounce))
}

func (c *Session) sayDrive(m []byte) error { return c.say(c.drive.channel, m, false) }

// hearDrive takes a message of the client.
func (c *Session) hearDrive(m []byte) error {
	p, body, err := rdpdr.TakeHeader(m)
	if err != nil {
		return err
	}
	switch p {
	case rdpdr.PacketClientName:
		caps := rdpdr.Capabilities{Minor: rdpdrMinor, Extended: rdpdr.ExtendedUserLoggedOn, Drives: true}
		id := rdpdr.ID{Major: rdpdrMajor, Minor: rdpdrMinor, Client: rdpdrClient}
		return errors.Join(c.sayDrive(caps.Append(rdpdr.PacketServerCapability)), c.sayDrive(id.Append(rdpdr.PacketClientID)))
	case rdpdr.PacketClientCapability:
		return c.sayDrive(rdpdr.UserLoggedOn())
	case rdpdr.PacketDeviceList:
		return c.attach(body)
	case rdpdr.PacketCompletion:
		done, err := rdpdr.TakeCompletion(body)
		if err != nil {
			return err
		}
		c.drive.mu.Lock()
		defer c.drive.mu.Unlock()
		waiting := c.drive.waiting[done.ID]
		if waiting == nil {
			return fmt.Errorf("rdptest: the client answers request %d, which waits for no answer", done.ID)
		}
		delete(c.drive.waiting, done.ID)
		done.Body = append([]byte(nil), done.Body...)
		waiting <- done
	}
	return nil
}

// attach takes the first drive that the client announces.
func (c *Session) attach(body []byte) error {
	devices, err := rdpdr.TakeDeviceList(body)
	if err != nil {
		return err
	}
	for _, dev := range devices {
		if dev.Type != rdpdr.DeviceDrive {
			continue
		}
		if err := c.sayDrive(rdpdr.DeviceReply(dev.ID, rdpdr.StatusOK)); err != nil {
			return err
		}
		c.drive.mu.Lock()
		defer c.drive.mu.Unlock()
		if c.drive.drive == nil {
			// The long name beside it is in UTF-16 by 2.2.1.3, but not every client's.
			c.drive.drive = &Drive{Name: dev.DOSName, session: c, device: dev.ID}
			close(c.drive.attached)
		}
		return nil
	}
	return nil
}

// Drive returns the drive that the client gives the session, and waits for it.
func (c *Session) Drive(ctx context.Context) (*Drive, error) {
	if c.drive.channel == nil {
		return nil, ErrNoDrive
	}
	select {
	case <-c.drive.attached:
		c.drive.mu.Lock()
		defer c.drive.mu.Unlock()
		return c.drive.drive, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrNoDrive, context.Cause(ctx))
	}
}

// call sends a request and waits for its answer.
func (d *Drive) call(ctx context.Context, op, name string, q rdpdr.Request) ([]byte, error) {
	s := &d.session.drive
	got := make(chan rdpdr.Completion, 1)
	s.mu.Lock()
	s.next++
	q.Device, q.ID = d.device, s.next
	s.waiting[q.ID] = got
	s.mu.Unlock()
	if err := d.session.sayDrive(q.Append()); err != nil {
		return nil, err
	}
	select {
	case done := <-got:
		if done.Status != rdpdr.StatusOK {
			return nil, &DriveError{op, name, uint32(done.Status)}
		}
		return done.Body, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("rdptest: drive: %s %s: %w", op, name, context.Cause(ctx))
	}
}

// path is a name as it stands on the wire.
func path(name string) string {
	return `\` + strings.ReplaceAll(strings.TrimPrefix(name, "/"), "/", `\`)
}

// with opens a file or a folder, does something with it, and closes it.
func (d *Drive) with(ctx context.Context, op, name string, q rdpdr.Request, do func(file uint32) error) error {
	const shareAll = 7
	q.Major, q.Path, q.Share = rdpdr.MajorCreate, path(name), shareAll
	body, err := d.call(ctx, op, name, q)
	if err != nil {
		return err
	}
	r := wire.NewReader(body)
	file := r.U32LE("fileId")
	if err := r.Done("create response"); err != nil {
		return err
	}
	err = do(file)
	_, closing := d.call(ctx, op, name, rdpdr.Request{Major: rdpdr.MajorClose, File: file})
	return errors.Join(err, closing)
}

func nothing(uint32) error { return nil }

// ReadFile returns the content of a file.
func (d *Drive) ReadFile(ctx context.Context, name string) (data []byte, err error) {
	err = d.with(ctx, "read", name, rdpdr.Request{Access: rdpdr.AccessReadData, Disposition: rdpdr.DispositionOpen, Options: rdpdr.OptionNoDirectory}, func(file uint32) error {
		for {
			body, err := d.call(ctx, "read", name, rdpdr.Request{Major: rdpdr.MajorRead, File: file, Length: maxRead, Offset: uint64(len(data))})
			if e := (*DriveError)(nil); errors.As(err, &e) && rdpdr.Status(e.Status) == rdpdr.StatusEndOfFile {
				return nil
			}
			if err != nil {
				return err
			}
			r := wire.NewReader(body)
			part := r.Bytes("data", r.Limit("length", uint64(r.U32LE("length")), maxRead))
			if err := r.Done("read response"); err != nil {
				return err
			}
			if len(part) == 0 {
				return nil
			}
			data = append(data, part...)
		}
	})
	return data, err
}

// WriteFile makes a file, or replaces it.
func (d *Drive) WriteFile(ctx context.Context, name string, data []byte) error {
	q := rdpdr.Request{Access: rdpdr.AccessWriteData, Disposition: rdpdr.DispositionOverwriteIf, Options: rdpdr.OptionNoDirectory}
	return d.with(ctx, "write", name, q, func(file uint32) error {
		for at := 0; at < len(data); {
			part := data[at:min(at+maxRead, len(data))]
			body, err := d.call(ctx, "write", name, rdpdr.Request{Major: rdpdr.MajorWrite, File: file, Offset: uint64(at), Data: part})
			if err != nil {
				return err
			}
			r := wire.NewReader(body)
			n := r.Limit("length", uint64(r.U32LE("length")), uint64(len(part)))
			if err := r.Done("write response"); err != nil {
				return err
			}
			if n == 0 {
				return io.ErrShortWrite
			}
			at += n
		}
		return nil
	})
}

// Mkdir makes a folder.
func (d *Drive) Mkdir(ctx context.Context, name string) error {
	return d.with(ctx, "mkdir", name, rdpdr.Request{Disposition: rdpdr.DispositionCreate, Options: rdpdr.OptionDirectory}, nothing)
}

// Remove removes a file or an empty folder.
func (d *Drive) Remove(ctx context.Context, name string) error {
	return d.with(ctx, "remove", name, rdpdr.Request{Access: rdpdr.AccessDelete, Disposition: rdpdr.DispositionOpen}, func(file uint32) error {
		_, err := d.call(ctx, "remove", name, rdpdr.Request{Major: rdpdr.MajorSet, File: file, Class: rdpdr.ClassDisposition, Data: []byte{1}})
		return err
	})
}

// Rename gives a file or a folder another name, which nothing has yet.
func (d *Drive) Rename(ctx context.Context, from, to string) error {
	return d.with(ctx, "rename", from, rdpdr.Request{Access: rdpdr.AccessDelete, Disposition: rdpdr.DispositionOpen}, func(file uint32) error {
		_, err := d.call(ctx, "rename", from, rdpdr.Request{Major: rdpdr.MajorSet, File: file, Class: rdpdr.ClassRename, Data: rdpdr.RenameData(path(to), false)})
		return err
	})
}

// List returns what is in a folder; "" is the drive's own.
func (d *Drive) List(ctx context.Context, name string) (list []DriveEntry, err error) {
	q := rdpdr.Request{Disposition: rdpdr.DispositionOpen, Options: rdpdr.OptionDirectory}
	err = d.with(ctx, "list", name, q, func(file uint32) error {
		for first := true; ; first = false {
			q := rdpdr.Request{Major: rdpdr.MajorDirectory, Minor: rdpdr.MinorQueryDirectory, File: file, Class: rdpdr.ClassDirectory, First: first}
			if first {
				q.Path = strings.TrimSuffix(path(name), `\`) + `\*`
			}
			body, err := d.call(ctx, "list", name, q)
			if e := (*DriveError)(nil); errors.As(err, &e) && (rdpdr.Status(e.Status) == rdpdr.StatusNoMoreFiles || first && rdpdr.Status(e.Status) == rdpdr.StatusNoSuchFile) {
				return nil
			}
			if err != nil {
				return err
			}
			e, err := takeEntry(body)
			if err != nil {
				return err
			}
			if e.Name != "." && e.Name != ".." {
				list = append(list, e)
			}
		}
	})
	return list, err
}

// takeEntry takes the answer to a query of ClassDirectory ([MS-RDPEFS] 2.2.3.4.10, [MS-FSCC] 2.4.10).
func takeEntry(body []byte) (DriveEntry, error) {
	r := wire.NewReader(body)
	r.U32LE("length")
	r.Skip("NextEntryOffset, FileIndex, times", 4+4+4*8)
	e := DriveEntry{Size: int64(r.U64LE("EndOfFile"))}
	r.Skip("AllocationSize", 8)
	e.Dir = r.U32LE("FileAttributes")&rdpdr.AttributeDirectory != 0
	e.Name = wire.DecodeUTF16(r.Bytes("FileName", int(r.U32LE("FileNameLength"))))
	return e, r.Done("directory entry")
}
