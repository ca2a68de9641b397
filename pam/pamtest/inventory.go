package pamtest

import (
	"context"
	"fmt"
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// Inventory is a pam.Inventory in memory. The zero value is empty and ready; Faults knows its method "Asset".
type Inventory struct {
	Faults
	mu     sync.Mutex // guards assets
	assets map[pam.AssetID]pam.Asset
}

var _ pam.Inventory = (*Inventory)(nil)

// NewInventory returns an inventory of the given assets.
func NewInventory(assets ...pam.Asset) *Inventory {
	in := &Inventory{}
	for _, a := range assets {
		in.Put(a)
	}
	return in
}

// Put adds or replaces an asset.
func (in *Inventory) Put(a pam.Asset) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.assets == nil {
		in.assets = make(map[pam.AssetID]pam.Asset)
	}
	in.assets[a.ID] = a
}

// Remove takes an asset away.
func (in *Inventory) Remove(id pam.AssetID) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.assets, id)
}

// Asset implements pam.Inventory.
func (in *Inventory) Asset(ctx context.Context, id pam.AssetID) (pam.Asset, error) {
	if err := in.enter(ctx, "Asset"); err != nil {
		return pam.Asset{}, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	a, ok := in.assets[id]
	if !ok {
		return pam.Asset{}, fmt.Errorf("asset %q: %w", id, pam.ErrNotFound)
	}
	return a, nil
}
