package pamtest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// Vault is a pam.Vault in memory that remembers what was asked. The zero value is empty and ready; Faults knows
// its method "Field".
type Vault struct {
	Faults
	mu       sync.Mutex // guards all below
	fields   map[vaultKey]string
	requests []pam.FieldRequest
}

type vaultKey struct {
	asset pam.AssetID
	field string
}

var _ pam.Vault = (*Vault)(nil)

// Set stores the value of one field.
func (v *Vault) Set(asset pam.AssetID, field, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fields == nil {
		v.fields = make(map[vaultKey]string)
	}
	v.fields[vaultKey{asset, field}] = value
}

// Requests returns every question so far, in order, failed ones included.
func (v *Vault) Requests() []pam.FieldRequest {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.requests)
}

// Field implements pam.Vault.
func (v *Vault) Field(ctx context.Context, r pam.FieldRequest) (pam.Secret, error) {
	v.mu.Lock()
	v.requests = append(v.requests, r)
	value, ok := v.fields[vaultKey{r.Asset, r.Field}]
	v.mu.Unlock()
	if err := v.enter(ctx, "Field"); err != nil {
		return pam.Secret{}, err
	}
	if !ok {
		return pam.Secret{}, fmt.Errorf("field %q of asset %q: %w", r.Field, r.Asset, pam.ErrNoField)
	}
	return pam.NewSecret(value), nil
}
