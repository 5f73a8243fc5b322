package cached_test

import (
	"context"
	"fmt"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
)

// The store decides, and the cache saves reads. In production they are Backends of
// packages datastore and memcache, for example.
func ExampleNew() {
	ctx := context.Background()
	cache, store := sessions.NewMemory(), sessions.NewMemory()
	backend := cached.New(cache, store)

	const id = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ" // the Manager makes them
	err := backend.Create(ctx, id, sessions.Record{Data: []byte("cart"), Expires: time.Now().Add(time.Hour)})
	fmt.Println(err)
	record, err := backend.Load(ctx, id) // from the store, and into the cache
	fmt.Println(string(record.Data), err)

	cache.Delete(ctx, id) // evicted
	record, err = backend.Load(ctx, id)
	fmt.Println(string(record.Data), err)
	// Output:
	// <nil>
	// cart <nil>
	// cart <nil>
}
