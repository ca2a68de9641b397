// Package eventlog holds sinks for a broker's audit events: a file of JSON lines, syslog, several sinks at once, and memory.
// The log that most hosts want is that of package sqlstore; these stand beside it, or in its place where there is no database.
//
//	file, err := eventlog.OpenFile("/var/log/portal/audit.jsonl")
//	remote, err := eventlog.NewSyslog(eventlog.SyslogConfig{Network: "tls", Address: "logs.example.com:6514"})
//	events, err := eventlog.NewFanout(eventlog.FanoutConfig{
//		Required:   []pam.EventSink{file},
//		BestEffort: []pam.EventSink{remote},
//	})
//	broker, err := pam.New(pam.Config{Events: events, …})
//
// # What durable means
//
// The broker does what an event speaks of only after a sink has taken it (S31). A File has it on the disk then. Memory has
// it for as long as the process lives. Syslog cannot know: its protocols have no acknowledgement, so a nil error means that
// the operating system has taken the message, for UDP not even that anyone listens. So syslog belongs into BestEffort beside
// a sink that keeps its promise, unless the host knows better.
//
// # When a sink is full or down
//
// A required sink that fails is an error, and the broker denies what it was asked for. The event may then be in the sinks
// before it in the list; nothing was done of which it speaks. A best-effort sink that fails, or that is so slow that its
// queue is full, loses events, which Fanout counts; the numbers of those that arrive show which are missing.
//
// Text of strangers (names, reasons) cannot forge an event or a line: control characters are escaped in every format.
package eventlog
