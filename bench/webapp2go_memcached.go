package main

import (
	"net/http"

	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// webapp2goMemcachedSite is the site with its session in the memcached server at addr.
func webapp2goMemcachedSite(addr string) http.Handler {
	backend, err := memcache.New(memcache.Config{Servers: []string{addr}})
	if err != nil {
		panic(err)
	}
	return webapp2goSiteWith(backend)
}
