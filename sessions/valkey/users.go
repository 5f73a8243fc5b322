package valkey

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/webapp2go/webapp2go/sessions"
)

const (
	atOnce   = 500  // commands in a pipeline
	scanSize = 1000 // keys that the server looks at in a step of a scan
)

// Sessions implements [sessions.UserBackend]. It reads every session of the user in full.
func (b *Backend) Sessions(ctx context.Context, user string) (infos []sessions.SessionInfo, err error) {
	if user == "" {
		return nil, nil
	}
	owner := userHash(user)
	err = b.server.run(ctx, "list sessions", b.indexKey(owner), func(ctx context.Context, _ bool) error {
		infos = nil
		ids, _, err := b.entries(ctx, owner)
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

// EndUser implements [sessions.UserBackend]. A session that becomes the user's while it
// runs may go on. If the index may not list all sessions of the user, it looks at all
// sessions of the server.
func (b *Backend) EndUser(ctx context.Context, user string, except ...string) error {
	if user == "" {
		return nil
	}
	owner := userHash(user)
	return b.server.run(ctx, "end sessions", b.indexKey(owner), func(ctx context.Context, _ bool) error {
		ids, all, err := b.entries(ctx, owner)
		if err == nil && !all {
			ids, err = b.search(ctx, owner)
		}
		if err != nil {
			return err
		}
		ended := slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(except, id) })
		for chunk := range slices.Chunk(ended, atOnce) {
			if err := b.end(ctx, owner, chunk); err != nil {
				return err
			}
		}
		return nil
	})
}

// entriesScript returns whether a set of the index is whole, and the ids of the sessions
// whose entries begin with ARGV[1].
var entriesScript = newScript(`
local found = {redis.call('ZSCORE', KEYS[1], '.') and 'whole' or ''}
for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
	if entry:sub(1, #ARGV[1]) == ARGV[1] then found[#found + 1] = entry:sub(#ARGV[1] + 1) end
end
return found
`)

// entries returns the sessions of an owner that the index lists, and whether these are all.
func (b *Backend) entries(ctx context.Context, owner string) (ids []string, all bool, err error) {
	got, err := b.server.eval(ctx, entriesScript, []string{b.indexKey(owner)}, entry(owner, ""))
	if err != nil {
		return nil, false, err
	}
	found, _ := got.([]any)
	for i, text := range found {
		if text, _ := text.(string); i > 0 {
			ids = append(ids, text)
		} else {
			all = text != ""
		}
	}
	return ids, all, nil
}

// end deletes those of the sessions that belong to the owner, and their entries. An entry
// without a session stays: in a cluster it is written first, and its session may follow.
func (b *Backend) end(ctx context.Context, owner string, ids []string) error {
	owners, err := b.owners(ctx, ids)
	if err != nil {
		return err
	}
	var mine []string
	var entries []any
	for i, id := range ids {
		if owners[i] == owner {
			mine = append(mine, id)
			entries = append(entries, entry(owner, id))
		}
	}
	if len(mine) == 0 {
		return nil
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

// search returns all sessions of an owner without the index, and completes the set of the
// index that lists them.
func (b *Backend) search(ctx context.Context, owner string) (ids []string, err error) {
	key := b.indexKey(owner)
	witness := b.testify(ctx, key)
	entries, err := b.scan(ctx, owner[:bucketSize])
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if id, mine := strings.CutPrefix(e.Member.(string), entry(owner, "")); mine {
			ids = append(ids, id)
		}
	}
	b.complete(ctx, key, witness, entries)
	return ids, nil
}

// testify adds an entry to a set of the index. If it is gone when a search ends, the set was
// lost meanwhile, with what others have entered. That it fails, as on a server that is full,
// is no harm: the set is not whole then.
func (b *Backend) testify(ctx context.Context, key string) (witness string) {
	witness = "?" + rand.Text()
	_ = b.server.client.ZAdd(ctx, key, redis.Z{Score: float64(entryEnd(time.Now())), Member: witness}).Err()
	return witness
}

// complete adds what a search has found to a set of the index, which is whole then. That it
// fails is no harm: the next EndUser searches too.
func (b *Backend) complete(ctx context.Context, key, witness string, entries []redis.Z) {
	for chunk := range slices.Chunk(entries, atOnce) {
		if b.server.client.ZAddGT(ctx, key, chunk...).Err() != nil {
			return
		}
	}
	_, _ = b.server.eval(ctx, wholeScript, []string{key}, witness)
}

var wholeScript = newScript(`
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then redis.call('ZADD', KEYS[1], '+inf', '.') end
`)

// scanScript makes a step of a scan. It returns the next cursor, and then the key, the expiry
// and the owner of each session whose owner begins with ARGV[4]. ARGV: 1 the cursor, 2 the
// pattern of the keys, 3 the size of the step.
const scanScript = `#!lua flags=no-writes,allow-cross-slot-keys
local step = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local found = {step[1]}
for _, key in ipairs(step[2]) do
	local head = redis.pcall('GETRANGE', key, 17, 54) -- fails for a key of another program that is no string
	if type(head) == 'string' and #head == 38 and head:sub(17, 16 + #ARGV[4]) == ARGV[4] then
		found[#found + 1] = key
		found[#found + 1] = head
	end
end
return found
`

// scan returns what the set of a bucket should list.
func (b *Backend) scan(ctx context.Context, bucket string) (entries []redis.Z, err error) {
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)
	pattern := escape.Replace(b.server.prefix) + strings.Repeat("?", 43)
	var mu sync.Mutex
	err = b.server.each(ctx, func(ctx context.Context, node *redis.Client) error { // all nodes at once
		for cursor := "0"; ; {
			found, err := node.Eval(ctx, scanScript, nil, cursor, pattern, scanSize, bucket).StringSlice()
			if err != nil {
				return err
			}
			mu.Lock()
			for pair := range slices.Chunk(found[1:], 2) {
				id, head := strings.TrimPrefix(pair[0], b.server.prefix), pair[1]
				if expires, err := strconv.ParseInt(head[:16], 10, 64); err == nil {
					entries = append(entries, redis.Z{Score: float64(entryEnd(time.UnixMicro(expires))), Member: entry(head[16:], id)})
				}
			}
			mu.Unlock()
			if cursor = found[0]; cursor == "0" {
				return nil
			}
		}
	})
	return entries, err
}
