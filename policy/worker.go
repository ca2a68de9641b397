package policy

import (
	"fmt"
	"sync"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
)

// enforcer is what the engine asks of Casbin.
type enforcer interface {
	EnforceEx(rvals ...any) (bool, []string, error)
}

// worker is a Casbin enforcer with the space that one decision needs. One goroutine uses it at a time.
type worker struct {
	enforcer enforcer
	rules    [kinds]*model.Assertion // where the enforcer reads its rules from
	guard    [kinds][]string
	idle     [kinds][][]string // a guard alone: the rules while nobody uses the worker

	path path
	rows [kinds][][]string
	hits []entry
}

func newWorker(text string, links [][]string, wrap func(enforcer) enforcer) (*worker, error) {
	e, err := newCasbin(text, links)
	if err != nil {
		return nil, err
	}
	w := &worker{enforcer: e}
	if wrap != nil {
		w.enforcer = wrap(e)
	}
	for k, ptype := range [kinds]string{kindRole: "p", kindProfile: "p2"} {
		w.rules[k] = e.GetModel()["p"][ptype]
		w.guard[k] = guardRow(kind(k))
		w.idle[k] = [][]string{w.guard[k]}
		w.rules[k].Policy = w.idle[k]
	}
	return w, nil
}

// load gives Casbin the rules of kind k that can concern the subject on the worker's path.
func (w *worker) load(s *snapshot, k kind, sub *subject) {
	w.rows[k], w.hits = s.candidates(k, w.rows[k], w.hits, sub, &w.path, w.guard[k])
	w.rules[k].Policy = w.rows[k]
}

// reset lets go of the snapshot, so that an idle worker does not keep an old one in memory.
func (w *worker) reset() {
	for k := range w.rules {
		w.rules[k].Policy = w.idle[k]
		clear(w.rows[k])
		if cap(w.rows[k]) > maxScratch {
			w.rows[k] = nil
		}
	}
	if cap(w.hits) > maxScratch {
		w.hits = nil
	}
	w.path.snap = nil
}

const (
	maxScratch = 4096 // rules; a worker that needed more gives the memory back
	maxIdle    = 64   // workers; each takes about 20 KB
)

// stageContext names the definitions of the model that Casbin uses for a kind of rule.
func stageContext(k kind) any {
	if k == kindRole {
		return casbin.EnforceContext{RType: "r", PType: "p", EType: "e", MType: "m"}
	}
	return casbin.EnforceContext{RType: "r", PType: "p2", EType: "e2", MType: "m2"}
}

// pool is a free list of workers: last in, first out, so that a quiet engine uses the one whose memory is
// warm. A sync.Pool would lose them, with their compiled matchers, at each garbage collection.
type pool struct {
	text  string
	links [][]string
	wrap  func(enforcer) enforcer // for tests

	mu   sync.Mutex // guards free
	free []*worker
}

func (p *pool) get() (*worker, error) {
	p.mu.Lock()
	if n := len(p.free); n > 0 {
		w := p.free[n-1]
		p.free[n-1] = nil
		p.free = p.free[:n-1]
		p.mu.Unlock()
		return w, nil
	}
	p.mu.Unlock()
	w, err := newWorker(p.text, p.links, p.wrap)
	if err != nil {
		return nil, fmt.Errorf("new worker: %w", err)
	}
	return w, nil
}

// put takes back a worker whose last decision went well. One that failed is dropped.
func (p *pool) put(w *worker) {
	w.reset()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < maxIdle {
		p.free = append(p.free, w)
	}
}
