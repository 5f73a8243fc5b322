package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

var errNoSession = errors.New("no session")

// seal signs data: base64url(data) "." base64url(HMAC-SHA256 of the first part).
func seal(data []byte) string {
	text := base64.RawURLEncoding.EncodeToString(data)
	mac := hmac.New(sha256.New, signingKey)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// open returns what seal signed, or errNoSession.
func open(value string) ([]byte, error) {
	text, signature, found := strings.Cut(value, ".")
	if !found {
		return nil, errNoSession
	}
	sum, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return nil, errNoSession
	}
	mac := hmac.New(sha256.New, signingKey)
	mac.Write([]byte(text))
	if !hmac.Equal(sum, mac.Sum(nil)) {
		return nil, errNoSession
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, errNoSession
	}
	return data, nil
}

// setSessionCookie sends the cookie with the attributes that a session's should have.
func setSessionCookie(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: "session", Value: value, Path: "/",
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// floorCookie keeps the visitor in the cookie itself, as JSON.
type floorCookie struct{}

func (floorCookie) create(w http.ResponseWriter, v *visitor) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	setSessionCookie(w, seal(data))
	return nil
}

func (floorCookie) read(r *http.Request) (*visitor, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return nil, err
	}
	data, err := open(cookie.Value)
	if err != nil {
		return nil, err
	}
	v := new(visitor)
	if err := json.Unmarshal(data, v); err != nil {
		return nil, err
	}
	return v, nil
}

func (c floorCookie) change(w http.ResponseWriter, r *http.Request, f func(*visitor)) (*visitor, error) {
	v, err := c.read(r)
	if err != nil {
		return nil, err
	}
	f(v)
	return v, c.create(w, v)
}
