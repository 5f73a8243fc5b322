//go:build !linux

package main

// useCore does nothing where there is no portable way to bind a thread to a core:
// the end-to-end figures are then those of processes that move about.
func useCore(int) error { return nil }
