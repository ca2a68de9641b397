package pam

import "time"

// workflowView is what a page needs to know to ask for approval: who decides, and what a request must or may say.
type workflowView struct {
	Name      string      `json:"name,omitempty"`
	Levels    []levelNeed `json:"levels"`
	Longest   int         `json:"longest_seconds"`
	Ticket    bool        `json:"ticket"`
	Exclusive string      `json:"exclusive"` // one of the Exclusive… constants
	Once      bool        `json:"once"`
}

// levelNeed is a level of a workflow without the names of its approvers, which are the policy's business.
type levelNeed struct {
	Name     string `json:"name"`
	Required int    `json:"required"`
}

// requestRef is the request that an access stands on, or waits for.
type requestRef struct {
	ID    RequestID    `json:"id"`
	State RequestState `json:"state"`
}

// ways says how an access that needs approval comes by it. Who may not even ask hears nothing of it.
func (b *Broker) ways(ev evaluation) (*workflowView, *requestRef) {
	switch ev.decision.Code {
	case CodeAllowed, CodeMFARequired, CodeRequestRequired, CodeRequestPending:
	default:
		return nil, nil
	}
	var ref *requestRef
	if ev.request != nil {
		ref = &requestRef{ev.request.ID, ev.request.State}
	}
	sel := ev.grants.Selector
	if ev.decision.Code != CodeRequestRequired || sel == nil || sel.Workflow == nil || len(sel.Workflow.Levels) == 0 {
		return nil, ref
	}
	w := &workflowView{
		Name: sel.Workflow.Name, Longest: int(sel.Workflow.longest(&b.cfg.Limits) / time.Second), Ticket: sel.Workflow.Ticket,
		Exclusive: ExclusiveUnavailable, Once: sel.Workflow.Once,
	}
	if sel.Exclusive == ExclusiveOptional || sel.Exclusive == ExclusiveRequired {
		w.Exclusive = sel.Exclusive
	}
	for _, l := range sel.Workflow.Levels {
		w.Levels = append(w.Levels, levelNeed{l.Name, max(1, l.Required)})
	}
	return w, ref
}

// longest is the longest time that may be asked for.
func (w *Workflow) longest(l *Limits) time.Duration {
	if w.Longest > 0 {
		return w.Longest
	}
	return l.RequestLongest
}
