package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"

	"github.com/bradfitz/gomemcache/memcache"
)

// floorMemcached keeps the visitor in memcached, as JSON, under a random id that is
// signed in the cookie. A change is written over what was read (cas), as anything
// that must not lose an update has to do it.
type floorMemcached struct{ client *memcache.Client }

// floorMemcachedSite is the site of the floor on the memcached server at addr.
func floorMemcachedSite(addr string) http.Handler {
	return floorSiteWith(floorMemcached{memcache.New(addr)})
}

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
	cookie, err := r.Cookie("session")
	if err != nil {
		return nil, nil, err
	}
	id, err := open(cookie.Value)
	if err != nil {
		return nil, nil, err
	}
	item, err := s.client.Get(string(id))
	if err != nil {
		return nil, nil, err
	}
	v := new(visitor)
	if err := json.Unmarshal(item.Value, v); err != nil {
		return nil, nil, err
	}
	return item, v, nil
}

func (s floorMemcached) read(r *http.Request) (*visitor, error) {
	_, v, err := s.load(r)
	return v, err
}

// change leaves the cookie alone: the browser has it.
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
