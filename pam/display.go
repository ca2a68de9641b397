package pam

import (
	"context"
	"maps"
	"net/http"
	"slices"
)

// displayBody is the body of a change of display parameters.
type displayBody struct {
	Params Params `json:"params"`
}

// serveDisplay takes over how the owner has made the session look: a reload of the page shows it so again, and the
// next launch begins with it (L8). Only parameters that the viewer alone uses can be changed in a running session.
func (b *Broker) serveDisplay(w http.ResponseWriter, r *http.Request, who Identity) error {
	var body displayBody
	if err := b.readJSON(w, r, &body); err != nil {
		return err
	}
	s, p, err := b.place(r, who)
	if err != nil {
		return err
	}
	if p.mode != ModeOwner {
		return &Refusal{Code: CodeCapabilityDenied}
	}
	if err := s.display(r.Context(), p, body.Params); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// display checks and sets display parameters, and remembers them for this user and asset.
func (s *liveSession) display(ctx context.Context, p *participant, given Params) error {
	if len(given) == 0 {
		return nil
	}
	schema := s.protocol.Params()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(schema, func(p Param) bool { return p.Name == name && p.Display })
		if i < 0 {
			return &Refusal{Code: CodeInvalidParam, Field: name, Text: "not a parameter of the display"}
		}
		if err := schema[i].check(given[name], s.asset.Type.OS, *p.caps.Load()); err != nil {
			return &Refusal{Code: CodeInvalidParam, Field: name, Err: err}
		}
	}
	s.mu.Lock()
	changed := maps.Clone(s.params) // viewers and the report hold the former map
	if changed == nil {
		changed = Params{}
	}
	maps.Copy(changed, given)
	s.params, s.info.Params = changed, changed
	s.touchViewers()
	s.mu.Unlock()

	remembered, err := s.b.cfg.Store.Params(ctx, s.info.User, s.asset.ID)
	if err == nil {
		if remembered = maps.Clone(remembered); remembered == nil {
			remembered = Params{}
		}
		maps.Copy(remembered, given)
		err = s.b.cfg.Store.PutParams(ctx, s.info.User, s.asset.ID, remembered)
	}
	if err != nil {
		s.log.Warn("remembering parameters", "err", err)
	}
	return nil
}
