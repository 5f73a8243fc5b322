package valkey_test

import (
	"context"
	"fmt"

	"github.com/webapp2go/webapp2go/sessions/valkey"
)

// Mistakes are found at start, all of them.
func ExampleNew() {
	_, err := valkey.New(context.Background(), valkey.Config{
		Addrs:   []string{"10.0.0.5"},
		Cluster: true,
		Master:  "sessions",
	})
	fmt.Println(err)
	// Output:
	// sessions/valkey: Addrs[0] is "10.0.0.5": write host:port, such as 127.0.0.1:6379
	// Cluster and Master are both set: Sentinels watch servers that are no cluster
}

// The counter of a login throttle that all instances share. No server is asked before the
// first login.
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
