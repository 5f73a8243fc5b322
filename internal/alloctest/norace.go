//go:build !race

package alloctest

// RaceEnabled reports whether the race detector runs, which allocates itself.
const RaceEnabled = false
