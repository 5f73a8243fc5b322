package oidc_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/auth/oidc"
	"github.com/webapp2go/webapp2go/auth/oidc/oidctest"
)

const (
	audience = "https://site.example"
	account  = "tasks@project.iam.gserviceaccount.com"
)

func callersOf(t *testing.T, provider *oidctest.Provider, change func(c *oidc.CallersConfig)) *oidc.Callers {
	t.Helper()
	c := oidc.CallersConfig{Audience: audience, Accounts: []string{"cron@project.iam.gserviceaccount.com", account}, Issuer: provider.Issuer()}
	if change != nil {
		change(&c)
	}
	callers, err := oidc.NewCallers(c)
	if err != nil {
		t.Fatal(err)
	}
	return callers
}

// callerClaims are those of a token that Cloud Tasks sends.
func callerClaims(provider *oidctest.Provider) map[string]any {
	return map[string]any{
		"iss": provider.Issuer(), "aud": audience, "azp": "1234", "sub": "1234", "email": account, "email_verified": true,
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
}

// call verifies a request with these Authorization headers.
func call(callers *oidc.Callers, authorization ...string) error {
	r := httptest.NewRequest(http.MethodPost, "/task", nil)
	if len(authorization) > 0 {
		r.Header["Authorization"] = authorization
	}
	return callers.Verify(r)
}

// TestCallers sends requests without a valid token, one for each check. If a check is removed,
// its row fails.
func TestCallers(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	provider := start(t)
	callers := callersOf(t, provider, nil)
	set := func(name string, value any) map[string]any {
		claims := callerClaims(provider)
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
		return claims
	}
	signed := func(name string, value any) []string {
		return []string{"Bearer " + provider.SignRS256(set(name, value))}
	}
	good := provider.SignRS256(callerClaims(provider))
	der, err := x509.MarshalPKIXPublicKey(provider.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	withPublicKey := strings.TrimSuffix(withoutSignature(map[string]any{"alg": "HS256", "kid": "1"}, callerClaims(provider)), ".")
	mac := hmac.New(sha256.New, der)
	mac.Write([]byte(withPublicKey))
	withPublicKey += "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	parts := strings.Split(good, ".")
	jwk := map[string]any{"kty": "RSA", "n": base64.RawURLEncoding.EncodeToString(other.N.Bytes()), "e": "AQAB"}
	now := time.Now()
	for name, test := range map[string]struct {
		authorization []string
		says          string // part of the error; if empty, the request is accepted
	}{
		"good":                                   {[]string{"Bearer " + good}, ""},
		"another account of the list":            {signed("email", "cron@project.iam.gserviceaccount.com"), ""},
		"a scheme in small letters":              {[]string{"bearer " + good}, ""},
		"nothing":                                {nil, "0 Authorization headers"},
		"two headers":                            {[]string{"Bearer " + good, "Bearer " + good}, "2 Authorization headers"},
		"an empty header":                        {[]string{""}, "no bearer token"},
		"no token":                               {[]string{"Bearer "}, "no bearer token"},
		"another scheme":                         {[]string{"Basic " + good}, "no bearer token"},
		"two tokens":                             {[]string{"Bearer " + good + " " + good}, "malformed"},
		"a token without end":                    {[]string{"Bearer " + strings.Repeat("x", 9000)}, "at most 8192 bytes"},
		"garbage":                                {[]string{"Bearer x.y.z"}, "malformed"},
		"as JSON":                                {[]string{"Bearer " + `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`}, "signature"},
		"a signature that Cloud Run has removed": {[]string{"Bearer " + parts[0] + "." + parts[1] + ".SIGNATURE_REMOVED_BY_GOOGLE"}, "allow unauthenticated calls"},
		"another audience":                       {signed("aud", "https://other.example"), "audience"},
		"the start of the audience":              {signed("aud", "https://site.exampl"), "audience"},
		"no audience":                            {signed("aud", nil), "audience"},
		"two audiences":                          {signed("aud", []string{"https://other.example", audience}), "2 audiences"},
		"another issuer":                         {signed("iss", "https://evil.example"), "different provider"},
		"no issuer":                              {signed("iss", nil), "different provider"},
		"another account":                        {signed("email", "tasks@other.iam.gserviceaccount.com"), "that of \"tasks@other"},
		"no account":                             {signed("email", nil), `that of ""`},
		"an account that is a list":              {signed("email", []string{account}), "cannot be read"},
		"not verified":                           {signed("email_verified", false), "not verified"},
		"verified as a text":                     {signed("email_verified", "true"), "not verified"},
		"nothing about verified":                 {signed("email_verified", nil), "not verified"},
		"expired":                                {signed("exp", now.Unix()-1), "expired"},
		"no expiry":                              {signed("exp", nil), "expired"},
		"not valid yet":                          {signed("nbf", now.Add(time.Hour).Unix()), "nbf"},
		"issued in a day":                        {signed("iat", now.Add(24*time.Hour).Unix()), "issued at"},
		"a clock a little ahead":                 {signed("iat", now.Add(4*time.Minute).Unix()), ""},
		"alg none":                               {[]string{"Bearer " + withoutSignature(map[string]any{"alg": "none"}, callerClaims(provider))}, "\"none\""},
		"RS256 without a signature":              {[]string{"Bearer " + withoutSignature(map[string]any{"alg": "RS256", "kid": "1"}, callerClaims(provider))}, "signature"},
		"HS256 with the public key":              {[]string{"Bearer " + withPublicKey}, "\"HS256\""},
		"another key":                            {[]string{"Bearer " + oidctest.SignRS256(other, map[string]any{"kid": "1"}, callerClaims(provider))}, "signed"},
		"a key of its own":                       {[]string{"Bearer " + oidctest.SignRS256(other, map[string]any{"kid": "1", "jwk": jwk}, callerClaims(provider))}, "signed"},
		"an unknown key":                         {[]string{"Bearer " + oidctest.SignRS256(other, map[string]any{"kid": "2"}, callerClaims(provider))}, "signed"},
		"no key named":                           {[]string{"Bearer " + oidctest.SignRS256(other, nil, callerClaims(provider))}, "signed"},
		"changed claims":                         {[]string{"Bearer " + parts[0] + "." + strings.Split(withoutSignature(nil, set("sub", "2")), ".")[1] + "." + parts[2]}, "signed"},
	} {
		t.Run(name, func(t *testing.T) {
			err := call(callers, test.authorization...)
			if (err == nil) != (test.says == "") || err != nil && (!errors.Is(err, oidc.ErrCaller) || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("%v, want %q", err, test.says)
			}
			if err != nil && (len(err.Error()) > 500 || strings.Contains(err.Error(), parts[2])) {
				t.Errorf("the error has the token: %v", err)
			}
		})
	}
	if status := oidc.ErrCaller.(interface{ HTTPStatus() int }).HTTPStatus(); status != http.StatusForbidden {
		t.Errorf("ErrCaller has the status %d", status)
	}
}

// Google's tokens name their issuer with and without https.
func TestCallersOfGoogle(t *testing.T) {
	google, err := oidctest.New("https://accounts.google.com")
	if err != nil {
		t.Fatal(err)
	}
	callers := callersOf(t, google, func(c *oidc.CallersConfig) { c.Issuer, c.Transport = "", local{google} })
	for _, issuer := range []string{"https://accounts.google.com", "accounts.google.com"} {
		claims := callerClaims(google)
		claims["iss"] = issuer
		if err := call(callers, "Bearer "+google.SignRS256(claims)); err != nil {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}

// Keys are fetched once for many requests, again after an hour, and for an unknown key at most
// once in five seconds. If the issuer is down, they are used for a day.
func TestKeysOfCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer, err := oidctest.New("https://issuer.example")
		if err != nil {
			t.Fatal(err)
		}
		other, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		up := true
		callers := callersOf(t, issuer, func(c *oidc.CallersConfig) {
			c.Transport = transport(func(r *http.Request) (*http.Response, error) {
				if !up {
					return nil, errors.New("connection refused")
				}
				return local{issuer}.RoundTrip(r)
			})
		})
		good := func() error { return call(callers, "Bearer "+issuer.SignRS256(callerClaims(issuer))) }
		unknown := func() error {
			return call(callers, "Bearer "+oidctest.SignRS256(other, map[string]any{"kid": rand.Text()}, callerClaims(issuer)))
		}
		fetched := 0
		expect := func(what string, more int) {
			t.Helper()
			if n := issuer.Calls("/keys"); n != fetched+more {
				t.Errorf("%s: the keys were fetched %d times, want %d", what, n-fetched, more)
			}
			fetched = issuer.Calls("/keys")
		}
		all := func(times int, f func() error, want error) {
			t.Helper()
			var wg sync.WaitGroup
			for range times {
				wg.Go(func() {
					if err := f(); !errors.Is(err, want) {
						t.Errorf("%v, want %v", err, want)
					}
				})
			}
			wg.Wait()
		}
		up = false
		all(8, good, oidc.ErrUnavailable)
		up = true
		all(1, good, oidc.ErrUnavailable)
		expect("at once after a failure", 0)
		time.Sleep(5 * time.Second)
		all(8, good, nil)
		expect("eight requests", 1)
		all(8, unknown, oidc.ErrCaller)
		expect("unknown keys, at once", 0)
		time.Sleep(5 * time.Second)
		all(8, unknown, oidc.ErrCaller)
		expect("unknown keys, later", 1)
		all(8, good, nil)
		expect("known again", 0)
		time.Sleep(time.Hour)
		all(8, good, nil)
		expect("after an hour", 1)
		up = false
		time.Sleep(23 * time.Hour)
		all(8, good, nil)
		time.Sleep(2 * time.Hour)
		all(8, good, oidc.ErrUnavailable)
		up = true
		time.Sleep(5 * time.Second)
		all(8, good, nil)
		expect("after an outage", 1)
	})
}

// While one request waits for a slow issuer, the others use the keys that are known.
func TestSlowIssuerOfCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer, err := oidctest.New("https://issuer.example")
		if err != nil {
			t.Fatal(err)
		}
		var slow chan struct{}
		callers := callersOf(t, issuer, func(c *oidc.CallersConfig) {
			c.Transport = transport(func(r *http.Request) (*http.Response, error) {
				if slow != nil {
					<-slow
				}
				return local{issuer}.RoundTrip(r)
			})
		})
		claims := callerClaims(issuer)
		claims["exp"] = time.Now().Add(48 * time.Hour).Unix()
		token := "Bearer " + issuer.SignRS256(claims)
		if err := call(callers, token); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		slow = make(chan struct{})
		results := make(chan error, 2)
		go func() { results <- call(callers, token) }()
		synctest.Wait() // it waits for the issuer
		go func() { results <- call(callers, token) }()
		for i := 0; i < 1_000_000 && len(results) == 0; i++ {
			runtime.Gosched()
		}
		if len(results) == 0 {
			t.Error("a request waits for the keys that another one fetches")
		}
		close(slow)
		for range 2 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}

// If an issuer sends invalid data, the request fails and the known keys are kept.
func TestCallersUnavailable(t *testing.T) {
	good := start(t)
	for name, handler := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, strings.Repeat("x", 5000), 500) },
		"500 with keys": func(w http.ResponseWriter, r *http.Request) {
			recorder := httptest.NewRecorder()
			good.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/keys", nil))
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write(recorder.Body.Bytes())
		},
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"no keys": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"keys":[]}`) },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for range 320 {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
					return
				}
			}
			t.Error("the response was read to its end")
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, good.Issuer()+"/keys", http.StatusFound)
		},
		"an address without https": nil,
	} {
		t.Run(name, func(t *testing.T) {
			provider := start(t)
			keys := httptest.NewServer(handler)
			defer keys.Close()
			address := keys.URL
			if handler == nil {
				address = "http://issuer.example/keys"
			}
			provider.Discovery = func(document map[string]any) { document["jwks_uri"] = address }
			err := call(callersOf(t, provider, nil), "Bearer "+provider.SignRS256(callerClaims(provider)))
			if !errors.Is(err, oidc.ErrUnavailable) || len(err.Error()) > 500 {
				t.Errorf("%.600v", err)
			}
		})
	}
}

func TestNewCallersRefuses(t *testing.T) {
	for says, change := range map[string]func(c *oidc.CallersConfig){
		"":                                       func(*oidc.CallersConfig) {},
		"CallersConfig.Audience":                 func(c *oidc.CallersConfig) { c.Audience = "" },
		"CallersConfig.Accounts is":              func(c *oidc.CallersConfig) { c.Accounts = nil },
		"CallersConfig.Accounts[1]":              func(c *oidc.CallersConfig) { c.Accounts = append(c.Accounts, "") },
		"CallersConfig.Accounts[1] is \"tasks\"": func(c *oidc.CallersConfig) { c.Accounts = append(c.Accounts, "tasks") },
		"CallersConfig.Issuer":                   func(c *oidc.CallersConfig) { c.Issuer = "http://accounts.google.com" },
		"CallersConfig.Timeout":                  func(c *oidc.CallersConfig) { c.Timeout = -1 },
	} {
		c := oidc.CallersConfig{Audience: audience, Accounts: []string{account}}
		change(&c)
		if _, err := oidc.NewCallers(c); (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want an error that says %q", err, says)
		}
	}
}

// Only Cloud Tasks can call a handler. With package handlers, set Site.VerifyCaller instead.
func ExampleCallers() {
	issuer, err := oidctest.Start("127.0.0.1:0") // in the place of Google
	if err != nil {
		panic(err)
	}
	defer issuer.Close()
	callers, err := oidc.NewCallers(oidc.CallersConfig{
		Audience: "https://site.example",
		Accounts: []string{"tasks@project.iam.gserviceaccount.com"},
		Issuer:   issuer.Issuer(),
	})
	if err != nil {
		panic(err)
	}
	work := func(w http.ResponseWriter, r *http.Request) {
		if err := callers.Verify(r); err != nil {
			http.Error(w, "not for you", http.StatusForbidden)
			return
		}
		fmt.Fprint(w, "done")
	}

	r := httptest.NewRequest(http.MethodPost, "/task", nil)
	w := httptest.NewRecorder()
	work(w, r)
	fmt.Println(w.Code)
	r.Header.Set("Authorization", "Bearer "+issuer.SignRS256(map[string]any{
		"iss": issuer.Issuer(), "aud": "https://site.example", "exp": time.Now().Add(time.Hour).Unix(),
		"email": "tasks@project.iam.gserviceaccount.com", "email_verified": true,
	}))
	w = httptest.NewRecorder()
	work(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 403
	// 200 done
}
