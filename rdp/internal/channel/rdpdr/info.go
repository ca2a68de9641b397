package rdpdr

import (
	"time"

	"github.com/sallyport/sallyport/rdp/drive"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Information classes ([MS-FSCC] 2.4 and 2.5), as far as [MS-RDPEFS] has them.
const (
	ClassDirectory     uint32 = 1
	ClassFullDirectory uint32 = 2
	ClassBothDirectory uint32 = 3
	ClassNames         uint32 = 12

	ClassBasic        uint32 = 4
	ClassStandard     uint32 = 5
	ClassRename       uint32 = 10
	ClassDisposition  uint32 = 13
	ClassAllocation   uint32 = 19
	ClassEndOfFile    uint32 = 20
	ClassAttributeTag uint32 = 35

	ClassVolume           uint32 = 1
	ClassVolumeLabel      uint32 = 2
	ClassVolumeSize       uint32 = 3
	ClassVolumeDevice     uint32 = 4
	ClassVolumeAttributes uint32 = 5
	ClassVolumeFullSize   uint32 = 7
)

// Attributes of files ([MS-FSCC] 2.6).
const (
	AttributeReadOnly  uint32 = 0x01
	AttributeDirectory uint32 = 0x10
	AttributeArchive   uint32 = 0x20
)

// Sizes of a disk that this is not.
const (
	sectorSize  = 512
	sectors     = 8
	clusterSize = sectors * sectorSize
)

// epoch is the time 0 of Windows, which counts tenths of microseconds.
var epoch = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)

// fileTime is a time of Windows ([MS-DTYP] 2.3.3); 0 if it is unknown, or before the epoch.
func fileTime(t time.Time) uint64 {
	if t.IsZero() || t.Before(epoch) {
		return 0
	}
	return uint64(t.Unix()-epoch.Unix())*1e7 + uint64(t.Nanosecond()/100)
}

// takeTime is the time of a FILETIME; ok is false where it says to leave the time alone ([MS-FSCC] 2.4.7).
func takeTime(v uint64) (t time.Time, ok bool) {
	if v == 0 || int64(v) < 0 {
		return time.Time{}, false
	}
	return time.Unix(epoch.Unix()+int64(v/1e7), int64(v%1e7)*100).UTC(), true
}

func attributes(i drive.Info, readOnly bool) uint32 {
	a := AttributeArchive
	if i.Dir {
		a = AttributeDirectory
	}
	if readOnly && !i.Dir { // on folders it has another meaning
		a |= AttributeReadOnly
	}
	return a
}

func allocated(size int64) uint64 {
	return (uint64(size) + clusterSize - 1) / clusterSize * clusterSize
}

// appendTimes appends the times of creation, last access, last write and change, of which the drive knows one.
func appendTimes(b []byte, t time.Time) []byte {
	for range 4 {
		b = wire.AppendU64LE(b, fileTime(t))
	}
	return b
}

// fileInfo is an information class of a file.
func fileInfo(class uint32, i drive.Info, readOnly, deletePending bool) ([]byte, Status) {
	switch class {
	case ClassBasic:
		return wire.AppendU32LE(appendTimes(nil, i.ModTime), attributes(i, readOnly)), StatusOK
	case ClassStandard:
		b := wire.AppendU64LE(wire.AppendU64LE(nil, allocated(i.Size)), uint64(i.Size))
		b = wire.AppendU32LE(b, 1) // links
		return append(b, flag(deletePending), flag(i.Dir)), StatusOK
	case ClassAttributeTag:
		return wire.AppendU32LE(wire.AppendU32LE(nil, attributes(i, readOnly)), 0), StatusOK
	}
	return nil, StatusInvalidClass
}

// entryInfo is an entry of a folder in an information class.
func entryInfo(class uint32, i drive.Info, readOnly bool) ([]byte, Status) {
	name := wire.AppendUTF16(nil, i.Name)
	b := wire.AppendU32LE(wire.AppendU32LE(nil, 0 /* next entry */), 0 /* file index */)
	if class == ClassNames {
		return append(wire.AppendU32LE(b, uint32(len(name))), name...), StatusOK
	}
	b = wire.AppendU64LE(wire.AppendU64LE(appendTimes(b, i.ModTime), uint64(i.Size)), allocated(i.Size))
	b = wire.AppendU32LE(wire.AppendU32LE(b, attributes(i, readOnly)), uint32(len(name)))
	switch class {
	case ClassDirectory:
	case ClassFullDirectory:
		b = wire.AppendU32LE(b, 0) // extended attributes
	case ClassBothDirectory:
		b = wire.AppendZeros(b, 4+1+24) // extended attributes, and no short name
	default:
		return nil, StatusInvalidClass
	}
	return append(b, name...), StatusOK
}

// volumeInfo is an information class of the drive.
func volumeInfo(class uint32, label string, s drive.Space, readOnly bool) ([]byte, Status) {
	total, free := uint64(max(s.Total, 0))/clusterSize, uint64(max(s.Free, 0))/clusterSize
	switch class {
	case ClassVolume:
		name := wire.AppendUTF16(nil, label)
		b := wire.AppendU32LE(wire.AppendU64LE(nil, 0 /* creation */), 0x5a11 /* serial number */)
		return append(append(wire.AppendU32LE(b, uint32(len(name))), 0 /* no objects */), name...), StatusOK
	case ClassVolumeSize:
		b := wire.AppendU64LE(wire.AppendU64LE(nil, total), free)
		return wire.AppendU32LE(wire.AppendU32LE(b, sectors), sectorSize), StatusOK
	case ClassVolumeFullSize:
		b := wire.AppendU64LE(wire.AppendU64LE(wire.AppendU64LE(nil, total), free), free)
		return wire.AppendU32LE(wire.AppendU32LE(b, sectors), sectorSize), StatusOK
	case ClassVolumeDevice:
		return wire.AppendU32LE(wire.AppendU32LE(nil, 7 /* FILE_DEVICE_DISK */), 0), StatusOK
	case ClassVolumeAttributes:
		const casePreserved, unicode, readOnlyVolume = 0x02, 0x04, 0x80000
		flags := uint32(casePreserved | unicode)
		if readOnly {
			flags |= readOnlyVolume
		}
		name := wire.AppendUTF16(nil, "SALLYPORT")
		b := wire.AppendU32LE(wire.AppendU32LE(nil, flags), 255 /* characters of a name */)
		return append(wire.AppendU32LE(b, uint32(len(name))), name...), StatusOK
	}
	return nil, StatusInvalidClass
}
