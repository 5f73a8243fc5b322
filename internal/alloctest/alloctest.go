// Package alloctest checks how many allocations a request takes.
package alloctest

import (
	"net/http"
	"testing"
)

// Check fails the test if a call of request takes more allocations than most. With the
// race detector, which allocates and empties pools, it only calls request once.
func Check(t *testing.T, most float64, request func()) {
	t.Helper()
	got := testing.AllocsPerRun(1000, request)
	t.Logf("%v allocations", got)
	if got > most && !RaceEnabled {
		t.Errorf("%v allocations, at most %v are promised", got, most)
	}
}

// A Writer is an [http.ResponseWriter] that can be reused and does not allocate. It keeps
// the header and drops the body. It has EnableFullDuplex, as net/http's own writer does
// and wrappers do not.
type Writer struct{ header http.Header }

// NewWriter returns a Writer with an empty header.
func NewWriter() *Writer { return &Writer{http.Header{}} }

// Reset empties the header, for the next request.
func (w *Writer) Reset() { clear(w.header) }

// Header returns the header.
func (w *Writer) Header() http.Header { return w.header }

// Write accepts p and drops it.
func (w *Writer) Write(p []byte) (int, error) { return len(p), nil }

// WriteString is like Write, for a string.
func (w *Writer) WriteString(s string) (int, error) { return len(s), nil }

// EnableFullDuplex does nothing.
func (w *Writer) EnableFullDuplex() error { return nil }

// WriteHeader does nothing.
func (w *Writer) WriteHeader(int) {}
