package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/sshx"
)

// inventory is the portal's list of assets and the secured fields that go with them. It implements
// pam.Inventory and pam.Vault over the configuration and never changes after newInventory.
type inventory struct {
	log     *slog.Logger
	assets  map[pam.AssetID]pam.Asset
	tags    map[pam.AssetID][]string
	order   []pam.AssetID // as in the file
	parents map[pam.AssetID]folder
	secrets map[pam.AssetID]map[string]secretSource
}

// folder is a container, for the path that is shown with an asset.
type folder struct {
	ID     pam.AssetID
	Name   string
	Parent pam.AssetID
}

var (
	_ pam.Inventory = (*inventory)(nil)
	_ pam.Vault     = (*inventory)(nil)
)

func newInventory(c *config, demo demoHosts, log *slog.Logger) *inventory {
	inv := &inventory{
		log:    log,
		assets: map[pam.AssetID]pam.Asset{}, tags: map[pam.AssetID][]string{},
		parents: map[pam.AssetID]folder{}, secrets: map[pam.AssetID]map[string]secretSource{},
	}
	types := map[string]pam.AssetType{}
	for _, t := range c.Types {
		types[t.ID] = pam.AssetType{ID: t.ID, Name: t.Name, Protocol: t.Protocol, OS: pam.OSFamily(t.OS)}
	}
	for _, k := range c.Containers {
		id := pam.AssetID(k.ID)
		inv.parents[id] = folder{ID: id, Name: k.Name, Parent: pam.AssetID(k.Parent)}
	}
	for _, a := range c.Assets {
		id := pam.AssetID(a.ID)
		host := demo[types[a.Type].Protocol]
		if a.Demo {
			a.Address, a.Account = host.address, demoAccount
			a.Password = secretSource{inline: host.password, line: 1}
		}
		entry := pam.Asset{
			ID: id, Name: a.Name, Type: types[a.Type], Parent: pam.AssetID(a.Parent), Address: a.Address, Account: a.Account,
			Attributes: map[string]string{},
		}
		for name, value := range map[string]string{
			sshx.AttrHostKeys: strings.Join(a.HostKeys, "\n"), sshx.AttrHostCAKeys: strings.Join(a.CAKeys, "\n"), sshx.AttrAlgorithms: a.Algorithms,
			rdp.AttrCertificates: strings.Join(a.Certificates, "\n"), rdp.AttrCertificateCAs: a.authorities, rdp.AttrServerName: a.ServerName,
			rdp.AttrDomain: a.Domain, rdp.AttrSecurity: a.Security,
		} {
			if value != "" {
				entry.Attributes[name] = value
			}
		}
		if a.Demo {
			maps.Copy(entry.Attributes, host.identity)
		}
		for _, hop := range a.Via {
			entry.Via = append(entry.Via, pam.AssetID(hop))
		}
		inv.assets[id] = entry
		inv.tags[id] = a.Tags
		inv.order = append(inv.order, id)
		inv.secrets[id] = map[string]secretSource{
			pam.FieldPassword: a.Password, pam.FieldPrivateKey: a.Key, pam.FieldPassphrase: a.Phrase, pam.FieldCertificate: a.Certificate,
		}
	}
	return inv
}

// Asset implements pam.Inventory.
func (inv *inventory) Asset(_ context.Context, id pam.AssetID) (pam.Asset, error) {
	a, ok := inv.assets[id]
	if !ok {
		return pam.Asset{}, fmt.Errorf("asset %q: %w", id, pam.ErrNotFound)
	}
	return a, nil
}

// Field implements pam.Vault. A file is read each time, so that a rotated password counts at once.
func (inv *inventory) Field(_ context.Context, r pam.FieldRequest) (pam.Secret, error) {
	s := inv.secrets[r.Asset][r.Field]
	if !s.set() {
		return pam.Secret{}, fmt.Errorf("asset %q has no %s: %w", r.Asset, r.Field, pam.ErrNoField)
	}
	inv.log.Info("secured field read", "asset", r.Asset, "field", r.Field, "user", r.User, "session", r.Session)
	return s.read(r.Field == pam.FieldPrivateKey)
}

// maxSecret bounds a secret's file; the largest private key in use has 13 KB.
const maxSecret = 64 << 10

func readSecret(path string, whole bool) (pam.Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return pam.Secret{}, fmt.Errorf("portal: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return pam.Secret{}, fmt.Errorf("portal: %w", err)
	}
	if len(b) > maxSecret {
		return pam.Secret{}, errors.New("portal: " + path + " is too long for a secret")
	}
	if whole {
		return pam.NewSecret(string(b)), nil
	}
	// Editors end the last line; the password does not contain that.
	return pam.NewSecret(strings.TrimRight(string(b), "\r\n")), nil
}

// path returns the containers above an asset, the top first.
func (inv *inventory) path(id pam.AssetID) []folder {
	parent := inv.assets[id].Parent
	f, ok := inv.parents[parent]
	if !ok {
		return nil
	}
	return append(inv.above(parent), f)
}

// above returns the containers above a container, the top first. The configuration has no cycles.
func (inv *inventory) above(id pam.AssetID) (up []folder) {
	for at := inv.parents[id].Parent; at != ""; {
		f := inv.parents[at]
		up = append(up, f)
		at = f.Parent
	}
	slices.Reverse(up)
	return up
}
