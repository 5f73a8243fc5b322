package auth

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// A Key is a text by which a user is found, and which no two users share: a name, a
// verified address or an auth id. The empty Key belongs to no user. Make one with [NameKey],
// [EmailKey] or [AuthIDKey].
type Key string

// The beginnings of keys.
const (
	namePrefix   = "name:"
	emailPrefix  = "email:"
	authIDPrefix = "id:"
)

// field returns the name of the field that the key is made from.
func (k Key) field() string {
	switch {
	case strings.HasPrefix(string(k), emailPrefix):
		return "email"
	case strings.HasPrefix(string(k), authIDPrefix):
		return "authid"
	}
	return "name"
}

// MaxName is the longest name and the longest address in bytes: that of the longest mail
// address (RFC 5321). It is checked before any other work is done on either.
const MaxName = 254

// NameKey returns the key of a name. Two names belong to the same user if their keys are
// equal. It ignores case, spaces around a name, the number of spaces between two words,
// the ways to write one character in Unicode (NFKC: composed or not, full width,
// ligatures), the two forms of a Greek sigma, the joiners that Persian and Hindi write
// between letters, and a dot on an i. Letters of two alphabets that look the same stay
// different.
//
// A name that is longer than [MaxName], or of spaces alone, has the empty key.
func NameKey(name string) Key {
	folded := foldName(name)
	if folded == "" || len(folded) > maxFolded {
		return ""
	}
	return Key(namePrefix + folded)
}

// NamePrefix returns the beginning of the keys of all names that begin with text, for
// Backend.List. No name begins with a text that is longer than [MaxName].
func NamePrefix(text string) Key {
	if len(text) > MaxName {
		return namePrefix + "\x00"
	}
	return Key(namePrefix + foldName(text))
}

// EmailKey returns the key of a mail address. It ignores case, and the two ways to write
// a domain that is not in ASCII. It keeps what follows a "+" and dots before the "@":
// what they mean is up to the host of the mailbox. It is empty if [ParseEmail] refuses
// the address.
func EmailKey(address string) Key {
	address, err := ParseEmail(address)
	if err != nil {
		return ""
	}
	return Key(emailPrefix + strings.ToLower(address))
}

// EmailPrefix returns the beginning of the keys of all addresses that begin with text, for
// Backend.List. No address begins with a text that is longer than [MaxName].
func EmailPrefix(text string) Key {
	if len(text) > MaxName {
		return emailPrefix + "\x00"
	}
	return Key(emailPrefix + strings.ToLower(strings.TrimSpace(text)))
}

// AuthIDKey returns the key of a login from elsewhere, such as "google:1234". An id has 1
// to 300 bytes of UTF-8 without control characters, and is compared byte by byte. The key
// of any other text is empty.
func AuthIDKey(id string) Key {
	if id == "" || len(id) > maxAuthID || !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
		return ""
	}
	return Key(authIDPrefix + id)
}

// LoginKeys returns the keys that the text of a login form can mean, for [Backend]. A
// text with "@" is an address, or the name of a user of an older system: names that are
// chosen here have no "@". Any other text is a name.
func LoginKeys(text string) []Key {
	var keys []Key
	if strings.Contains(text, "@") {
		if key := EmailKey(text); key != "" {
			keys = append(keys, key)
		}
	}
	if key := NameKey(text); key != "" {
		keys = append(keys, key)
	}
	return keys
}

// maxFolded is the longest folded name in bytes. A name that may be chosen here has at most
// MaxName.
const maxFolded = 1000

// foldName returns the form of a name that [NameKey] compares. It is empty if the name is
// too long.
func foldName(name string) string {
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
	// Removing joiners can bring spaces together, and changing case can leave a form that
	// is not normal, so these steps come last.
	return norm.NFKC.String(strings.Join(strings.Fields(name), " "))
}

// The marks that fold and foldName know.
const (
	dotAbove = '\u0307' // also a part of İ, whose lower case is i
	iotaMark = '\u0345' // under a Greek letter
)

// fold returns the rune that stands for all that differ from r in case alone. Lower case
// is not enough: a sigma at the end of a word, ς, would remain another letter than σ.
func fold(r rune) rune {
	if r == iotaMark {
		return r // its upper case is the letter Ι, while the upper case of a letter with the mark keeps the mark
	}
	lower := unicode.ToLower(r)
	other := unicode.ToLower(unicode.ToUpper(lower))
	for same := unicode.SimpleFold(lower); same != lower; same = unicode.SimpleFold(same) {
		if same == other {
			return other
		}
	}
	return lower // the dotless ı stays itself: its upper case is that of i
}

// isJoiner reports whether r is U+200C or U+200D, which control whether two letters join.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// ParseName returns the form in which a name that somebody has chosen is kept: in NFC and
// with single spaces. It returns an *[InvalidError] for a name that could be taken for
// another one: one with invisible characters, with an "@", with more than four marks on a
// letter, or with letters of two of the alphabets Latin, Greek and Cyrillic.
func ParseName(name string) (string, error) {
	refuse := func(message string, pairs ...any) (string, error) {
		return "", newInvalid("name", message, pairs...)
	}
	if len(name) > MaxName {
		return refuse("A name can be at most %(max)s bytes long.", "max", MaxName)
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
	if strings.Contains(name, "@") {
		return refuse("A name cannot have an @ in it: that is for addresses.")
	}
	name = strings.Join(strings.Fields(name), " ")
	if len(name) > MaxName || len(foldName(name)) > MaxName {
		return refuse("A name can be at most %(max)s bytes long.", "max", MaxName)
	}
	if !strings.ContainsFunc(name, isLetterOrDigit) {
		return refuse("A name needs a letter or a digit.")
	}
	marks := maxMarks // a name cannot begin with a mark
	for _, r := range name {
		switch {
		case !unicode.Is(unicode.M, r):
			marks = 0
			if r == ' ' {
				marks = maxMarks
			}
			continue
		case marks == maxMarks:
			return refuse("A name can have at most %(max)s marks on a letter, and none without a letter.", "max", maxMarks)
		}
		marks++
	}
	if mixesAlphabets(name) {
		return refuse("A name can be in Latin, Greek or Cyrillic letters, and not in two of them.")
	}
	return name, nil
}

const (
	blankBraille = '\u2800' // Unicode calls it a symbol, but it looks like a space
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

// ParseEmail returns the form in which a mail address is kept: as it was typed, with its
// domain in lower case ASCII. It returns an *[InvalidError] if the text is not one
// address without a display name, if the part before the "@" is quoted, longer than 64
// bytes or not in ASCII, and if the domain has no dot (RFC 5321, RFC 5891).
func ParseEmail(address string) (string, error) {
	invalid := newInvalid("email", "Please enter a mail address like ann@example.com.")
	if len(address) > 4*MaxName {
		return "", invalid
	}
	address = strings.TrimSpace(address)
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at > 64 || len(address) > MaxName {
		return "", invalid
	}
	local, domain := address[:at], address[at+1:]
	for _, c := range []byte(local) {
		if c <= ' ' || c > '~' || strings.IndexByte(`"\(),:;<>@[]`, c) >= 0 {
			return "", invalid
		}
	}
	if local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return "", invalid
	}
	if !utf8.ValidString(domain) {
		return "", invalid
	}
	domain, err := domains.ToASCII(domain)
	if err != nil {
		return "", invalid
	}
	if again, err := domains.ToASCII(domain); err != nil || again != domain {
		return "", invalid // some letters make a domain that cannot be read
	}
	dot := strings.LastIndexByte(domain, '.')
	if dot < 1 || dot == len(domain)-1 || domain[dot+1] >= '0' && domain[dot+1] <= '9' {
		return "", invalid // a host name alone, a final dot, or the number of an address
	}
	if address = local + "@" + domain; len(address) > MaxName {
		return "", invalid
	}
	return address, nil
}

// domains converts the domain of an address to ASCII, and refuses text that is not a
// domain.
var domains = idna.New(idna.MapForLookup(), idna.VerifyDNSLength(true), idna.StrictDomainName(true), idna.BidiRule())

// An InvalidError says what is wrong with a name, an address or a password that somebody
// chose. Its Message is written for that person.
type InvalidError struct {
	Field   string // "name", "email" or "password"
	Message string // a sentence, in English if it is of this package

	// ID is the message as catalogues of translations have it, with %(name)s where a value
	// belongs, and Pairs are the names and the values. If ID is empty, it is Message.
	ID    string
	Pairs []any
}

// newInvalid returns an InvalidError. The pairs are names and values for what is written
// %(name)s in the message.
func newInvalid(field, message string, pairs ...any) *InvalidError {
	e := &InvalidError{Field: field, Message: message, ID: message, Pairs: pairs}
	for i := 0; i+1 < len(pairs); i += 2 {
		e.Message = strings.ReplaceAll(e.Message, fmt.Sprintf("%%(%s)s", pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return e
}

// Error returns what is wrong with which field.
func (e *InvalidError) Error() string { return "auth: bad " + e.Field + ": " + e.Message }

// HTTPStatus returns 400, because the request has the mistake.
func (e *InvalidError) HTTPStatus() int { return http.StatusBadRequest }
