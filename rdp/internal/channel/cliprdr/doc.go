// Package cliprdr shares the clipboard over the static channel of that name ([MS-RDPECLIP]): text, in both directions, each of which must
// be allowed.
//
// New returns the client's side. Nothing of the client's clipboard is sent before the server asks for it, and it can ask only for what was
// offered (Offer, Wanted, Provide). The server's is fetched when the host wants it (Offered, Request, Received). PDUs encode and decode both
// ways, for servers in tests.
package cliprdr
