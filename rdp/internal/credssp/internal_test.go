package credssp

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestNTLM_Specification follows the example of [MS-NLMP] 4.2.4: User and Domain with the password Password.
func TestNTLM_Specification(t *testing.T) {
	key := responseKey("User", "Domain", "Password")
	if want := unhex(t, "0c868a403bfd7a93a3001ef22ef02e3f"); !bytes.Equal(key, want) {
		t.Errorf("NTOWFv2 %x, want %x", key, want)
	}
	temp := unhex(t, "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000")
	proof := hmacMD5(key, unhex(t, "0123456789abcdef"), temp)
	if want := unhex(t, "68cd0ab851e51c96aabc927bebef6a1c"); !bytes.Equal(proof, want) {
		t.Errorf("NTProofStr %x, want %x", proof, want)
	}
	if base, want := hmacMD5(key, proof), unhex(t, "8de40ccadbc14a82f15cb0ad0de95ca3"); !bytes.Equal(base, want) {
		t.Errorf("session base key %x, want %x", base, want)
	}
	// 4.2.4.4: the random session key is 55 all over.
	s := newSealer(bytes.Repeat([]byte{0x55}, 16), clientToServer)
	if want := unhex(t, "4788dc861b4782f35d43fd98fe1a2d39"); !bytes.Equal(s.signKey, want) {
		t.Errorf("sign key %x, want %x", s.signKey, want)
	}
	sealed := s.seal(unhex(t, "50006c00610069006e007400650078007400"))
	want := unhex(t, "010000007fb38ec5c55d49760000000054e50165bf1936dc996020c1811b0f06fb5f")
	if !bytes.Equal(sealed, want) {
		t.Errorf("sealed %x, want %x", sealed, want)
	}
	if plain, ok := newSealer(bytes.Repeat([]byte{0x55}, 16), clientToServer).open(sealed); !ok || !bytes.Equal(plain, unhex(t, "50006c00610069006e007400650078007400")) {
		t.Errorf("opened %x, %v", plain, ok)
	}
	sealed[20] ^= 1
	if _, ok := newSealer(bytes.Repeat([]byte{0x55}, 16), clientToServer).open(sealed); ok {
		t.Error("a changed message opens")
	}
}

// FuzzTSRequest_S09 decodes bytes as a request: nothing panics, and what decodes encodes to the same.
func FuzzTSRequest_S09(f *testing.F) {
	for _, q := range []request{
		{version: 6, token: []byte("NTLMSSP\x00"), nonce: make([]byte, 32)},
		{version: 2, pubKeyAuth: []byte("key"), authInfo: []byte("info")},
		{version: 6, errorCode: 0xc000006d},
	} {
		b, err := q.append()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, err := RequestSize(b); err == nil && n > MaxRequest+6 {
			t.Fatalf("size %d", n)
		}
		var q request
		if q.parse(b) != nil {
			return
		}
		again, err := q.append()
		if err != nil {
			t.Fatal(err)
		}
		var p request
		if err := p.parse(again); err != nil {
			t.Fatalf("%x: %v", again, err)
		}
		if p.version != q.version || p.errorCode != q.errorCode || !bytes.Equal(p.token, q.token) || !bytes.Equal(p.nonce, q.nonce) ||
			!bytes.Equal(p.authInfo, q.authInfo) || !bytes.Equal(p.pubKeyAuth, q.pubKeyAuth) {
			t.Fatalf("got %+v, want %+v", p, q)
		}
	})
}

// FuzzChallenge_S09 decodes bytes as a server's NTLM challenge, and answers it.
func FuzzChallenge_S09(f *testing.F) {
	s := &Server{cfg: ServerConfig{Random: bytes.NewReader(make([]byte, 8)), Version: version}}
	q, err := s.greeted(&request{token: append(bytes.Clone(ntlmSignature), make([]byte, 16)...)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q.token)
	f.Fuzz(func(t *testing.T, b []byte) {
		n := ntlmClient{cred: Credentials{User: "u", Password: "p"}, target: "TERMSRV/x", now: epoch, random: bytes.NewReader(make([]byte, 64))}
		n.start()
		if out, err := n.answer(b); err == nil && len(out) > 2*len(b)+1024 {
			t.Fatalf("%d bytes answer %d", len(out), len(b))
		}
	})
}
