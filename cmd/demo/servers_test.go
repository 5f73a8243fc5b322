//go:build !servers

// The tests link what the build tag servers links: this file is servers.go.

package main

import (
	"context"
	"errors"

	"github.com/webapp2go/webapp2go/sessions/valkey"
	"github.com/webapp2go/webapp2go/sqldb"
	"github.com/webapp2go/webapp2go/sqldb/postgres"
)

func init() {
	linked.postgreSQL = func(url string) (*sqldb.DB, error) { return postgres.Open(url, postgres.Config{}) }
	linked.valkey = openServer
}

// openServer connects to one server of Valkey, or to the nodes of a cluster.
func openServer(ctx context.Context, addrs []string) (*valkeyServer, error) {
	config := valkey.Config{Addrs: addrs}
	store, err := valkey.New(ctx, config)
	if err != nil {
		return nil, err
	}
	counter, err := valkey.NewCounter(config)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &valkeyServer{store, counter, store.Probe, func() error { return errors.Join(store.Close(), counter.Close()) }}, nil
}
