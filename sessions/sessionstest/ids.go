package sessionstest

import (
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// idChecks check that an id that a client chooses never becomes a key.
var idChecks = []check{
	{"HostileIDs", func(t *testing.T, b sessions.Backend) {
		for name, id := range hostileIDs() {
			_, err := b.Load(t.Context(), id)
			wantError(t, "Load of "+name, err, sessions.ErrBadID)
			wantError(t, "Create of "+name, b.Create(t.Context(), id, newRecord("data")), sessions.ErrBadID)
			_, err = b.Update(t.Context(), id, withVersion(newRecord("data"), 1))
			wantError(t, "Update of "+name, err, sessions.ErrBadID)
			wantError(t, "Delete of "+name, b.Delete(t.Context(), id), sessions.ErrBadID)
		}
	}},
}

// hostileIDs are ids that no Manager makes: each would be a key, a path or a command somewhere.
func hostileIDs() map[string]string {
	id := newID()
	return map[string]string{
		"nothing":              "",
		"a short id":           id[:42],
		"a long id":            id + "A",
		"a huge id":            strings.Repeat("A", 1<<20),
		"a padded id":          id[:42] + "=",
		"standard base64":      id[:41] + "+/",
		"a space":              id[:42] + " ",
		"a NUL":                id[:42] + "\x00",
		"a DEL":                id[:42] + "\x7f",
		"a high byte":          id[:42] + "\xff",
		"43 bytes of UTF-8":    id[:41] + "é",
		"43 characters of it":  strings.Repeat("é", 43),
		"a newline at the end": id[:42] + "\n",
		"a memcached command":  "A\r\nflush_all\r\n" + id[:28],
		"a path":               "../../" + id[:37],
		"a wildcard":           id[:42] + "*",
		"a reserved name":      "__" + id[:38] + ".__",
	}
}
