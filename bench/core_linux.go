package main

import (
	"fmt"
	"syscall"
	"unsafe"
)

// useCore binds the calling thread to one core (sched_setaffinity(2)).
func useCore(core int) error {
	var cores [16]uint64
	cores[core/64] = 1 << (core % 64)
	_, _, failed := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(cores), uintptr(unsafe.Pointer(&cores)))
	if failed != 0 {
		return fmt.Errorf("bind to core %d: %w", core, failed)
	}
	return nil
}
