package datastore

import (
	"context"
	"slices"
	"strings"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/sessions"
)

// maxCommit is how many keys a commit takes.
const maxCommit = 500

// Sessions implements [sessions.UserBackend]. It reads every session of the user
// in full.
func (b *Backend) Sessions(ctx context.Context, user string) ([]sessions.SessionInfo, error) {
	if user == "" || len(user) > maxUser {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	var entities []*entity
	keys, err := b.client.GetAll(ctx, b.ofUser(user), &entities)
	if err != nil {
		return nil, failure(ctx, "list sessions", err)
	}
	var infos []sessions.SessionInfo
	for i, e := range entities {
		if !e.expired() && len(e.data) > 0 {
			infos = append(infos, e.record().Info(keys[i].Name[len(keyPrefix):]))
		}
	}
	slices.SortFunc(infos, func(a, b sessions.SessionInfo) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return infos, nil
}

// EndUser implements [sessions.UserBackend]. A session that is given to the user while
// EndUser runs may stay.
func (b *Backend) EndUser(ctx context.Context, user string, except ...string) error {
	if user == "" || len(user) > maxUser {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	keys, err := b.client.GetAll(ctx, b.ofUser(user).KeysOnly(), nil)
	if err != nil {
		return failure(ctx, "end sessions", err)
	}
	keys = slices.DeleteFunc(keys, func(key *gcds.Key) bool { return slices.Contains(except, key.Name[len(keyPrefix):]) })
	for batch := range slices.Chunk(keys, maxCommit) {
		if err := b.client.DeleteMulti(ctx, batch); err != nil {
			return failure(ctx, "end sessions", err)
		}
	}
	return nil
}

func (b *Backend) ofUser(user string) *gcds.Query {
	return gcds.NewQuery(b.config.Kind).Namespace(b.config.Namespace).FilterField("user", "=", userValue(user))
}
