package handlers

import (
	"strings"
	"testing"
)

// A mail is not wrapped at a no-break space, and keeps it.
func TestWrap(t *testing.T) {
	text := strings.Repeat("mot ", 17) + "« Oublié\u00a0? »"
	want := strings.TrimSpace(strings.Repeat("mot ", 17)) + " «\nOublié\u00a0? »"
	if got := wrap(text); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := wrap("a \n\t b"); got != "a b" {
		t.Errorf("%q", got)
	}
}
