// Package drive is what an RDP session finds on the drive that a client gives it (rdp.Config.Drive): a FileSystem of the host's making.
//
// NewMemory makes one in memory, with a quota, for one session; NewRoot makes one of a folder. Both may be used by the host meanwhile, which puts files there for the
// session, or takes what the session has left.
//
// Whoever asks for files is a server that is not trusted (S19): names are checked with CheckName before they reach a FileSystem, which sees
// nothing but clean paths below its own root.
package drive
