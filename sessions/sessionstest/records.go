package sessionstest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// recordChecks check Load, Create, Update and Delete with one caller at a time.
var recordChecks = []check{
	{"LoadMissing", func(t *testing.T, b sessions.Backend) {
		wantMissing(t, b, newID())
	}},
	{"CreateThenLoad", func(t *testing.T, b sessions.Backend) {
		want := sessions.Record{
			Data:    everyByte(),
			User:    "Zoë <zoe@example.org>\r\n",
			Expires: time.Now().Add(time.Hour),
			Version: 7, // ignored
		}
		got := load(t, b, create(t, b, want))
		if string(got.Data) != string(want.Data) {
			t.Errorf("data %q, want %q", got.Data, want.Data)
		}
		if got.User != want.User {
			t.Errorf("user %q, want %q", got.User, want.User)
		}
		if d := got.Expires.Sub(want.Expires).Abs(); d > time.Millisecond {
			t.Errorf("expires %v, want %v to the millisecond", got.Expires, want.Expires)
		}
	}},
	{"CreateNeverOverwrites", func(t *testing.T, b sessions.Backend) {
		id := create(t, b, newRecord("first"))
		version := load(t, b, id).Version
		wantError(t, "Create", b.Create(t.Context(), id, newRecord("second")), sessions.ErrExists)
		wantData(t, b, id, "first")
		if _, err := b.Update(t.Context(), id, withVersion(newRecord("third"), version)); err != nil {
			t.Errorf("Update after a refused Create: %v", err)
		}
	}},
	{"UpdateOverVersion", func(t *testing.T, b sessions.Backend) {
		id := create(t, b, newRecord("0"))
		seen := map[uint64]bool{}
		version := load(t, b, id).Version
		for i := range 5 {
			seen[version] = true
			next, err := b.Update(t.Context(), id, withVersion(newRecord(fmt.Sprint(i+1)), version))
			if err != nil {
				t.Fatalf("Update %d over the version that the one before returned: %v", i+1, err)
			}
			if next == 0 || seen[next] {
				t.Fatalf("Update %d returned version %d, which is 0 or was there before", i+1, next)
			}
			version = next
		}
		wantData(t, b, id, "5")
	}},
	{"UpdateOverOldVersion", func(t *testing.T, b sessions.Backend) {
		id := create(t, b, newRecord("first"))
		old := load(t, b, id).Version
		if _, err := b.Update(t.Context(), id, withVersion(newRecord("second"), old)); err != nil {
			t.Fatal(err)
		}
		for _, version := range []uint64{old, 0, old + 1<<40} {
			_, err := b.Update(t.Context(), id, withVersion(newRecord("third"), version))
			wantError(t, fmt.Sprintf("Update over version %d", version), err, sessions.ErrConflict)
		}
		wantData(t, b, id, "second")
	}},
	{"UpdateNeverCreates", func(t *testing.T, b sessions.Backend) {
		for _, version := range []uint64{0, 1, 1 << 63} {
			id := newID()
			_, err := b.Update(t.Context(), id, withVersion(newRecord("data"), version))
			wantError(t, "Update", err, sessions.ErrNotFound)
			wantMissing(t, b, id)
		}
	}},
	{"UpdateChangesUser", func(t *testing.T, b sessions.Backend) {
		id := create(t, b, newRecord("data"))
		for _, user := range []string{"ann", "bob", ""} {
			r := load(t, b, id)
			r.User = user
			if _, err := b.Update(t.Context(), id, r); err != nil {
				t.Fatal(err)
			}
			if got := load(t, b, id).User; got != user {
				t.Errorf("user %q, want %q", got, user)
			}
		}
	}},
	{"Delete", func(t *testing.T, b sessions.Backend) {
		id := create(t, b, newRecord("data"))
		r := load(t, b, id)
		for range 2 { // deleting a missing record is not an error
			if err := b.Delete(t.Context(), id); err != nil {
				t.Errorf("Delete: %v", err)
			}
			wantMissing(t, b, id)
		}
		_, err := b.Update(t.Context(), id, r)
		wantError(t, "Update after Delete", err, sessions.ErrNotFound)
		wantMissing(t, b, id)
	}},
	{"CreatedAgain", func(t *testing.T, b sessions.Backend) {
		// The version that was read before the deletion is not valid for the new record.
		id := newID()
		var old []sessions.Record
		for i := range 3 {
			if err := b.Create(t.Context(), id, newRecord("first")); err != nil {
				t.Fatal(err)
			}
			var read []sessions.Record
			for range i + 1 {
				r := load(t, b, id)
				for _, before := range old {
					_, err := b.Update(t.Context(), id, before)
					if !errors.Is(err, sessions.ErrConflict) && !errors.Is(err, sessions.ErrNotFound) {
						t.Fatalf("Update over a version from before the deletion: error %v, want ErrConflict or ErrNotFound", err)
					}
				}
				if _, err := b.Update(t.Context(), id, r); err != nil {
					t.Fatal(err)
				}
				read = append(read, r, load(t, b, id))
			}
			old = append(old, read...)
			if err := b.Delete(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}},
	{"UsersOfAnyBytes", func(t *testing.T, b sessions.Backend) {
		// A text column of a database might refuse some of these, or end at the NUL.
		for _, user := range anyUsers() {
			r := newRecord("data")
			r.User = user
			id := create(t, b, r)
			r = load(t, b, id)
			if r.User != user {
				t.Errorf("user %q, want %q", r.User, user)
			}
			if _, err := b.Update(t.Context(), id, r); err != nil {
				t.Errorf("Update of the session of %q: %v", user, err)
			}
			if got := load(t, b, id).User; got != user {
				t.Errorf("user %q after an update, want %q", got, user)
			}
		}
	}},
	{"LongUser", func(t *testing.T, b sessions.Backend) {
		// A long user is stored completely or refused. If it is refused, nothing changes.
		for _, size := range []int{1000, 1500, 3000, 10_000, 100_000} {
			id := create(t, b, newRecord("data"))
			long := withVersion(newRecord("more"), load(t, b, id).Version)
			long.User = randomText(size) // that an index cannot compress
			_, err := b.Update(t.Context(), id, long)
			switch r := load(t, b, id); {
			case size <= 1000 && err != nil:
				t.Errorf("a user of %d bytes: %v", size, err)
			case err == nil && r.User != long.User:
				t.Errorf("a user of %d bytes has become another one, of %d bytes", size, len(r.User))
			case err != nil && (!errors.Is(err, sessions.ErrTooLarge) || string(r.Data) != "data"):
				t.Errorf("a user of %d bytes: error %v, want ErrTooLarge; data %s", size, err, shown(string(r.Data)))
			}
		}
	}},
	{"IDsAreApart", func(t *testing.T, b sessions.Backend) {
		// Users that differ only in case are different users.
		tail := newID()[3:]
		lower, upper := "aaa"+tail, "AAA"+tail
		for _, id := range []string{lower, upper} {
			if err := b.Create(t.Context(), id, newRecord(id)); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Delete(t.Context(), lower); err != nil {
			t.Fatal(err)
		}
		wantMissing(t, b, lower)
		wantData(t, b, upper, upper)
	}},
	{"DataIsCopied", func(t *testing.T, b sessions.Backend) {
		r := newRecord("data")
		id := create(t, b, r)
		copy(r.Data, "XXXX")
		loaded := load(t, b, id)
		copy(loaded.Data, "XXXX")
		wantData(t, b, id, "data")
		written := withVersion(newRecord("more"), loaded.Version)
		if _, err := b.Update(t.Context(), id, written); err != nil {
			t.Fatal(err)
		}
		copy(written.Data, "XXXX")
		wantData(t, b, id, "more")
	}},
	{"WithoutData", func(t *testing.T, b sessions.Backend) {
		for _, data := range [][]byte{nil, {}} {
			id := create(t, b, newRecord("data"))
			r := load(t, b, id)
			empty := sessions.Record{Data: data, User: newID(), Expires: time.Now().Add(time.Minute), Version: r.Version}
			if _, err := b.Update(t.Context(), id, empty); err != nil {
				t.Fatalf("Update without data: %v", err)
			}
			wantData(t, b, id, "")
			if got := load(t, b, id).User; got != empty.User {
				t.Errorf("user %q, want %q", got, empty.User)
			}
			_, err := b.Update(t.Context(), id, r)
			wantError(t, "Update over the version before", err, sessions.ErrConflict)
			wantError(t, "Create over a record without data", b.Create(t.Context(), id, newRecord("back")), sessions.ErrExists)
			wantData(t, b, id, "")
		}
	}},
}

// withVersion returns r with another version.
func withVersion(r sessions.Record, version uint64) sessions.Record {
	r.Version = version
	return r
}

// everyByte returns all 256 bytes, and the ends of lines and replies in memcached's protocol.
func everyByte() []byte {
	data := []byte("\r\nEND\r\n")
	for c := range 256 {
		data = append(data, byte(c))
	}
	return append(data, '\r', '\n')
}

// anyUsers returns users that no other test has, with bytes that are not valid text.
func anyUsers() []string {
	name := newID()
	return []string{name, name + "\x00", name + "\x00b", "\x00" + name, name + "\xff\xfe", name + "\xc3", name + " ", name + "'\"\\%_*{}\r\n", strings.ToLower(name)}
}

// randomText returns size random characters.
func randomText(size int) string {
	var text strings.Builder
	for text.Len() < size {
		text.WriteString(newID())
	}
	return text.String()[:size]
}

// shown quotes data for a message, and shortens it.
func shown(data string) string {
	if len(data) > 80 {
		return fmt.Sprintf("%q... (%d bytes)", data[:40], len(data))
	}
	return fmt.Sprintf("%q", data)
}
