package spine_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

// The soak's measures. Without PAM_SOAK_MINUTES it is short.
const (
	soakSessions      = 500
	soakShortSessions = 60
	soakShortTurns    = 8
	soakThink         = 4 * time.Second // between two commands of a session, on average
	soakFault         = 100             // one in so many turns: the next call of the session's store fails
	soakStall         = 500             // one in so many calls of the store takes up to soakStallMax
	soakStallMax      = 400 * time.Millisecond
	soakPatience      = 2 * time.Minute // for anything at all: the machine may be busy
)

// weather is a store that stalls at random, and fails for good for the sessions that are doomed.
type weather struct {
	mu     sync.Mutex // guards rng
	rng    *rand.Rand
	doomed sync.Map // session id to the error of its store
	stalls atomic.Int64
}

func (w *weather) draw(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.IntN(n)
}

func (w *weather) hook(c recordertest.Call) error {
	if c.Op != recordertest.OpWrite && c.Op != recordertest.OpSync {
		return nil
	}
	if parts := strings.Split(c.Name, "."); len(parts) > 2 {
		if err, ok := w.doomed.Load(parts[1]); ok {
			return err.(error)
		}
	}
	if w.draw(soakStall) == 0 {
		w.stalls.Add(1)
		time.Sleep(time.Duration(w.draw(int(soakStallMax))))
	}
	return nil
}

// doom makes every further write and sync of a session fail.
func (w *weather) doom(id pam.SessionID) {
	errs := []error{syscall.EIO, syscall.ENOSPC, &recordertest.Torn{Bytes: w.draw(60), Err: syscall.ENOSPC}}
	w.doomed.Store(string(id), errs[w.draw(len(errs))])
}

// witness hashes what a page was shown and keeps the end of it.
type witness struct {
	mu    sync.Mutex
	sum   hash.Hash
	count int
	tail  []byte
	moved chan struct{} // capacity 1
}

func newWitness() *witness { return &witness{sum: sha256.New(), moved: make(chan struct{}, 1)} }

func (w *witness) take(p []byte, _ bool) {
	w.mu.Lock()
	w.sum.Write(p)
	w.count += len(p)
	w.tail = append(w.tail, p...)
	if n := len(w.tail) - 512; n > 0 {
		w.tail = append(w.tail[:0], w.tail[n:]...)
	}
	w.mu.Unlock()
	select {
	case w.moved <- struct{}{}:
	default:
	}
}

// ends says whether the newest output ends with text.
func (w *witness) ends(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.HasSuffix(w.tail, []byte(text))
}

// soak is one run.
type soak struct {
	t       *testing.T
	g       *spine.Gateway
	dir     string
	weather *weather
	until   time.Time // zero: soakShortTurns per session
	turn    chan struct{}

	sessions, turns, faults, whole atomic.Int64

	mu   sync.Mutex // guards echo
	echo []time.Duration
}

// TestSoak_S27_S28_S11_SessionsUnderStallsAndFaults records many sessions at once, through the whole gateway and onto
// a real disk that stalls at random, while one turn in a hundred ends in a failing store. Whoever's store works goes on
// working: every echo comes, and no session ends but by itself or by its own fault. What each page saw is a prefix of
// what is recorded. At the end the right to all sessions is withdrawn under load, and all end. Then goroutines, files
// and memory are back where they were.
func TestSoak_S27_S28_S11_SessionsUnderStallsAndFaults(t *testing.T) {
	sessions := soakShortSessions
	var until time.Time
	if d := pamtest.Minutes(t); d > 0 {
		sessions, until = soakSessions, time.Now().Add(d)
	}
	dir := t.TempDir()
	disk, err := recorder.DirFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	store := &weather{rng: rand.New(rand.NewPCG(27, 28))}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g, err := spine.Start(spine.Config{
		Target: demoTarget(t, lineShell), FS: &recordertest.FaultFS{Next: disk, Hook: store.hook},
		Limits: pam.Limits{CloseTimeout: soakPatience}, // 500 ends at once on a busy machine: a page is late, not deaf
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(context.Background()); err != nil {
			t.Errorf("closing the gateway: %v", err)
		}
	})
	s := &soak{t: t, g: g, dir: dir, weather: store, until: until, turn: make(chan struct{}, 8)}
	s.session(ctx, -1, 2, nil) // what is made once is no leak
	base := takeStock(t)

	revoked := make(chan struct{})
	arrived := make(chan struct{}, sessions)
	var wg sync.WaitGroup
	for i := range sessions {
		wg.Go(func() {
			s.worker(ctx, i, revoked, func() { arrived <- struct{}{} })
		})
	}
	for range sessions {
		<-arrived
	}
	began := time.Now()
	close(revoked)
	g.Policy.Revoke(spine.User, spine.Recorded)
	g.Policy.Announce()
	wg.Wait()
	t.Logf("%d sessions under load were revoked within %v", sessions, time.Since(began).Round(time.Millisecond))
	slices.Sort(s.echo)
	n := len(s.echo)
	t.Logf("%d sessions, %d turns, %d faults, %d stalls; %d recordings whole; echo p50 %v, p99 %v, worst %v", s.sessions.Load(), s.turns.Load(),
		s.faults.Load(), store.stalls.Load(), s.whole.Load(), s.echo[n/2], s.echo[n*99/100], s.echo[n-1])
	if !until.IsZero() && s.faults.Load() == 0 {
		t.Error("no fault was met")
	}
	if h := g.Broker.Health(); h.Live != 0 {
		t.Errorf("%d sessions are still live", h.Live)
	}
	checkStock(t, base, int(s.sessions.Load()))
}

// worker holds one session after the other until the time is over, and then one that is revoked.
func (s *soak) worker(ctx context.Context, i int, revoked <-chan struct{}, arrive func()) {
	for turns := 0; !s.t.Failed(); {
		if s.until.IsZero() && turns >= soakShortTurns || !s.until.IsZero() && time.Now().After(s.until) {
			break
		}
		n := 3 + s.weather.draw(30)
		if s.until.IsZero() {
			n = min(n, soakShortTurns-turns)
		}
		turns += n
		s.session(ctx, i, n, nil)
	}
	var once sync.Once
	defer once.Do(arrive) // also when it fails
	s.session(ctx, i, 1<<30, func() <-chan struct{} { once.Do(arrive); return revoked })
}

// session runs one session for so many turns. With last it goes on until it is revoked.
func (s *soak) session(ctx context.Context, i, turns int, last func() <-chan struct{}) {
	s.turn <- struct{}{}
	b := s.g.Browser()
	id, page, seen, err := s.open(ctx, b)
	<-s.turn
	if err != nil {
		s.t.Errorf("session of %d: %v", i, err)
		return
	}
	defer page.Close()
	s.sessions.Add(1)
	want := pam.CodeRemoteLogoff
	var revoked <-chan struct{}
	for n := 0; n < turns; n++ {
		if last != nil && n == 2 {
			revoked = last()
		}
		if revoked == nil && last == nil && s.weather.draw(soakFault) == 0 {
			s.weather.doom(id)
			s.faults.Add(1)
			want = pam.CodeRecordingFailed
		}
		if err := s.command(ctx, page, seen, fmt.Sprintf("m-%d-%d", i, n), want == pam.CodeRemoteLogoff); err != nil {
			if last != nil && closed(revoked) {
				want = pam.CodeRevoked
				break
			}
			s.t.Errorf("session %s of %d, turn %d: %v", id, i, n, err)
			return
		}
		if want == pam.CodeRecordingFailed {
			break
		}
		s.turns.Add(1)
		if !s.until.IsZero() && !closed(revoked) {
			s.rest(ctx, revoked)
		}
	}
	if want == pam.CodeRemoteLogoff {
		if err := page.Key(ctx, "exit 0\r"); err != nil {
			s.t.Errorf("session %s of %d: exit: %v", id, i, err)
		}
	}
	wait, cancel := context.WithTimeout(ctx, soakPatience)
	defer cancel()
	if code, err := page.AwaitEnd(wait); err != nil || code != want {
		s.t.Errorf("session %s of %d ended as %q, %v; want %q", id, i, code, err, want)
		return
	}
	<-page.Gone()
	s.check(id, seen, want)
}

func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// open starts a session and waits for its prompt.
func (s *soak) open(ctx context.Context, b *pamtest.Browser) (pam.SessionID, *pamtest.Page, *witness, error) {
	ctx, cancel := context.WithTimeout(ctx, soakPatience)
	defer cancel()
	id, err := b.Start(ctx, spine.Recorded, nil)
	if err != nil {
		return "", nil, nil, err
	}
	seen := newWitness()
	page, err := b.Attach(ctx, id, pamtest.PageOptions{Output: seen.take})
	if err != nil {
		return "", nil, nil, err
	}
	if err := seen.await(ctx, page, "$ "); err != nil {
		page.Close()
		return "", nil, nil, err
	}
	return id, page, seen, nil
}

// await waits until the output ends with text.
func (w *witness) await(ctx context.Context, page *pamtest.Page, text string) error {
	for !w.ends(text) {
		select {
		case <-w.moved:
		case <-page.Gone():
			if w.ends(text) {
				return nil
			}
			return fmt.Errorf("%w: %v", pamtest.ErrPageClosed, page.View())
		case <-ctx.Done():
			return fmt.Errorf("%w; waiting for %q: %v", context.Cause(ctx), text, page.View())
		}
	}
	return nil
}

// command types a line and waits for its echo, and now and then for much output. Where the store is doomed the session
// may end at any moment, and that is no error.
func (s *soak) command(ctx context.Context, page *pamtest.Page, seen *witness, line string, whole bool) error {
	ctx, cancel := context.WithTimeout(ctx, soakPatience)
	defer cancel()
	begin := time.Now()
	err := page.Key(ctx, line)
	if err == nil {
		err = seen.await(ctx, page, line)
	}
	if err == nil && whole {
		s.mu.Lock()
		s.echo = append(s.echo, time.Since(begin))
		s.mu.Unlock()
	}
	end := "\r"
	if s.weather.draw(8) == 0 {
		end = "\rflood 300\r"
	}
	if err == nil {
		err = page.Key(ctx, end)
	}
	if err == nil {
		err = seen.await(ctx, page, "$ ")
	}
	if !whole && (errors.Is(err, pamtest.ErrPageClosed) || closed(page.Gone())) {
		return nil
	}
	return err
}

// rest is the time in which a person reads.
func (s *soak) rest(ctx context.Context, revoked <-chan struct{}) {
	t := time.NewTimer(time.Duration(s.weather.draw(int(2 * soakThink))))
	defer t.Stop()
	select {
	case <-t.C:
	case <-revoked:
	case <-ctx.Done():
	}
}

// check compares what a page was shown with what is recorded, and removes the recording.
func (s *soak) check(id pam.SessionID, seen *witness, code pam.Code) {
	s.awaitEnd(id)
	files, err := filepath.Glob(filepath.Join(s.dir, "*."+string(id)+".*"))
	if err != nil || len(files) != 1 {
		s.t.Errorf("session %s has recordings %v, %v; want one", id, files, err)
		return
	}
	recorded, state := playedFile(s.t, files[0], s.g)
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if seen.count > len(recorded) {
		s.t.Errorf("session %s: the page saw %d bytes, %d are recorded", id, seen.count, len(recorded))
		return
	}
	if sum := sha256.Sum256(recorded[:seen.count]); !bytes.Equal(sum[:], seen.sum.Sum(nil)) {
		s.t.Errorf("session %s: the %d bytes that the page saw are no prefix of the %d recorded", id, seen.count, len(recorded))
	}
	if want := code != pam.CodeRecordingFailed; want != (state == recorder.StateValidComplete) {
		s.t.Errorf("session %s ended as %s and its recording is %v", id, code, state)
	} else if want {
		s.whole.Add(1)
	}
	if err := os.Remove(files[0]); err != nil {
		s.t.Error(err)
	}
}

// awaitEnd waits until the session is completed: its recording is closed before.
func (s *soak) awaitEnd(id pam.SessionID) {
	for end := time.Now().Add(soakPatience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if info, err := s.g.Broker.Session(s.t.Context(), id); err != nil || info.State == pam.StateCompleted {
			return
		}
	}
	s.t.Errorf("session %s does not end", id)
}

// stock is what a process holds.
type stock struct {
	goroutines, files int
	heap              uint64
}

func takeStock(t *testing.T) stock {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	runtime.GC()
	runtime.GC() // the first moves what pools hold to where the second frees it
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil && !errors.Is(err, os.ErrNotExist) { // only Linux has it
		t.Fatal(err)
	}
	return stock{runtime.NumGoroutine(), len(fds), m.HeapAlloc}
}

// checkStock fails unless everything is back at base within soakPatience. The store in memory, the list of events and
// that of the policy's questions keep what is past, which is allowed for.
func checkStock(t *testing.T, base stock, sessions int) {
	t.Helper()
	const slack, perSession = 8 << 20, 16 << 10
	limit := base.heap + slack + uint64(sessions)*perSession
	var now stock
	for end := time.Now().Add(soakPatience); time.Now().Before(end); time.Sleep(time.Second) {
		now = takeStock(t)
		if now.goroutines <= base.goroutines && now.files <= base.files && now.heap <= limit {
			break
		}
	}
	t.Logf("goroutines %d, then %d; files %d, then %d; heap %.1f MiB, then %.1f", base.goroutines, now.goroutines, base.files, now.files,
		float64(base.heap)/(1<<20), float64(now.heap)/(1<<20))
	if now.goroutines > base.goroutines || now.files > base.files || now.heap > limit {
		t.Errorf("at the end there are %+v, there were %+v; want at most %d bytes of heap", now, base, limit)
	}
}
