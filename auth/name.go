package auth

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// MaxName is the longest name in bytes: that of the longest mail address (RFC 5321). It
// is asked before any other work is done on a name.
const MaxName = 254

// NameKey returns what a [Store] compares and indexes in place of a name: two names are
// one user's if their keys are equal. These make no difference: case, spaces around a
// name and how many are between two words, the ways to write one character in Unicode
// (NFKC: composed or not, full width, ligatures), the two forms of a Greek sigma, and
// the joiners that Persian and Hindi write between letters. A dot on an i, which has one
// already, makes none either. Letters of two alphabets that look the same stay different.
//
// A name longer than [MaxName], or of spaces alone, has the empty key, which is no user's.
func NameKey(name string) string {
	if len(name) > MaxName {
		return ""
	}
	var letter rune // the last one, whose marks come after it
	name = strings.Map(func(r rune) rune {
		if r = fold(r); isJoiner(r) || r == dotAbove && letter == 'i' {
			return -1
		}
		if !unicode.Is(unicode.M, r) {
			letter = r
		}
		return r
	}, norm.NFKD.String(name))
	// Without joiners more spaces are together, and another case can leave a form that is
	// not normal, so these come last.
	return norm.NFKC.String(strings.Join(strings.Fields(name), " "))
}

// FormerNameKey returns what NameKey returned before it folded case and spaces: a Store
// that outlives a release has users under it. It is equal to NameKey for nearly all
// names. A Store looks for a name under the former key first, so that each of two users
// who would have one key today still finds the own account, and keeps new names under
// NameKey.
func FormerNameKey(name string) string {
	if len(name) > MaxName {
		return ""
	}
	return norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.TrimSpace(name))))
}

// The marks that fold and NameKey know.
const (
	dotAbove = '\u0307' // also a part of İ, whose lower case is i
	iotaMark = '\u0345' // under a Greek letter
)

// fold returns the one rune that stands for all that differ in case alone. Lower case
// alone would leave a sigma at the end of a word, ς, another letter.
func fold(r rune) rune {
	if r == iotaMark {
		return r // its upper case is a letter, Ι, but that of a letter that carries it has it as well
	}
	lower := unicode.ToLower(r)
	other := unicode.ToLower(unicode.ToUpper(lower))
	for same := unicode.SimpleFold(lower); same != lower; same = unicode.SimpleFold(same) {
		if same == other {
			return other
		}
	}
	return lower // and not i for the dotless ı
}

// isJoiner reports whether r is U+200C or U+200D, which say whether two letters join.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// checkName returns the name as it is kept, or an *InvalidError. What it refuses is what
// can make one name pass for another, or for none.
func checkName(name string) (string, error) {
	refuse := func(format string, a ...any) (string, error) {
		return "", &InvalidError{Field: "name", Message: fmt.Sprintf(format, a...)}
	}
	if len(name) > MaxName {
		return refuse("A name can be at most %d bytes long.", MaxName)
	}
	if !utf8.ValidString(name) {
		return refuse("A name must be valid UTF-8.")
	}
	name = norm.NFC.String(strings.TrimSpace(name))
	if name == "" {
		return refuse("Please choose a name.")
	}
	for _, r := range name {
		if !unicode.IsPrint(r) && !isJoiner(r) || r == blankBraille {
			return refuse("A name can hold letters, digits, signs and plain spaces only.")
		}
	}
	// The class of PRECIS for free text (RFC 8264) has no characters that are invisible
	// by themselves, and joiners only between letters that need them.
	if _, err := precis.Nickname.String(name); err != nil {
		return refuse("A name can hold letters, digits, signs and plain spaces only.")
	}
	name = strings.Join(strings.Fields(name), " ")
	if len(name) > MaxName || len(NameKey(name)) > MaxName {
		return refuse("A name can be at most %d bytes long.", MaxName)
	}
	if !strings.ContainsFunc(name, isLetterOrDigit) {
		return refuse("A name needs a letter or a digit.")
	}
	marks := maxMarks // as if something that cannot carry a mark came before
	for _, r := range name {
		switch {
		case !unicode.Is(unicode.M, r):
			marks = 0
			if r == ' ' {
				marks = maxMarks
			}
			continue
		case marks == maxMarks:
			return refuse("A name can have at most %d marks on a letter, and none without a letter.", maxMarks)
		}
		marks++
	}
	if mixesAlphabets(name) {
		return refuse("A name can be in Latin, Greek or Cyrillic letters, and not in two of them.")
	}
	return name, nil
}

const (
	blankBraille = '\u2800' // a sign by its class, blank by its look
	maxMarks     = 4        // on one letter: Vietnamese takes two, Hebrew and Thai up to four
)

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// mixesAlphabets reports whether a name has letters of two of the alphabets that look
// alike (Unicode Technical Standard 39, section 5.1): Latin, Greek and Cyrillic.
func mixesAlphabets(name string) bool {
	var found *unicode.RangeTable
	for _, r := range norm.NFKC.String(name) {
		for _, table := range []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic} {
			if unicode.IsLetter(r) && unicode.Is(table, r) {
				if found != nil && found != table {
					return true
				}
				found = table
			}
		}
	}
	return false
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
