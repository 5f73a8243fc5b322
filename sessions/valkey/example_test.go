package valkey_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/valkey"
)

// New reports all mistakes at once.
func ExampleNew() {
	_, err := valkey.New(context.Background(), valkey.Config{
		Addrs:   []string{"10.0.0.5"},
		Cluster: true,
		Master:  "sessions",
	})
	fmt.Println(err)
	// Output:
	// sessions/valkey: Addrs[0] is "10.0.0.5": write host:port, such as 127.0.0.1:6379
	// Cluster and Master are both set: Sentinels watch servers that are not a cluster
}

// The counter of a login throttle that all instances share. No server is called before
// the first login.
func ExampleNewCounter() {
	counter, err := valkey.NewCounter(valkey.Config{Addrs: []string{"10.0.0.5:6379"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer counter.Close()
	fmt.Println(err)
	// Output: <nil>
}

// A site whose sessions are in Valkey. It needs a server, so it is not run as a test.
func Example() {
	backend, err := valkey.New(context.Background(), valkey.Config{Addrs: []string{"127.0.0.1:6379"}})
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
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "visit", manager.Store(r).Session().Incr("visits", 1))
	})
	fmt.Println(http.ListenAndServe("127.0.0.1:8080", manager.Middleware(http.DefaultServeMux)))
}
