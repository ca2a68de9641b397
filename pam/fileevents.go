package pam

import (
	"context"
	"fmt"
)

// note writes down what is done with a file, before it is done where that is possible: what cannot be written down does not
// happen (I13, S31). It does nothing unless the policy wants a record.
func (c fileCall) note(ctx context.Context, op fileOp, e SessionEvent) error {
	if c.p.caps.Load().Value(op.record()) != Record {
		return nil
	}
	return c.writeDown(ctx, op, e)
}

func (c fileCall) writeDown(ctx context.Context, op fileOp, e SessionEvent) error {
	e = op.event(e)
	if err := c.s.b.audit.write(ctx, c.event(op, e)); err != nil {
		c.s.log.Error("audit event lost", "verb", op.verb, "err", err)
		return &Refusal{Code: CodeAuditFailed}
	}
	index, err := c.s.append(EntryEvent, c.p.id, e)
	if err == nil {
		err = c.s.writtenUpTo(ctx, index)
	}
	if err != nil {
		if c.s.ctx.Err() == nil && ctx.Err() == nil {
			c.s.recordingFailed(err)
		}
		return &Refusal{Code: CodeRecordingFailed}
	}
	return nil
}

// denied writes down a refused attempt, whether the policy wants a record of the operation or forbids it.
func (c fileCall) denied(ctx context.Context, op fileOp, e SessionEvent, code Code) {
	c.s.b.met.droppedOps.Inc(1)
	if op.verb == "" {
		return
	}
	e.Outcome = code
	e = op.event(e)
	c.s.b.auditDenial(ctx, c.event(op, e))
	if _, err := c.s.append(EntryEvent, c.p.id, e); err != nil {
		c.s.recordingFailed(err)
	}
}

// event completes a session event with what the operation says.
func (o *fileOp) event(e SessionEvent) SessionEvent {
	e.Type, e.Direction = string(o.record()), o.direction()
	if e.Action == "" {
		e.Action = o.action
	}
	if e.Outcome == "" {
		e.Outcome = CodeAllowed
	}
	return e
}

// event is the audit event for a session event.
func (c fileCall) event(op fileOp, e SessionEvent) Event {
	detail := fmt.Sprintf("%s %q", e.Action, e.Path)
	switch {
	case e.To != "":
		detail += fmt.Sprintf(" to %q", e.To)
	case e.SHA256 != "":
		detail += fmt.Sprintf(", %d bytes, sha256 %s", e.Size, e.SHA256)
	case op.action == "upload" || op.action == "download":
		detail += fmt.Sprintf(", %d bytes", e.Size)
	}
	return Event{
		At: c.s.b.cfg.Now(), Verb: op.verb, User: c.p.user, Login: c.p.login, Asset: c.s.asset.ID, Session: c.s.id,
		ClientAddr: addrText(c.addr), Code: e.Outcome, Detail: detail,
	}
}
