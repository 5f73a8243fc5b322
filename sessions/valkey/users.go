package valkey

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/webapp2go/webapp2go/sessions"
)

const (
	atOnce   = 500  // commands in a pipeline
	scanSize = 1000 // keys that the server looks at in a step of a scan
	// lost is an entry that is not an id: it says that entries of this index may be lost.
	lost = "!"
)

// Sessions implements [sessions.UserBackend]. It reads every session of the user in full.
func (b *Backend) Sessions(ctx context.Context, user string) (infos []sessions.SessionInfo, err error) {
	if user == "" {
		return nil, nil
	}
	owner := userHash(user)
	err = b.server.run(ctx, "list sessions", b.indexKey(owner), func(ctx context.Context, _ bool) error {
		infos = nil
		ids, err := b.entries(ctx, owner)
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk(ids, atOnce) {
			values, err := b.pipeline(ctx, chunk, func(p redis.Pipeliner, key string) { p.Get(ctx, key) })
			if err != nil {
				return err
			}
			for i, value := range values {
				r, ok := decode(value)
				if ok && r.User == user && time.Now().Before(r.Expires) {
					infos = append(infos, r.Info(chunk[i]))
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
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
// EndUser runs may stay. If the user has no index, or some of it was lost, EndUser looks
// at all sessions of the server.
func (b *Backend) EndUser(ctx context.Context, user string, except ...string) error {
	if user == "" {
		return nil
	}
	owner := userHash(user)
	return b.server.run(ctx, "end sessions", b.indexKey(owner), func(ctx context.Context, _ bool) error {
		ids, err := b.entries(ctx, owner)
		if err != nil {
			return err
		}
		whole := len(ids) > 0 && !slices.Contains(ids, lost)
		if !whole {
			if ids, err = b.scan(ctx, owner); err != nil {
				return err
			}
		}
		ended := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(except, id) })
		for chunk := range slices.Chunk(ended, atOnce) {
			if err := b.end(ctx, owner, chunk); err != nil {
				return err
			}
		}
		if !whole {
			b.repair(ctx, owner, slices.DeleteFunc(ids, func(id string) bool { return !slices.Contains(except, id) }))
		}
		return nil
	})
}

// entries returns the ids in the index of an owner.
func (b *Backend) entries(ctx context.Context, owner string) ([]string, error) {
	return b.server.client.ZRange(ctx, b.indexKey(owner), 0, -1).Result()
}

// end deletes those of the sessions that belong to the owner, and their entries.
func (b *Backend) end(ctx context.Context, owner string, ids []string) error {
	owners, err := b.owners(ctx, ids)
	if err != nil {
		return err
	}
	var mine []string
	entries := make([]any, len(ids))
	for i, id := range ids {
		if entries[i] = id; owners[i] == owner {
			mine = append(mine, id)
		}
	}
	if _, err := b.pipeline(ctx, mine, func(p redis.Pipeliner, key string) { p.Del(ctx, key) }); err != nil {
		return err
	}
	return b.server.client.ZRem(ctx, b.indexKey(owner), entries...).Err()
}

// owners returns the owner in the header of each session, empty if there is no session.
func (b *Backend) owners(ctx context.Context, ids []string) ([]string, error) {
	return b.pipeline(ctx, ids, func(p redis.Pipeliner, key string) {
		p.GetRange(ctx, key, ownerAt, ownerAt+ownerSize-1)
	})
}

// pipeline sends one command for each session, which may be sent again, and returns the
// texts of the replies, empty if there is none.
func (b *Backend) pipeline(ctx context.Context, ids []string, add func(p redis.Pipeliner, key string)) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	commands, err := b.server.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, id := range ids {
			add(p, b.key(id))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	answers := make([]string, len(ids))
	for i, command := range commands {
		if text, ok := command.(*redis.StringCmd); ok {
			if answers[i], err = text.Result(); err != nil && !errors.Is(err, redis.Nil) {
				return nil, err
			}
		}
	}
	return answers, nil
}

// scanScript makes a step of a scan and returns the next cursor, and then the keys of the
// sessions of an owner. ARGV: the cursor, the pattern of the keys, the size of the step, the
// owner.
const scanScript = `#!lua flags=no-writes,allow-cross-slot-keys
local step = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local found = {step[1]}
for _, key in ipairs(step[2]) do
	if redis.call('GETRANGE', key, 33, 54) == ARGV[4] then found[#found + 1] = key end
end
return found
`

// scan returns the ids of all sessions of an owner, without the index.
func (b *Backend) scan(ctx context.Context, owner string) (ids []string, err error) {
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)
	pattern := escape.Replace(b.server.prefix) + strings.Repeat("?", 43)
	var mu sync.Mutex
	err = b.server.each(ctx, func(ctx context.Context, node *redis.Client) error { // all nodes at once
		for cursor := "0"; ; {
			found, err := node.Eval(ctx, scanScript, nil, cursor, pattern, scanSize, owner).StringSlice()
			if err != nil {
				return err
			}
			mu.Lock()
			for _, key := range found[1:] {
				ids = append(ids, strings.TrimPrefix(key, b.server.prefix))
			}
			mu.Unlock()
			if cursor = found[0]; cursor == "0" {
				return nil
			}
		}
	})
	slices.Sort(ids)
	return slices.Compact(ids), err // a scan may return a key twice
}

// repair makes the index complete again, of the sessions that are left. A failure does no
// harm: the index stays as it was.
func (b *Backend) repair(ctx context.Context, owner string, ids []string) {
	var entries []redis.Z
	var life time.Duration
	for _, id := range ids {
		value, err := b.server.client.Get(ctx, b.key(id)).Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		r, ok := decode(value)
		if err != nil || !ok {
			return
		}
		entries = append(entries, redis.Z{Score: float64(microseconds(r.Expires.Add(indexLife))), Member: id})
		life = max(life, time.Until(r.Expires)+indexLife)
	}
	_, _ = b.server.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		key := b.indexKey(owner)
		if len(entries) > 0 {
			p.ZAdd(ctx, key, entries...)
			p.PExpire(ctx, key, life)
		}
		p.ZRem(ctx, key, lost)
		return nil
	})
}
