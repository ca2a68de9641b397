package rdpdr

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Packet is what a PDU is (PacketId of RDPDR_HEADER, 2.2.1.1).
type Packet uint16

// The packets of component core.
const (
	PacketServerAnnounce   Packet = 0x496e
	PacketClientID         Packet = 0x4343 // a confirmation, in either direction
	PacketClientName       Packet = 0x434e
	PacketDeviceList       Packet = 0x4441
	PacketDeviceReply      Packet = 0x6472
	PacketRequest          Packet = 0x4952
	PacketCompletion       Packet = 0x4943
	PacketServerCapability Packet = 0x5350
	PacketClientCapability Packet = 0x4350
	PacketDeviceRemove     Packet = 0x444d
	PacketUserLoggedOn     Packet = 0x554c
)

const (
	componentCore    = 0x4472
	componentPrinter = 0x5052

	versionMajor = 1
	versionMinor = 12 // of Windows Vista to Windows 7, the last one that changed anything for drives
	maxCapSets   = 16
	maxComputer  = 64 // characters
	maxDevices   = 16
)

// Capability types and flags (2.2.2.7).
const (
	capGeneral = 1
	capDrive   = 4

	// ExtendedUserLoggedOn of Capabilities.Extended says that the server tells when a user has signed in.
	ExtendedUserLoggedOn uint32 = 4
	extendedDeviceRemove uint32 = 1
	extendedDisplayName  uint32 = 2
	extraAsyncIO         uint32 = 1
	driveVersion                = 2 // names of drives are longer than eight letters, and in UTF-16
	generalVersion              = 2
	allRequests                 = 0xffff // ioCode1: every major function up to lock control
)

// header begins a PDU.
func header(p Packet) []byte {
	return wire.AppendU16LE(wire.AppendU16LE(nil, componentCore), uint16(p))
}

// TakeHeader cuts a PDU into its type and its body. PDUs of printers have the type 0.
func TakeHeader(b []byte) (p Packet, body []byte, err error) {
	r := wire.NewReader(b)
	component := r.U16LE("component")
	p = Packet(r.U16LE("packetId"))
	switch component {
	case componentCore:
	case componentPrinter:
		p = 0
	default:
		r.Failf("component %#x", component)
	}
	body = r.Rest()
	return p, body, r.Done("device redirection PDU")
}

// ID is a Server Announce Request, a Client Announce Reply or a Server Client ID Confirm (2.2.2.2, 2.2.2.3, 2.2.2.6).
type ID struct {
	Major, Minor uint16
	Client       uint32
}

// Append returns the PDU, of one of the two packets.
func (i ID) Append(p Packet) []byte {
	b := wire.AppendU16LE(wire.AppendU16LE(header(p), i.Major), i.Minor)
	return wire.AppendU32LE(b, i.Client)
}

// TakeID takes the body.
func TakeID(body []byte) (ID, error) {
	r := wire.NewReader(body)
	i := ID{r.U16LE("versionMajor"), r.U16LE("versionMinor"), r.U32LE("clientId")}
	return i, r.Done("announce or confirm PDU")
}

// ClientName is the Client Name Request (2.2.2.4).
func ClientName(name string) []byte {
	text := wire.AppendUTF16(nil, name)
	text = append(text[:min(len(text), 2*maxComputer)], 0, 0)
	b := wire.AppendU32LE(wire.AppendU32LE(header(PacketClientName), 1 /* UTF-16 */), 0 /* code page */)
	return append(wire.AppendU32LE(b, uint32(len(text))), text...)
}

// TakeClientName takes the body.
func TakeClientName(body []byte) (name string, err error) {
	r := wire.NewReader(body)
	r.Want("unicodeFlag", uint64(r.U32LE("unicodeFlag")&1), 1)
	r.U32LE("codePage")
	name = r.UTF16("computerName", r.Limit("computerNameLen", uint64(r.U32LE("computerNameLen")), 2*maxComputer+2))
	return name, r.Done("client name")
}

// Capabilities are those of either side (2.2.2.7, 2.2.2.8).
type Capabilities struct {
	Minor    uint16
	Extended uint32 // extendedPDU
	Drives   bool
}

// Append returns the PDU, of one of the two packets.
func (c Capabilities) Append(p Packet) []byte {
	n := uint16(1)
	if c.Drives {
		n++
	}
	b := wire.AppendU16LE(wire.AppendU16LE(header(p), n), 0)
	b = wire.AppendU32LE(wire.AppendU16LE(wire.AppendU16LE(b, capGeneral), 44), generalVersion)
	b = wire.AppendU32LE(wire.AppendU32LE(b, 2 /* Windows NT */), 0)
	b = wire.AppendU16LE(wire.AppendU16LE(b, versionMajor), c.Minor)
	b = wire.AppendU32LE(wire.AppendU32LE(b, allRequests), 0)
	b = wire.AppendU32LE(wire.AppendU32LE(b, c.Extended), extraAsyncIO)
	b = wire.AppendU32LE(wire.AppendU32LE(b, 0), 0 /* special devices */)
	if c.Drives {
		b = wire.AppendU32LE(wire.AppendU16LE(wire.AppendU16LE(b, capDrive), 8), driveVersion)
	}
	return b
}

// TakeCapabilities takes the body. Sets that are not of use are left out.
func TakeCapabilities(body []byte) (c Capabilities, err error) {
	r := wire.NewReader(body)
	n := r.Count("numCapabilities", uint64(r.U16LE("numCapabilities")), 0, maxCapSets)
	r.Skip("pad", 2)
	for range n {
		kind := r.U16LE("capabilityType")
		set := r.Sub("capability set", int(r.U16LE("capabilityLength"))-4)
		set.U32LE("version")
		switch kind {
		case capGeneral:
			set.Skip("osType, osVersion, protocolMajorVersion", 10)
			c.Minor = set.U16LE("protocolMinorVersion")
			set.Skip("ioCode1, ioCode2", 8)
			c.Extended = set.U32LE("extendedPDU")
		case capDrive:
			c.Drives = true
		}
		r.Fail(set.Err())
	}
	return c, r.Done("device redirection capabilities")
}

// UserLoggedOn is the Server User Logged On (2.2.2.5).
func UserLoggedOn() []byte { return header(PacketUserLoggedOn) }

// Device is a device that the client announces.
type Device struct {
	Type    uint32 // DeviceDrive
	ID      uint32
	DOSName string // at most seven characters of ASCII
	Name    string
}

// DeviceDrive is the type of drives.
const DeviceDrive uint32 = 8

const dosName = 8 // of DOSName, in bytes

// DeviceList is the Client Device List Announce (2.2.2.9).
func DeviceList(devices ...Device) []byte {
	b := wire.AppendU32LE(header(PacketDeviceList), uint32(len(devices)))
	for _, d := range devices {
		b = wire.AppendU32LE(wire.AppendU32LE(b, d.Type), d.ID)
		var name [dosName]byte
		copy(name[:dosName-1], d.DOSName)
		data := append(wire.AppendUTF16(nil, d.Name), 0, 0)
		b = append(wire.AppendU32LE(append(b, name[:]...), uint32(len(data))), data...)
	}
	return b
}

// TakeDeviceList takes the body.
func TakeDeviceList(body []byte) (devices []Device, err error) {
	r := wire.NewReader(body)
	for range r.Count("deviceCount", uint64(r.U32LE("deviceCount")), 20, maxDevices) {
		d := Device{Type: r.U32LE("deviceType"), ID: r.U32LE("deviceId")}
		for _, c := range r.Bytes("preferredDosName", dosName) {
			if c == 0 {
				break
			}
			d.DOSName += string(rune(c))
		}
		d.Name = wire.DecodeUTF16(r.Bytes("deviceData", int(r.U32LE("deviceDataLength"))))
		devices = append(devices, d)
	}
	return devices, r.Done("device list")
}

// DeviceReply is the Server Device Announce Response (2.2.2.1).
func DeviceReply(id uint32, result Status) []byte {
	return wire.AppendU32LE(wire.AppendU32LE(header(PacketDeviceReply), id), uint32(result))
}

// TakeDeviceReply takes the body.
func TakeDeviceReply(body []byte) (id uint32, result Status, err error) {
	r := wire.NewReader(body)
	id, result = r.U32LE("deviceId"), Status(r.U32LE("resultCode"))
	return id, result, r.Done("device reply")
}

// Completion is a Device I/O Response (2.2.1.5); Body is what follows its header.
type Completion struct {
	Device, ID uint32
	Status     Status
	Body       []byte
}

// Append returns the PDU.
func (c *Completion) Append() []byte {
	b := wire.AppendU32LE(wire.AppendU32LE(header(PacketCompletion), c.Device), c.ID)
	return append(wire.AppendU32LE(b, uint32(c.Status)), c.Body...)
}

// TakeCompletion takes the body of a PDU.
func TakeCompletion(body []byte) (c Completion, err error) {
	r := wire.NewReader(body)
	c = Completion{Device: r.U32LE("deviceId"), ID: r.U32LE("completionId"), Status: Status(r.U32LE("ioStatus"))}
	c.Body = r.Rest()
	if err := r.Done("device completion"); err != nil {
		return c, err
	}
	return c, nil
}

// String names a packet.
func (p Packet) String() string { return fmt.Sprintf("packet %#04x", uint16(p)) }
