package edge

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestClose_SendsOneCloseFrame speaks the protocol by hand, since the library would hide a second close frame.
func TestClose_SendsOneCloseFrame(t *testing.T) {
	done := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		c, offered, err := Accept(w, r, Options{Subprotocol: "p", ReadLimit: 100})
		if err != nil || !offered {
			t.Errorf("Accept: %v, %v", offered, err)
			return
		}
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = c.Read(r.Context())
		}()
		c.Close("bye")
		<-read
	}))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+strings.TrimPrefix(srv.URL, "http://")+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: p\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("answer %v, %v", resp, err)
	}
	head := make([]byte, 2)
	if _, err := io.ReadFull(br, head); err != nil || head[0] != finClose {
		t.Fatalf("first frame %x, %v", head, err)
	}
	body := make([]byte, head[1])
	if _, err := io.ReadFull(br, body); err != nil || binary.BigEndian.Uint16(body) != CloseCode || string(body[2:]) != "bye" {
		t.Fatalf("close frame %q, %v", body, err)
	}
	// Our close frame, masked with zeros.
	if _, err := conn.Write(append([]byte{finClose, 0x80 | 2, 0, 0, 0, 0}, body[:2]...)); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(br)
	if err != nil || !bytes.Equal(rest, nil) {
		t.Errorf("after both close frames came %x, %v", rest, err)
	}
	<-done
}
