package datastore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/datastore"
)

// lost are the ways in which the answer to a commit that was applied fails to
// arrive: by gRPC's own retry, by the client's, and by neither.
var lost = []codes.Code{codes.Unavailable, codes.Internal, codes.Unknown, codes.DeadlineExceeded, codes.Aborted, codes.ResourceExhausted}

// TestLostReplyOfUpdate loses the answer to an Update that was applied. It must
// succeed: an error would be seen as a failure and ErrConflict would have the
// change made twice.
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

// TestLostReplyOfCreate has gRPC send an insert twice: the second time the entity
// is there, and it is the one that was to be created.
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

// TestFailedCommit is the other half: a commit that fails and was not applied must
// not be taken for one that was.
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
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
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

// TestHung lets each method of a server hang in turn. Every call must come back
// with the deadline, as an error that says so.
func TestHung(t *testing.T) {
	for _, method := range []string{"Lookup", "BeginTransaction", "Commit", "Rollback", "RunQuery"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			server := datastoretest.Start(t)
			client := server.Client(t.Context())
			patient := datastore.New(client, datastore.Config{Timeout: time.Minute})
			id := create(t, patient, record("0"))
			stale := load(t, patient, id)
			if _, err := patient.Update(t.Context(), id, stale); err != nil {
				t.Fatal(err)
			}
			fresh := load(t, patient, id)
			backend := datastore.New(client, datastore.Config{Timeout: 200 * time.Millisecond})
			release := make(chan struct{})
			defer close(release)
			server.Fail(func(m string) error {
				if m == method {
					<-release
				}
				return nil
			})
			ctx := t.Context()
			_, loaded := backend.Load(ctx, id)
			_, updated := backend.Update(ctx, id, fresh)
			_, conflict := backend.Update(ctx, id, stale) // does not wait for the rollback
			_, listed := backend.Sessions(ctx, "joe")
			for name, call := range map[string]struct {
				err  error
				hung bool
			}{
				"Load":     {loaded, method == "Lookup"},
				"Update":   {updated, method == "BeginTransaction" || method == "Lookup" || method == "Commit"},
				"Create":   {backend.Create(ctx, newID(), fresh), method == "Commit"},
				"Delete":   {backend.Delete(ctx, newID()), method == "Commit"},
				"conflict": {conflict, method == "BeginTransaction" || method == "Lookup"},
				"Sessions": {listed, method == "RunQuery"},
				"EndUser":  {backend.EndUser(ctx, "joe"), method == "RunQuery"},
			} {
				if errors.Is(call.err, context.DeadlineExceeded) != call.hung {
					t.Errorf("%s: %v; past its deadline: want %v", name, call.err, call.hung)
				}
			}
		})
	}
}

func TestDown(t *testing.T) {
	server := datastoretest.Start(t)
	backend := datastore.New(server.Client(t.Context()), datastore.Config{Timeout: 200 * time.Millisecond})
	id := create(t, backend, record("0"))
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
