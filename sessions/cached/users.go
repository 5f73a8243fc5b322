package cached

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/webapp2go/webapp2go/sessions"
)

const (
	// endRounds is how often EndUser lists the sessions that are left.
	endRounds = 5
	// endAtOnce is how many sessions EndUser ends at the same time.
	endAtOnce = 16
)

// Sessions implements [sessions.UserBackend]. It asks the store.
func (b *Backend) Sessions(ctx context.Context, user string) ([]sessions.SessionInfo, error) {
	users, err := b.users()
	if err != nil || user == "" {
		return nil, err
	}
	return users.Sessions(ctx, user)
}

// EndUser implements [sessions.UserBackend]. It deletes the sessions one by one, because
// it needs their ids to invalidate the cache. In the end the store ends those that it
// has not listed, as package valkey may after it has lost its index: a copy of such a
// session may be read for up to a minute.
func (b *Backend) EndUser(ctx context.Context, user string, except ...string) error {
	users, err := b.users()
	if err != nil || user == "" { // sessions without a user do not belong together
		return err
	}
	for range endRounds {
		infos, err := users.Sessions(ctx, user)
		if err != nil {
			return err
		}
		infos = slices.DeleteFunc(infos, func(i sessions.SessionInfo) bool { return slices.Contains(except, i.ID) })
		if len(infos) == 0 {
			break
		}
		for chunk := range slices.Chunk(infos, endAtOnce) {
			if err := b.deleteAll(ctx, chunk); err != nil {
				return err
			}
		}
	}
	// If sessions begin faster than they end, all that had begun before the call have ended.
	return users.EndUser(ctx, user, except...)
}

func (b *Backend) deleteAll(ctx context.Context, infos []sessions.SessionInfo) error {
	errs := make([]error, len(infos))
	var wait sync.WaitGroup
	for i, info := range infos {
		wait.Go(func() { errs[i] = b.Delete(ctx, info.ID) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

func (b *Backend) users() (sessions.UserBackend, error) {
	users, ok := b.store.(sessions.UserBackend)
	if !ok {
		return nil, fmt.Errorf("sessions/cached: the store %T cannot list the sessions of a user: %w", b.store, errors.ErrUnsupported)
	}
	return users, nil
}
