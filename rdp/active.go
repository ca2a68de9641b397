package rdp

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/bulk"
	"github.com/sallyport/sallyport/rdp/internal/connect"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// maxFragments is the greatest update that may come in fragments, in bytes; it is announced to the server (MaxRequestSize of
// [MS-RDPBCGR] 2.2.7.2.6).
const maxFragments = 4 << 20

// keptFragments is how large a buffer for fragments is kept. The whole picture at the start is one such update on some servers, and would be the size of a
// buffer that each connection keeps for good.
const keptFragments = 128 << 10

// stage is the active stage without I/O: units of the server in, updates and bytes to send out. A unit's updates are taken one by
// one, since each may lie in the history of the decompressor, which the next one overwrites.
type stage struct {
	user, io   pdu.ChannelID
	activation connect.Activation
	active     bool // the desktop is there
	bulk       *bulk.Decompressor

	statics map[pdu.ChannelID]*static // virtual channels
	early   []connect.Early           // what came on them before the desktop was there

	from   *static
	chunk  []byte // data of the unit for from, a virtual channel
	fast   []byte // updates of the unit that are left
	slow   []byte // share control PDUs of the unit that are left
	cmds   []byte // surface commands of the update that are left
	frag   []byte // fragments so far
	code   pdu.UpdateCode
	open   bool // there are fragments
	notice *Error
	out    []byte // to send

	// What next returns points to one of these: nothing is allocated for an update.
	mcs      pdu.MCS
	picture  pdu.BitmapData
	command  pdu.SurfaceCommand
	shape    pdu.PointerShape
	bitmap   Bitmap
	surface  SurfaceBits
	palette  Palette
	marker   FrameMarker
	pointer  PointerShape
	cached   PointerCached
	system   PointerSystem
	moved    PointerMoved
	resized  Resized
	locks    LockKeys
	signedIn SignedIn
	cookie   *pdu.ReconnectCookie // the last one
	noticed  Notice
}

func newStage(res *connect.Result) *stage {
	return &stage{user: res.User, io: res.IO, activation: res.Activation, active: true, bulk: bulk.NewDecompressor(), statics: map[pdu.ChannelID]*static{}}
}

// feed takes one unit, which must stay as it is until next has returned nil.
func (s *stage) feed(unit []byte) error {
	if !s.open && cap(s.frag) > keptFragments {
		s.frag = nil // what was taken from it is void
	}
	if pdu.IsFastPath(unit) {
		var p pdu.FastPath
		if err := p.UnmarshalBinary(unit); err != nil {
			return err
		}
		if p.Encrypted {
			return errors.New("fast-path PDU: it is encrypted inside TLS")
		}
		s.fast = p.Body
		return nil
	}
	payload, err := pdu.DataPayload(unit)
	if err != nil {
		return err
	}
	if err := s.mcs.UnmarshalBinary(payload); err != nil {
		return err
	}
	switch s.mcs.Kind {
	case pdu.MCSDisconnectProviderUltimatum:
		if s.notice != nil {
			return s.notice
		}
		return &connect.DisconnectError{Reason: s.mcs.Reason}
	case pdu.MCSSendDataIndication:
		if s.mcs.Channel == s.io {
			s.slow = s.mcs.Data
		} else if s.from = s.statics[s.mcs.Channel]; s.from != nil {
			s.chunk = s.mcs.Data
		}
		return nil
	}
	return fmt.Errorf("MCS %v in a session", s.mcs.Kind)
}

// next returns the next update of the unit, or nil if there is none left.
func (s *stage) next() (Update, error) {
	for {
		var u Update
		var err error
		switch {
		case len(s.early) > 0:
			e := s.early[0]
			if s.early = s.early[1:]; s.statics[e.Channel] != nil {
				u, err = s.statics[e.Channel].receive(e.Data)
			}
		case len(s.chunk) > 0:
			chunk := s.chunk
			s.chunk = nil
			u, err = s.from.receive(chunk)
		case len(s.cmds) > 0:
			u, err = s.takeCommand()
		case len(s.fast) > 0:
			u, err = s.takeFast()
		case len(s.slow) > 0:
			u, err = s.takeSlow()
		default:
			return nil, nil
		}
		if u != nil || err != nil {
			return u, err
		}
	}
}

// takeFast takes one fast-path update, or a fragment of one (2.2.9.1.2.1).
func (s *stage) takeFast() (Update, error) {
	var p pdu.FastPathUpdate
	rest, err := pdu.TakeFastPathUpdate(s.fast, &p)
	if err != nil {
		return nil, err
	}
	s.fast = rest
	data := p.Data
	if p.Compression != 0 {
		if data, err = s.bulk.Decompress(p.Compression, data); err != nil {
			return nil, err
		}
	}
	switch starts := p.Fragment == pdu.FragmentSingle || p.Fragment == pdu.FragmentFirst; {
	case starts && s.open:
		return nil, fmt.Errorf("fast-path update %d begins inside update %d", p.Code, s.code)
	case !starts && !s.open, !starts && p.Code != s.code:
		return nil, fmt.Errorf("fast-path update %d: a fragment without its beginning", p.Code)
	}
	if p.Fragment != pdu.FragmentSingle {
		if p.Fragment == pdu.FragmentFirst {
			s.frag, s.code, s.open = s.frag[:0], p.Code, true
		}
		if len(s.frag)+len(data) > maxFragments {
			return nil, fmt.Errorf("fast-path update %d: more than %d bytes in fragments", p.Code, maxFragments)
		}
		s.frag = append(s.frag, data...)
		if p.Fragment != pdu.FragmentLast {
			return nil, nil
		}
		data, s.open = s.frag, false
	}
	if !s.active {
		return nil, nil // the desktop is being made anew
	}
	switch p.Code {
	case pdu.UpdateBitmap:
		return s.takeBitmap(data)
	case pdu.UpdatePalette:
		return s.takePalette(data)
	case pdu.UpdateSurfaceCommands:
		s.cmds = data
		return nil, nil
	case pdu.UpdateSynchronize:
		return nil, nil
	case pdu.UpdatePointerHidden:
		s.system = PointerSystem{Hidden: true}
		return &s.system, nil
	case pdu.UpdatePointerDefault:
		s.system = PointerSystem{}
		return &s.system, nil
	case pdu.UpdatePointerPosition:
		return s.takePosition(data)
	case pdu.UpdatePointerColor:
		return s.takeShape(pdu.PointerKindColor, data)
	case pdu.UpdatePointerNew:
		return s.takeShape(pdu.PointerKindNew, data)
	case pdu.UpdatePointerLarge:
		return s.takeShape(pdu.PointerKindLarge, data)
	case pdu.UpdatePointerCached:
		return s.takeCached(data)
	case pdu.UpdateOrders:
		return nil, errors.New("a drawing order came, none was offered")
	}
	return nil, fmt.Errorf("fast-path update of unknown type %d", p.Code)
}

// takeSlow takes one share control PDU.
func (s *stage) takeSlow() (Update, error) {
	p, rest, err := pdu.TakeShareControl(s.slow)
	if err != nil {
		return nil, err
	}
	if p != nil && (!s.active || p.Kind != pdu.ShareData) {
		return s.reactivate(s.slow, rest)
	}
	s.slow = rest
	if p == nil {
		return nil, nil
	}
	var d pdu.Data
	if err := d.UnmarshalBinary(p.Body); err != nil {
		return nil, err
	}
	if d.Compression != 0 {
		if d.Body, err = s.bulk.Decompress(d.Compression, d.Body); err != nil {
			return nil, err
		}
	}
	return s.takeData(&d)
}

// reactivate hands the next PDU to the activation (1.3.1.3).
func (s *stage) reactivate(all, rest []byte) (Update, error) {
	s.active, s.open = false, false
	s.slow = rest
	out, finished, err := s.activation.Step(all[:len(all)-len(rest)])
	if err != nil {
		return nil, err
	}
	s.out = append(s.out, out...)
	if !finished {
		return nil, nil
	}
	s.active = true
	s.resized = Resized{s.activation.Width, s.activation.Height}
	return &s.resized, nil
}

// takeData takes one share data PDU. Types that need no answer and show nothing are left out.
func (s *stage) takeData(d *pdu.Data) (Update, error) {
	switch d.Kind {
	case pdu.DataUpdate:
		return s.takeUpdate(d.Body)
	case pdu.DataPointer:
		kind, body, err := pdu.TakePointer(d.Body)
		if err != nil {
			return nil, err
		}
		return s.takePointer(kind, body)
	case pdu.DataSetKeyboardIndicators:
		l, err := pdu.TakeKeyboardIndicators(d.Body)
		s.locks = LockKeys{Scroll: l&pdu.LockScroll != 0, Num: l&pdu.LockNum != 0, Caps: l&pdu.LockCaps != 0, Kana: l&pdu.LockKana != 0}
		return &s.locks, err
	case pdu.DataSaveSessionInfo:
		var info pdu.SessionInfo
		if err := info.UnmarshalBinary(d.Body); err != nil {
			return nil, err
		}
		if info.Reconnect != nil {
			s.cookie = info.Reconnect
		}
		s.signedIn = SignedIn{Done: !info.HasErrors, Type: info.ErrorType, Value: info.ErrorValue}
		return &s.signedIn, nil
	case pdu.DataSetErrorInfo:
		code, err := pdu.TakeErrorInfo(d.Body)
		if err != nil || code == 0 {
			return nil, err
		}
		s.notice = &Error{Code: infoCode(code), Phase: "session", Err: &pdu.ErrorInfo{Code: code}}
		s.noticed = Notice{s.notice}
		return &s.noticed, nil
	}
	return nil, nil
}

func (s *stage) takeUpdate(body []byte) (Update, error) {
	if len(body) < 2 {
		return nil, fmt.Errorf("update of %d bytes", len(body))
	}
	switch kind := pdu.UpdateKind(body[0]) | pdu.UpdateKind(body[1])<<8; kind {
	case pdu.KindBitmap:
		return s.takeBitmap(body)
	case pdu.KindPalette:
		return s.takePalette(body)
	case pdu.KindSynchronize:
		return nil, nil
	case pdu.KindOrders:
		return nil, errors.New("a drawing order came, none was offered")
	default:
		return nil, fmt.Errorf("update of unknown type %d", kind)
	}
}
