package rdp

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/rdp/drive"
	"github.com/sallyport/sallyport/rdp/internal/channel/rdpdr"
)

const (
	driveChannel = "rdpdr"
	// DefaultDriveName and DefaultDriveTimeout are the defaults of Drive.
	DefaultDriveName    = "Files"
	DefaultDriveTimeout = 30 * time.Second

	maxDriveName   = 7 // of PreferredDosName in [MS-RDPEFS] 2.2.1.3; some servers cut longer ones
	maxDriveChange = 64
)

// Drive gives the session a drive ([MS-RDPEFS]): what programs there read and write is Files. Quotas are those of Files.
type Drive struct {
	// Files is asked by a goroutine of the Client, one call after the other. It must not be nil.
	Files drive.FileSystem
	// Name is how the drive is called in the session: at most seven ASCII letters, digits, - and _. Empty means DefaultDriveName.
	Name string
	// ReadOnly lets the session change nothing.
	ReadOnly bool
	// Timeout is how long one call of Files may take. Zero means DefaultDriveTimeout.
	Timeout time.Duration
}

// validate checks a Drive and returns a copy with its defaults.
func (d *Drive) validate() (*Drive, error) {
	v := *d
	if v.Files == nil {
		return nil, fmt.Errorf("rdp: Config: Drive without Files")
	}
	if v.Name == "" {
		v.Name = DefaultDriveName
	}
	if err := checkDriveName(v.Name); err != nil {
		return nil, fmt.Errorf("rdp: Config: Drive.Name %w", err)
	}
	if v.Timeout <= 0 {
		v.Timeout = DefaultDriveTimeout
	}
	return &v, nil
}

func checkDriveName(name string) error {
	for _, r := range name {
		if !strings.ContainsRune("-_", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') || len(name) > maxDriveName {
			return fmt.Errorf("%q: want at most %d ASCII letters, digits, - and _", name, maxDriveName)
		}
	}
	return nil
}

// DriveAttached says that the server has taken the drive, or has not: Status is then its reason, an NTSTATUS.
type DriveAttached struct {
	OK     bool
	Status uint32
}

func (*DriveAttached) update() {}

// driveService is the state of a Client's drive.
type driveService struct {
	*static
	cfg    *Drive
	client *rdpdr.Client // guarded by static.mu
	wake   chan struct{} // there may be something to do

	changed  []string // folders; guarded by static.mu
	attached DriveAttached
}

func newDriveService(c *Client, add adder) *driveService {
	d := &driveService{cfg: c.cfg.Drive, wake: make(chan struct{}, 1)}
	d.client = rdpdr.New(rdpdr.Drive{Name: d.cfg.Name, Computer: c.cfg.ClientName})
	d.static = add(driveChannel, rdpdr.MaxMessage, false, d.client)
	d.after = d.look
	if d.id != 0 {
		c.spawn(d.run)
	}
	return d
}

// look hands out what a message of the server has brought.
func (d *driveService) look() Update {
	signal(d.wake)
	result, ok := d.client.Attached()
	if !ok {
		return nil
	}
	d.attached = DriveAttached{OK: result == rdpdr.StatusOK, Status: uint32(result)}
	return &d.attached
}

// run serves the server's requests, in order, until the Client ends.
func (d *driveService) run(ctx context.Context) {
	epoch := 0
	fresh := func() *rdpdr.Volume {
		return rdpdr.NewVolume(rdpdr.VolumeConfig{Files: d.cfg.Files, Label: d.cfg.Name, ReadOnly: d.cfg.ReadOnly})
	}
	v := fresh()
	giveBack := func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
		defer cancel()
		v.Close(last)
	}
	defer func() { giveBack() }()
	for {
		d.mu.Lock()
		q, now := d.client.Next()
		changed := d.changed
		d.changed = nil
		d.mu.Unlock()
		if now != epoch {
			giveBack()
			v, epoch = fresh(), now
		}
		var out [][]byte
		for _, dir := range changed {
			out = append(out, v.Changed(dir)...)
		}
		if q != nil {
			out = append(out, d.serve(ctx, v, q)...)
		}
		if d.begunAnew(epoch) {
			continue // nobody waits for these answers any more
		}
		if d.sendLater(out) != nil {
			return // the connection ends
		}
		if q == nil {
			select {
			case <-d.wake:
			case <-ctx.Done():
				return
			}
		}
	}
}

// begunAnew says whether the server has forgotten what it had asked for in an epoch.
func (d *driveService) begunAnew(epoch int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.client.Epoch() != epoch
}

// serve serves one request with its deadline.
func (d *driveService) serve(ctx context.Context, v *rdpdr.Volume, q *rdpdr.Request) [][]byte {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Timeout)
	defer cancel()
	return v.Serve(ctx, q)
}

// DriveChanged tells the session that the content of a folder of its drive has changed otherwise than by the session, so that programs that show it look anew.
// dir is a name of the drive's FileSystem.
func (c *Client) DriveChanged(dir string) error {
	d := c.drive
	if d == nil {
		return ErrNotConfigured
	}
	if d.id == 0 {
		return ErrNotOffered
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.changed) < maxDriveChange { // who has so much to look at anew has seen it
		d.changed = append(d.changed, dir)
	}
	signal(d.wake)
	return nil
}
