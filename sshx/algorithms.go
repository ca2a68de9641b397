package sshx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
)

// AttrAlgorithms is the asset attribute that chooses what is offered to that target: "modern", the default, or
// "legacy", which needs Config.InsecureLegacyAlgorithms.
const AttrAlgorithms = "algorithms"

// Values of AttrAlgorithms.
const (
	AlgorithmsModern = "modern" // the lists of Config
	AlgorithmsLegacy = "legacy" // those and, behind them, what network devices of the 2000s know: SHA-1, CBC, ssh-rsa
)

// algorithmSet is what one connection offers, in order of preference.
type algorithmSet struct {
	keyExchanges, ciphers, macs []string
	hostKeys                    []string
	publicKeys                  []string // of signatures that sign us in
}

// modern is the default. AES-GCM comes first because it is the fastest where the processor helps, which is
// everywhere that matters for a gateway; everything here is either authenticated encryption or, for older
// servers, CTR with a SHA-2 hash. ChaCha20-Poly1305 comes last: with a server that does not know the strict key exchange,
// it is the one that lets packets be cut off unseen (CVE-2023-48795).
var modern = algorithmSet{
	keyExchanges: []string{
		ssh.KeyExchangeMLKEM768X25519,
		ssh.KeyExchangeCurve25519,
		ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384, ssh.KeyExchangeECDHP521,
		ssh.KeyExchangeDH16SHA512, ssh.KeyExchangeDHGEXSHA256, ssh.KeyExchangeDH14SHA256,
	},
	ciphers: []string{
		ssh.CipherAES128GCM, ssh.CipherAES256GCM,
		ssh.CipherAES256CTR, ssh.CipherAES192CTR, ssh.CipherAES128CTR,
		ssh.CipherChaCha20Poly1305,
	},
	macs: []string{
		ssh.HMACSHA256ETM, ssh.HMACSHA512ETM, ssh.HMACSHA256, ssh.HMACSHA512,
	},
	hostKeys: []string{
		ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
		ssh.CertAlgoRSASHA256v01, ssh.CertAlgoRSASHA512v01,
		ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512,
	},
	publicKeys: []string{
		ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519,
		ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKECDSA256,
		ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512,
	},
}

// legacy comes behind the modern lists, so that it is used only with a target that has nothing better. RC4 and
// DSA are not in it: what knows them knows 3DES and RSA.
var legacy = algorithmSet{
	keyExchanges: []string{ssh.InsecureKeyExchangeDHGEXSHA1, ssh.InsecureKeyExchangeDH14SHA1, ssh.InsecureKeyExchangeDH1SHA1},
	ciphers:      []string{ssh.InsecureCipherAES128CBC, ssh.InsecureCipherTripleDESCBC},
	macs:         []string{ssh.HMACSHA1, ssh.InsecureHMACSHA196},
	hostKeys:     []string{ssh.CertAlgoRSAv01, ssh.KeyAlgoRSA},
	publicKeys:   []string{ssh.KeyAlgoRSA},
}

// newAlgorithmSet takes the lists of cfg, or the modern ones, and refuses names that are unknown or weak.
func newAlgorithmSet(cfg Config) (algorithmSet, error) {
	var errs []error
	good, weak := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	list := func(name string, names, def, good, weak []string) []string {
		if names == nil {
			names = def
		}
		for _, a := range names {
			switch {
			case slices.Contains(good, a):
			case slices.Contains(weak, a) && cfg.InsecureWeakAlgorithms:
			case slices.Contains(weak, a):
				errs = append(errs, fmt.Errorf("weak algorithm in Config.%s: %q needs InsecureWeakAlgorithms", name, a))
			default:
				errs = append(errs, fmt.Errorf("unknown algorithm in Config.%s: %q", name, a))
			}
		}
		if len(names) == 0 {
			errs = append(errs, fmt.Errorf("empty Config.%s", name))
		}
		return slices.Clone(names)
	}
	s := algorithmSet{
		keyExchanges: list("KeyExchanges", cfg.KeyExchanges, modern.keyExchanges, good.KeyExchanges, weak.KeyExchanges),
		ciphers:      list("Ciphers", cfg.Ciphers, modern.ciphers, good.Ciphers, weak.Ciphers),
		macs:         list("MACs", cfg.MACs, modern.macs, good.MACs, weak.MACs),
		hostKeys:     list("HostKeyAlgorithms", cfg.HostKeyAlgorithms, modern.hostKeys, good.HostKeys, weak.HostKeys),
		publicKeys:   list("PublicKeyAlgorithms", cfg.PublicKeyAlgorithms, modern.publicKeys, good.PublicKeyAuths, weak.PublicKeyAuths),
	}
	return s, errors.Join(errs...)
}

// before returns s followed by what t has besides.
func (s algorithmSet) before(t algorithmSet) algorithmSet {
	join := func(a, b []string) []string {
		joined := slices.Clone(a)
		for _, name := range b {
			if !slices.Contains(a, name) {
				joined = append(joined, name)
			}
		}
		return joined
	}
	return algorithmSet{
		keyExchanges: join(s.keyExchanges, t.keyExchanges),
		ciphers:      join(s.ciphers, t.ciphers),
		macs:         join(s.macs, t.macs),
		hostKeys:     join(s.hostKeys, t.hostKeys),
		publicKeys:   join(s.publicKeys, t.publicKeys),
	}
}

// algorithms returns the set that the asset's record chooses.
func (p *Protocol) algorithms(a pam.Asset) (algorithmSet, error) {
	switch name := strings.TrimSpace(a.Attributes[AttrAlgorithms]); name {
	case "", AlgorithmsModern:
		return p.modern, nil
	case AlgorithmsLegacy:
		if !p.cfg.InsecureLegacyAlgorithms {
			return algorithmSet{}, fmt.Errorf("attribute %s: %q needs Config.InsecureLegacyAlgorithms", AttrAlgorithms, name)
		}
		return p.legacy, nil
	default:
		return algorithmSet{}, fmt.Errorf("attribute %s: unknown set %q; there are %q and %q", AttrAlgorithms, name, AlgorithmsModern, AlgorithmsLegacy)
	}
}

const certSuffix = "-cert-v01@openssh.com"

func isCertAlgorithm(a string) bool { return strings.HasSuffix(a, certSuffix) }

// keyTypeOf returns the type of the key in a certificate of that type, and other types as they are.
func keyTypeOf(keyType string) string {
	bare, isCert := strings.CutSuffix(keyType, certSuffix)
	if isCert && strings.HasPrefix(bare, "sk-") {
		return bare + "@openssh.com"
	}
	return bare
}

// signatureAlgorithms lists the names under which a key of that type is negotiated.
func signatureAlgorithms(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSA}
	}
	return []string{keyType}
}
