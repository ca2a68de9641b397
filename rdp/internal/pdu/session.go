package pdu

import (
	"crypto/hmac"
	"crypto/md5"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// SessionInfo is a Save Session Info PDU ([MS-RDPBCGR] 2.2.10.1): somebody signed in, or the server has something to say about
// the sign-in. Who signed in is not taken down: the client knows it, and a server could write what it likes.
type SessionInfo struct {
	Kind SessionInfoKind

	// Of SessionInfoExtended.
	Reconnect  *ReconnectCookie // nil: none
	HasErrors  bool
	ErrorType  uint32 // ErrorNotificationType
	ErrorValue uint32 // ErrorNotificationData
}

// SessionInfoKind is the type of a SessionInfo.
type SessionInfoKind uint32

// The types.
const (
	SessionInfoLogon     SessionInfoKind = 0 // INFOTYPE_LOGON
	SessionInfoLogonLong SessionInfoKind = 1 // INFOTYPE_LOGON_LONG
	SessionInfoPlain     SessionInfoKind = 2 // INFOTYPE_LOGON_PLAINNOTIFY
	SessionInfoExtended  SessionInfoKind = 3 // INFOTYPE_LOGON_EXTENDED_INFO
)

// ReconnectCookie is ARC_SC_PRIVATE_PACKET (2.2.4.2): what lets a client come back to its session without a password. It is a
// secret.
type ReconnectCookie struct {
	LogonID uint32
	Random  [16]byte
}

// Proof returns what shows that a client has the cookie: ARC_CS_PRIVATE_PACKET (2.2.4.3, 5.5). random is the client's, zeros inside TLS.
func (c *ReconnectCookie) Proof(random []byte) []byte {
	h := hmac.New(md5.New, c.Random[:])
	h.Write(random)
	b := wire.AppendU32LE(nil, reconnectSize)
	b = wire.AppendU32LE(wire.AppendU32LE(b, cookieVersion), c.LogonID)
	return h.Sum(b)
}

const (
	logonCookie   uint32 = 0x00000001 // LOGON_EX_AUTORECONNECTCOOKIE
	logonErrors   uint32 = 0x00000002 // LOGON_EX_LOGONERRORS
	cookieSize           = 4 /* cbLen */ + 4 /* version */ + 4 /* logonId */ + 16
	cookieVersion        = 1
	errorsSize           = 8
	sessionPad           = 570
)

// UnmarshalBinary decodes the body of the PDU.
func (p *SessionInfo) UnmarshalBinary(body []byte) error {
	r := wire.NewReader(body)
	*p = SessionInfo{Kind: SessionInfoKind(r.U32LE("infoType"))}
	if p.Kind > SessionInfoExtended {
		r.Failf("infoType: %d is not known", p.Kind)
	}
	if p.Kind != SessionInfoExtended {
		return r.Done("save session info")
	}
	r.U16LE("Length")
	fields := r.U32LE("FieldsPresent")
	if fields&logonCookie != 0 {
		r.U32LE("cbFieldData")
		r.Want("cbLen", uint64(r.U32LE("cbLen")), cookieSize)
		r.Want("version", uint64(r.U32LE("version")), cookieVersion)
		p.Reconnect = &ReconnectCookie{LogonID: r.U32LE("logonId")}
		copy(p.Reconnect.Random[:], r.Bytes("arcRandomBits", len(p.Reconnect.Random)))
	}
	if fields&logonErrors != 0 {
		r.U32LE("cbFieldData")
		p.HasErrors, p.ErrorType, p.ErrorValue = true, r.U32LE("ErrorNotificationType"), r.U32LE("ErrorNotificationData")
	}
	return r.Done("save session info")
}

// AppendBinary appends the body of the PDU. The older kinds, which name the user, are sent without a name.
func (p *SessionInfo) AppendBinary(b []byte) []byte {
	b = wire.AppendU32LE(b, uint32(p.Kind))
	if p.Kind != SessionInfoExtended {
		return wire.AppendZeros(b, sessionPad)
	}
	var fields uint32
	var data []byte
	if c := p.Reconnect; c != nil {
		fields |= logonCookie
		for _, v := range []uint32{cookieSize, cookieSize, cookieVersion, c.LogonID} {
			data = wire.AppendU32LE(data, v)
		}
		data = append(data, c.Random[:]...)
	}
	if p.HasErrors {
		fields |= logonErrors
		for _, v := range []uint32{errorsSize, p.ErrorType, p.ErrorValue} {
			data = wire.AppendU32LE(data, v)
		}
	}
	b = wire.AppendU16LE(b, uint16(2+4+len(data)))
	return wire.AppendZeros(append(wire.AppendU32LE(b, fields), data...), sessionPad)
}

// AppendKeyboardIndicators appends the body of a Set Keyboard Indicators PDU (2.2.8.2.1.1). locks are LockScroll and its kin.
func AppendKeyboardIndicators(b []byte, locks uint16) []byte {
	return wire.AppendU16LE(wire.AppendU16LE(b, 0), locks)
}

// TakeKeyboardIndicators returns the lock keys of a Set Keyboard Indicators PDU.
func TakeKeyboardIndicators(body []byte) (locks uint16, err error) {
	r := wire.NewReader(body)
	r.U16LE("UnitId")
	locks = r.U16LE("LedFlags")
	return locks, r.Done("set keyboard indicators")
}

// Area is a rectangle whose right and bottom belong to it: TS_RECTANGLE16 (2.2.11.1).
type Area struct{ Left, Top, Right, Bottom uint16 }

func (a Area) append(b []byte) []byte {
	for _, v := range []uint16{a.Left, a.Top, a.Right, a.Bottom} {
		b = wire.AppendU16LE(b, v)
	}
	return b
}

func takeArea(r *wire.Reader) Area {
	return Area{r.U16LE("left"), r.U16LE("top"), r.U16LE("right"), r.U16LE("bottom")}
}

const areaSize = 8

// AppendSuppressOutput appends the body of a Suppress Output PDU (2.2.11.3): the server shall stop to draw if show is nil, and
// else draw that area.
func AppendSuppressOutput(b []byte, show *Area) []byte {
	if show == nil {
		return append(b, 0, 0, 0, 0)
	}
	return show.append(append(b, 1, 0, 0, 0))
}

// TakeSuppressOutput returns what the body of a Suppress Output PDU asks for.
func TakeSuppressOutput(body []byte) (show *Area, err error) {
	r := wire.NewReader(body)
	allow := r.U8("allowDisplayUpdates")
	r.Skip("pad3Octets", 3)
	if allow != 0 {
		a := takeArea(&r)
		show = &a
	}
	if err := r.Done("suppress output"); err != nil {
		return nil, err
	}
	return show, nil
}

// AppendRefreshRect appends the body of a Refresh Rect PDU (2.2.11.2): these areas shall be drawn anew. At most 255 count.
func AppendRefreshRect(b []byte, areas ...Area) []byte {
	areas = areas[:min(len(areas), 0xff)]
	b = append(b, byte(len(areas)), 0, 0, 0)
	for _, a := range areas {
		b = a.append(b)
	}
	return b
}

// TakeRefreshRect returns the areas of a Refresh Rect PDU.
func TakeRefreshRect(body []byte) ([]Area, error) {
	r := wire.NewReader(body)
	number := r.U8("numberOfAreas")
	r.Skip("pad3Octets", 3)
	areas := make([]Area, r.Count("numberOfAreas", uint64(number), areaSize, 0xff))
	for i := range areas {
		areas[i] = takeArea(&r)
	}
	return areas, r.Done("refresh rect")
}

// AppendFrameAcknowledge appends the body of a Frame Acknowledge PDU ([MS-RDPRFX] 2.2.3.1).
func AppendFrameAcknowledge(b []byte, frame uint32) []byte { return wire.AppendU32LE(b, frame) }

// TakeFrameAcknowledge returns the frame of a Frame Acknowledge PDU.
func TakeFrameAcknowledge(body []byte) (uint32, error) {
	r := wire.NewReader(body)
	frame := r.U32LE("frameID")
	return frame, r.Done("frame acknowledge")
}
