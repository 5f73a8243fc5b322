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
// ServeMux, a struct, a cookie signed by hand. It recovers no panic, buffers no response,
// checks no origin and knows no timeouts. Contenders that are slower may be doing more.
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
		var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeText(w, fixedBody) })
		if r.hasID() {
			h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { writeText(w, r.PathValue("id")) })
		}
		if t.use {
			h = nothing(h)
		}
		mux.Handle("GET "+t.host+t.prefix+r.pattern, h)
	}
	return mux
}

// A floorStore is where the floor keeps its visitors: the cookie or memcached.
type floorStore interface {
	create(w http.ResponseWriter, v *visitor) error
	read(r *http.Request) (*visitor, error)
	// change lets f change the visitor and keeps the result.
	change(w http.ResponseWriter, r *http.Request, f func(*visitor)) (*visitor, error)
}

func floorSite(store floorStore) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", hello)
	handle := func(pattern string, page func(http.ResponseWriter, *http.Request) (string, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			body, err := page(w, r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusForbidden)
				return
			}
			writeText(w, body)
		})
	}
	handle("GET /start", func(w http.ResponseWriter, _ *http.Request) (string, error) {
		v := firstVisitor
		return helloBody, store.create(w, &v)
	})
	handle("GET /read", func(_ http.ResponseWriter, r *http.Request) (string, error) {
		v, err := store.read(r)
		if err != nil {
			return "", err
		}
		return greeting(v.Name, v.Visits), nil
	})
	handle("GET /readall", func(_ http.ResponseWriter, r *http.Request) (string, error) {
		v, err := store.read(r)
		if err != nil {
			return "", err
		}
		return everything(*v), nil
	})
	handle("GET /write", func(w http.ResponseWriter, r *http.Request) (string, error) {
		v, err := store.change(w, r, func(v *visitor) { v.Visits++ })
		if err != nil {
			return "", err
		}
		return counted(v.Visits), nil
	})
	login := func(w http.ResponseWriter, r *http.Request) (string, error) {
		user := r.PostFormValue("user")
		v, err := store.read(r)
		if err != nil {
			v = new(visitor)
		}
		v.User = user
		return welcome(user), store.create(w, v)
	}
	handle("POST /login", login)
	handle("POST /log-in", login)
	return mux
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

func decodeVisitor(data []byte) (*visitor, error) {
	v := new(visitor)
	return v, json.Unmarshal(data, v)
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
	data, err := openCookie(r)
	if err != nil {
		return nil, err
	}
	return decodeVisitor(data)
}

func (c floorCookie) change(w http.ResponseWriter, r *http.Request, f func(*visitor)) (*visitor, error) {
	v, err := c.read(r)
	if err != nil {
		return nil, err
	}
	f(v)
	return v, c.create(w, v)
}

// floorMemcached keeps the visitor in memcached, as JSON, under a random id that is
// signed in the cookie. It writes with cas, as anything must that loses no update.
type floorMemcached struct{ client *memcache.Client }

const floorLifetime = 1800 // seconds

func (s floorMemcached) create(w http.ResponseWriter, v *visitor) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	id := rand.Text()
	if err := s.client.Add(&memcache.Item{Key: id, Value: data, Expiration: floorLifetime}); err != nil {
		return err
	}
	setSessionCookie(w, seal([]byte(id)))
	return nil
}

func (s floorMemcached) load(r *http.Request) (*memcache.Item, *visitor, error) {
	id, err := openCookie(r)
	if err != nil {
		return nil, nil, err
	}
	item, err := s.client.Get(string(id))
	if err != nil {
		return nil, nil, err
	}
	v, err := decodeVisitor(item.Value)
	return item, v, err
}

func (s floorMemcached) read(r *http.Request) (*visitor, error) {
	_, v, err := s.load(r)
	return v, err
}

// change sets no cookie: the browser has the id.
func (s floorMemcached) change(_ http.ResponseWriter, r *http.Request, f func(*visitor)) (*visitor, error) {
	item, v, err := s.load(r)
	if err != nil {
		return nil, err
	}
	f(v)
	if item.Value, err = json.Marshal(v); err != nil {
		return nil, err
	}
	item.Expiration = floorLifetime
	return v, s.client.CompareAndSwap(item)
}
