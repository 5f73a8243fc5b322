package oidc

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
)

// pending is a login that was begun, as its cookie stores it.
type pending struct {
	Provider string `json:"p"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"` // of PKCE
	Login    Login  `json:"l"`
	At       int64  `json:"t"` // when it was begun, in seconds since 1970
}

// A sealer signs and encrypts cookies with gorilla/securecookie, so that nobody but the site
// can read or make one.
type sealer []securecookie.Codec

func newSealer(keys [][]byte) (sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("auth/oidc: Config.Keys is empty: set it to sessions.Manager.Derive(\"oidc\")")
	}
	var s sealer
	for i, key := range keys {
		if len(key) != 32 {
			return nil, fmt.Errorf("auth/oidc: Config.Keys[%d] has %d bytes, not 32: use sessions.Manager.Derive(\"oidc\")", i, len(key))
		}
		hash, err := hkdf.Expand(sha256.New, key, "sign", 32)
		if err != nil {
			return nil, fmt.Errorf("auth/oidc: Config.Keys[%d]: %w", i, err)
		}
		block, err := hkdf.Expand(sha256.New, key, "encrypt", 32)
		if err != nil {
			return nil, fmt.Errorf("auth/oidc: Config.Keys[%d]: %w", i, err)
		}
		codec := securecookie.New(hash, block).SetSerializer(securecookie.JSONEncoder{}).MaxAge(int(lifetime / time.Second)).MaxLength(0)
		s = append(s, codec) // setCookie and open check the length
	}
	return s, nil
}

func (s sealer) seal(name string, p pending) (string, error) {
	value, err := securecookie.EncodeMulti(name, p, s...)
	if err != nil {
		return "", fmt.Errorf("auth/oidc: %w", err)
	}
	return value, nil
}

// open returns the login in a cookie, if the site has sealed it under this name and it has
// not taken too long.
func (s sealer) open(name, value string) (p pending, ok bool) {
	if len(value) > maxCookie || securecookie.DecodeMulti(name, value, &p, s...) != nil {
		return pending{}, false
	}
	return p, true
}

const (
	// maxCookie is the longest value of a cookie in bytes; browsers take 4096 with the name.
	maxCookie = 4000
	// maxState is the longest state in bytes. Ours have 26.
	maxState = 64
)

// cookieName returns the name of the cookie of a state. With the prefix __Host- a browser
// takes the cookie from this host alone, and over https.
func (p *Provider) cookieName(state string) string {
	if p.config.Insecure {
		return "oidc-" + state
	}
	return "__Host-oidc-" + state
}

func (p *Provider) cookie(name, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(age / time.Second),
		HttpOnly: true, Secure: !p.config.Insecure, SameSite: http.SameSiteLaxMode,
	}
}

// setCookie sets the cookie of a login. If the browser has begun too many, the oldest ends.
func (p *Provider) setCookie(w http.ResponseWriter, r *http.Request, state string, begun pending) error {
	name := p.cookieName(state)
	value, err := p.sealer.seal(name, begun)
	if err != nil {
		return err
	}
	if len(value) > maxCookie {
		return fmt.Errorf("auth/oidc: the cookie of a login has %d bytes, more than %d: give Login a shorter Next", len(value), maxCookie)
	}
	var oldest string
	var oldestAt int64
	count := 0
	for _, c := range r.Cookies() {
		if !strings.HasPrefix(c.Name, p.cookieName("")) {
			continue
		}
		if other, ok := p.sealer.open(c.Name, c.Value); !ok {
			http.SetCookie(w, p.cookie(c.Name, "", -time.Second)) // it can no longer be opened
		} else if count++; oldest == "" || other.At < oldestAt {
			oldest, oldestAt = c.Name, other.At
		}
	}
	if count >= maxPending {
		http.SetCookie(w, p.cookie(oldest, "", -time.Second))
	}
	http.SetCookie(w, p.cookie(name, value, lifetime))
	w.Header().Set("Cache-Control", "no-store")
	return nil
}

// takeCookie returns the login of a state that this browser has begun with this provider,
// and deletes its cookie.
func (p *Provider) takeCookie(w http.ResponseWriter, r *http.Request, state string) (pending, bool) {
	w.Header().Set("Cache-Control", "no-store")
	if state == "" || len(state) > maxState {
		return pending{}, false
	}
	name := p.cookieName(state)
	for _, c := range r.CookiesNamed(name) {
		begun, ok := p.sealer.open(name, c.Value)
		if !ok {
			continue
		}
		http.SetCookie(w, p.cookie(name, "", -time.Second))
		return begun, begun.Provider == p.config.Name
	}
	return pending{}, false
}
