package datastore_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/datastore"
)

// emulate runs the example against a Datastore of this process, as
// DATASTORE_EMULATOR_HOST does for a whole program, in a project of its own.
func emulate() (project string, stop func()) {
	server, err := datastoretest.New()
	if err != nil {
		panic(err)
	}
	before := os.Getenv("DATASTORE_EMULATOR_HOST")
	os.Setenv("DATASTORE_EMULATOR_HOST", server.Addr)
	return server.Project, func() {
		os.Setenv("DATASTORE_EMULATOR_HOST", before)
		server.Close()
	}
}

func ExampleNew() {
	project, stop := emulate()
	defer stop()
	ctx := context.Background()
	client, err := datastore.Open(ctx, project, "")
	if err != nil {
		panic(err)
	}
	defer client.Close()
	var backend sessions.Backend = datastore.New(client, datastore.Config{Namespace: "shop"})

	const id = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ" // the Manager makes them
	err = backend.Create(ctx, id, sessions.Record{Data: []byte("cart"), Expires: time.Now().Add(time.Hour)})
	fmt.Println(err)
	record, err := backend.Load(ctx, id)
	fmt.Println(string(record.Data), err)
	fmt.Println(backend.Delete(ctx, id))
	_, err = backend.Load(ctx, id)
	fmt.Println(err)
	// Output:
	// <nil>
	// cart <nil>
	// <nil>
	// sessions: not found
}

// A scheduled job deletes expired sessions from a database without a TTL policy.
func ExampleBackend_DeleteExpired() {
	project, stop := emulate()
	defer stop()
	ctx := context.Background()
	client, err := datastore.Open(ctx, project, "")
	if err != nil {
		panic(err)
	}
	defer client.Close()
	backend := datastore.New(client, datastore.Config{})

	const id = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
	if err := backend.Create(ctx, id, sessions.Record{Data: []byte("old"), Expires: time.Now().Add(-time.Hour)}); err != nil {
		panic(err)
	}
	fmt.Println(backend.DeleteExpired(ctx, 1000))
	// Output: 1 <nil>
}

func ExampleProject() {
	fmt.Println(datastore.Project("my-project"))
	// Output: my-project <nil>
}
