package sessions_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"testing"
	"time"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
	"github.com/webapp2go/webapp2go/sessions/datastore"
	"github.com/webapp2go/webapp2go/sessions/memcache"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

// Programs depend on these declarations. If a line no longer compiles, the change breaks those
// programs.

var (
	_ func(sessions.Config) (*sessions.Manager, error)           = sessions.New
	_ func() sessions.Key                                        = sessions.RandomKey
	_ func() *sessions.Memory                                    = sessions.NewMemory
	_ func(s *sessions.Session, key string) (point, bool)        = sessions.Get[point]
	_ func(s *sessions.Session, key string, f func(point) point) = sessions.Update[point]
	_ func(id string) error                                      = sessions.CheckID
	_ func(memcache.Config) (*memcache.Backend, error)           = memcache.New
	_ func(*gcds.Client, datastore.Config) *datastore.Backend    = datastore.New
	_ func(cache, store sessions.Backend) *cached.Backend        = cached.New
	_ func(*testing.T, func(t *testing.T) sessions.Backend)      = sessionstest.Run
)

var _ interface {
	Store(r *http.Request) *sessions.Store
	UserSessions(ctx context.Context, name, user string) ([]sessions.SessionInfo, error)
	EndUser(ctx context.Context, name, user string, except ...string) error
	EndSession(ctx context.Context, name, user, id string) error
} = (*sessions.Manager)(nil)

var _ interface {
	Session() *sessions.Session
	Named(name string) *sessions.Session
	Save(w http.ResponseWriter) error
} = (*sessions.Store)(nil)

var _ interface {
	Get(key string) any
	Set(key string, value any)
	Delete(key string)
	Pop(key string) any
	Clear()
	Incr(key string, n int64) int64
	All() iter.Seq2[string, any]
	AddFlash(value any, level string)
	Flashes() []sessions.Flash
	SetUser(id string)
	User() string
	ID() string
	Renew()
	Destroy()
	Status() sessions.Status
	Err() error
} = (*sessions.Session)(nil)

// A type with these methods is a Backend: no method may be added. The same holds for
// UserBackend.
type (
	backendContract interface {
		Load(ctx context.Context, id string) (sessions.Record, error)
		Create(ctx context.Context, id string, r sessions.Record) error
		Update(ctx context.Context, id string, r sessions.Record) (version uint64, err error)
		Delete(ctx context.Context, id string) error
	}
	userBackendContract interface {
		sessions.Backend
		Sessions(ctx context.Context, user string) ([]sessions.SessionInfo, error)
		EndUser(ctx context.Context, user string, except ...string) error
	}
)

var (
	_ sessions.Backend     = backendContract(nil)
	_ backendContract      = sessions.Backend(nil)
	_ sessions.UserBackend = userBackendContract(nil)
	_ userBackendContract  = sessions.UserBackend(nil)
	_ sessions.UserBackend = (*sessions.Memory)(nil)
	_ sessions.UserBackend = (*datastore.Backend)(nil)
	_ sessions.UserBackend = (*cached.Backend)(nil)
	_ sessions.Backend     = (*memcache.Backend)(nil)
)

// The fields, by name and type.
var (
	_ = sessions.Config{
		Keys:     []sessions.Key{},
		Sessions: []sessions.Spec{},
		Site:     "",
		Log:      (*slog.Logger)(nil),
		Now:      func() time.Time { return time.Time{} },
		OnEvent:  func(sessions.Event) {},
	}
	_ = sessions.Key{Hash: []byte(nil), Block: []byte(nil)}
	_ = sessions.Spec{
		Name:            "",
		Backend:         sessions.Backend(nil),
		IdleTimeout:     time.Duration(0),
		AbsoluteTimeout: time.Duration(0),
		Persistent:      false,
		Domain:          "",
		Path:            "",
		SameSite:        http.SameSite(0),
		Insecure:        false,
		WhenDown:        sessions.DownPolicy(0),
		Import:          (*sessions.Import)(nil),
	}
	_ = sessions.Import{Cookie: "", Domain: "", Path: "", Read: func(*http.Request) sessions.Imported { return sessions.Imported{} }}
	_ = sessions.Record{Data: []byte(nil), User: "", Expires: time.Time{}, Version: uint64(0)}
	_ = sessions.SessionInfo{ID: "", Created: time.Time{}, Seen: time.Time{}, Expires: time.Time{}}
	_ = sessions.Flash{Value: any(nil), Level: ""}
	_ = memcache.Config{Servers: []string{}, Prefix: "", Timeout: time.Duration(0), MaxIdle: int(0)}
	_ = datastore.Config{Kind: "", Namespace: "", Timeout: time.Duration(0)}

	_              = []sessions.DownPolicy{sessions.FailWhenDown, sessions.EmptyWhenDown}
	_              = []error{sessions.ErrNotFound, sessions.ErrExists, sessions.ErrConflict, sessions.ErrTooLarge, sessions.ErrBadID, sessions.ErrHeaderWritten}
	_ fmt.Stringer = sessions.Status(0)
	_ fmt.Stringer = sessions.EventKind(0)
)
