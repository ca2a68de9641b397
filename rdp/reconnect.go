package rdp

import (
	"fmt"
	"io"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// Reconnect is what a server gives a client for coming back to its session after the connection broke: without a password where the server
// does not ask for one before it looks (5.5). It is as secret as a password, and good for one time.
type Reconnect struct{ cookie pdu.ReconnectCookie }

// Format writes a mark for every verb.
func (*Reconnect) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// Reconnect returns the last of what the server has given for coming back, for Config.Reconnect of the next connection. It is nil when the server
// has given nothing. It stays there after an error.
func (c *Client) Reconnect() *Reconnect {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reconnect
}

// keepCookie takes down what the server has given.
func (c *Client) keepCookie() {
	if c.stage.cookie == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reconnect = &Reconnect{*c.stage.cookie}
}
