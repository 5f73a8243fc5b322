package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Tokens makes and verifies the tokens in links that are mailed to users. No table of
// tokens is kept: a token has the ID of its user and its expiry, and is signed together
// with those values of the user that its [Purpose] binds. Using the token changes one of
// them, so that it works once. Any other change of them ends the token as well.
//
// A GET shows a page with a button and calls Verify or VerifyFor, because programs that look
// for malware open the links in mails; the POST of the button calls Use. Tokens is safe for
// concurrent use. Make one with [NewTokens].
type Tokens struct {
	keys [][]byte
}

// NewTokens returns Tokens that sign with the first of the keys and accept all of them,
// so that keys can be replaced. The keys of sessions.Manager.Derive serve well, with a
// purpose of their own. Each is secret and has at least 32 random bytes.
func NewTokens(keys [][]byte) *Tokens {
	t := &Tokens{}
	for _, key := range keys {
		t.keys = append(t.keys, slices.Clone(key))
	}
	return t
}

// Check returns what is wrong with the keys, for a program to call at startup.
func (t *Tokens) Check() error {
	if len(t.keys) == 0 {
		return errors.New("auth: NewTokens without a key: give it those of sessions.Manager.Derive")
	}
	for i, key := range t.keys {
		if len(key) < 32 {
			return fmt.Errorf("auth: key %d of NewTokens has %d bytes, fewer than 32: give it those of sessions.Manager.Derive", i, len(key))
		}
	}
	return nil
}

// Format prints nothing of the keys.
func (t *Tokens) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "(secret: %d keys)", len(t.keys)) }

// A Purpose is what a token is for. A token of one purpose is not valid for another. An
// application can have purposes of its own.
type Purpose struct {
	// Name tells purposes apart. It must not be empty, and does not change while tokens of
	// the purpose are in use.
	Name string
	// Life is how long a token is valid.
	Life time.Duration
	// Binds returns the values of the user that must not change between the making and
	// the use of the token, in addition to ID and Created. If nil, there are no others.
	Binds func(u *User) []string
	// Apply changes the user when the token is used, before the change of the caller;
	// data is that of Make. If nil, nothing is changed.
	Apply func(u *User, data string) error
	// Repeatable tokens can be used until they expire, because using one again changes
	// nothing. Using any other token must change what Binds returns.
	Repeatable bool
}

// The purposes of package handlers. Those with a user:
var (
	// VerifyEmail marks the address of the user as verified. It lasts for 3 days. A
	// change of the address ends it; a change of the password does not.
	VerifyEmail = Purpose{
		Name: "verify", Life: 3 * 24 * time.Hour, Repeatable: true,
		Binds: func(u *User) []string { return []string{string(EmailKey(u.Email))} },
		Apply: func(u *User, _ string) error { u.Verified = true; return nil },
	}
	// ResetPassword lets the owner of the mailbox choose another password, see
	// [Passwords.Reset]. It lasts for an hour. A change of the password or the address ends
	// it, and so does [User.Restamp].
	ResetPassword = Purpose{
		Name: "reset", Life: time.Hour,
		Binds: bindEmail,
	}
	// ChangeEmail gives the user a new address, which is the data of the token and to
	// which the token is mailed. It lasts for an hour. A change of the password or of the
	// address ends it. The caller sends a notice to the old address.
	ChangeEmail = Purpose{
		Name: "email", Life: time.Hour,
		Binds: bindEmail,
		Apply: func(u *User, data string) error { return u.SetEmail(data, true) },
	}
	// LogInByLink logs the user in. It lasts for 10 minutes (ASVS 6.5.5). It ends when a
	// link of the user to log in or to delete the account is used, and when the password
	// changes.
	LogInByLink = Purpose{Name: "login", Life: 10 * time.Minute, Binds: bindLinks, Apply: countLink}
	// DeleteByLink lets a user without a password confirm the deletion of the account. It
	// lasts and ends as LogInByLink does. The caller deletes the user that Use returns.
	DeleteByLink = Purpose{Name: "delete", Life: 10 * time.Minute, Binds: bindLinks, Apply: countLink}
)

// The purposes without a user, for MakeFor and VerifyFor. Creating a user with the address
// ends the token, because the address is taken then.
var (
	// SignUpByEmail lets the owner of the mailbox sign up. It lasts for a day.
	SignUpByEmail = Purpose{Name: "signup", Life: 24 * time.Hour}
	// Invite lets an invited person sign up, also if sign-up is closed. Its data says who
	// invited, and to what. It lasts for 7 days.
	Invite = Purpose{Name: "invite", Life: 7 * 24 * time.Hour}
)

func bindEmail(u *User) []string {
	return []string{u.Credential(), string(EmailKey(u.Email)), strconv.FormatBool(u.Verified)}
}

func bindLinks(u *User) []string {
	return []string{u.Credential(), strconv.FormatUint(u.Links, 10)}
}

func countLink(u *User, _ string) error {
	u.Links++
	return nil
}

// binding returns all values of the user that a token of the purpose is bound to.
func (p Purpose) binding(u *User) []string {
	binding := []string{u.ID, strconv.FormatInt(u.Created.UnixMicro(), 10)}
	if p.Binds != nil {
		binding = append(binding, p.Binds(u)...)
	}
	return binding
}

// ErrToken is returned for a token that cannot be used, whatever the cause: it was used or
// has expired, what it is bound to has changed, the user is gone or disabled, or it was
// never made here. Its HTTPStatus is 403.
var ErrToken error = statusError{"auth: this link has been used, was replaced, or is too old", http.StatusForbidden}

// MaxTokenData is the longest address and the longest data in a token, in bytes.
const MaxTokenData = 254

// Make returns a token for a stored user: a text of 88 characters for an ID of 26 bytes,
// more with data, that needs no escaping in a URL. Anybody who has the link can read the
// ID and the data in it. It returns an error if data is longer than [MaxTokenData], and
// if Check does.
func (t *Tokens) Make(p Purpose, u *User, data string) (string, error) {
	if u.ID == "" {
		return "", errors.New("auth: a token needs a user that is stored: call Backend.Create first")
	}
	return t.make(p, contents{kind: forUser, name: u.ID, data: data}, p.binding(u))
}

// MakeFor returns a token for a mail address, which need not belong to a user. See
// [Tokens.Make].
func (t *Tokens) MakeFor(p Purpose, address, data string) (string, error) {
	address, err := ParseEmail(address)
	if err != nil {
		return "", err
	}
	return t.make(p, contents{kind: forAddress, name: address, data: data}, nil)
}

// Verify returns the user and the data of a token, or [ErrToken], and changes nothing.
// Show on the page whose token it is: otherwise a stranger's link could log a person in
// to the stranger's account. Any other error is that of users.ByID.
func (t *Tokens) Verify(ctx context.Context, users Finder, p Purpose, token string) (u *User, data string, err error) {
	c, ok := parse(token)
	if !ok || c.kind != forUser || !c.isValid() {
		return nil, "", ErrToken
	}
	u, err = users.ByID(ctx, c.name)
	found := err == nil
	switch {
	case errors.Is(err, ErrNotFound):
		u = &User{} // so that an unknown user costs the same work
	case err != nil:
		return nil, "", fmt.Errorf("auth: verifying a token: %w", err)
	}
	if ok := t.signed(p, c, p.binding(u)); !ok || !found || u.Disabled {
		return nil, "", ErrToken
	}
	return u, c.data, nil
}

// VerifyFor returns the address and the data of a token that MakeFor made, or [ErrToken].
func (t *Tokens) VerifyFor(p Purpose, token string) (address, data string, err error) {
	c, ok := parse(token)
	if !ok || c.kind != forAddress || !c.isValid() || !t.signed(p, c, nil) {
		return "", "", ErrToken
	}
	return c.name, c.data, nil
}

// Use verifies a token, changes its user, stores the user, and returns it as stored. Of
// several uses at the same time one succeeds. The changes are the Apply of the purpose,
// and then change, which may be nil. If somebody else changes the user meanwhile, all of
// it is done again, so change should only assign fields. If change returns an error,
// nothing is stored and Use returns it. Other errors are [ErrToken] and those of
// Backend.Update.
func (t *Tokens) Use(ctx context.Context, b Backend, p Purpose, token string, change func(u *User) error) (*User, error) {
	for attempt := 1; ; attempt++ {
		u, data, err := t.Verify(ctx, b, p, token)
		if err != nil {
			return nil, err
		}
		before := p.binding(u)
		if p.Apply != nil {
			if err := p.Apply(u, data); err != nil {
				return nil, err
			}
		}
		if change != nil {
			if err := change(u); err != nil {
				return nil, err
			}
		}
		if !p.Repeatable && slices.Equal(before, p.binding(u)) {
			return nil, fmt.Errorf("auth: the use of a token for %q changes no value that it is bound to, so that it could be used again: have change or Purpose.Apply change what Binds returns, or set Repeatable", p.Name)
		}
		err = b.Update(ctx, u)
		switch {
		case err == nil:
			return u, nil
		case errors.Is(err, ErrNotFound):
			return nil, ErrToken
		case !errors.Is(err, ErrConflict) || attempt == maxUses:
			return nil, fmt.Errorf("auth: using a token: %w", err)
		}
	}
}

// maxUses is how many times Use tries while others change the user.
const maxUses = 10

// contents are the decoded fields of a token.
type contents struct {
	kind    byte
	expires int64  // in seconds since 1970
	name    string // the ID of a user, or an address
	data    string
	body    []byte // all of these, encoded
	mac     []byte
}

// The kinds of tokens. They are the version of the encoding as well.
const (
	forUser    = 1
	forAddress = 2
)

const (
	tokenLabel = "webapp2go token 1"
	headLength = 1 + 5 // kind and expires
	// maxToken is the longest token in characters.
	maxToken = (headLength+2*(1+MaxTokenData)+sha256.Size)*4/3 + 1
)

func (c contents) isValid() bool { return time.Now().Unix() < c.expires }

func (t *Tokens) make(p Purpose, c contents, binding []string) (string, error) {
	if err := t.Check(); err != nil {
		return "", err
	}
	if p.Name == "" || p.Life <= 0 {
		return "", errors.New("auth: a Purpose needs a Name and a Life")
	}
	if len(c.name) > MaxTokenData || len(c.data) > MaxTokenData {
		return "", fmt.Errorf("auth: a token for a name of %d bytes with data of %d bytes: each can have at most %d", len(c.name), len(c.data), MaxTokenData)
	}
	c.expires = time.Now().Add(p.Life).Unix()
	body := binary.BigEndian.AppendUint64(nil, uint64(c.expires))[2:]
	body[0] = c.kind // the time needs five bytes
	for _, text := range []string{c.name, c.data} {
		body = append(body, byte(len(text)))
		body = append(body, text...)
	}
	return base64.RawURLEncoding.EncodeToString(append(body, sign(t.keys[0], p, body, binding)...)), nil
}

// parse decodes a token. Each token has one encoding.
func parse(token string) (c contents, ok bool) {
	if len(token) > maxToken {
		return c, false
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(data) < headLength+2+sha256.Size || base64.RawURLEncoding.EncodeToString(data) != token {
		return c, false
	}
	c.body, c.mac = data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	c.kind = data[0]
	c.expires = int64(data[1])<<32 | int64(binary.BigEndian.Uint32(data[2:]))
	rest := c.body[headLength:]
	for _, text := range []*string{&c.name, &c.data} {
		if len(rest) == 0 || len(rest)-1 < int(rest[0]) {
			return c, false
		}
		end := 1 + int(rest[0])
		*text, rest = string(rest[1:end]), rest[end:]
	}
	return c, len(rest) == 0
}

// signed reports whether one of the keys has signed the contents.
func (t *Tokens) signed(p Purpose, c contents, binding []string) bool {
	for _, key := range t.keys {
		if hmac.Equal(c.mac, sign(key, p, c.body, binding)) {
			return true
		}
	}
	return false
}

// sign signs texts, each with its length.
func sign(key []byte, p Purpose, body []byte, binding []string) []byte {
	mac := hmac.New(sha256.New, key)
	write := func(text string) {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(text))))
		mac.Write([]byte(text))
	}
	write(tokenLabel)
	write(p.Name)
	write(string(body))
	for _, text := range binding {
		write(text)
	}
	return mac.Sum(nil)
}
