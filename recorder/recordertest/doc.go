// Package recordertest helps to test what happens when the store of recordings misbehaves: [FaultFS] fails or holds
// chosen operations of another file system, [MemFS] keeps recordings in memory and knows what a power cut would
// leave of them. Both are a recorder.Config.FS:
//
//	faults := &recordertest.FaultFS{Next: recordertest.NewMemFS()}
//	faults.FailFrom(recordertest.OpWrite, 7, syscall.ENOSPC) // the 7th write and all after it
//	rec, err := recorder.New(recorder.Config{FS: faults, Key: key})
package recordertest
