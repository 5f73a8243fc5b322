package auth

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxPassword is the longest password in bytes: long enough for any passphrase,
// short enough that nobody can make work by sending more.
const MaxPassword = 1024

// Shortest is the fewest characters that a new password can have: MinLength or its default,
// for a form that tells the rule before it is broken.
func (p *Passwords) Shortest() int { return cmp.Or(p.MinLength, 8) }

// ErrRule is in the chain of each error that Passwords.Rule has returned, before its own:
// to bound how often a stranger makes the Rule look a password up.
var ErrRule = errors.New("auth: Passwords.Rule")

// CheckNew returns an *[InvalidError] for a password that u should not choose: one that is
// too short or too long, that everybody tries first, that is the user's own name, or that
// Passwords.Rule refuses (OWASP ASVS 5.0, 6.2.1, 6.2.4, 6.2.11). SignUp and Change ask it.
// A program that stores the Hash of a password that somebody chose asks it first. Any
// other error is of Passwords.Rule. Of u the name is looked at, and Rule may look at more.
func (p *Passwords) CheckNew(ctx context.Context, u *User, password string) error {
	refuse := func(format string, a ...any) error {
		return &InvalidError{Field: "password", Message: fmt.Sprintf(format, a...)}
	}
	shortest := p.Shortest()
	switch {
	case len(password) > MaxPassword:
		return refuse("A password can be at most %d bytes long.", MaxPassword)
	case utf8.RuneCountInString(password) < shortest:
		return refuse("A password must have at least %d characters.", shortest)
	case !utf8.ValidString(password):
		return refuse("A password must be valid UTF-8.")
	case isCommon(password):
		return refuse("Many people have this password, so it is tried first. Please choose another.")
	case resembles(password, u.Name):
		return refuse("Your name is no password. Please choose another.")
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

// isCommon reports whether a password is on the list, in whatever case.
func isCommon(password string) bool {
	password = strings.ToLower(normal(password))
	// The text is sorted, so the place is found by halving it. A position stands for the
	// line that it is in.
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
	key, bare := NameKey(password), bareWord(NameKey(password))
	name = NameKey(name)
	local, domain, _ := strings.Cut(name, "@")
	label, _, _ := strings.Cut(domain, ".")
	for _, word := range []string{name, local, domain, label} {
		if word != "" && key == word || bareWord(word) != "" && bare == bareWord(word) {
			return true
		}
	}
	return false
}

// bareWord cuts off what is no letter at both ends.
func bareWord(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
}
