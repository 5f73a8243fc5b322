// Package oidctest has a small provider of OpenID Connect, for tests and demonstrations
// of logins from elsewhere. It asks for no password: anybody who can reach it can log in
// as each of its accounts.
//
//	provider, err := oidctest.Start("127.0.0.1:0")
//	...
//	defer provider.Close()
//	provider.Accounts = []oidctest.Account{{Subject: "1", Email: "ann@example.com", EmailVerified: true}}
//	login, err := oidc.New(oidc.Config{
//		Name: "test", Issuer: provider.Issuer(),
//		ClientID: provider.ClientID, ClientSecret: auth.Secret(provider.ClientSecret),
//		...
//	})
package oidctest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// An Account is somebody who can log in at the provider.
type Account struct {
	Subject       string // sub: who it is, for good
	Email         string
	EmailVerified bool
	Name          string
	HostedDomain  string // hd; empty: none
}

// A Provider is a provider of OpenID Connect Core 1.0 with the authorization code flow and
// PKCE (RFC 7636). Set its fields before the first use. Make one with [Start] or [New].
type Provider struct {
	// ClientID and ClientSecret are those of the one site that may use it.
	ClientID, ClientSecret string
	// Redirects are the addresses to which it sends people back. If empty, it sends them
	// to every address.
	Redirects []string
	// Accounts are those who can log in.
	Accounts []Account

	// Claims, if set, changes the claims of each ID token before it is signed: for tests of
	// what a site checks.
	Claims func(claims map[string]any)
	// Sign, if set, makes the ID token of the claims, for tests of what a site checks; it
	// can call SignRS256.
	Sign func(claims map[string]any) string
	// Discovery, if set, changes the discovery document.
	Discovery func(document map[string]any)

	issuer   string
	key      *rsa.PrivateKey
	listener net.Listener
	server   *http.Server

	mu    sync.Mutex
	codes map[string]grant
	calls map[string]int
}

// A grant is what a code stands for.
type grant struct {
	account   Account
	request   url.Values // of /authorize
	challenge string
	at        time.Time
}

// newKey returns the key of all providers of this process: to make one takes a second.
var newKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// New returns a Provider that an application serves by itself at the address issuer, such
// as https://provider.example.
func New(issuer string) (*Provider, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	return &Provider{
		ClientID: "site", ClientSecret: rand.Text(),
		Accounts: []Account{{Subject: "1", Email: "ann@example.com", EmailVerified: true, Name: "Ann"}},
		issuer:   issuer, key: key, codes: map[string]grant{}, calls: map[string]int{},
	}, nil
}

// Start returns a Provider that listens at an address, such as 127.0.0.1:0, until Close.
func Start(address string) (*Provider, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	p, err := New("http://" + listener.Addr().String())
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	p.listener = listener
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(listener) }()
	return p, nil
}

// Close stops a Provider that Start has made.
func (p *Provider) Close() {
	if p.server != nil {
		_ = p.server.Close()
	}
}

// Issuer returns the address of the provider, which names it.
func (p *Provider) Issuer() string { return p.issuer }

// DevelopmentOnly returns why a site must not use it, and how to fix it, for
// cloud.Platform.Check.
func (p *Provider) DevelopmentOnly() string {
	return "everybody can log in as every account of oidctest: use a provider that asks for a password"
}

// Calls returns how often a path was requested.
func (p *Provider) Calls(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

// ServeHTTP serves the discovery document, the keys, and the pages and calls of a login.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	base, err := url.Parse(p.issuer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, strings.TrimSuffix(base.Path, "/"))
	p.mu.Lock()
	p.calls[path]++
	p.mu.Unlock()
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	switch path {
	case "/.well-known/openid-configuration":
		p.discovery(w)
	case "/keys":
		p.keys(w)
	case "/authorize":
		p.authorize(w, r)
	case "/token":
		p.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (p *Provider) discovery(w http.ResponseWriter) {
	document := map[string]any{
		"issuer": p.issuer, "authorization_endpoint": p.issuer + "/authorize", "token_endpoint": p.issuer + "/token", "jwks_uri": p.issuer + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	}
	if p.Discovery != nil {
		p.Discovery(document)
	}
	writeJSON(w, http.StatusOK, document)
}

func (p *Provider) keys(w http.ResponseWriter) {
	writeJSON(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1",
		"n": encode(p.key.N.Bytes()), "e": encode(big.NewInt(int64(p.key.E)).Bytes()),
	}}})
}

// page lists the accounts; each button sends the request of the site along.
var page = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Test provider</title>
<h1>Test provider</h1>
<p>{{.Site}} asks who you are.</p>
<form method="post">{{range $name, $values := .Request}}{{range $values}}
<input type="hidden" name="{{$name}}" value="{{.}}">{{end}}{{end}}
{{range .Accounts}}<p><button name="account" value="{{.Subject}}">{{.Name}} ({{.Email}})</button></p>
{{end}}<p><button name="account" value="">Cancel</button></p>
</form></html>
`))

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "bad form", http.StatusBadRequest)
		return
	}
	if err := p.checkRequest(r.Form); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, map[string]any{"Site": p.ClientID, "Request": r.URL.Query(), "Accounts": p.Accounts})
		return
	}
	subject := r.PostForm.Get("account")
	r.PostForm.Del("account")
	http.Redirect(w, r, p.answer(r.PostForm, subject), http.StatusSeeOther)
}

func (p *Provider) checkRequest(request url.Values) error {
	switch {
	case request.Get("client_id") != p.ClientID:
		return errors.New("unknown client_id")
	case request.Get("response_type") != "code" || !strings.Contains(" "+request.Get("scope")+" ", " openid "):
		return errors.New("response_type must be code, and scope must have openid")
	case request.Get("code_challenge") == "" || request.Get("code_challenge_method") != "S256":
		return errors.New("code_challenge_method must be S256")
	case request.Get("state") == "":
		return errors.New("no state")
	}
	redirect := request.Get("redirect_uri")
	for _, known := range p.Redirects {
		if redirect == known {
			return nil
		}
	}
	if u, err := url.Parse(redirect); len(p.Redirects) > 0 || err != nil || u.Host == "" {
		return errors.New("unknown redirect_uri")
	}
	return nil
}

// answer returns the address to which a person who has chosen an account is sent back; an
// unknown account is one who has cancelled.
func (p *Provider) answer(request url.Values, subject string) string {
	query := url.Values{"state": {request.Get("state")}, "iss": {p.issuer}}
	query.Set("error", "access_denied")
	for _, account := range p.Accounts {
		if account.Subject == subject {
			query.Del("error")
			query.Set("code", p.newCode(account, request))
		}
	}
	redirect := request.Get("redirect_uri")
	separator := "?"
	if strings.Contains(redirect, "?") {
		separator = "&"
	}
	return redirect + separator + query.Encode()
}

func (p *Provider) newCode(account Account, request url.Values) string {
	code := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	for old, g := range p.codes {
		if time.Since(g.at) > time.Minute {
			delete(p.codes, old)
		}
	}
	p.codes[code] = grant{account, request, request.Get("code_challenge"), time.Now()}
	return code
}

// Authorize does what a person does who chooses an account on the page at authURL, to which
// a site has sent the browser. It returns the address of the site to which the browser is
// sent back. An unknown subject cancels.
func (p *Provider) Authorize(authURL, subject string) (string, error) {
	u, err := url.Parse(authURL)
	if err != nil {
		return "", err
	}
	request := u.Query()
	if err := p.checkRequest(request); err != nil {
		return "", fmt.Errorf("oidctest: %w", err)
	}
	return p.answer(request, subject), nil
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code string) { writeJSON(w, status, map[string]any{"error": code}) }
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		refuse(http.StatusBadRequest, "invalid_request")
		return
	}
	id, secret, ok := r.BasicAuth()
	if ok { // both are escaped (RFC 6749, section 2.3.1)
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if id != p.ClientID || secret != p.ClientSecret {
		refuse(http.StatusUnauthorized, "invalid_client")
		return
	}
	code := r.PostForm.Get("code")
	p.mu.Lock()
	g, ok := p.codes[code]
	delete(p.codes, code) // works once
	p.mu.Unlock()
	challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !ok || time.Since(g.at) > time.Minute || r.PostForm.Get("grant_type") != "authorization_code" ||
		r.PostForm.Get("redirect_uri") != g.request.Get("redirect_uri") || encode(challenge[:]) != g.challenge {
		refuse(http.StatusBadRequest, "invalid_grant")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 3600, "id_token": p.idToken(g),
	})
}

func (p *Provider) idToken(g grant) string {
	now := time.Now()
	claims := map[string]any{
		"iss": p.issuer, "aud": p.ClientID, "sub": g.account.Subject, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"auth_time": now.Unix(), "email": g.account.Email, "email_verified": g.account.EmailVerified, "name": g.account.Name,
	}
	if nonce := g.request.Get("nonce"); nonce != "" {
		claims["nonce"] = nonce
	}
	if g.account.HostedDomain != "" {
		claims["hd"] = g.account.HostedDomain
	}
	if p.Claims != nil {
		p.Claims(claims)
	}
	if p.Sign != nil {
		return p.Sign(claims)
	}
	return p.SignRS256(claims)
}

// SignRS256 returns an ID token of the claims, signed with the key of the provider.
func (p *Provider) SignRS256(claims map[string]any) string {
	return SignRS256(p.key, map[string]any{"kid": "1"}, claims)
}

// SignRS256 returns an ID token (RFC 7515) that key has signed, with additional header
// parameters.
func SignRS256(key *rsa.PrivateKey, header, claims map[string]any) string {
	head := map[string]any{"alg": "RS256", "typ": "JWT"}
	maps.Copy(head, header)
	signed := encodeJSON(head) + "." + encodeJSON(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		panic("oidctest: " + err.Error()) // of a key that is too small, which this one is not
	}
	return signed + "." + encode(signature)
}

// PublicKey returns the key that verifies the tokens of the provider.
func (p *Provider) PublicKey() *rsa.PublicKey { return &p.key.PublicKey }

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func encodeJSON(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		panic("oidctest: " + err.Error()) // of claims that JSON does not have
	}
	return encode(data)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
