package pamtest

import "github.com/sallyport/sallyport/pam"

// Unthrottle lifts those limits, as far as they are not set, that keep one user or address from asking often or for much
// at once: for tests that put load on a broker from one place.
func Unthrottle(l *pam.Limits) {
	const many = 1_000_000
	for _, n := range []*int{
		&l.Unattached, &l.Anonymous, &l.PendingUser, &l.PendingAddr, &l.PendingAsset, &l.UserRate, &l.AddrRate, &l.MFAAddrRate, &l.DenialRate,
		&l.Sessions, &l.PerUser, &l.PerAsset,
	} {
		if *n == 0 {
			*n = many
		}
	}
}
