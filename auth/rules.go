package auth

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxPassword is the longest password in bytes: long enough for any passphrase, and short
// enough that hashing it takes no longer than hashing a short one.
const MaxPassword = 1024

// Shortest returns the fewest characters that a new password can have: MinLength or its
// default. A form can show it.
func (p *Passwords) Shortest() int { return cmp.Or(p.MinLength, 8) }

// CheckNew returns an *[InvalidError] for a password that u should not choose: one that
// is too short, too long or common, that is the user's own name or address or one of
// Words, or that Passwords.Rule refuses (OWASP ASVS 5.0, 6.2.1, 6.2.4, 6.2.11). Any other
// error comes from Passwords.Rule. [Passwords.Set] calls it; a form can call it earlier.
func (p *Passwords) CheckNew(ctx context.Context, u *User, password string) error {
	refuse := func(message string, pairs ...any) error { return newInvalid("password", message, pairs...) }
	shortest := p.Shortest()
	switch {
	case len(password) > MaxPassword:
		return refuse("A password can be at most %(max)s bytes long.", "max", MaxPassword)
	case utf8.RuneCountInString(password) < shortest:
		return refuse("A password must have at least %(min)s characters.", "min", shortest)
	case !utf8.ValidString(password):
		return refuse("A password must be valid UTF-8.")
	case isCommon(password):
		return refuse("Many people have this password, so it is tried first. Please choose another.")
	case resembles(password, u.Name), resembles(password, u.Email):
		return refuse("Your name or address cannot be your password. Please choose another.")
	case slices.ContainsFunc(p.Words, func(word string) bool { return resembles(password, word) }):
		return refuse("This password is easy to guess on this site. Please choose another.")
	case p.Rule != nil:
		if err := p.Rule(ctx, u, password); err != nil {
			return fmt.Errorf("%w: %w", ErrRule, err)
		}
	}
	return nil
}

// common is the list of common passwords of the Django project, those of 8 characters or
// more: lower case, sorted by bytes, one a line. Its licence is in common.LICENSE.
//
//go:embed common.txt
var common string

// isCommon reports whether a password is on the list. It ignores case.
func isCommon(password string) bool {
	password = strings.ToLower(normal(password))
	// A binary search over the bytes of the sorted text. A position stands for the line
	// that it is in.
	line := func(at int) string {
		start := strings.LastIndexByte(common[:at], '\n') + 1
		text, _, _ := strings.Cut(common[start:], "\n")
		return text
	}
	at := sort.Search(len(common), func(at int) bool { return line(at) >= password })
	return at < len(common) && line(at) == password
}

// resembles reports whether a password is a name, or a part of a mail address, with
// nothing but digits and signs around it.
func resembles(password, name string) bool {
	key, bare := foldName(password), bareWord(foldName(password))
	name = foldName(name)
	local, domain, _ := strings.Cut(name, "@")
	label, _, _ := strings.Cut(domain, ".")
	for _, word := range []string{name, local, domain, label} {
		if word != "" && key == word || bareWord(word) != "" && bare == bareWord(word) {
			return true
		}
	}
	return false
}

// bareWord removes the characters at both ends that are not letters.
func bareWord(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
}
