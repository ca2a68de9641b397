package rdpdr

import (
	"slices"

	"github.com/sallyport/sallyport/rdp/internal/channel"
)

// Limits of requests that wait for their answer. What is beyond them is refused, not queued.
const (
	maxQueued      = 128
	maxQueuedBytes = 16 << 20
)

// Drive says what is announced.
type Drive struct {
	Name     string // at most seven characters of ASCII: letters, digits, - and _; empty: there is no drive
	Computer string // of the client
}

// deviceID is that of the drive.
const deviceID = 1

// Client is the client's side of the channel. It belongs to one caller at a time.
type Client struct {
	drive     Drive
	server    ID
	caps      Capabilities
	confirmed bool
	signedIn  bool // a user has
	announced bool
	attached  *Status // the server's answer to the announcement, until Attached has returned it

	queue []Request
	bytes int // of Data in queue
	epoch int
}

var _ channel.Processor = (*Client)(nil)

// New returns the client's side, which waits for the server.
func New(d Drive) *Client { return &Client{drive: d} }

// Receive takes a message of the server.
func (c *Client) Receive(b []byte) ([][]byte, error) {
	p, body, err := TakeHeader(b)
	if err != nil {
		return nil, err
	}
	switch p {
	case PacketServerAnnounce:
		return c.hello(body)
	case PacketServerCapability:
		if c.caps, err = TakeCapabilities(body); err != nil {
			return nil, err
		}
		mine := Capabilities{Minor: versionMinor, Extended: extendedDeviceRemove | extendedDisplayName | ExtendedUserLoggedOn, Drives: true}
		return [][]byte{mine.Append(PacketClientCapability)}, nil
	case PacketClientID:
		if c.server, err = TakeID(body); err != nil {
			return nil, err
		}
		c.confirmed = true
		// Servers that tell of a sign-in get the drive then, since it is one of a user; those before Windows Vista do not tell.
		if c.caps.Extended&ExtendedUserLoggedOn == 0 && c.server.Minor < versionMinor {
			c.signedIn = true
		}
		return c.announce(), nil
	case PacketUserLoggedOn:
		// Some servers tell without having said so in their capabilities, some before they have confirmed anything.
		c.signedIn = true
		if !c.confirmed {
			return nil, nil
		}
		return c.announce(), nil
	case PacketDeviceReply:
		id, result, err := TakeDeviceReply(body)
		if err == nil && id == deviceID {
			c.attached = &result
		}
		return nil, err
	case PacketRequest:
		return c.request(body)
	}
	return nil, nil // printers, and what a newer version may have
}

// hello answers the Server Announce Request (3.2.5.1.2). A second one, as when somebody signs in anew, begins everything anew.
func (c *Client) hello(body []byte) ([][]byte, error) {
	id, err := TakeID(body)
	if err != nil {
		return nil, err
	}
	c.reset()
	c.confirmed, c.signedIn, c.announced, c.caps = false, false, false, Capabilities{}
	answer := ID{Major: versionMajor, Minor: versionMinor, Client: id.Client}
	return [][]byte{answer.Append(PacketClientID), ClientName(c.drive.Computer)}, nil
}

// announce announces the drive, once, and no device before that.
func (c *Client) announce() [][]byte {
	switch {
	case c.announced:
		return nil
	case !c.signedIn || c.drive.Name == "":
		return [][]byte{DeviceList()}
	}
	c.announced = true
	return [][]byte{DeviceList(Device{Type: DeviceDrive, ID: deviceID, DOSName: c.drive.Name, Name: c.drive.Name})}
}

// reset forgets what was asked for.
func (c *Client) reset() {
	c.epoch++
	c.queue, c.bytes = nil, 0
}

// request queues a request, or refuses it.
func (c *Client) request(body []byte) ([][]byte, error) {
	q, err := TakeRequest(body)
	if err != nil {
		return nil, err
	}
	status := StatusOK
	switch {
	case q.Device != deviceID || !c.announced:
		status = StatusNoSuchDevice
	case len(c.queue) == maxQueued || c.bytes+len(q.Data) > maxQueuedBytes:
		status = StatusResources
	}
	if status != StatusOK {
		return [][]byte{q.answer(status, nil)}, nil
	}
	q.Data = slices.Clone(q.Data)
	c.queue, c.bytes = append(c.queue, q), c.bytes+len(q.Data)
	return nil, nil
}

// Next takes the request that has waited longest, nil if there is none. epoch changes when the server has begun anew: handles of an earlier one are void,
// and so are answers to its requests.
func (c *Client) Next() (q *Request, epoch int) {
	if len(c.queue) == 0 {
		return nil, c.epoch
	}
	first := c.queue[0]
	c.queue, c.bytes = c.queue[1:], c.bytes-len(first.Data)
	return &first, c.epoch
}

// Epoch is how often the server has begun anew.
func (c *Client) Epoch() int { return c.epoch }

// Attached returns the server's answer to the announcement of the drive, once.
func (c *Client) Attached() (result Status, ok bool) {
	if c.attached == nil {
		return 0, false
	}
	result = *c.attached
	c.attached = nil
	return result, true
}

// answer is the completion of a request. A nil body stands for one without data.
func (q *Request) answer(s Status, body []byte) []byte {
	if body == nil {
		body = q.emptyBody()
	}
	return (&Completion{Device: q.Device, ID: q.ID, Status: s, Body: body}).Append()
}
