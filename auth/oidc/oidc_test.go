package oidc_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/oidc"
	"github.com/webapp2go/webapp2go/auth/oidc/oidctest"
)

var keys = [][]byte{[]byte(strings.Repeat("k", 32))}

const callback = "https://site.example/login/test/callback"

// start starts a provider with three accounts.
func start(t *testing.T) *oidctest.Provider {
	t.Helper()
	provider, err := oidctest.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	provider.Redirects = []string{callback}
	provider.Accounts = []oidctest.Account{
		{Subject: "1", Email: "Ann@Example.com", EmailVerified: true, Name: "Ann"},
		{Subject: "2", Email: "bob@gmail.com", EmailVerified: true, Name: "Bob", HostedDomain: "corp.example"},
	}
	return provider
}

// configOf returns a configuration for logins at a provider.
func configOf(provider *oidctest.Provider) oidc.Config {
	return oidc.Config{
		Name: "test", Issuer: provider.Issuer(), ClientID: provider.ClientID, ClientSecret: auth.Secret(provider.ClientSecret),
		RedirectURL: callback, Keys: keys,
		Authoritative: func(string, map[string]any) bool { return true },
	}
}

func newProvider(t *testing.T, c oidc.Config) *oidc.Provider {
	t.Helper()
	p, err := oidc.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A browser keeps cookies.
type browser map[string]string

func (b browser) request(target string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for name, value := range b {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

func (b browser) keep(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b, c.Name)
		} else {
			b[c.Name] = c.Value
		}
	}
}

// begin begins a login and returns the address of the provider.
func (b browser) begin(t *testing.T, p *oidc.Provider, login oidc.Login) string {
	t.Helper()
	w := httptest.NewRecorder()
	to, err := p.Begin(w, b.request("https://site.example/login/test"), login)
	if err != nil {
		t.Fatal(err)
	}
	b.keep(w)
	return to
}

func (b browser) finish(p *oidc.Provider, callback string) (*oidc.Identity, error) {
	w := httptest.NewRecorder()
	who, err := p.Finish(w, b.request(callback))
	b.keep(w)
	return who, err
}

// logIn does a whole login.
func (b browser) logIn(t *testing.T, provider *oidctest.Provider, p *oidc.Provider, subject string, login oidc.Login) (*oidc.Identity, error) {
	t.Helper()
	back, err := provider.Authorize(b.begin(t, p, login), subject)
	if err != nil {
		t.Fatal(err)
	}
	return b.finish(p, back)
}

func TestLogIn(t *testing.T) {
	provider := start(t)
	p := newProvider(t, configOf(provider))
	b := browser{}
	login := oidc.Login{Next: "/page?x=1", Purpose: "link", User: "7"}
	who, err := b.logIn(t, provider, p, "1", login)
	if err != nil {
		t.Fatal(err)
	}
	if who.AuthID != "test:1" || who.Subject != "1" || who.Email != "Ann@example.com" || !who.Verified || who.Name != "Ann" || who.Login != login ||
		time.Since(who.AuthTime).Abs() > time.Minute || who.Claims["sub"] != "1" {
		t.Errorf("%+v", who)
	}
	if len(b) != 0 {
		t.Errorf("cookies are left: %v", b)
	}
	// The next login fetches neither the discovery document nor the keys.
	if _, err := b.logIn(t, provider, p, "2", oidc.Login{}); err != nil {
		t.Error(err)
	}
	for path, most := range map[string]int{"/.well-known/openid-configuration": 1, "/keys": 1, "/token": 2} {
		if n := provider.Calls(path); n > most {
			t.Errorf("%d calls of %s, want at most %d", n, path, most)
		}
	}
	if origins := p.Origins(); !slices.Equal(origins, []string{provider.Issuer()}) || p.Name() != "test" {
		t.Errorf("%s: the origins are %v", p.Name(), origins)
	}
}

// The redirect to the provider, and the attributes of the cookie.
func TestBegin(t *testing.T) {
	provider := start(t)
	config := configOf(provider)
	config.HostedDomain = "corp.example"
	p := newProvider(t, config)
	w := httptest.NewRecorder()
	to, err := p.Begin(w, httptest.NewRequest(http.MethodPost, "https://site.example/login/test", nil), oidc.Login{Next: "/secret-page", Again: true})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	for name, want := range map[string]string{
		"client_id": provider.ClientID, "redirect_uri": callback, "response_type": "code", "scope": "openid email profile",
		"code_challenge_method": "S256", "hd": "corp.example", "max_age": "0", "prompt": "login",
	} {
		if query.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, query.Get(name), want)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(query.Get(name)) < 26 {
			t.Errorf("%s: %q", name, query.Get(name))
		}
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	c := cookies[0]
	if c.Name != "__Host-oidc-"+query.Get("state") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 600 {
		t.Errorf("the cookie is %v", c)
	}
	if plain, _ := base64.RawURLEncoding.DecodeString(c.Value); strings.Contains(string(plain), "secret-page") || strings.Contains(string(plain), query.Get("nonce")) {
		t.Error("the cookie can be read")
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control: %q", w.Header().Get("Cache-Control"))
	}
	for what, login := range map[string]oidc.Login{
		"Next": {Next: strings.Repeat("x", 1025)}, "Purpose": {Purpose: strings.Repeat("x", 33)}, "User": {User: strings.Repeat("x", 255)},
	} {
		if _, err := p.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), login); err == nil {
			t.Errorf("a %s that is too long was taken", what)
		}
	}
	most := oidc.Login{Next: strings.Repeat("\u2028", 341), Purpose: strings.Repeat("x", 32), User: strings.Repeat("<", 254)}
	if _, err := p.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), most); err != nil && !strings.Contains(err.Error(), "shorter Next") {
		t.Error(err)
	}
}

// TestClaims has a provider that issues invalid tokens, one for each check. If a check is
// removed, its row fails.
func TestClaims(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := func() int64 { return time.Now().Unix() }
	set := func(name string, value any) func(map[string]any) {
		return func(claims map[string]any) {
			if value == nil {
				delete(claims, name)
			} else {
				claims[name] = value
			}
		}
	}
	for name, test := range map[string]struct {
		claims func(map[string]any)
		sign   func(p *oidctest.Provider, claims map[string]any) string
		config func(*oidc.Config)
		login  oidc.Login
		want   error
	}{
		"good":                       {},
		"another audience":           {claims: set("aud", "another-site"), want: oidc.ErrIdentity},
		"no audience":                {claims: set("aud", nil), want: oidc.ErrIdentity},
		"two audiences without azp":  {claims: set("aud", []string{"other", "site"}), want: oidc.ErrIdentity},
		"azp of another site":        {claims: set("azp", "other"), want: oidc.ErrIdentity},
		"azp that is no text":        {claims: set("azp", 7), want: oidc.ErrIdentity},
		"two audiences with our azp": {claims: func(c map[string]any) { c["aud"], c["azp"] = []string{"other", "site"}, "site" }},
		"another issuer":             {claims: set("iss", "https://evil.example"), want: oidc.ErrIdentity},
		"no nonce":                   {claims: set("nonce", nil), want: oidc.ErrIdentity},
		"an empty nonce":             {claims: set("nonce", ""), want: oidc.ErrIdentity},
		"another nonce":              {claims: set("nonce", "x"), want: oidc.ErrIdentity},
		"no subject":                 {claims: set("sub", nil), want: oidc.ErrIdentity},
		"an empty subject":           {claims: set("sub", ""), want: oidc.ErrIdentity},
		"a long subject":             {claims: set("sub", strings.Repeat("x", 256)), want: oidc.ErrIdentity},
		"the longest subject":        {claims: set("sub", strings.Repeat("x", 255))},
		"a subject not in ASCII":     {claims: set("sub", "ä"), want: oidc.ErrIdentity},
		"a subject of lines":         {claims: set("sub", "1\n"), want: oidc.ErrIdentity},
		"expired":                    {claims: func(c map[string]any) { c["exp"] = now() - 1 }, want: oidc.ErrIdentity},
		"no expiry":                  {claims: set("exp", nil), want: oidc.ErrIdentity},
		"issued in a year":           {claims: func(c map[string]any) { c["iat"] = now() + 365*86400; c["exp"] = now() + 366*86400 }, want: oidc.ErrIdentity},
		"issued an hour ago":         {claims: func(c map[string]any) { c["iat"] = now() - 3600 }, want: oidc.ErrIdentity},
		"no time of issue":           {claims: set("iat", nil), want: oidc.ErrIdentity},
		"a clock a little ahead":     {claims: func(c map[string]any) { c["iat"] = now() + 200 }},
		"not logged in again":        {claims: func(c map[string]any) { c["auth_time"] = now() - 3600 }, login: oidc.Login{Again: true}, want: oidc.ErrIdentity},
		"again, no time of login":    {claims: set("auth_time", nil), login: oidc.Login{Again: true}, want: oidc.ErrIdentity},
		"again, time that is text":   {claims: func(c map[string]any) { c["auth_time"] = fmt.Sprint(now()) }, login: oidc.Login{Again: true}, want: oidc.ErrIdentity},
		"logged in again":            {login: oidc.Login{Again: true}},
		"no time of login":           {claims: set("auth_time", nil)},
		"not of the domain":          {config: func(c *oidc.Config) { c.HostedDomain = "corp.example" }, want: oidc.ErrIdentity},
		"of another domain":          {config: func(c *oidc.Config) { c.HostedDomain = "corp.example" }, claims: set("hd", "evil.example"), want: oidc.ErrIdentity},
		"of the domain":              {config: func(c *oidc.Config) { c.HostedDomain = "corp.example" }, claims: set("hd", "corp.example")},
		"no signature": {sign: func(p *oidctest.Provider, c map[string]any) string {
			return withoutSignature(map[string]any{"alg": "none"}, c)
		}, want: oidc.ErrIdentity},
		"RS256 without a signature": {sign: func(p *oidctest.Provider, c map[string]any) string {
			return withoutSignature(map[string]any{"alg": "RS256", "kid": "1"}, c)
		}, want: oidc.ErrIdentity},
		"HS256 with the public key": {sign: func(p *oidctest.Provider, c map[string]any) string {
			der, err := x509.MarshalPKIXPublicKey(p.PublicKey())
			if err != nil {
				t.Error(err)
			}
			signed := strings.TrimSuffix(withoutSignature(map[string]any{"alg": "HS256", "kid": "1"}, c), ".")
			mac := hmac.New(sha256.New, der)
			mac.Write([]byte(signed))
			return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		}, want: oidc.ErrIdentity},
		"another key": {sign: func(_ *oidctest.Provider, c map[string]any) string {
			return oidctest.SignRS256(other, map[string]any{"kid": "1"}, c)
		}, want: oidc.ErrIdentity},
		"a key of its own": {sign: func(_ *oidctest.Provider, c map[string]any) string {
			jwk := map[string]any{"kty": "RSA", "n": base64.RawURLEncoding.EncodeToString(other.N.Bytes()), "e": "AQAB"}
			return oidctest.SignRS256(other, map[string]any{"jwk": jwk}, c)
		}, want: oidc.ErrIdentity},
		"changed claims": {sign: func(p *oidctest.Provider, c map[string]any) string {
			parts := strings.Split(p.SignRS256(c), ".")
			c["sub"] = "2"
			return parts[0] + "." + strings.Split(withoutSignature(nil, c), ".")[1] + "." + parts[2]
		}, want: oidc.ErrIdentity},
		"no token": {sign: func(*oidctest.Provider, map[string]any) string { return "" }, want: oidc.ErrIdentity},
		"garbage":  {sign: func(*oidctest.Provider, map[string]any) string { return "a.b.c" }, want: oidc.ErrIdentity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := start(t)
			provider.Claims = test.claims
			if test.sign != nil {
				provider.Sign = func(claims map[string]any) string { return test.sign(provider, claims) }
			}
			config := configOf(provider)
			if test.config != nil {
				test.config(&config)
			}
			who, err := browser{}.logIn(t, provider, newProvider(t, config), "1", test.login)
			if !errors.Is(err, test.want) || (who == nil) != (test.want != nil) {
				t.Errorf("%+v, %v, want %v", who, err, test.want)
			}
			if test.want != nil && (len(err.Error()) > 400 || strings.Contains(err.Error(), provider.ClientSecret)) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func withoutSignature(header, claims map[string]any) string {
	encode := func(value any) string {
		data, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	return encode(header) + "." + encode(claims) + "."
}

// An address is verified if the provider says so and is trusted to verify it.
func TestVerified(t *testing.T) {
	google := oidc.Google("id", "secret", callback, keys)
	always := func(string, map[string]any) bool { return true }
	for name, test := range map[string]struct {
		claims        map[string]any
		authoritative func(string, map[string]any) bool
		want          bool
	}{
		"true":              {map[string]any{"email_verified": true}, always, true},
		"true as a text":    {map[string]any{"email_verified": "true"}, always, true},
		"false":             {map[string]any{"email_verified": false}, always, false},
		"false as a text":   {map[string]any{"email_verified": "false"}, always, false},
		"another text":      {map[string]any{"email_verified": "yes"}, always, false},
		"a number":          {map[string]any{"email_verified": 1}, always, false},
		"nothing":           {map[string]any{"email_verified": nil}, always, false},
		"not trusted":       {map[string]any{"email_verified": true}, nil, false},
		"Google, elsewhere": {map[string]any{"email_verified": true}, google.Authoritative, false},
		"Google, Gmail":     {map[string]any{"email_verified": true, "email": "Ann@GMail.com"}, google.Authoritative, true},
		"Google, not Gmail": {map[string]any{"email_verified": true, "email": "ann@gmail.com.evil.example"}, google.Authoritative, false},
		"Google, Workspace": {map[string]any{"email_verified": true, "hd": "example.com"}, google.Authoritative, true},
		"Google, false":     {map[string]any{"email_verified": false, "hd": "example.com"}, google.Authoritative, false},
		"no address":        {map[string]any{"email_verified": true, "email": "ann"}, always, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := start(t)
			provider.Claims = func(claims map[string]any) {
				for key, value := range test.claims {
					claims[key] = value
				}
			}
			config := configOf(provider)
			config.Authoritative = test.authoritative
			who, err := browser{}.logIn(t, provider, newProvider(t, config), "1", oidc.Login{})
			if err != nil || who.Verified != test.want || who.Email == "" && who.Verified {
				t.Errorf("%+v, %v, want %v", who, err, test.want)
			}
		})
	}
}

// A login can be finished once, before it expires, by the browser that began it and with the
// same provider.
func TestState(t *testing.T) {
	provider := start(t)
	p := newProvider(t, configOf(provider))
	b := browser{}
	back, err := provider.Authorize(b.begin(t, p, oidc.Login{}), "1")
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, b browser, p *oidc.Provider, callback string, want error) {
		t.Helper()
		if who, err := b.finish(p, callback); !errors.Is(err, want) {
			t.Errorf("%s: %+v, %v, want %v", what, who, err, want)
		}
	}
	copyOf := func(b browser) browser {
		c := browser{}
		for name, value := range b {
			c[name] = value
		}
		return c
	}
	stolen := copyOf(b)
	refused("another browser", browser{}, p, back, oidc.ErrState)
	refused("no state", copyOf(b), p, callback+"?code=x", oidc.ErrState)
	refused("another state", copyOf(b), p, callback+"?code=x&state=other", oidc.ErrState)
	refused("a state without end", copyOf(b), p, callback+"?code=x&state="+strings.Repeat("x", 5000), oidc.ErrState)
	elsewhere := configOf(provider)
	elsewhere.Name = "other"
	refused("another provider", copyOf(b), newProvider(t, elsewhere), back, oidc.ErrState)
	refused("a response of another provider", copyOf(b), p, strings.Replace(back, "iss=", "iss=https%3A%2F%2Fevil.example&x=", 1), oidc.ErrIdentity)
	refused("another code", copyOf(b), p, strings.Replace(back, "code=", "code=x", 1), oidc.ErrIdentity)
	for name, value := range b {
		tampered := copyOf(b)
		tampered[name] = value[:len(value)-2] + "AA"
		refused("a cookie that was changed", tampered, p, back, oidc.ErrState)
		tampered[name] = ""
		refused("an empty cookie", tampered, p, back, oidc.ErrState)
		tampered[name] = strings.Repeat("A", 5000)
		refused("a cookie without end", tampered, p, back, oidc.ErrState)
		renamed := browser{"__Host-oidc-other": value}
		refused("a cookie of another state", renamed, p, strings.Replace(back, "state=", "state=other&x=", 1), oidc.ErrState)
	}
	otherKeys := configOf(provider)
	otherKeys.Keys = [][]byte{[]byte(strings.Repeat("o", 32))}
	refused("another key", copyOf(b), newProvider(t, otherKeys), back, oidc.ErrState)
	otherKeys.Keys = append(otherKeys.Keys, keys...)
	if _, err := copyOf(b).finish(newProvider(t, otherKeys), back); err != nil {
		t.Errorf("after a change of keys: %v", err)
	}
	refused("the code again", b, p, back, oidc.ErrIdentity)
	refused("the same again", b, p, back, oidc.ErrState)
	refused("a copy of the cookie, again", stolen, p, back, oidc.ErrIdentity)

	// If the code of one login is used in another, the verifier does not match.
	b, victim := browser{}, browser{}
	attack, err := provider.Authorize(b.begin(t, p, oidc.Login{}), "2")
	if err != nil {
		t.Fatal(err)
	}
	begun := victim.begin(t, p, oidc.Login{})
	u, err := url.Parse(begun)
	if err != nil {
		t.Fatal(err)
	}
	stolenCode, err := url.Parse(attack)
	if err != nil {
		t.Fatal(err)
	}
	refused("the code of another browser", victim, p, callback+"?"+url.Values{"state": {u.Query().Get("state")}, "code": {stolenCode.Query().Get("code")}}.Encode(), oidc.ErrIdentity)

	// The user cancels, or the provider reports another error.
	back, err = provider.Authorize(b.begin(t, p, oidc.Login{}), "nobody")
	if err != nil {
		t.Fatal(err)
	}
	refused("cancelled", copyOf(b), p, back, oidc.ErrDenied)
	refused("another error", b, p, strings.Replace(back, "access_denied", "server_error", 1), oidc.ErrUnavailable)
}

// A login that takes longer than ten minutes has expired, even if the browser keeps its cookie.
func TestStateExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider, err := oidctest.New("https://provider.example")
		if err != nil {
			t.Fatal(err)
		}
		config := configOf(provider)
		config.Transport = local{provider}
		p := newProvider(t, config)
		for wait, want := range map[time.Duration]error{10*time.Minute - time.Second: nil, 10*time.Minute + time.Second: oidc.ErrState} {
			b := browser{}
			to := b.begin(t, p, oidc.Login{})
			time.Sleep(wait)
			back, err := provider.Authorize(to, "1")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.finish(p, back); !errors.Is(err, want) {
				t.Errorf("after %v: %v, want %v", wait, err, want)
			}
		}
	})
}

// local is a transport to a handler.
type local struct{ http.Handler }

func (l local) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	l.ServeHTTP(w, r)
	return w.Result(), nil
}

// Two tabs log in at the same time, and more than five end the oldest.
func TestTabs(t *testing.T) {
	provider := start(t)
	p := newProvider(t, configOf(provider))
	b := browser{}
	first, second := b.begin(t, p, oidc.Login{Next: "/one"}), b.begin(t, p, oidc.Login{Next: "/two"})
	for _, tab := range []struct{ to, next, subject string }{{second, "/two", "2"}, {first, "/one", "1"}} {
		back, err := provider.Authorize(tab.to, tab.subject)
		if err != nil {
			t.Fatal(err)
		}
		if who, err := b.finish(p, back); err != nil || who.Login.Next != tab.next || who.Subject != tab.subject {
			t.Errorf("%+v, %v", who, err)
		}
	}
	b["__Host-oidc-junk"] = "junk"
	for range 20 {
		b.begin(t, p, oidc.Login{})
	}
	if len(b) > 6 {
		t.Errorf("the browser has %d cookies", len(b))
	}
	if _, ok := b["__Host-oidc-junk"]; ok {
		t.Error("a cookie that is of no use is kept")
	}
}

// If a provider is down, slow, or sends too much, the login fails and the site still works.
func TestUnavailable(t *testing.T) {
	good := start(t)
	var broken atomic.Pointer[http.HandlerFunc]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler := broken.Load(); handler != nil {
			(*handler)(w, r)
			return
		}
		good.ServeHTTP(w, r)
	}))
	defer server.Close()
	hang := make(chan struct{})
	defer close(hang)
	for name, handler := range map[string]http.HandlerFunc{
		"500":            func(w http.ResponseWriter, _ *http.Request) { http.Error(w, strings.Repeat("x", 5000), 500) },
		"another issuer": good.ServeHTTP, // which is at another address
		"no JSON":        func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"silence":        func(http.ResponseWriter, *http.Request) { <-hang },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for range 320 {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
					return
				}
			}
			t.Error("the response was read to its end")
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, good.Issuer()+r.URL.Path, http.StatusFound)
		},
		"a script": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"issuer":"http://%s","authorization_endpoint":"javascript:alert(1)","token_endpoint":"https://x.example/","jwks_uri":"https://x.example/"}`, r.Host)
		},
	} {
		t.Run(name, func(t *testing.T) {
			broken.Store(&handler)
			config := configOf(good)
			config.Issuer, config.Timeout = server.URL, 500*time.Millisecond
			p := newProvider(t, config)
			began := time.Now()
			for range 3 { // the second and third are not asked
				_, err := p.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), oidc.Login{})
				if !errors.Is(err, oidc.ErrUnavailable) || len(err.Error()) > 500 {
					t.Errorf("Begin: %.600v", err)
				}
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	for _, err := range []error{oidc.ErrState, oidc.ErrDenied, oidc.ErrIdentity, oidc.ErrUnavailable} {
		status := err.(interface{ HTTPStatus() int }).HTTPStatus()
		if want := map[bool]int{true: 503, false: 403}[err == oidc.ErrUnavailable]; status != want {
			t.Errorf("%v has the status %d", err, status)
		}
	}
}

// The secret of the site is sent only to the provider.
func TestRedirectOfTheTokenEndpoint(t *testing.T) {
	provider := start(t)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the thief gets %v", r.Header) }))
	defer thief.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL+"/token", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	provider.Discovery = func(document map[string]any) { document["token_endpoint"] = server.URL + "/token" }
	if _, err := (browser{}).logIn(t, provider, newProvider(t, configOf(provider)), "1", oidc.Login{}); !errors.Is(err, oidc.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

// A provider that is up again is asked once for all waiting logins. If it goes down between the
// two steps, the second step fails.
func TestComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider, err := oidctest.New("https://provider.example")
		if err != nil {
			t.Fatal(err)
		}
		down := errors.New("connection refused")
		up := false
		config := configOf(provider)
		config.Transport = transport(func(r *http.Request) (*http.Response, error) {
			if !up {
				return nil, down
			}
			return local{provider}.RoundTrip(r)
		})
		p := newProvider(t, config)
		begin := func() error {
			_, err := p.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), oidc.Login{})
			return err
		}
		if err := begin(); !errors.Is(err, oidc.ErrUnavailable) {
			t.Errorf("while it is down: %v", err)
		}
		up = true
		if err := begin(); !errors.Is(err, oidc.ErrUnavailable) {
			t.Errorf("at once afterwards: %v", err)
		}
		time.Sleep(5 * time.Second)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := begin(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := provider.Calls("/.well-known/openid-configuration"); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
		b := browser{}
		back, err := provider.Authorize(b.begin(t, p, oidc.Login{}), "1")
		if err != nil {
			t.Fatal(err)
		}
		up = false
		if _, err := b.finish(p, back); !errors.Is(err, oidc.ErrUnavailable) || strings.Contains(err.Error(), provider.ClientSecret) {
			t.Errorf("Finish while it is down: %v", err)
		}
	})
}

type transport func(r *http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The data that the provider caches is still used after the request that fetched it has ended.
func TestContextOfTheFirstRequest(t *testing.T) {
	provider := start(t)
	p := newProvider(t, configOf(provider))
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(ctx)
	if _, err := p.Begin(httptest.NewRecorder(), r, oidc.Login{}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := (browser{}).logIn(t, provider, p, "1", oidc.Login{}); err != nil {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	good := oidc.Google("id", "very secret", callback, keys)
	for says, change := range map[string]func(c *oidc.Config){
		"":                   func(*oidc.Config) {},
		"Config.Name":        func(c *oidc.Config) { c.Name = "Google" },
		"Config.Name is":     func(c *oidc.Config) { c.Name = "a:b" },
		"Config.Issuer":      func(c *oidc.Config) { c.Issuer = "http://accounts.google.com" },
		"Config.Issuer is":   func(c *oidc.Config) { c.Issuer = "accounts.google.com" },
		"Config.RedirectURL": func(c *oidc.Config) { c.RedirectURL = "/login/google/callback" },
		"Config.ClientID":    func(c *oidc.Config) { c.ClientID = "" },
		"ClientSecret is":    func(c *oidc.Config) { c.ClientSecret = "" },
		"Config.Scopes":      func(c *oidc.Config) { c.Scopes = []string{"email"} },
		"Config.Keys is":     func(c *oidc.Config) { c.Keys = nil },
		"Config.Keys[0] has": func(c *oidc.Config) { c.Keys = [][]byte{[]byte("short")} },
		"Config.Timeout":     func(c *oidc.Config) { c.Timeout = -1 },
	} {
		c := good
		change(&c)
		_, err := oidc.New(c)
		if (err == nil) != (says == "") || err != nil && (!strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "very secret")) {
			t.Errorf("%v, want an error that says %q", err, says)
		}
	}
}
