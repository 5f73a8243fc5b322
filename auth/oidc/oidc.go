// Package oidc logs people in by accounts that they have elsewhere, with OpenID Connect
// (Core 1.0, authorization code flow with PKCE): at Google, for example.
//
// A site sends the browser to the provider and gets it back at its callback:
//
//	google, err := oidc.New(oidc.Google(clientID, clientSecret, "https://example.com/login/google/callback", manager.Derive("oidc")))
//	...
//	// POST /login/google
//	to, err := google.Begin(w, r, oidc.Login{Next: "/"})
//	...
//	http.Redirect(w, r, to, http.StatusSeeOther)
//
//	// GET /login/google/callback
//	who, err := google.Finish(w, r)
//	...
//	user, err := users.ByKey(ctx, auth.AuthIDKey(who.AuthID))
//
// Only a POST begins a login, so that no page of another site can. State, nonce and the
// PKCE verifier are in a sealed cookie of their own for each login, so that two tabs can
// log in at the same time, and a login can be finished once, by the browser that began
// it.
//
// # What makes a user
//
// [Identity.AuthID] names the account for good: the name of the provider and its subject.
// Never find a user by [Identity.Email]: whoever has that address at the provider would
// get the user's account. Add an AuthID to an existing user only after a login as that
// user ([auth.User.AddAuthID]). See [Config.Authoritative] for whether the address of a
// new user is verified.
//
// A page with the button needs the provider in its form-action, see [Provider.Origins]:
// browsers apply the Content-Security-Policy to the redirect as well.
//
// The package example is a whole login.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/webapp2go/webapp2go/auth"
)

// Config describes a provider.
type Config struct {
	// Name begins the auth ids of its accounts, as in "google:1234". It has lower case
	// letters, digits and "-", must never change, and must differ from the names of other
	// providers.
	Name string
	// Issuer is the address that names the provider, such as https://accounts.google.com.
	// It uses https, except on this machine.
	Issuer string
	// ClientID and ClientSecret are what the provider has given the site.
	ClientID     string
	ClientSecret auth.Secret
	// RedirectURL is the address of the callback at the site, as the provider knows it.
	RedirectURL string
	// Scopes are what the site asks for. If nil, it is "openid", "email" and "profile".
	Scopes []string
	// Keys seal the cookies: each is secret and has 32 bytes. The first seals and all open,
	// so that keys can be replaced. Use those of sessions.Manager.Derive("oidc").
	Keys [][]byte
	// HostedDomain, if set, accepts accounts of one Google Workspace domain only.
	HostedDomain string
	// Authoritative reports whether the provider decides who owns an address, so that one
	// that it calls verified is verified for the site too. Claims are those of the ID
	// token. If nil, no address is. It must be safe for concurrent use.
	Authoritative func(address string, claims map[string]any) bool
	// Insecure sends the cookie over http as well, for development.
	Insecure bool
	// Timeout bounds each call of the provider. If 0, it is 10 seconds.
	Timeout time.Duration
	// Transport makes the calls. If nil, it is http.DefaultTransport.
	Transport http.RoundTripper
}

// Google returns the configuration of logins with Google. An address is verified if Google
// says so and decides about it: one at gmail.com, or one of a Workspace domain (the claim
// hd). See Google's "Verify the Google ID token on your server side".
func Google(clientID string, clientSecret auth.Secret, redirectURL string, keys [][]byte) Config {
	return Config{
		Name: "google", Issuer: "https://accounts.google.com",
		ClientID: clientID, ClientSecret: clientSecret, RedirectURL: redirectURL, Keys: keys,
		Authoritative: func(address string, claims map[string]any) bool {
			hosted, _ := claims["hd"].(string)
			return hosted != "" || strings.HasSuffix(strings.ToLower(address), "@gmail.com")
		},
	}
}

// A Provider logs people in at one provider. It is safe for concurrent use. Make one with
// [New].
type Provider struct {
	config    Config
	sealer    sealer
	discovery discovery
}

var validName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// New returns a Provider. It does not connect to the provider, so that a site can start
// without it: the first login fetches the discovery document, and later ones try again
// after a failure. New returns an error that lists what is wrong with the configuration.
func New(c Config) (*Provider, error) {
	var errs []error
	wrong := func(format string, a ...any) { errs = append(errs, fmt.Errorf("auth/oidc: Config."+format, a...)) }
	if !validName.MatchString(c.Name) {
		wrong("Name is %q: set it to 1 to 32 lower case letters, digits and hyphens, such as \"google\"", c.Name)
	}
	if !isAddress(c.Issuer) {
		wrong("Issuer is %q: set it to an https address, such as https://accounts.google.com", c.Issuer)
	}
	if !isAddress(c.RedirectURL) {
		wrong("RedirectURL is %q: set it to the whole https address of the callback, such as https://example.com/login/google/callback", c.RedirectURL)
	}
	if c.ClientID == "" || c.ClientSecret == "" {
		wrong("ClientID or ClientSecret is empty: set both to what the provider has given the site")
	}
	if c.Timeout < 0 {
		wrong("Timeout is %v: it must be positive; 0 means 10s", c.Timeout)
	}
	if c.Scopes == nil {
		c.Scopes = []string{oidc.ScopeOpenID, "email", "profile"}
	} else if !slices.Contains(c.Scopes, oidc.ScopeOpenID) {
		wrong("Scopes is %q: it must have \"openid\"", c.Scopes)
	}
	sealer, err := newSealer(c.Keys)
	if err != nil {
		errs = append(errs, err)
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	return &Provider{config: c, sealer: sealer, discovery: discovery{
		issuer: c.Issuer, client: newClient(c.Transport, c.Timeout),
		needs: []string{"authorization_endpoint", "token_endpoint", "jwks_uri"},
	}}, nil
}

// Name returns Config.Name.
func (p *Provider) Name() string { return p.config.Name }

// Origins returns what a page that begins a login needs in the form-action of its
// Content-Security-Policy: the origin of the issuer, and that of its login page once it is
// known, if it is another one.
func (p *Provider) Origins() []string {
	origins := []string{origin(p.config.Issuer)}
	if discovered := p.discovery.known.Load(); discovered != nil {
		if other := origin(discovered.Endpoint().AuthURL); other != origins[0] {
			origins = append(origins, other)
		}
	}
	return origins
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// A Login says what a login is for. It is part of the [Identity] that Finish returns.
type Login struct {
	// Next is where the site sends the browser afterwards; at most 1024 bytes.
	Next string
	// Purpose tells the site why the login was begun, such as "login", "link" or
	// "confirm"; at most 32 bytes.
	Purpose string
	// User is the ID of the user who is logged in, if there is one: the site can check
	// that the same user finishes what they began. At most 254 bytes.
	User string
	// Again asks the provider to have the person log in there again, and Finish refuses
	// an ID token whose auth_time says that the person has not.
	Again bool
}

// The bounds of a Login in bytes.
const (
	maxNext    = 1024
	maxPurpose = 32
)

// lifetime is how long a login may take at the provider.
const lifetime = 10 * time.Minute

// maxPending is how many logins one browser can have begun.
const maxPending = 5

var (
	// ErrState is returned by Finish if this browser has not begun this login, has
	// finished it before, or has begun it more than 10 minutes ago. Say so on the page,
	// and offer another login; somebody who is logged in already can go on. Its
	// HTTPStatus is 403.
	ErrState error = statusError{"auth/oidc: this login was not begun by this browser, is finished, or took too long", http.StatusForbidden}
	// ErrDenied is returned by Finish if the person has cancelled the login. Its HTTPStatus
	// is 403.
	ErrDenied error = statusError{"auth/oidc: the login was cancelled", http.StatusForbidden}
	// ErrIdentity is wrapped by the error of Finish for a response of the provider that does
	// not prove who somebody is. Its HTTPStatus is 403.
	ErrIdentity error = statusError{"auth/oidc: the provider does not prove who this is", http.StatusForbidden}
	// ErrUnavailable is wrapped by the error of Begin and Finish if the provider does not
	// respond as it should. Its HTTPStatus is 503.
	ErrUnavailable error = statusError{"auth/oidc: the provider is not available", http.StatusServiceUnavailable}
)

type statusError struct {
	text   string
	status int
}

func (e statusError) Error() string   { return e.text }
func (e statusError) HTTPStatus() int { return e.status }

// Begin begins a login: it sets a cookie and returns the address of the provider to which
// the caller redirects the browser, with 303. Call it for a POST only.
func (p *Provider) Begin(w http.ResponseWriter, r *http.Request, login Login) (string, error) {
	if len(login.Next) > maxNext || len(login.Purpose) > maxPurpose || len(login.User) > auth.MaxID {
		return "", fmt.Errorf("auth/oidc: the Next, Purpose or User of a Login has more than %d, %d or %d bytes", maxNext, maxPurpose, auth.MaxID)
	}
	config, _, err := p.provider(r.Context())
	if err != nil {
		return "", err
	}
	state := rand.Text()
	pending := pending{
		Provider: p.config.Name, Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Login: login, At: time.Now().Unix(),
	}
	if err := p.setCookie(w, r, state, pending); err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(pending.Nonce), oauth2.S256ChallengeOption(pending.Verifier)}
	if p.config.HostedDomain != "" {
		options = append(options, oauth2.SetAuthURLParam("hd", p.config.HostedDomain))
	}
	if login.Again {
		options = append(options, oauth2.SetAuthURLParam("max_age", "0"), oauth2.SetAuthURLParam("prompt", "login"))
	}
	return config.AuthCodeURL(state, options...), nil
}

// An Identity is who somebody is at a provider.
type Identity struct {
	AuthID   string // the name of the provider and the Subject, such as "google:1234"
	Subject  string // who it is at the provider, for good
	Email    string // as auth.ParseEmail returns it; empty if the provider gives none
	Verified bool   // the provider calls Email verified, and Config.Authoritative trusts it
	Name     string // a suggestion for the name of a new user, at most 254 bytes; check it with auth.ParseName
	// AuthTime is when the person has logged in at the provider; zero if it does not say.
	AuthTime time.Time
	// Login is what Begin was given.
	Login Login
	// Claims are those of the ID token.
	Claims map[string]any
}

// Finish finishes a login in the callback: it verifies what the provider has sent, deletes
// the cookie, and returns who it is. Errors are [ErrState], [ErrDenied], and those that
// wrap [ErrIdentity] or [ErrUnavailable]; their text is for the log.
//
// In addition to the signature, the issuer, the audience and the expiry of the ID token
// (OpenID Connect Core 1.0, section 3.1.3.7), it checks the nonce, the subject, the
// authorized party, the time of issue, the provider of the login (RFC 9207), the hosted
// domain, and the time of the login at the provider, if Login.Again was set.
func (p *Provider) Finish(w http.ResponseWriter, r *http.Request) (*Identity, error) {
	query := r.URL.Query()
	begun, ok := p.takeCookie(w, r, query.Get("state"))
	if !ok {
		return nil, ErrState
	}
	if issuer := query.Get("iss"); issuer != "" && issuer != p.config.Issuer {
		return nil, fmt.Errorf("%w: the response comes from another provider", ErrIdentity)
	}
	if code := query.Get("error"); code == "access_denied" {
		return nil, ErrDenied
	} else if code != "" {
		return nil, fmt.Errorf("%w: error %.80q", ErrUnavailable, code)
	}
	config, verifier, err := p.provider(r.Context())
	if err != nil {
		return nil, err
	}
	client := p.discovery.client
	ctx, cancel := context.WithTimeout(oidc.ClientContext(r.Context(), client), client.Timeout)
	defer cancel()
	token, err := config.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(begun.Verifier))
	if err != nil {
		if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.ErrorCode == "invalid_grant" {
			return nil, fmt.Errorf("%w: the code was refused", ErrIdentity)
		}
		return nil, fmt.Errorf("%w: %.300s", ErrUnavailable, err)
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %.300s", ErrIdentity, err)
	}
	return p.identity(idToken, begun)
}

// The bounds of an ID token.
const (
	maxSubject = 255             // bytes of ASCII (Core 1.0, section 2)
	maxAhead   = 5 * time.Minute // that the clock of the provider may be ahead
	maxAge     = 10 * time.Minute
)

// identity checks what the library leaves to its caller.
func (p *Provider) identity(token *oidc.IDToken, begun pending) (*Identity, error) {
	refuse := func(format string, a ...any) (*Identity, error) {
		return nil, fmt.Errorf("%w: "+format, append([]any{ErrIdentity}, a...)...)
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return refuse("the claims cannot be read")
	}
	now := time.Now()
	party, hasParty := claims["azp"]
	hosted, _ := claims["hd"].(string)
	authTime, hasAuthTime := claims["auth_time"].(float64)
	switch {
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(begun.Nonce)) != 1:
		return refuse("another nonce")
	case token.Subject == "" || len(token.Subject) > maxSubject || strings.ContainsFunc(token.Subject, notASCII):
		return refuse("a subject that is empty, longer than %d bytes or not in ASCII", maxSubject)
	case hasParty && party != p.config.ClientID, !hasParty && len(token.Audience) > 1:
		return refuse("it was issued to another site")
	case token.IssuedAt.After(now.Add(maxAhead)) || token.IssuedAt.Before(now.Add(-maxAge)):
		return refuse("it was issued at %v", token.IssuedAt.UTC())
	case p.config.HostedDomain != "" && hosted != p.config.HostedDomain:
		return refuse("an account of another domain")
	case begun.Login.Again && (!hasAuthTime || time.Unix(int64(authTime), 0).Before(time.Unix(begun.At, 0).Add(-time.Minute))):
		return refuse("the person has not logged in again")
	}
	who := &Identity{
		AuthID: p.config.Name + ":" + token.Subject, Subject: token.Subject, Login: begun.Login, Claims: claims,
	}
	if hasAuthTime {
		who.AuthTime = time.Unix(int64(authTime), 0).UTC()
	}
	if name, _ := claims["name"].(string); len(name) <= auth.MaxName {
		who.Name = name
	}
	address, _ := claims["email"].(string)
	if kept, err := auth.ParseEmail(address); err == nil {
		verified := claims["email_verified"]
		who.Email = kept
		who.Verified = (verified == true || verified == "true") && p.config.Authoritative != nil && p.config.Authoritative(kept, claims)
	}
	return who, nil
}

func notASCII(r rune) bool { return r <= ' ' || r > '~' }

// provider returns what a login needs of the discovery document, and fetches it if it is
// not known.
func (p *Provider) provider(ctx context.Context) (*oauth2.Config, *oidc.IDTokenVerifier, error) {
	discovered, err := p.discovery.provider(ctx)
	if err != nil {
		return nil, nil, err
	}
	config := &oauth2.Config{
		ClientID: p.config.ClientID, ClientSecret: string(p.config.ClientSecret),
		Endpoint: discovered.Endpoint(), RedirectURL: p.config.RedirectURL, Scopes: p.config.Scopes,
	}
	return config, discovered.Verifier(&oidc.Config{ClientID: p.config.ClientID}), nil
}
