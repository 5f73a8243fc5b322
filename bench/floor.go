package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/bradfitz/gomemcache/memcache"
)

// The floor is what a careful programmer writes with the standard library alone:
// ServeMux, a struct, a cookie signed by hand. It does not recover panics, buffer
// responses, check origins or apply timeouts. A contender that is slower may do more.
var floor = contender{
	name: "net/http",
	sites: map[string]func() http.Handler{
		noSessions:   floorPlain,
		withSessions: func() http.Handler { return floorSite(floorCookie{}) },
		withHeaders:  func() http.Handler { return floorSite(floorCookie{}) },
		withLogIn:    func() http.Handler { return floorSite(floorCookie{}) },
	},
	table:   floorTable,
	cookies: true,
}

func hello(w http.ResponseWriter, _ *http.Request) { writeText(w, helloBody) }

// writeText responds with a plain text.
func writeText(w http.ResponseWriter, body string) error {
	w.Header().Set("Content-Type", plainText)
	_, err := io.WriteString(w, body)
	return err
}

func floorPlain() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", hello)
	return mux
}

func floorTable(t table) http.Handler {
	mux := http.NewServeMux()
	for _, r := range t.routes {
		var h http.Handler = r.handler(func(r *http.Request) string { return r.PathValue("id") })
		if t.use {
			h = nothing(h)
		}
		mux.Handle("GET "+t.host+t.prefix+r.pattern, h)
	}
	return mux
}

// A floorStore keeps the visitors of the floor: in the cookie or in memcached.
type floorStore interface {
	// load returns the visitor of the request, and the item that holds it in memcached.
	load(r *http.Request) (*visitor, *memcache.Item, error)
	// save writes the visitor to the item, or to a new one if the item is nil.
	save(w http.ResponseWriter, v *visitor, item *memcache.Item) error
}

func floorSite(store floorStore) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", hello)
	for _, p := range append(pages, page{"POST", "/log-in", true}) {
		mux.HandleFunc(p.method+" "+p.path, func(w http.ResponseWriter, r *http.Request) {
			body, err := floorPage(store, p.path, w, r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusForbidden)
				return
			}
			writeText(w, body)
		})
	}
	return mux
}

// floorPage does what the page at path does, and returns the body.
func floorPage(store floorStore, path string, w http.ResponseWriter, r *http.Request) (string, error) {
	switch path {
	case "/start":
		v := firstVisitor
		return helloBody, store.save(w, &v, nil)
	case "/login", "/log-in":
		user := r.PostFormValue("user")
		v, _, err := store.load(r)
		if err != nil {
			v = new(visitor)
		}
		v.User = user
		return welcome(user), store.save(w, v, nil)
	}
	v, item, err := store.load(r)
	if err != nil {
		return "", err
	}
	switch path {
	case "/read":
		return greeting(v.Name, v.Visits), nil
	case "/readall":
		return everything(*v), nil
	}
	v.Visits++
	return counted(v.Visits), store.save(w, v, item)
}

// seal signs data: base64url(data) "." base64url(HMAC-SHA256 of the first part).
func seal(data []byte) string {
	text := base64.RawURLEncoding.EncodeToString(data)
	mac := hmac.New(sha256.New, signingKey)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// open returns the data that seal signed, or errNoSession.
func open(value string) ([]byte, error) {
	text, signature, _ := strings.Cut(value, ".")
	sum, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return nil, errNoSession
	}
	mac := hmac.New(sha256.New, signingKey)
	mac.Write([]byte(text))
	if !hmac.Equal(sum, mac.Sum(nil)) {
		return nil, errNoSession
	}
	return base64.RawURLEncoding.DecodeString(text)
}

// setSessionCookie sends the cookie with the attributes that a session's should have.
func setSessionCookie(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: "session", Value: value, Path: "/",
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// openCookie returns the data of the signed cookie.
func openCookie(r *http.Request) ([]byte, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return nil, err
	}
	return open(cookie.Value)
}

// floorCookie keeps the visitor in the cookie itself, as JSON.
type floorCookie struct{}

func (floorCookie) load(r *http.Request) (*visitor, *memcache.Item, error) {
	data, err := openCookie(r)
	if err != nil {
		return nil, nil, err
	}
	v := new(visitor)
	return v, nil, json.Unmarshal(data, v)
}

func (floorCookie) save(w http.ResponseWriter, v *visitor, _ *memcache.Item) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	setSessionCookie(w, seal(data))
	return nil
}

// floorMemcached keeps the visitor in memcached, as JSON, under a random id that is
// signed in the cookie. It writes with cas, so that no update is lost.
type floorMemcached struct{ client *memcache.Client }

func (s floorMemcached) load(r *http.Request) (*visitor, *memcache.Item, error) {
	id, err := openCookie(r)
	if err != nil {
		return nil, nil, err
	}
	item, err := s.client.Get(string(id))
	if err != nil {
		return nil, nil, err
	}
	v := new(visitor)
	return v, item, json.Unmarshal(item.Value, v)
}

func (s floorMemcached) save(w http.ResponseWriter, v *visitor, item *memcache.Item) error {
	const lifetime = 1800 // seconds
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if item != nil { // the browser has the cookie
		item.Value, item.Expiration = data, lifetime
		return s.client.CompareAndSwap(item)
	}
	id := rand.Text()
	if err := s.client.Add(&memcache.Item{Key: id, Value: data, Expiration: lifetime}); err != nil {
		return err
	}
	setSessionCookie(w, seal([]byte(id)))
	return nil
}
