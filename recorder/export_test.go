package recorder

// Relink makes a chunk's CRC and link fit what is in it, as a forger without the key would.
func Relink(prev, chunk []byte) []byte {
	f := frame{append(append([]byte{}, prev...), chunk[:len(chunk)-hashLen]...)}
	h := chunkHead{
		typ: chunkType(chunk[0]), encoding: chunk[1],
		raw: be32(chunk[8:]), count: be32(chunk[12:]), first: uint64(be32(chunk[16:]))<<32 | uint64(be32(chunk[20:])),
	}
	out, _ := f.finish([hashLen]byte(prev), h)
	return out
}

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// Idle says whether rec holds nothing but its file: no goroutine, running timer, sync or buffer.
func (rec *Recording) Idle() bool {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.pending == nil && !rec.writing && !rec.sync.running && rec.sync.timer == nil && rec.busySince.IsZero()
}

// ChainSeed is the link before the header chunk.
func ChainSeed() []byte { s := chainSeed(); return s[:] }
