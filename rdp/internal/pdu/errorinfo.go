package pdu

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// ErrorInfo is why a server disconnects, as it says in a Set Error Info PDU ([MS-RDPBCGR] 2.2.5.1.1).
type ErrorInfo struct{ Code uint32 }

// Codes that something depends on.
const (
	ErrorInfoRPCDisconnect     uint32 = 0x00000001 // an administrator disconnected the session
	ErrorInfoRPCLogoff         uint32 = 0x00000002 // an administrator signed the user out
	ErrorInfoIdleTimeout       uint32 = 0x00000003
	ErrorInfoLogonTimeout      uint32 = 0x00000004
	ErrorInfoReplaced          uint32 = 0x00000005 // another connection took over
	ErrorInfoOutOfMemory       uint32 = 0x00000006
	ErrorInfoDenied            uint32 = 0x00000007
	ErrorInfoPrivileges        uint32 = 0x00000009
	ErrorInfoFreshCredentials  uint32 = 0x0000000a
	ErrorInfoUserDisconnect    uint32 = 0x0000000b // the user disconnected the session inside
	ErrorInfoUserLogoff        uint32 = 0x0000000c // the user signed out
	ErrorInfoNoLicenseServer   uint32 = 0x00000101
	ErrorInfoNoLicense         uint32 = 0x00000102
	ErrorInfoLicenseExpired    uint32 = 0x00000104
	ErrorInfoBrokerNotFound    uint32 = 0x00000400
	ErrorInfoFirstProtocolCode uint32 = 0x000010c9
)

var errorInfoText = map[uint32]string{
	ErrorInfoRPCDisconnect: "an administrator disconnected the session", ErrorInfoRPCLogoff: "an administrator signed the user out",
	ErrorInfoIdleTimeout: "the session was idle for too long", ErrorInfoLogonTimeout: "the sign-in took too long",
	ErrorInfoReplaced: "another connection took the session over", ErrorInfoOutOfMemory: "the server has no memory left",
	ErrorInfoDenied: "the server refused the connection", ErrorInfoPrivileges: "the user may not sign in remotely",
	ErrorInfoFreshCredentials: "the server wants the credentials anew", ErrorInfoUserDisconnect: "the user disconnected the session",
	ErrorInfoUserLogoff: "the user signed out", ErrorInfoNoLicenseServer: "no licence server is available",
	ErrorInfoNoLicense: "no licence is available", 0x103: "a licensing message was invalid", ErrorInfoLicenseExpired: "the client's licence is not valid",
	0x105: "a licensing message was malformed", 0x106: "a licensing message was wrongly encrypted", 0x107: "the licence cannot be upgraded",
	0x108: "the server is not licensed for remote connections", ErrorInfoBrokerNotFound: "the broker found no destination",
}

// Error describes the code for people.
func (e *ErrorInfo) Error() string {
	switch text, ok := errorInfoText[e.Code]; {
	case ok:
		return text
	case e.Code >= ErrorInfoFirstProtocolCode:
		return fmt.Sprintf("the server found a fault in the protocol (error info %#x)", e.Code)
	}
	return fmt.Sprintf("error info %#x", e.Code)
}

// TakeErrorInfo returns the code of a Set Error Info PDU's body; 0 means that there is none.
func TakeErrorInfo(body []byte) (uint32, error) {
	r := wire.NewReader(body)
	code := r.U32LE("errorInfo")
	return code, r.Done("set error info")
}
