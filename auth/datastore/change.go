package datastore

import (
	"context"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/internal/datastoretx"
)

// change runs f in a transaction, and again while others are in the way or where it
// is not known whether it was applied, which the next attempt finds out by its mark.
func (s *Store) change(ctx context.Context, doing string, f func(*gcds.Transaction) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	return datastoretx.Run(ctx, s.client, "auth/datastore: "+doing, func(tx *gcds.Transaction, _ int) error { return f(tx) })
}

func failure(ctx context.Context, doing string, err error) error {
	return datastoretx.Failure(ctx, "auth/datastore: "+doing, err)
}
