package policy

import (
	"fmt"
	"sync"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/sallyport/sallyport/pam"
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
	env  env
	rows [kinds][][]string
	hits []entry

	assigned []assigned // the user's enabled profiles on the path, for the profile stage
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
	for k := range kinds {
		w.rules[k] = e.GetModel()["p"][k.ptype()]
		w.guard[k] = guardRow(k)
		w.idle[k] = [][]string{w.guard[k]}
		w.rules[k].Policy = w.idle[k]
	}
	return w, nil
}

// begin points the worker at a question.
func (w *worker) begin(s *snapshot, leaf int32, q pam.Query) {
	w.path.set(s, leaf)
	w.env = env{snap: s, addr: q.ClientAddr.Unmap().WithZone("")}
	if len(s.times) > 0 {
		w.env.now = s.calendar.classes(q.At)
	}
}

// load gives Casbin the rules of kind k that can concern the subject on the worker's path and, of profiles, the
// declaration act, of selectors, the operation act.
func (w *worker) load(k kind, sub *subject, act string) {
	s := w.env.snap
	rows := w.rows[k][:0]
	switch k {
	case kindRole:
		rows, w.hits = s.roleRows(rows, w.hits[:0], sub, &w.path)
	case kindProfile:
		rows = s.profileRows(rows, w.assigned, act)
	case kindSelector:
		rows, w.hits = s.selectorRows(rows, w.hits[:0], sub, &w.path, act)
	}
	w.rows[k] = append(rows, w.guard[k])
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
	clear(w.assigned)
	w.assigned = w.assigned[:0]
	if cap(w.assigned) > maxScratch {
		w.assigned = nil
	}
	w.path.snap = nil
	w.env = env{}
}

const (
	maxScratch = 4096 // rules; a worker that needed more gives the memory back
	maxIdle    = 64   // workers; each takes about 20 KB
)

// stages names the definitions of the model that Casbin uses for each kind of rule.
var stages = [kinds]any{
	kindRole:     casbin.EnforceContext{RType: "r", PType: "p", EType: "e", MType: "m"},
	kindProfile:  casbin.EnforceContext{RType: "r", PType: "p2", EType: "e2", MType: "m2"},
	kindSelector: casbin.EnforceContext{RType: "r", PType: "p3", EType: "e3", MType: "m3"},
}

func stageContext(k kind) any { return stages[k] }

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
