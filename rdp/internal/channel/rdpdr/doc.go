// Package rdpdr gives a session a drive, over the static channel of that name ([MS-RDPEFS]): the client's side.
//
// A Client is the Processor of the channel: it says hello, announces the drive, and queues what the server then asks for (Next), within bounds. A Volume
// serves the requests from a drive.FileSystem. Splitting the two lets requests wait for files while the channel goes on. Neither does I/O of its own.
//
// Nothing that a server asks for leaves the drive (S19): a path is split and every part checked (paths.go) before a FileSystem hears of it, and requests
// that are not known fail. PDUs encode and decode both ways, for servers in tests.
package rdpdr
