package sessionstest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// flaws are the mistakes that a Backend's author makes, each with the subtest that
// must find it.
var flaws = map[string]struct {
	foundBy string
	backend func() sessions.Backend
}{
	"blind update":      {"UpdateRace", func() sessions.Backend { return blindUpdate{newTable()} }},
	"update that makes": {"UpdateNeverCreates", func() sessions.Backend { return upsert{newTable()} }},
	"blind create":      {"CreateNeverOverwrites", func() sessions.Backend { return blindCreate{newTable()} }},
	"version 0":         {"CreateThenLoad", func() sessions.Backend { return zeroVersion{newTable()} }},
	"any id":            {"HostileIDs", func() sessions.Backend { return anyID{newTable()} }},
	"shared data":       {"DataIsCopied", func() sessions.Backend { return &sharedData{UserBackend: newTable()} }},
	"no expiry":         {"ShortLived", func() sessions.Backend { return immortal{newTable()} }},
	"no context":        {"ContextIsOver", func() sessions.Backend { return contextless{newTable()} }},
	"oversize loses":    {"TooLarge", func() sessions.Backend { return fragile{newTable()} }},
	"forgets the dead":  {"LogoutAgainstWriter", func() sessions.Backend { return forgetful{newTable()} }},
	"lists unsorted":    {"Users/NewestFirst", func() sessions.Backend { return unsorted{newTable()} }},
	"lists nobody":      {"Users/List", func() sessions.Backend { return listsNothing{newTable()} }},
	"ends them all":     {"Users/End", func() sessions.Backend { return endsAll{newTable()} }},
	"ends nobody's too": {"Users/EndNobody", func() sessions.Backend { return endsNobodys{newTable()} }},
}

type blindUpdate struct{ sessions.UserBackend }

func (b blindUpdate) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	for {
		now, err := b.UserBackend.Load(ctx, id)
		if err != nil {
			return 0, err
		}
		r.Version = now.Version
		version, err := b.UserBackend.Update(ctx, id, r)
		if !errors.Is(err, sessions.ErrConflict) {
			return version, err
		}
	}
}

type upsert struct{ sessions.UserBackend }

func (b upsert) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	version, err := b.UserBackend.Update(ctx, id, r)
	if errors.Is(err, sessions.ErrNotFound) {
		return 1, b.Create(ctx, id, r)
	}
	return version, err
}

type blindCreate struct{ sessions.UserBackend }

func (b blindCreate) Create(ctx context.Context, id string, r sessions.Record) error {
	if err := b.Delete(ctx, id); err != nil {
		return err
	}
	return b.UserBackend.Create(ctx, id, r)
}

type zeroVersion struct{ sessions.UserBackend }

func (b zeroVersion) Load(ctx context.Context, id string) (sessions.Record, error) {
	r, err := b.UserBackend.Load(ctx, id)
	r.Version = 0
	return r, err
}

type anyID struct{ sessions.UserBackend }

func (b anyID) Load(ctx context.Context, id string) (sessions.Record, error) {
	if sessions.CheckID(id) != nil {
		id = strings.Repeat("A", 43)
	}
	return b.UserBackend.Load(ctx, id)
}

type sharedData struct {
	sessions.UserBackend
	given sync.Map
}

func (b *sharedData) Create(ctx context.Context, id string, r sessions.Record) error {
	b.given.Store(id, r.Data)
	return b.UserBackend.Create(ctx, id, r)
}

func (b *sharedData) Load(ctx context.Context, id string) (sessions.Record, error) {
	r, err := b.UserBackend.Load(ctx, id)
	if data, ok := b.given.Load(id); ok && err == nil {
		r.Data = data.([]byte)
	}
	return r, err
}

type immortal struct{ sessions.UserBackend }

func (b immortal) Create(ctx context.Context, id string, r sessions.Record) error {
	r.Expires = r.Expires.Add(time.Minute)
	return b.UserBackend.Create(ctx, id, r)
}

type contextless struct{ sessions.UserBackend }

func (b contextless) Delete(ctx context.Context, id string) error {
	return b.UserBackend.Delete(context.WithoutCancel(ctx), id)
}

type fragile struct{ sessions.UserBackend }

func (b fragile) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	if len(r.Data) > 1<<20 {
		return 0, errors.Join(sessions.ErrTooLarge, b.Delete(ctx, id))
	}
	return b.UserBackend.Update(ctx, id, r)
}

// forgetful drops a tombstone at once, and makes what is updated after it.
type forgetful struct{ sessions.UserBackend }

func (b forgetful) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	if len(r.Data) == 0 {
		return 1, b.Delete(ctx, id)
	}
	return upsert(b).Update(ctx, id, r)
}

type unsorted struct{ sessions.UserBackend }

func (b unsorted) Sessions(ctx context.Context, user string) ([]sessions.Info, error) {
	infos, err := b.UserBackend.Sessions(ctx, user)
	slices.Reverse(infos)
	return infos, err
}

type listsNothing struct{ sessions.UserBackend }

func (b listsNothing) Sessions(context.Context, string) ([]sessions.Info, error) { return nil, nil }

type endsAll struct{ sessions.UserBackend }

func (b endsAll) EndUser(ctx context.Context, user string, _ ...string) error {
	return b.UserBackend.EndUser(ctx, user)
}

type endsNobodys struct{ *table }

func (b endsNobodys) EndUser(ctx context.Context, user string, except ...string) error {
	if user == "" {
		b.mu.Lock()
		clear(b.records)
		b.mu.Unlock()
	}
	return b.table.EndUser(ctx, user, except...)
}
