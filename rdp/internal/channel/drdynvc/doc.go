// Package drdynvc opens dynamic virtual channels inside the static channel of that name ([MS-RDPEDYC]): the client's side.
//
// New takes the listeners: which channels the server may open, and what then speaks on each, a channel.Processor of its own. Any other is
// refused. Messages of a channel are cut (Client.Send) and joined here, within the limits of its Listener. PDUs encode and decode both
// ways, for servers in tests.
package drdynvc
