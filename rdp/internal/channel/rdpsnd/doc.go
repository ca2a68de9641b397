// Package rdpsnd takes the sound of a session, over the static channel of that name or over a dynamic one ([MS-RDPEA]): the client's side, with plain
// samples of 16 bits.
//
// New returns the Processor. Sound waits in a queue of bounded length until Next takes it; what comes when the queue is full pushes out what has waited longest, so that
// sound is lost and never late. The server hears when each piece was played or lost, and paces itself by that. PDUs encode and decode both ways, for servers in tests.
package rdpsnd
