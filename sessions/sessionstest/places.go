package sessionstest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// A Place is where backends store their records, such as a server, and what a test can do to
// it. If a function is nil, the checks that need it are skipped.
type Place struct {
	// Open returns a backend of the place.
	Open func(t *testing.T) sessions.Backend

	// Breakable returns another backend of the same place, whose connection breaks if cut
	// returns true. It calls cut twice for each change of a record that is [Marked]: with
	// false before the place has made the change, and with true before the backend has
	// the response. [Proxy] does this for servers on TCP.
	Breakable func(t *testing.T, cut func(done bool) bool) sessions.Backend

	// LoseIndex makes the place lose the index of the sessions of user, as an eviction does,
	// and keep the sessions. It is for backends that maintain an index themselves.
	LoseIndex func(t *testing.T, user string)

	// Small returns a backend of a small place of its own, and a function that fills it
	// until it can keep nothing more.
	Small func(t *testing.T) (b sessions.Backend, fill func())

	// Empty makes a new place without a schema. It returns a function that opens a
	// backend of it.
	Empty func(t *testing.T) (open func() (sessions.Backend, error))
}

// RunPlace checks what happens to sessions if a response is lost, if an index is lost, if
// a place is full, and if two programs open it for the first time at once. Call it in
// addition to [Run].
func RunPlace(t *testing.T, p Place) {
	t.Helper()
	for _, check := range []struct {
		name   string
		canRun bool
		run    func(t *testing.T, p Place)
	}{
		{"LostAnswer", p.Breakable != nil, lostAnswer},
		{"LostAnswersCounted", p.Breakable != nil, lostAnswersCounted},
		{"LostIndex", p.LoseIndex != nil, lostIndex},
		{"Full", p.Small != nil, full},
		{"TwoOpeners", p.Empty != nil, twoOpeners},
	} {
		t.Run(check.name, func(t *testing.T) {
			if !check.canRun {
				t.Skip("the Place has no function for it")
			}
			check.run(t, p)
		})
	}
}

const mark = "sessionstest: marked"

// Marked reports whether the data of a record, or the command with it, is one at which the
// connection of [Place.Breakable] may break.
func Marked(data []byte) bool { return bytes.Contains(data, []byte(mark)) }

// Proxy returns the address of a listener on 127.0.0.1 that forwards to a server and back.
// Network and addr are those of the server, as for [net.Dial]. It calls cut as described at
// [Place.Breakable], and closes both connections if cut returns true.
func Proxy(t *testing.T, network, addr string, cut func(done bool) bool) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				server, err := net.Dial(network, addr)
				if err != nil {
					return
				}
				defer server.Close()
				pass(client, server, cut)
			}()
		}
	}()
	return listener.Addr().String()
}

// pass copies between a client that waits for each response and its server.
func pass(client, server net.Conn, cut func(done bool) bool) {
	var marked atomic.Bool // the request to which the server responds next
	go func() {
		defer client.Close()
		defer server.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if n > 0 && marked.Swap(false) && cut(true) {
				return
			}
			if _, writeErr := client.Write(buffer[:n]); err != nil || writeErr != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10) // large enough for a marked request of a test
	for {
		n, err := client.Read(buffer)
		if Marked(buffer[:n]) {
			if cut(false) {
				return
			}
			marked.Store(true)
		}
		if _, writeErr := server.Write(buffer[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

// lostAnswer cuts the connection once at a change, and lets another backend write before the
// first one notices.
func lostAnswer(t *testing.T, p Place) {
	const theirs = "theirs"
	ours, first := mark+" ours", mark+" first"
	direct := p.Open(t)
	var armed atomic.Pointer[func(done bool) bool]
	b := p.Breakable(t, func(done bool) bool {
		cut := armed.Load()
		return cut != nil && (*cut)(done)
	})
	meanwhile := map[string]func(t *testing.T, id string){
		"nothing": func(*testing.T, string) {},
		"another writes": func(t *testing.T, id string) {
			r, err := direct.Load(t.Context(), id)
			if errors.Is(err, sessions.ErrNotFound) {
				err = direct.Create(t.Context(), id, newRecord(theirs))
			} else if err == nil {
				r.Data = []byte(theirs)
				_, err = direct.Update(t.Context(), id, r)
			}
			if err != nil {
				t.Errorf("the other writer: %v", err)
			}
		},
		"another deletes": func(t *testing.T, id string) {
			if err := direct.Delete(t.Context(), id); err != nil {
				t.Errorf("the other writer: %v", err)
			}
		},
	}
	for _, c := range []struct {
		change    string
		done      bool
		meanwhile string
		never     []error  // the errors that the change must not return
		data      []string // the data that may be stored at the end; if empty, none
	}{
		{"update", true, "nothing", []error{sessions.ErrConflict, sessions.ErrNotFound}, []string{ours}},
		{"update", true, "another writes", []error{sessions.ErrConflict, sessions.ErrNotFound}, []string{theirs}},
		{"update", true, "another deletes", []error{sessions.ErrConflict}, []string{""}},
		{"update", false, "nothing", []error{sessions.ErrConflict, sessions.ErrNotFound}, []string{ours, first}},
		{"update", false, "another writes", []error{nil}, []string{theirs}},
		{"update", false, "another deletes", []error{nil}, []string{""}},
		{"create", true, "nothing", []error{sessions.ErrExists}, []string{ours}},
		{"create", true, "another writes", nil, []string{theirs}}, // if ErrExists, the caller chooses another id
		{"create", false, "nothing", []error{sessions.ErrExists}, []string{ours, ""}},
		{"create", false, "another writes", []error{nil}, []string{theirs}},
	} {
		t.Run(fmt.Sprintf("%s, done %v, %s", c.change, c.done, c.meanwhile), func(t *testing.T) {
			id := newID()
			do := func() error { return b.Create(t.Context(), id, newRecord(ours)) }
			if c.change == "update" {
				if err := direct.Create(t.Context(), id, newRecord(first)); err != nil {
					t.Fatal(err)
				}
				r := load(t, b, id)
				do = func() error {
					r.Data = []byte(ours)
					version, err := b.Update(t.Context(), id, r)
					if now, loadErr := direct.Load(t.Context(), id); err == nil && loadErr == nil && string(now.Data) == ours {
						// The version that it returned is valid for another update.
						r.Version = version
						_, err = b.Update(t.Context(), id, r)
					}
					return err
				}
			} else {
				b.Load(t.Context(), id) // so that there is a connection
			}
			var once sync.Once
			cut := func(done bool) (yes bool) {
				if done == c.done {
					once.Do(func() {
						armed.Store(nil)
						meanwhile[c.meanwhile](t, id)
						yes = true
					})
				}
				return yes
			}
			armed.Store(&cut)
			defer armed.Store(nil)
			err := do()
			if armed.Load() != nil {
				t.Fatal("the connection did not break: this check shows nothing")
			}
			for _, never := range c.never {
				if errors.Is(err, never) {
					t.Errorf("error %v", err)
				}
			}
			got, loadErr := direct.Load(t.Context(), id)
			if loadErr != nil && !errors.Is(loadErr, sessions.ErrNotFound) {
				t.Fatal(loadErr)
			}
			if err == nil && c.meanwhile == "nothing" && string(got.Data) != ours {
				t.Errorf("acknowledged, and %s is there", shown(string(got.Data)))
			}
			for _, data := range c.data {
				if string(got.Data) == data {
					return
				}
			}
			t.Errorf("%s is there, want one of %q", shown(string(got.Data)), c.data)
		})
	}
}

// lostAnswersCounted increments a number while every seventh connection with a change breaks,
// alternately before and after the change is made.
func lostAnswersCounted(t *testing.T, p Place) {
	for _, writers := range []int{1, 8} {
		t.Run(fmt.Sprint(writers, " at once"), func(t *testing.T) {
			var before, after, cuts atomic.Int64
			breaks := func(done bool) bool {
				calls, at := &before, int64(7)
				if done {
					calls, at = &after, 0
				}
				if calls.Add(1)%14 != at {
					return false
				}
				cuts.Add(1)
				return true
			}
			var on atomic.Bool
			b := p.Breakable(t, func(done bool) bool { return on.Load() && breaks(done) })
			visitor := newSite(t, sessions.Spec{Backend: b}).browser()
			visitor.visit(func(s *sessions.Session) { s.Set("mark", mark); s.Set("n", 0) })
			on.Store(true)
			var all, acknowledged atomic.Int64
			atOnce(writers, func(int) error {
				for range rounds(t, 500/writers) {
					v := visitor.read()
					v.Incr("n", 1)
					all.Add(1)
					if err := v.end(); err == nil {
						acknowledged.Add(1)
					} else {
						wantUnavailable(t, "the save", err)
					}
				}
				return nil
			})
			on.Store(false)
			counted := int64(visitor.number("n"))
			t.Logf("%d of %d increments were acknowledged, %d are counted; %d connections were cut", acknowledged.Load(), all.Load(), counted, cuts.Load())
			if counted < acknowledged.Load() {
				t.Errorf("%d acknowledged increments are lost", acknowledged.Load()-counted)
			}
			if counted > all.Load() {
				t.Errorf("%d increments are counted twice", counted-all.Load())
			}
			if cuts.Load() == 0 || acknowledged.Load() < all.Load()/4 {
				t.Errorf("%d cuts, %d of %d acknowledged: this check shows nothing", cuts.Load(), acknowledged.Load(), all.Load())
			}
		})
	}
}

// lostIndex ends the sessions of a user if the index has none of them, or only those that were
// written or have begun since.
func lostIndex(t *testing.T, p Place) {
	for _, since := range []string{"nothing", "a session is saved", "a session is ended", "a session begins"} {
		t.Run(since, func(t *testing.T) {
			b := p.Open(t).(sessions.UserBackend)
			ann, bob := newUser(), newUser()
			var ids []string
			for range 5 {
				ids = append(ids, createFor(t, b, ann))
			}
			kept, bobs := createFor(t, b, ann), createFor(t, b, bob)
			p.LoseIndex(t, ann)
			switch since {
			case "a session is saved":
				if _, err := b.Update(t.Context(), ids[0], load(t, b, ids[0])); err != nil {
					t.Fatal(err)
				}
			case "a session is ended":
				if err := b.Delete(t.Context(), ids[0]); err != nil {
					t.Fatal(err)
				}
			case "a session begins":
				ids = append(ids, createFor(t, b, ann))
			}
			if err := b.EndUser(t.Context(), ann, kept); err != nil {
				t.Fatal(err)
			}
			for _, id := range ids {
				wantEnded(t, b, id)
			}
			for _, id := range []string{kept, bobs} {
				wantData(t, b, id, "data")
			}
			wantSessions(t, b, ann, kept)
			wantSessions(t, b, bob, bobs)
			if err := b.EndUser(t.Context(), ann); err != nil {
				t.Fatal(err)
			}
			wantEnded(t, b, kept)
		})
	}
}

// full saves and logs out when the place is full.
func full(t *testing.T, p Place) {
	b, fill := p.Small(t)
	visitor := newSite(t, sessions.Spec{Backend: b}).browser()
	visitor.login("ann")
	thief := visitor.twin()
	other := visitor.site.browser()
	other.login("bob")
	fill()

	v := visitor.read()
	v.Set("n", string(bytes.Repeat([]byte("x"), 10_000)))
	if err := v.end(); err != nil {
		wantUnavailable(t, "a save", err)
		if !visitor.loggedIn() {
			t.Error("a save that was refused has ended the session")
		}
	}
	if err := visitor.site.browser().begin().end(); err != nil {
		t.Errorf("a request that does not touch its session: %v", err)
	}
	v = visitor.read()
	v.Destroy()
	if err := v.end(); err != nil {
		t.Errorf("a logout: %v", err)
	}
	if thief.loggedIn() {
		t.Error("the session is alive after its logout")
	}
	if users, ok := b.(sessions.UserBackend); ok {
		if err := users.EndUser(t.Context(), "bob"); err != nil {
			t.Errorf("EndUser: %v", err)
		}
		if other.loggedIn() {
			t.Error("a session is alive after EndUser")
		}
	}
}

// twoOpeners opens an empty place twice at the same time.
func twoOpeners(t *testing.T, p Place) {
	for round := range rounds(t, 40) {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			open := p.Empty(t)
			opened := make([]sessions.Backend, 2)
			errs := atOnce(2, func(i int) (err error) {
				opened[i], err = open()
				return err
			})
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			wantData(t, opened[1], create(t, opened[0], newRecord("data")), "data")
		})
	}
}
