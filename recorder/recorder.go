package recorder

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
)

// Ext ends the name of every recording; tmpExt follows it until Open has made the header durable.
const (
	Ext    = ".sprec"
	tmpExt = ".tmp"
)

// Defaults of Config.
const (
	DefaultFreeFloor       = 500 << 20
	DefaultSyncInterval    = time.Second
	DefaultSyncBytes       = 256 << 10
	DefaultStallLimit      = 10 * time.Second
	DefaultCheckpointBytes = 1 << 20
	DefaultMaxPending      = 32 << 20
	DefaultMaxPendingTotal = 1 << 30
)

const (
	// chunkRaw is how much of what waits goes into one chunk and one write.
	chunkRaw = 256 << 10
	// compressFrom is the least size worth compressing: below it zstd saves less than it costs an echo.
	compressFrom = 512
	// sealRoom is reserved beyond the windows, so that a full disk does not keep a recording from its seal.
	sealRoom = 64 << 10
	// maxPooled keeps a rare huge entry from staying in the pool.
	maxPooled = 1 << 20
	// maxSessionID bounds an id, which the header and log lines repeat.
	maxSessionID = 256
)

// Sentinels for errors.Is. What a watcher's Failed, Append and Close return wraps them or the system's error.
var (
	// ErrClosed: the recording, or the recorder, has been closed.
	ErrClosed = errors.New("recorder: closed")
	// ErrNoSpace: the free-space floor is reached.
	ErrNoSpace = errors.New("recorder: the free-space floor is reached")
	// ErrStalled: the store did not keep up for Config.StallLimit.
	ErrStalled = errors.New("recorder: the store does not keep up")
	// ErrBehind: more waits to be written than Config.MaxPending or MaxPendingTotal allow.
	ErrBehind = errors.New("recorder: too much waits to be written")
	// ErrSign: Config.Key did not sign. A key service that cannot be reached lets no recording open.
	ErrSign = errors.New("recorder: the key did not sign")
)

// Config says where recordings go and who signs them. Dir (or FS) and Key are required.
type Config struct {
	// Dir is the local directory of recordings. It is made with mode 0700 if it does not exist.
	Dir string
	// FS replaces Dir, for tests that inject faults. Nil means DirFS(Dir); setting both is an error.
	FS FS

	// Key signs headers, checkpoints and seals. Its public key must be Ed25519. See LoadOrCreateKey.
	Key crypto.Signer
	// FormerKeys are public keys that signed earlier recordings, so that Adopt can tell an orphan from
	// before a key change from a forgery. Nil is fine.
	FormerKeys []PublicKey

	// FreeFloor is how many bytes must stay free on the disk (S03): below it no recording opens, and open
	// ones fail when they need more room. What is promised to recordings counts as used, however many ask at
	// once. A warning is logged below twice the floor. Zero means 500 MiB. To go without, set InsecureNoFreeFloor.
	FreeFloor           uint64
	InsecureNoFreeFloor bool

	// SyncInterval is how old the oldest byte that is written but not durable may become; zero means 1 s.
	SyncInterval time.Duration
	// SyncBytes is how many stored bytes may be written but not durable; also the window of which two are
	// reserved ahead. Zero means 256 KiB; at least 4 KiB.
	SyncBytes int64
	// StallLimit is how long one write, or the wait for a sync, may take before the recording fails (S27).
	// A warning is logged at half of it. Zero means 10 s.
	StallLimit time.Duration
	// CheckpointBytes is how many stored bytes follow a signature before the next one. Zero means 1 MiB,
	// negative none between header and seal.
	CheckpointBytes int64
	// MaxPending is how many bytes may wait in memory, per recording, before Append fails. The broker's
	// back-pressure keeps far below it. Zero means 32 MiB.
	MaxPending int64
	// MaxPendingTotal is how many bytes may wait in memory over all recordings. Half of it is shared out evenly,
	// so that recordings that wait cannot fail others. Zero means 1 GiB; at least MaxPending.
	MaxPendingTotal int64

	// Log gets what operators must know. Nil means silence.
	Log *slog.Logger
	// Metrics gets counters and gauges named recorder.…; nil means a private registry.
	Metrics metrics.Registry
	// Now is the wall clock for seals; nil means time.Now.
	Now func() time.Time
	// Rand gives the nonces that tell recordings apart; nil means crypto/rand.
	Rand io.Reader
}

// withDefaults returns a checked copy.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	if c.FS == nil && c.Dir == "" {
		errs = append(errs, errors.New("Config.Dir is empty"))
	}
	if c.FS != nil && c.Dir != "" {
		errs = append(errs, errors.New("Config.Dir and Config.FS are both set"))
	}
	if c.FreeFloor == 0 {
		c.FreeFloor = DefaultFreeFloor
	}
	if c.InsecureNoFreeFloor {
		c.FreeFloor = 0
	}
	c.SyncInterval = zeroIs(c.SyncInterval, DefaultSyncInterval)
	c.SyncBytes = zeroIs(c.SyncBytes, DefaultSyncBytes)
	c.StallLimit = zeroIs(c.StallLimit, DefaultStallLimit)
	c.CheckpointBytes = zeroIs(c.CheckpointBytes, DefaultCheckpointBytes)
	c.MaxPending = zeroIs(c.MaxPending, DefaultMaxPending)
	c.MaxPendingTotal = zeroIs(c.MaxPendingTotal, DefaultMaxPendingTotal)
	for _, f := range []struct {
		name     string
		got, min int64
	}{
		{"Config.SyncInterval", int64(c.SyncInterval), int64(time.Millisecond)},
		{"Config.SyncBytes", c.SyncBytes, 4 << 10},
		{"Config.StallLimit", int64(c.StallLimit), int64(time.Millisecond)},
		{"Config.MaxPending", c.MaxPending, maxData},
		{"Config.MaxPendingTotal", c.MaxPendingTotal, c.MaxPending},
	} {
		if f.got < f.min {
			errs = append(errs, fmt.Errorf("%s: got %d, want at least %d", f.name, f.got, f.min))
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = metrics.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return c, errors.Join(errs...)
}

func zeroIs[T ~int64](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// Recorder makes recordings in one directory. Make it with New; its methods may be called concurrently.
type Recorder struct {
	cfg  Config
	fs   FS
	key  signingKey
	ring keyRing // Key and FormerKeys
	log  *slog.Logger
	met  *meters

	enc     *zstd.Encoder // EncodeAll only: it keeps a small pool of coders and belongs to no recording
	buffers sync.Pool     // *[]byte, for chunks under construction

	space     ledger
	pending   atomic.Int64 // bytes that wait to be written, over all recordings
	unsynced  atomic.Int64 // bytes that are written but not durable
	openCount atomic.Int64 // length of open

	mu     sync.Mutex // guards closed and open
	closed bool
	open   map[*Recording]struct{}
	wg     sync.WaitGroup // Opens and finishes under way
}

var _ pam.Recorder = (*Recorder)(nil)

// New checks cfg and prepares the directory. It does not touch recordings that are there: see Adopt.
func New(cfg Config) (*Recorder, error) {
	c, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	key, err := newSigningKey(c.Key)
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	ring, err := newKeyRing(append([]PublicKey{key.pub}, c.FormerKeys...))
	if err != nil {
		return nil, fmt.Errorf("recorder: Config.FormerKeys: %w", err)
	}
	if c.FS == nil {
		if c.FS, err = DirFS(c.Dir); err != nil {
			return nil, err
		}
	}
	// A window beyond the chunk finds nothing more, and lower memory keeps the pool small.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(chunkRaw),
		zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	r := &Recorder{
		cfg: c, fs: c.FS, key: key, ring: ring, log: c.Log, met: newMeters(c.Metrics), enc: enc,
		open: make(map[*Recording]struct{}),
	}
	r.buffers.New = func() any { return new([]byte) }
	return r, nil
}

// PublicKey returns the key that verifies what this Recorder signs.
func (r *Recorder) PublicKey() PublicKey { return append(PublicKey(nil), r.key.pub...) }

// Open implements pam.Recorder. It returns when the header is durable under its final name and room for the
// next two windows is reserved, or with an error when ctx ends first; then nothing is left behind.
func (r *Recorder) Open(ctx context.Context, m pam.RecordingMeta, w pam.RecordingWatcher) (pam.Recording, error) {
	if w == nil {
		return nil, errors.New("recorder: the watcher is nil")
	}
	if m.Session == "" || len(m.Session) > maxSessionID || !utf8.ValidString(string(m.Session)) {
		return nil, fmt.Errorf("recorder: session id of %d bytes; want 1 to %d of UTF-8", len(m.Session), maxSessionID)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, ErrClosed
	}
	r.wg.Add(1)
	r.mu.Unlock()

	// The store may hang. The caller must not: whoever loses the race for the result cleans up.
	type result struct {
		rec *Recording
		err error
	}
	done := make(chan result) // unbuffered: a sent result has been received
	abandoned := make(chan struct{})
	go func() {
		defer r.wg.Done()
		rec, err := r.create(m, w)
		select {
		case done <- result{rec, err}:
		case <-abandoned:
			if err == nil {
				r.discard(rec)
			}
		}
	}()
	var res result
	select {
	case res = <-done:
	case <-ctx.Done():
		close(abandoned)
		res.err = context.Cause(ctx)
	}
	if res.err != nil {
		r.met.openFailed.Inc(1)
		return nil, fmt.Errorf("recorder: opening: %w", res.err)
	}
	return res.rec, nil
}

// create makes the file and its header.
func (r *Recorder) create(m pam.RecordingMeta, w pam.RecordingWatcher) (_ *Recording, err error) {
	if m.Started.IsZero() {
		m.Started = r.cfg.Now()
	}
	m.Started = m.Started.Round(0) // the monotonic part means nothing in a file
	nonce := make([]byte, 16)
	if _, err := io.ReadFull(r.cfg.Rand, nonce); err != nil {
		return nil, err
	}
	h := Header{Meta: m, Key: r.key.id, Nonce: hex.EncodeToString(nonce)}
	name := fileName(h)

	head := preamble()
	chunk, link, err := appendSigned(nil, r.key, chunkHeader, chainSeed(), h.body())
	if err != nil {
		return nil, err
	}
	first := append(head[:], chunk...)

	f, err := r.fs.Create(name + tmpExt)
	if err != nil {
		return nil, err
	}
	at := name + tmpExt
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = r.fs.Remove(at)
		}
	}()
	rec := &Recording{r: r, f: f, name: name, session: m.Session, watcher: w, link: link, off: int64(len(first))}
	rec.cond.L = &rec.mu
	rec.done = make(chan struct{})
	rec.sync.stored = rec.off
	if err := rec.reserveAhead(0); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			rec.unpromise()
		}
	}()
	if _, err := f.Write(first); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	// Only now does it get its name: a file under a recording's name always has a whole header.
	if err := r.fs.Rename(at, name); err != nil {
		return nil, err
	}
	at = name
	if err := r.fs.Sync(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.open[rec] = struct{}{}
	r.countOpen()
	r.mu.Unlock()
	r.met.opened.Inc(1)
	return rec, nil
}

// discard removes a recording that nobody received.
func (r *Recorder) discard(rec *Recording) {
	r.forget(rec)
	_ = rec.f.Close()
	_ = r.fs.Remove(rec.name)
}

func (r *Recorder) forget(rec *Recording) {
	r.mu.Lock()
	delete(r.open, rec)
	r.countOpen()
	r.mu.Unlock()
	rec.unpromise()
}

// countOpen shows how many are open. Needs mu.
func (r *Recorder) countOpen() {
	n := int64(len(r.open))
	r.openCount.Store(n)
	r.met.open.Update(n)
}

// isOpen says whether this Recorder itself records into name.
func (r *Recorder) isOpen(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for rec := range r.open {
		if rec.name == name {
			return true
		}
	}
	return false
}

// Close refuses new recordings, closes those that are still open with reason gateway_shutdown and waits until
// all are durable or ctx ends. The error names what was not flushed.
func (r *Recorder) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	recs := make([]*Recording, 0, len(r.open))
	for rec := range r.open {
		recs = append(recs, rec)
	}
	r.mu.Unlock()
	for _, rec := range recs {
		rec.beginClose(endEntry(pam.EndGatewayShutdown, rec.lastAt()))
	}
	var errs []error
	for _, rec := range recs {
		if err := rec.wait(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", rec.Path(), err))
		}
	}
	idle := make(chan struct{})
	go func() { r.wg.Wait(); close(idle) }() // ends with the last Open or finish
	select {
	case <-idle:
	case <-ctx.Done():
		errs = append(errs, fmt.Errorf("recorder: closing: %w", context.Cause(ctx)))
	}
	return errors.Join(errs...)
}

// fileName builds a name from the start time, the session id and part of the nonce. Ids are hostile: one that
// is not plainly a name appears as a hash, and the nonce keeps apart what a file system folds together.
func fileName(h Header) string {
	id := string(h.Meta.Session)
	plain := len(id) <= 64
	for i := 0; i < len(id) && plain; i++ {
		c := id[i]
		plain = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_'
	}
	if !plain {
		sum := sha256.Sum256([]byte(id))
		id = "x" + hex.EncodeToString(sum[:16])
	}
	return h.Meta.Started.UTC().Format("20060102T150405Z") + "." + id + "." + h.Nonce[:8] + Ext
}

// buffer borrows memory for a chunk; give it back with putBuffer.
func (r *Recorder) buffer() *[]byte { return r.buffers.Get().(*[]byte) }

func (r *Recorder) putBuffer(p *[]byte) {
	if cap(*p) <= maxPooled {
		r.buffers.Put(p)
	}
}
