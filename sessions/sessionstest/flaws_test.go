package sessionstest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

// flaws are mistakes that the author of a Backend can make, each with the subtest that must
// find it.
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
	"counts versions":   {"CreatedAgain", func() sessions.Backend { return counts{newTable()} }},
	"users end at NUL":  {"UsersOfAnyBytes", func() sessions.Backend { return endsAtNUL{newTable()} }},
	"lists at NUL":      {"Users/ListUsersOfAnyBytes", func() sessions.Backend { return listsAtNUL{newTable()} }},
	"cuts users":        {"LongUser", func() sessions.Backend { return cutsUsers{newTable()} }},
	"sweeps by hours":   {"Sweep/DeleteExpired", func() sessions.Backend { return sweepsHours{newTable()} }},
	"sweeps what was":   {"Sweep/DeleteExpiredRace", func() sessions.Backend { return sweepsLate{newTable()} }},
}

// flawedPlaces are mistakes that a test of places must find.
var flawedPlaces = map[string]struct {
	foundBy string
	place   sessionstest.Place
}{
	"repeat is conflict":  {"LostAnswer", breakable(func(c *client) { c.unknown = sessions.ErrConflict })},
	"knows no own writes": {"LostAnswer", breakable(func(c *client) { c.forgetful = true })},
	"repeats blindly":     {"LostAnswer", breakable(func(c *client) { c.blind = true })},
	"counts twice":        {"LostAnswersCounted", breakable(func(c *client) { c.forgetful = true })},
	"loses the index":     {"LostIndex", indexed(&index{})},
	"trusts a new index":  {"LostIndex/a_session_begins", indexed(&index{repairs: true, trusts: true})},
	"full is full":        {"Full", small(true)},
	"opens once":          {"TwoOpeners", openedTwice(false)},
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

// forgetful drops a tombstone at once, and creates a record that is updated after it.
type forgetful struct{ sessions.UserBackend }

func (b forgetful) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	if r.IsTombstone() {
		return 1, b.Delete(ctx, id)
	}
	return upsert(b).Update(ctx, id, r)
}

type unsorted struct{ sessions.UserBackend }

func (b unsorted) Sessions(ctx context.Context, user string) ([]sessions.SessionInfo, error) {
	infos, err := b.UserBackend.Sessions(ctx, user)
	slices.Reverse(infos)
	return infos, err
}

type listsNothing struct{ sessions.UserBackend }

func (b listsNothing) Sessions(context.Context, string) ([]sessions.SessionInfo, error) {
	return nil, nil
}

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

// counts has versions that count from 1.
type counts struct{ *table }

func (b counts) Create(ctx context.Context, id string, r sessions.Record) error {
	return b.create(ctx, id, r, 1)
}

func (b counts) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	return r.Version + 1, b.update(ctx, id, r, r.Version+1)
}

// endsAtNUL cuts a user at the first NUL, as C does.
type endsAtNUL struct{ *table }

func (b endsAtNUL) Create(ctx context.Context, id string, r sessions.Record) error {
	r.User, _, _ = strings.Cut(r.User, "\x00")
	return b.table.Create(ctx, id, r)
}

// listsAtNUL fails as text columns of PostgreSQL do.
type listsAtNUL struct{ *table }

func (b listsAtNUL) Sessions(ctx context.Context, user string) ([]sessions.SessionInfo, error) {
	if strings.Contains(user, "\x00") {
		return nil, errors.New("invalid byte sequence")
	}
	return b.table.Sessions(ctx, user)
}

type cutsUsers struct{ *table }

func (b cutsUsers) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	r.User = r.User[:min(len(r.User), 255)]
	return b.table.Update(ctx, id, r)
}

// sweepsHours treats a record as expired from the beginning of the hour in which it expires.
type sweepsHours struct{ *table }

func (b sweepsHours) DeleteExpired(ctx context.Context, limit int) (int, error) {
	return b.deleteBefore(ctx, time.Now().Add(time.Hour), limit)
}

// sweepsLate deletes the records that it has found to be expired, even if they have been
// renewed since.
type sweepsLate struct{ *table }

func (b sweepsLate) DeleteExpired(_ context.Context, limit int) (deleted int, err error) {
	var expired []string
	b.mu.Lock()
	for id, r := range b.records {
		if len(expired) < limit && !time.Now().Before(r.Expires) {
			expired = append(expired, id)
		}
	}
	b.mu.Unlock()
	time.Sleep(5 * time.Millisecond)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range expired {
		delete(b.records, id)
	}
	return len(expired), nil
}

// A client is a backend that reaches its table over a connection that breaks, and retries once.
type client struct {
	*table
	cut func(done bool) bool

	unknown   error // the error of a repeated update that finds the version of another writer
	forgetful bool  // it chooses another version for the retry
	blind     bool  // its retry overwrites any version
}

var errUnknown = errors.New("the update may have been made")

func (c *client) Create(ctx context.Context, id string, r sessions.Record) error {
	version := sessions.NextVersion(0)
	err, broken := c.send(r, func() error { return c.create(ctx, id, r, version) })
	if !broken {
		return err
	}
	err = c.create(ctx, id, r, version)
	if now, _ := c.Load(ctx, id); errors.Is(err, sessions.ErrExists) && now.Version == version {
		return nil
	} else if errors.Is(err, sessions.ErrExists) {
		return errUnknown
	}
	return err
}

func (c *client) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	version := sessions.NextVersion(r.Version)
	err, broken := c.send(r, func() error { return c.update(ctx, id, r, version) })
	if !broken {
		return version, err
	}
	now, _ := c.Load(ctx, id)
	switch {
	case c.forgetful:
		return c.table.Update(ctx, id, r)
	case c.blind:
		r.Version = now.Version
	case now.Version == version:
		return version, nil
	}
	if err = c.update(ctx, id, r, version); errors.Is(err, sessions.ErrConflict) {
		err = c.unknown
	}
	return version, err
}

// send makes a change, unless the connection breaks before it.
func (c *client) send(r sessions.Record, change func() error) (err error, broken bool) {
	if !sessionstest.Marked(r.Data) {
		return change(), false
	}
	if c.cut(false) {
		return nil, true
	}
	err = change()
	return err, c.cut(true)
}

func breakable(flaw func(*client)) sessionstest.Place {
	b := newTable()
	return sessionstest.Place{
		Open: func(*testing.T) sessions.Backend { return b },
		Breakable: func(_ *testing.T, cut func(done bool) bool) sessions.Backend {
			c := &client{table: b, cut: cut, unknown: errUnknown}
			flaw(c)
			return c
		},
	}
}

// index is a table with a separate index of the sessions of each user.
type index struct {
	*table
	lost    sync.Map // of the ids
	begun   sync.Map // users with a session that has begun since the index was lost
	repairs bool     // it also ends sessions that the index has lost
	trusts  bool     // except if a session has begun since
}

func (b *index) Create(ctx context.Context, id string, r sessions.Record) error {
	b.begun.Store(r.User, true)
	return b.table.Create(ctx, id, r)
}

func (b *index) EndUser(ctx context.Context, user string, except ...string) error {
	_, begun := b.begun.Load(user)
	if !b.repairs || b.trusts && begun {
		b.lost.Range(func(id, _ any) bool { except = append(except, id.(string)); return true })
	}
	return b.table.EndUser(ctx, user, except...)
}

func indexed(b *index) sessionstest.Place {
	b.table = newTable()
	return sessionstest.Place{
		Open: func(*testing.T) sessions.Backend { return b },
		LoseIndex: func(t *testing.T, user string) {
			b.begun.Delete(user)
			infos, _ := b.Sessions(t.Context(), user)
			for _, info := range infos {
				b.lost.Store(info.ID, true)
			}
		},
	}
}

// fullTable is a table that refuses records for which it has no room.
type fullTable struct {
	*table
	full, strict bool
}

func (b *fullTable) Create(ctx context.Context, id string, r sessions.Record) error {
	if b.full {
		return errors.New("full")
	}
	return b.table.Create(ctx, id, r)
}

func (b *fullTable) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	if b.full && (b.strict || !r.IsTombstone()) {
		return 0, errors.New("full")
	}
	return b.table.Update(ctx, id, r)
}

func small(strict bool) sessionstest.Place {
	return sessionstest.Place{Small: func(*testing.T) (sessions.Backend, func()) {
		b := &fullTable{table: newTable(), strict: strict}
		return b, func() { b.full = true }
	}}
}

// openedTwice is a place whose schema two openers make at once.
func openedTwice(locks bool) sessionstest.Place {
	return sessionstest.Place{Empty: func(*testing.T) func() (sessions.Backend, error) {
		b := newTable()
		var lock sync.Mutex
		made := false
		return func() (sessions.Backend, error) {
			if locks {
				lock.Lock()
				defer lock.Unlock()
			}
			b.mu.Lock()
			exists := made
			b.mu.Unlock()
			time.Sleep(time.Millisecond)
			b.mu.Lock()
			defer b.mu.Unlock()
			if !exists && made {
				return nil, errors.New("exists already")
			}
			made = true
			return b, nil
		}
	}}
}
