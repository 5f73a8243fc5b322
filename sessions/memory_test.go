package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// id returns the n-th of some ids that a Backend takes.
func id(n int) string { return fmt.Sprintf("%043d", n) }

func TestMemory(t *testing.T) {
	ctx, m := t.Context(), sessions.NewMemory()
	r := sessions.Record{Data: []byte("a"), User: "ann", Expires: time.Now().Add(time.Hour), Version: 99}
	if _, err := m.Load(ctx, id(1)); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Load of nothing: %v", err)
	}
	if _, err := m.Update(ctx, id(1), r); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Update of nothing: %v", err)
	}
	if err := m.Delete(ctx, id(1)); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
	if err := m.Create(ctx, id(1), r); err != nil {
		t.Fatal(err)
	}
	if err := m.Create(ctx, id(1), r); !errors.Is(err, sessions.ErrExists) {
		t.Errorf("Create again: %v", err)
	}
	r.Data[0] = 'x' // the slice belongs to the caller
	got, err := m.Load(ctx, id(1))
	if err != nil || string(got.Data) != "a" || got.User != "ann" || got.Version == 0 || got.Version == 99 {
		t.Errorf("%+v, %v", got, err)
	}
	got.Data[0] = 'y'
	if again, _ := m.Load(ctx, id(1)); string(again.Data) != "a" {
		t.Errorf("what Load returned is shared: %q", again.Data)
	}
	version, err := m.Update(ctx, id(1), got)
	if err != nil || version == got.Version || version == 0 {
		t.Errorf("Update: version %d, %v", version, err)
	}
	if _, err := m.Update(ctx, id(1), got); !errors.Is(err, sessions.ErrConflict) {
		t.Errorf("Update over an old version: %v", err)
	}
	if err := m.Delete(ctx, id(1)); err != nil {
		t.Error(err)
	}
	if err := m.Create(ctx, id(1), r); err != nil {
		t.Error(err)
	}
	got.Version = version
	if _, err := m.Update(ctx, id(1), got); !errors.Is(err, sessions.ErrConflict) {
		t.Errorf("Update over a version from before Delete: %v", err)
	}
}

func TestMemoryRefusesBadIDs(t *testing.T) {
	ctx, m := t.Context(), sessions.NewMemory()
	for _, bad := range []string{"", "short", id(1) + "0", strings.Repeat("é", 22)[:43], strings.Repeat(" ", 43)} {
		_, load := m.Load(ctx, bad)
		_, update := m.Update(ctx, bad, sessions.Record{})
		for _, err := range []error{load, update, m.Create(ctx, bad, sessions.Record{}), m.Delete(ctx, bad)} {
			if !errors.Is(err, sessions.ErrBadID) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := m.Load(cancelled, id(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestMemoryExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, m := t.Context(), sessions.NewMemory()
		r := sessions.Record{Data: []byte("a"), User: "ann", Expires: time.Now().Add(time.Minute)}
		if err := m.Create(ctx, id(1), r); err != nil {
			t.Fatal(err)
		}
		kept, err := m.Load(ctx, id(1))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if list, _ := m.Sessions(ctx, "ann"); len(list) != 0 {
			t.Errorf("listed: %v", list)
		}
		if _, err := m.Update(ctx, id(1), kept); !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("Update: %v", err)
		}
		if _, err := m.Load(ctx, id(1)); !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("Load: %v", err)
		}
		r.Expires = time.Now().Add(time.Minute)
		if err := m.Create(ctx, id(1), r); err != nil {
			t.Errorf("Create over what has expired: %v", err)
		}
	})
}

func TestMemoryUsers(t *testing.T) {
	ctx, m := t.Context(), sessions.NewMemory()
	expires := time.Now().Add(time.Hour)
	for n, r := range []sessions.Record{
		{Data: []byte("a"), User: "ann"}, {Data: []byte("a"), User: "ann"}, {Data: []byte("a"), User: "bob"},
		{Data: []byte("a")}, {Data: []byte("a")},
	} {
		r.Expires = expires
		if err := m.Create(ctx, id(n), r); err != nil {
			t.Fatal(err)
		}
	}
	ids := func(user string) string {
		list, err := m.Sessions(ctx, user)
		if err != nil {
			t.Error(err)
		}
		var ids []string
		for _, i := range list {
			ids = append(ids, strings.TrimLeft(i.ID, "0"))
		}
		return fmt.Sprint(ids)
	}
	if got := ids("ann"); got != "[ 1]" {
		t.Errorf("ann has %s", got)
	}
	if err := m.EndUser(ctx, "ann", id(1)); err != nil {
		t.Error(err)
	}
	if got := ids("ann") + ids("bob") + ids("nobody"); got != "[1][2][]" {
		t.Errorf("left: %s", got)
	}
}

func ExampleMemory_bounds() {
	ctx, m := context.Background(), &sessions.Memory{MaxRecords: 2, MaxBytes: 1 << 20}
	expires := time.Now().Add(time.Hour)
	for n, user := range []string{"ann", "", "bob"} {
		r := sessions.Record{Data: []byte("data"), User: user, Expires: expires}
		if err := m.Create(ctx, id(n), r); err != nil {
			fmt.Println(err)
		}
	}
	_, ann := m.Load(ctx, id(0))
	_, visitor := m.Load(ctx, id(1))
	_, bob := m.Load(ctx, id(2))
	fmt.Println("ann:", ann)
	fmt.Println("a visitor:", visitor)
	fmt.Println("bob:", bob)
	// Output:
	// ann: <nil>
	// a visitor: sessions: not found
	// bob: <nil>
}
