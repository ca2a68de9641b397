package pam

import "context"

// AssetID is the opaque id of an asset or container. Its form is the host's; the broker never parses it.
type AssetID string

// UserID is the opaque id of a person. Two logins of one person share it.
type UserID string

// OSFamily tells which family of operating systems an asset type runs.
type OSFamily string

// The OS families that asset types may name. The zero value means unknown.
const (
	OSUnix    OSFamily = "unix"
	OSWindows OSFamily = "windows"
	OSNetwork OSFamily = "network"
)

// AssetType is the schema of an asset.
type AssetType struct {
	ID       string   // opaque, host-defined, for example "linux-server"
	Name     string   // what people read
	Protocol string   // access protocol ("ssh", "rdp"); empty: no web session on such assets (Q1)
	OS       OSFamily // decides about OS-dependent parameters (L3)
}

// Asset is a record for a device, account or secret: exactly one type, one parent container.
// Address, Account and Attributes are for the gateway only; the broker never sends them to a browser.
type Asset struct {
	ID     AssetID
	Name   string
	Type   AssetType
	Parent AssetID // the container that holds it

	// Address is what the protocol adapter dials, "host:port". It comes from the inventory alone: no
	// client input ever reaches it (S30).
	Address string
	// Account is the user name on the target; not a secret.
	Account string
	// Attributes are adapter settings by name, for example sshx.AttrHostKeys. Nil is fine.
	Attributes map[string]string
	// Via are the jump hosts that lead to the asset, the first one dialled first; each is an asset of the inventory with
	// an address, an account and secrets of its own. At most MaxHops. Nil: the gateway reaches Address itself. Users
	// need no right on a jump host: it is a part of the way, and nothing but the connection to the next one is opened there.
	Via []AssetID
}

// MaxHops is the greatest number of jump hosts before an asset.
const MaxHops = 8

// Inventory is the host's list of assets.
type Inventory interface {
	// Asset returns the asset with that id, or an error matching ErrNotFound.
	Asset(ctx context.Context, id AssetID) (Asset, error)
}

// Names of secured fields that protocol adapters ask a Vault for.
const (
	FieldPassword    = "password"
	FieldPrivateKey  = "private_key" // PEM or OpenSSH format
	FieldPassphrase  = "passphrase"
	FieldCertificate = "certificate" // OpenSSH user certificate for the private key, one line as in id_x-cert.pub
)

// FieldRequest says which secured field is wanted, and for whom, so that the host can log or refuse it.
type FieldRequest struct {
	Asset   AssetID
	Field   string // one of the Field… names
	User    UserID
	Session SessionID
}

// Vault hands out secured fields on demand. The broker asks just before use and keeps nothing.
type Vault interface {
	// Field returns the value, or an error matching ErrNoField when the asset has no such field.
	Field(ctx context.Context, r FieldRequest) (Secret, error)
}
