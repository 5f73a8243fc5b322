package auth_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/auth"
)

// exampleTokens are tokens of a random key. A site has those of its sessions:
// auth.NewTokens(manager.Derive("one-time tokens")).
func exampleTokens() *auth.Tokens {
	key := make([]byte, 32)
	rand.Read(key)
	return auth.NewTokens([][]byte{key})
}

// Somebody has forgotten the password. A mail has a link; its page shows whose link it
// is, and the POST of the page sets a new password. The link works once.
func ExamplePasswords_Reset() {
	ctx := context.Background()
	users, tokens := auth.NewMemory(), exampleTokens()
	var passwords auth.Passwords
	ann := &auth.User{Email: "ann@example.com", Verified: true}
	if err := users.Create(ctx, ann); err != nil {
		panic(err)
	}

	// POST /forgot
	found, err := users.ByKey(ctx, auth.EmailKey("Ann@Example.com"))
	if err != nil {
		panic(err)
	}
	token, err := tokens.Make(auth.ResetPassword, found, "")
	if err != nil {
		panic(err)
	}
	link := "https://example.com/reset?t=" + token

	// GET /reset
	u, err := url.Parse(link)
	if err != nil {
		panic(err)
	}
	token = u.Query().Get("t")
	user, _, err := tokens.Verify(ctx, users, auth.ResetPassword, token)
	fmt.Println("for", user.Email, err)

	// POST /reset
	_, err = passwords.Reset(ctx, users, tokens, token, "correct horse battery")
	fmt.Println("set:", err)
	_, err = passwords.Reset(ctx, users, tokens, token, "another one")
	fmt.Println("again:", err)
	// Output:
	// for ann@example.com <nil>
	// set: <nil>
	// again: auth: this link has been used, was replaced, or is too old
}

// A sign-up by mail stores nothing before the link is used: the owner of the mailbox
// chooses name and password behind it.
func ExampleTokens_MakeFor() {
	ctx := context.Background()
	users, tokens := auth.NewMemory(), exampleTokens()
	var passwords auth.Passwords

	token, err := tokens.MakeFor(auth.SignUpByEmail, "ann@example.com", "")
	if err != nil {
		panic(err)
	}
	for range 2 { // the second time the address is taken
		address, _, err := tokens.VerifyFor(auth.SignUpByEmail, token)
		if err != nil {
			panic(err)
		}
		ann := &auth.User{Name: "ann", Email: address, Verified: true}
		err = passwords.SignUp(ctx, users, ann, "correct horse battery")
		fmt.Println(errors.Is(err, auth.ErrExists))
	}
	// Output:
	// false
	// true
}

// An application has a purpose of its own: a link that makes a user a member, once. The
// token is bound to the roles, which its use changes.
func ExamplePurpose() {
	ctx := context.Background()
	users, tokens := auth.NewMemory(), exampleTokens()
	join := auth.Purpose{
		Name:  "join",
		Life:  48 * time.Hour,
		Binds: func(u *auth.User) []string { return u.Roles },
		Apply: func(u *auth.User, team string) error {
			u.Roles = append(u.Roles, team)
			return nil
		},
	}
	ann := &auth.User{Name: "ann"}
	if err := users.Create(ctx, ann); err != nil {
		panic(err)
	}
	token, err := tokens.Make(join, ann, "team-7")
	if err != nil {
		panic(err)
	}
	ann, err = tokens.Use(ctx, users, join, token, nil)
	fmt.Println(ann.Roles, err)
	_, err = tokens.Use(ctx, users, join, token, nil)
	fmt.Println(err == auth.ErrToken)
	// Output:
	// [team-7] <nil>
	// true
}

// BreachList asks a service of the protocol of Have I Been Pwned whether a password is known
// from a breach. It sends the first five hexadecimal digits of the SHA-1 of the password,
// which about a thousand breached passwords share, and looks for the others in the
// response. If the service does not respond, the password passes.
type BreachList struct {
	URL    string // https://api.pwnedpasswords.com/range/
	Client *http.Client
}

// Rule is for auth.Passwords.Rule.
func (b BreachList) Rule(ctx context.Context, _ *auth.User, password string) error {
	found, err := b.has(ctx, password)
	if err != nil {
		slog.WarnContext(ctx, "the list of breached passwords does not respond", "error", err)
		return nil
	}
	if found {
		return &auth.InvalidError{Field: "password", Message: "This password is known from a breach of another site. Please choose another."}
	}
	return nil
}

func (b BreachList) has(ctx context.Context, password string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	digest := fmt.Sprintf("%X", sha1.Sum([]byte(password)))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.URL+digest[:5], nil)
	if err != nil {
		return false, err
	}
	r.Header.Set("Add-Padding", "true") // so that the length of the response reveals nothing
	response, err := b.Client.Do(r)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false, errors.New(response.Status)
	}
	lines := bufio.NewScanner(io.LimitReader(response.Body, 1<<20))
	for lines.Scan() {
		suffix, count, _ := strings.Cut(lines.Text(), ":")
		if suffix == digest[5:] && count != "0" { // padding has the count 0
			return true, nil
		}
	}
	return false, lines.Err()
}

// Passwords that are known from a breach are refused (ASVS 6.2.12).
func ExamplePasswords_breachList() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/range/2F9E5" { // of "correct horse"
			fmt.Fprint(w, "003D68EB55068C33ACE09247EE4C639306B:0\r\n3523B62ABC141A2B4D6019D23CBA835DBD0:391\r\n")
		}
	}))
	defer service.Close()

	list := BreachList{URL: service.URL + "/range/", Client: service.Client()}
	p := auth.Passwords{Rule: list.Rule}
	for _, password := range []string{"correct horse", "battery staple"} {
		fmt.Println(p.CheckNew(context.Background(), &auth.User{Name: "ann"}, password))
	}
	// Output:
	// auth: Passwords.Rule: auth: bad password: This password is known from a breach of another site. Please choose another.
	// <nil>
}
