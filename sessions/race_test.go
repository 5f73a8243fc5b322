//go:build race

package sessions_test

// The race detector allocates on its own.
const raceEnabled = true
