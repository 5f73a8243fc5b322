package sessionstest_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// A table is the simplest backend that keeps the contract.
type table struct {
	mu      sync.Mutex
	records map[string]sessions.Record
}

func newTable() *table { return &table{records: map[string]sessions.Record{}} }

// begin locks the table if id and ctx are valid. The caller unlocks it.
func (b *table) begin(ctx context.Context, id string) error {
	if err := sessions.CheckID(id); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	if r, ok := b.records[id]; ok && !time.Now().Before(r.Expires) {
		delete(b.records, id)
	}
	return nil
}

func (b *table) put(id string, r sessions.Record, version uint64) {
	r.Data, r.Version = slices.Clone(r.Data), version
	b.records[id] = r
}

func (b *table) Load(ctx context.Context, id string) (sessions.Record, error) {
	if err := b.begin(ctx, id); err != nil {
		return sessions.Record{}, err
	}
	defer b.mu.Unlock()
	r, ok := b.records[id]
	if !ok {
		return sessions.Record{}, sessions.ErrNotFound
	}
	r.Data = slices.Clone(r.Data)
	return r, nil
}

func (b *table) Create(ctx context.Context, id string, r sessions.Record) error {
	return b.create(ctx, id, r, sessions.NextVersion(0))
}

func (b *table) create(ctx context.Context, id string, r sessions.Record, version uint64) error {
	if err := b.begin(ctx, id); err != nil {
		return err
	}
	defer b.mu.Unlock()
	if _, ok := b.records[id]; ok {
		return sessions.ErrExists
	}
	b.put(id, r, version)
	return nil
}

func (b *table) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	version := sessions.NextVersion(r.Version)
	return version, b.update(ctx, id, r, version)
}

func (b *table) update(ctx context.Context, id string, r sessions.Record, version uint64) error {
	if err := b.begin(ctx, id); err != nil {
		return err
	}
	defer b.mu.Unlock()
	switch old, ok := b.records[id]; {
	case !ok:
		return sessions.ErrNotFound
	case old.Version != r.Version:
		return sessions.ErrConflict
	}
	b.put(id, r, version)
	return nil
}

func (b *table) Delete(ctx context.Context, id string) error {
	if err := b.begin(ctx, id); err != nil {
		return err
	}
	defer b.mu.Unlock()
	delete(b.records, id)
	return nil
}

func (b *table) Sessions(_ context.Context, user string) ([]sessions.SessionInfo, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var infos []sessions.SessionInfo
	for id, r := range b.records {
		if user != "" && r.User == user && time.Now().Before(r.Expires) {
			infos = append(infos, r.Info(id))
		}
	}
	slices.SortFunc(infos, func(a, b sessions.SessionInfo) int { return b.Created.Compare(a.Created) })
	return infos, nil
}

func (b *table) EndUser(_ context.Context, user string, except ...string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, r := range b.records {
		if user != "" && r.User == user && !slices.Contains(except, id) {
			delete(b.records, id)
		}
	}
	return nil
}

func (b *table) DeleteExpired(ctx context.Context, limit int) (deleted int, err error) {
	return b.deleteBefore(ctx, time.Now(), limit)
}

func (b *table) deleteBefore(_ context.Context, end time.Time, limit int) (deleted int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, r := range b.records {
		if deleted < limit && !end.Before(r.Expires) {
			delete(b.records, id)
			deleted++
		}
	}
	return deleted, nil
}
