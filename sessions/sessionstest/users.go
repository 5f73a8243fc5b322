package sessionstest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// A userCheck is a subtest for backends that store the user of a session.
type userCheck struct {
	name string
	run  func(t *testing.T, b sessions.UserBackend)
}

// userChecks check the contract of a UserBackend.
var userChecks = []userCheck{
	{"List", func(t *testing.T, b sessions.UserBackend) {
		ann, bob := newUser(), newUser()
		first, second := createFor(t, b, ann), createFor(t, b, ann)
		createFor(t, b, bob)
		createFor(t, b, "")
		wantSessions(t, b, ann, first, second)
		wantSessions(t, b, newUser())
		wantSessions(t, b, "")
	}},
	{"ListExpires", func(t *testing.T, b sessions.UserBackend) {
		ann := newUser()
		id := createFor(t, b, ann)
		infos, err := b.Sessions(t.Context(), ann)
		if err != nil || len(infos) != 1 {
			t.Fatalf("Sessions: %v, error %v", infos, err)
		}
		if d := infos[0].Expires.Sub(load(t, b, id).Expires).Abs(); d > time.Millisecond {
			t.Errorf("Expires is %v away from the record's", d)
		}
	}},
	{"ListFollowsUpdates", func(t *testing.T, b sessions.UserBackend) {
		ann, bob := newUser(), newUser()
		id := createFor(t, b, "")
		for _, step := range []struct {
			user      string
			ann, bobs []string
		}{
			{ann, []string{id}, nil},
			{bob, nil, []string{id}},
			{"", nil, nil},
		} {
			r := load(t, b, id)
			r.User = step.user
			if _, err := b.Update(t.Context(), id, r); err != nil {
				t.Fatal(err)
			}
			wantSessions(t, b, ann, step.ann...)
			wantSessions(t, b, bob, step.bobs...)
		}
	}},
	{"ListWithoutTheDead", func(t *testing.T, b sessions.UserBackend) {
		ann := newUser()
		alive := createFor(t, b, ann)

		deleted := createFor(t, b, ann)
		if err := b.Delete(t.Context(), deleted); err != nil {
			t.Fatal(err)
		}
		ended := createFor(t, b, ann)
		tombstone := withVersion(sessions.Record{Data: []byte("ended"), Expires: time.Now().Add(time.Minute)}, load(t, b, ended).Version)
		if _, err := b.Update(t.Context(), ended, tombstone); err != nil {
			t.Fatal(err)
		}
		short := sessions.Record{Data: []byte("data"), User: ann, Expires: time.Now().Add(50 * time.Millisecond)}
		create(t, b, short)
		awaitExpiry(short)
		wantSessions(t, b, ann, alive)
	}},
	{"ListUsersOfAnyBytes", func(t *testing.T, b sessions.UserBackend) {
		users := anyUsers()
		ids := map[string]string{}
		for _, user := range users {
			ids[user] = createFor(t, b, user)
		}
		for _, user := range users {
			wantSessions(t, b, user, ids[user])
			if err := b.EndUser(t.Context(), user); err != nil {
				t.Errorf("EndUser(%q): %v", user, err)
			}
			wantEnded(t, b, ids[user])
			delete(ids, user)
			for other, id := range ids {
				if _, err := b.Load(t.Context(), id); err != nil {
					t.Errorf("EndUser(%q) has ended the session of %q", user, other)
				}
			}
			long := user + randomText(100_000)
			wantSessions(t, b, long)
			if err := b.EndUser(t.Context(), long); err != nil {
				t.Errorf("EndUser of a long name: %v", err)
			}
		}
	}},
	{"End", func(t *testing.T, b sessions.UserBackend) {
		ann, bob := newUser(), newUser()
		ended := []string{createFor(t, b, ann), createFor(t, b, ann)}
		kept, bobs, nobodys := createFor(t, b, ann), createFor(t, b, bob), createFor(t, b, "")
		before := load(t, b, ended[0])
		if err := b.EndUser(t.Context(), ann, kept, newID()); err != nil {
			t.Fatalf("EndUser: %v", err)
		}
		wantSessions(t, b, ann, kept)
		for _, id := range ended {
			wantEnded(t, b, id)
		}
		if _, err := b.Update(t.Context(), ended[0], before); err == nil {
			t.Error("a save begun before EndUser brought the session back")
		}
		for _, id := range []string{kept, bobs, nobodys} {
			wantData(t, b, id, "data")
		}
		if err := b.EndUser(t.Context(), ann); err != nil {
			t.Fatalf("EndUser: %v", err)
		}
		wantSessions(t, b, ann)
	}},
	{"EndNobody", func(t *testing.T, b sessions.UserBackend) {
		nobodys := createFor(t, b, "")
		for _, user := range []string{"", newUser()} {
			if err := b.EndUser(t.Context(), user); err != nil {
				t.Errorf("EndUser(%q): %v", user, err)
			}
		}
		wantData(t, b, nobodys, "data")
	}},
	{"EndRace", func(t *testing.T, b sessions.UserBackend) {
		for range rounds(t, 50) {
			ann := newUser()
			id := createFor(t, b, ann)
			errs := atOnce(2, func(i int) error {
				if i == 0 {
					return b.EndUser(t.Context(), ann)
				}
				for range 1000 { // until it is ended
					r, err := b.Load(t.Context(), id)
					if err != nil || r.IsTombstone() {
						return nil
					}
					_, err = b.Update(t.Context(), id, r)
					if err != nil && !errors.Is(err, sessions.ErrConflict) && !errors.Is(err, sessions.ErrNotFound) {
						return err
					}
				}
				return nil
			})
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			wantEnded(t, b, id)
			wantSessions(t, b, ann)
		}
	}},
}

// newUser returns a name that no other test uses.
func newUser() string { return "Zoë " + newID() }

// createFor keeps a record of user under a new id.
func createFor(t *testing.T, b sessions.Backend, user string) string {
	t.Helper()
	r := newRecord("data")
	r.User = user
	return create(t, b, r)
}

// wantSessions fails unless the sessions of user are these, in any order.
func wantSessions(t *testing.T, b sessions.UserBackend, user string, ids ...string) {
	t.Helper()
	infos, err := b.Sessions(t.Context(), user)
	if err != nil {
		t.Fatalf("Sessions: %v", err)
	}
	var got []string
	for _, info := range infos {
		got = append(got, info.ID)
	}
	slices.Sort(got)
	slices.Sort(ids)
	if !slices.Equal(got, ids) {
		t.Errorf("Sessions(%q) has ids %q, want %q", user, got, ids)
	}
}

// wantEnded fails unless id has no record or a tombstone.
func wantEnded(t *testing.T, b sessions.Backend, id string) {
	t.Helper()
	r, err := b.Load(t.Context(), id)
	if err == nil && r.IsTombstone() || errors.Is(err, sessions.ErrNotFound) {
		return
	}
	t.Errorf("Load: %s, error %v; want the session ended", shown(string(r.Data)), err)
}
