package eventlog

import "github.com/sallyport/sallyport/pam"

// AwaitGone waits until s has noticed that the other side of its connection is gone.
func AwaitGone(s *Syslog) {
	s.mu.Lock()
	p := s.conn
	s.mu.Unlock()
	if p != nil {
		<-p.gone
	}
}

// Format is the message of an event.
func Format(e pam.Event) []byte {
	s, err := NewSyslog(SyslogConfig{Network: "udp", Address: "127.0.0.1:514", Host: "host"})
	if err != nil {
		panic(err)
	}
	return s.format(e)
}
