// Package recorder makes recordings of privileged sessions that cannot be lost silently and cannot be changed
// unseen. It implements [pam.Recorder]: the host makes one with [New] and hands it to the broker.
//
//	key, err := recorder.LoadOrCreateKey("/var/lib/gateway/recording.key")
//	rec, err := recorder.New(recorder.Config{Dir: "/var/lib/gateway/recordings", Key: key})
//	adopted, err := rec.Adopt(ctx) // seal what a crash left behind, before the first session
//	broker, err := pam.New(pam.Config{Recorder: rec, ...})
//
// A recording is one append-only file: chunks of entries, each with a length, a CRC-32C and a link of a SHA-256
// chain that starts at a signed header; signed checkpoints on the way; a signed seal at the end. The layout is
// in FORMAT.md beside this file. [Verify] says offline, given public keys, whether a file is valid-complete,
// valid-incomplete or broken and where; [NewReader] iterates its entries; [ExportCast] writes an asciicast v2.
// The command recorder/rec does the same from a shell, for whole folders too. KEYS.md is about the signing key: who
// makes it, where it lives, how it is changed; METRICS.md about what the metrics say.
//
// Record or stop: every recording has three indexes (see [Progress]). Append only queues, the watcher's Written
// follows write(2), and what is written is durable at most [Config].SyncInterval or SyncBytes later. The first
// error latches: nothing is retried, nothing is written over, and the watcher hears of it once. An idle
// recording costs an open file and about 1.5 KB: no goroutine, running timer, buffer or encoder.
//
// The package is not a player and not an archive: retention, upload and playback live elsewhere.
package recorder
