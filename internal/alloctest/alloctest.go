// Package alloctest holds a request to the allocations that it may take.
package alloctest

import (
	"net/http"
	"testing"
)

// Check fails the test if a call of request takes more allocations than most. With
// the race detector, which allocates and empties pools, it only runs it.
func Check(t *testing.T, most float64, request func()) {
	t.Helper()
	got := testing.AllocsPerRun(1000, request)
	t.Logf("%v allocations", got)
	if got > most && !RaceEnabled {
		t.Errorf("%v allocations, at most %v are promised", got, most)
	}
}

// A Writer is an [http.ResponseWriter] that is used again and allocates nothing. It
// keeps the header and nothing else. Like net/http's own it can be told apart from
// writers that wrap one.
type Writer struct{ header http.Header }

// NewWriter returns a Writer with an empty header.
func NewWriter() *Writer { return &Writer{http.Header{}} }

// Reset empties the header, for the next request.
func (w *Writer) Reset() { clear(w.header) }

// Header returns the header.
func (w *Writer) Header() http.Header { return w.header }

// Write takes everything and keeps nothing.
func (w *Writer) Write(p []byte) (int, error) { return len(p), nil }

// WriteString is Write for a string.
func (w *Writer) WriteString(s string) (int, error) { return len(s), nil }

// EnableFullDuplex does nothing.
func (w *Writer) EnableFullDuplex() error { return nil }

// WriteHeader does nothing.
func (w *Writer) WriteHeader(int) {}
