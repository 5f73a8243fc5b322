package datastore_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/datastore"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

// lost are the ways in which the response to a commit that was applied is lost: it is retried
// by gRPC, by the client, or by neither.
var lost = []codes.Code{codes.Unavailable, codes.Internal, codes.Unknown, codes.DeadlineExceeded, codes.Aborted, codes.ResourceExhausted}

// TestLostReplyOfUpdate loses the response to an Update that was applied. The Update must
// succeed: an error would look like a failure, and after ErrConflict the change would be made
// twice.
func TestLostReplyOfUpdate(t *testing.T) {
	for _, code := range lost {
		for _, rival := range []bool{false, true} {
			name := code.String()
			if rival {
				name += " and another change after it"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				server := datastoretest.Start(t)
				client := server.Client(t.Context())
				backend := datastore.New(client, datastore.Config{Timeout: time.Minute})
				other := datastore.New(client, datastore.Config{Timeout: time.Minute}) // another process
				id := create(t, backend, record("0"))
				r := load(t, backend, id)
				var commits atomic.Int32
				server.LoseReply(func(method string) error {
					if method != "Commit" || commits.Add(1) != 1 {
						return nil
					}
					if rival {
						theirs := load(t, backend, id)
						theirs.Data = append(theirs.Data, "+theirs"...)
						if _, err := other.Update(t.Context(), id, theirs); err != nil {
							t.Errorf("the other change: %v", err)
						}
					}
					return status.Error(code, "the connection broke")
				})
				r.Data = []byte("0+ours")
				version, err := backend.Update(t.Context(), id, r)
				if err != nil {
					t.Fatalf("Update: %v", err)
				}
				server.LoseReply(nil)
				want := "0+ours"
				if rival {
					want += "+theirs"
				}
				got := load(t, backend, id)
				if string(got.Data) != want {
					t.Errorf("kept %q, want %q", got.Data, want)
				}
				if (version == got.Version) == rival {
					t.Errorf("Update returned version %d, kept is %d", version, got.Version)
				}
			})
		}
	}
}

func TestPlace(t *testing.T) {
	server := datastoretest.Start(t)
	open := func(t *testing.T) sessions.Backend {
		return datastore.New(server.Client(t.Context()), datastore.Config{Timeout: time.Minute})
	}
	sessionstest.RunPlace(t, sessionstest.Place{
		Open: open,
		Breakable: func(t *testing.T, cut func(done bool) bool) sessions.Backend {
			broken := func(done bool) func(method string) error {
				return func(method string) error {
					if method == "Commit" && cut(done) {
						return status.Error(codes.Unavailable, "the connection broke")
					}
					return nil
				}
			}
			server.Fail(broken(false))
			server.LoseReply(broken(true))
			return open(t)
		},
	})
}

// TestLostReplyOfCreate has gRPC send an insert twice. The second time the entity exists, and
// it is the one that was to be created.
func TestLostReplyOfCreate(t *testing.T) {
	server := datastoretest.Start(t)
	backend := datastore.New(server.Client(t.Context()), datastore.Config{})
	var commits atomic.Int32
	server.LoseReply(func(method string) error {
		if method == "Commit" && commits.Add(1) == 1 {
			return status.Error(codes.Unavailable, "the connection broke")
		}
		return nil
	})
	id := newID()
	if err := backend.Create(t.Context(), id, record("x")); err != nil {
		t.Errorf("Create: %v", err)
	}
	if err := backend.Create(t.Context(), id, record("y")); !errors.Is(err, sessions.ErrExists) {
		t.Errorf("Create once more: %v, want ErrExists", err)
	}
}

// TestFailedCommit is the opposite case: a commit that failed and was not applied must not be
// treated as applied.
func TestFailedCommit(t *testing.T) {
	server := datastoretest.Start(t)
	backend := datastore.New(server.Client(t.Context()), datastore.Config{})
	id := create(t, backend, record("0"))
	r := load(t, backend, id)
	r.Data = []byte("1")
	server.Fail(func(method string) error {
		if method == "Commit" {
			return status.Error(codes.PermissionDenied, "no")
		}
		return nil
	})
	if _, err := backend.Update(t.Context(), id, r); status.Code(err) != codes.PermissionDenied {
		t.Errorf("Update: %v, want PermissionDenied", err)
	}
	server.Fail(func(method string) error {
		if method == "Commit" {
			return status.Error(codes.Aborted, "too much contention")
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := backend.Update(ctx, id, r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Update while everything is aborted: %v, want the deadline", err)
	}
	server.Fail(nil)
	if got := load(t, backend, id); string(got.Data) != "0" {
		t.Errorf("kept %q, want what was before", got.Data)
	}
	if _, err := backend.Update(t.Context(), id, r); err != nil {
		t.Errorf("Update when all is well again: %v", err)
	}
}

// TestHung has each method of a server hang in turn. A call that needs it must return at the
// deadline, with an error that says so. Any other call must return too: it has a minute, so
// that a busy machine does not fail it.
func TestHung(t *testing.T) {
	for _, method := range []string{"Lookup", "BeginTransaction", "Commit", "Rollback", "RunQuery"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			server := datastoretest.Start(t)
			client := server.Client(t.Context())
			patient := datastore.New(client, datastore.Config{Timeout: time.Minute})
			hasty := datastore.New(client, datastore.Config{Timeout: 200 * time.Millisecond})
			id := create(t, patient, record("0"))
			stale := load(t, patient, id)
			if _, err := patient.Update(t.Context(), id, stale); err != nil {
				t.Fatal(err)
			}
			fresh := load(t, patient, id)
			release := make(chan struct{})
			defer close(release)
			server.Fail(func(m string) error {
				if m == method {
					<-release
				}
				return nil
			})
			ctx := t.Context()
			for _, call := range []struct {
				name  string
				needs []string // of the methods that hang in turn
				do    func(b *datastore.Backend) error
			}{
				{"Load", []string{"Lookup"}, func(b *datastore.Backend) error {
					_, err := b.Load(ctx, id)
					return err
				}},
				{"Update", []string{"BeginTransaction", "Lookup", "Commit"}, func(b *datastore.Backend) error {
					_, err := b.Update(ctx, id, fresh)
					return err
				}},
				// It does not wait for the rollback.
				{"conflict", []string{"BeginTransaction", "Lookup"}, func(b *datastore.Backend) error {
					_, err := b.Update(ctx, id, stale)
					return err
				}},
				{"Create", []string{"Commit"}, func(b *datastore.Backend) error { return b.Create(ctx, newID(), fresh) }},
				{"Delete", []string{"Commit"}, func(b *datastore.Backend) error { return b.Delete(ctx, newID()) }},
				{"Sessions", []string{"RunQuery"}, func(b *datastore.Backend) error {
					_, err := b.Sessions(ctx, "joe")
					return err
				}},
				{"EndUser", []string{"RunQuery"}, func(b *datastore.Backend) error { return b.EndUser(ctx, "joe") }},
			} {
				backend, hung := patient, slices.Contains(call.needs, method)
				if hung {
					backend = hasty
				}
				if err := call.do(backend); errors.Is(err, context.DeadlineExceeded) != hung {
					t.Errorf("%s: %v; past its deadline: want %v", call.name, err, hung)
				}
			}
		})
	}
}

func TestDown(t *testing.T) {
	server := datastoretest.Start(t)
	client := server.Client(t.Context())
	backend := datastore.New(client, datastore.Config{Timeout: 200 * time.Millisecond})
	id := create(t, datastore.New(client, datastore.Config{Timeout: time.Minute}), record("0"))
	server.Stop()
	if _, err := backend.Load(t.Context(), id); err == nil || errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Load from a server that is down: %v", err)
	}
	server.Restart()
	deadline := time.Now().Add(30 * time.Second)
	for {
		if _, err := backend.Load(t.Context(), id); err == nil {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("Load long after the server is back: %v", err)
		}
	}
}
