package memcache_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// A site whose sessions are in memcached. No server is called before a session is used.
func Example() {
	backend, err := memcache.New(memcache.Config{Servers: []string{"127.0.0.1:11211"}, Prefix: "shop:"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer backend.Close()
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: backend}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		store := manager.Store(r)
		n := store.Session().Get("visits") // without a cookie there is no session, so the server is not called
		if err := store.Save(w); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "visits:", n)
	}
	w := httptest.NewRecorder()
	handler(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Print(w.Body)
	// Output: visits: <nil>
}

// New reports all mistakes at once.
func ExampleNew() {
	_, err := memcache.New(memcache.Config{Servers: []string{"10.0.0.5", "10.0.0.6:11211", "10.0.0.6:11211"}})
	fmt.Println(err)
	// Output:
	// memcache: Servers[0] is "10.0.0.5": write host:port, such as 127.0.0.1:11211 or [::1]:11211, or the path of a socket
	// Servers[2] is "10.0.0.6:11211", which is there twice
}

// New does not connect to a server. Ping does.
func ExampleBackend_Ping() {
	backend, err := memcache.New(memcache.Config{Servers: []string{"/nowhere/memcached.sock"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(backend.Ping(context.Background()))
	// Output: memcache: server /nowhere/memcached.sock: dial unix /nowhere/memcached.sock: connect: no such file or directory
}

// The counter of a login throttle that all instances share. No server is called before the
// first login.
func ExampleNewCounter() {
	counter, err := memcache.NewCounter(memcache.Config{Servers: []string{"127.0.0.1:11211"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer counter.Close()
	fmt.Println(err)
	// Output: <nil>
}
