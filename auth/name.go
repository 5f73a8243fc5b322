package auth

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxName is the longest name in bytes: that of the longest mail address (RFC 5321). It
// is asked before any other work is done on a name.
const MaxName = 254

// NameKey returns what a [Store] compares and indexes in place of a name: two
// names are one user's where their keys are equal. Spaces around a name, case
// and the ways to write one character in Unicode (NFKC: composed or not, full
// width, ligatures) make no difference. Letters of two alphabets that look the
// same stay different.
//
// A name longer than [MaxName], or of spaces alone, has the empty key, which is no user's.
func NameKey(name string) string {
	if len(name) > MaxName {
		return ""
	}
	// Lower case can leave a form that is no longer normal, so the form comes last.
	return norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.TrimSpace(name))))
}

// checkName returns the name as it is kept, or an *InvalidError.
func checkName(name string) (string, error) {
	tooLong := len(name) > MaxName
	if !tooLong {
		name = strings.TrimSpace(name)
	}
	switch {
	case tooLong || len(NameKey(name)) > MaxName:
		return "", &InvalidError{Field: "name", Message: fmt.Sprintf("A name can be at most %d bytes long.", MaxName)}
	case name == "":
		return "", &InvalidError{Field: "name", Message: "Please choose a name."}
	case !utf8.ValidString(name):
		return "", &InvalidError{Field: "name", Message: "A name must be valid UTF-8."}
	}
	for _, r := range name {
		// Control characters, and those that are invisible or change the direction
		// of writing, let one name pass for another.
		if !unicode.IsPrint(r) {
			return "", &InvalidError{Field: "name", Message: "A name can hold letters, digits, signs and plain spaces only."}
		}
	}
	return norm.NFC.String(name), nil
}

// An InvalidError says what is wrong with a name or a password that somebody
// chose. Its Message is written for that person.
type InvalidError struct {
	Field   string // "name" or "password"
	Message string // a sentence
}

// Error returns what is wrong with which field.
func (e *InvalidError) Error() string { return "auth: bad " + e.Field + ": " + e.Message }

// HTTPStatus returns 400: the request is at fault, not the site.
func (e *InvalidError) HTTPStatus() int { return http.StatusBadRequest }
