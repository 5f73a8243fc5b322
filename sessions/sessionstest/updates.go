package sessionstest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// updateChecks check that of the requests that change one session at the same time, none undoes
// a change of another.
var updateChecks = []check{
	{"LostUpdates", func(t *testing.T, b sessions.Backend) {
		visitor := newSite(t, sessions.Spec{Backend: b}).browser()
		visitor.visit(func(s *sessions.Session) { s.Set("n", 0) })

		all, refused, keys, flashes := 0, 0, 0, 0
		for round := range rounds(t, 100) {
			all += writers
			// All have read the same version before one of them saves.
			visits := make([]*visit, writers)
			for i := range visits {
				visits[i] = visitor.read()
			}
			errs := atOnce(writers, func(i int) error {
				visits[i].Incr("n", 1)
				visits[i].Set(fmt.Sprint("key", i), round)
				visits[i].AddFlash(i, "info")
				return visits[i].end()
			})
			for _, err := range errs {
				if err != nil && !unavailable(err) {
					t.Fatalf("round %d: %v", round, err)
				}
			}
			visitor.visit(func(s *sessions.Session) {
				for i, err := range errs {
					got, ok := sessions.Get[int](s, fmt.Sprint("key", i))
					if kept := ok && got == round; err != nil {
						refused++ // a save can run out of time on a busy machine
					} else if kept {
						keys++
					}
				}
				flashes += len(s.Flashes())
			})
		}
		// A change that was refused may have been made: the client cannot know.
		if refused > all/4 {
			t.Errorf("%d of %d saves were refused: the backend is too slow to show anything", refused, all)
		}
		acknowledged := all - refused
		for what, kept := range map[string]int{"increments": visitor.number("n"), "keys": keys, "flashes": flashes} {
			if kept < acknowledged {
				t.Errorf("lost %d of %d %s", acknowledged-kept, acknowledged, what)
			}
			if kept > all {
				t.Errorf("%d of %d %s were made twice", kept-all, all, what)
			}
		}
	}},
	{"FlashesAreTakenOnce", func(t *testing.T, b sessions.Backend) {
		// One request shows the flashes while others add more. Those that were added stay.
		s := newSite(t, sessions.Spec{Backend: b})
		var races tally
		for race := range rounds(t, 100) {
			visitor := s.browser()
			visitor.visit(func(s *sessions.Session) { s.AddFlash("first", "info") })
			show, add := visitor.read(), visitor.read()
			shown := len(show.Flashes())
			add.AddFlash("second", "info")
			err := inOrder(race, show.end, add.end)
			for range 2 { // the second time there must be no flash
				after := visitor.read()
				shown += len(after.Flashes())
				err = errors.Join(err, after.end())
			}
			if races.shows(t, err) && shown != 2 {
				t.Errorf("race %d: %d flashes were shown, want 2", race, shown)
			}
		}
		races.check(t)
	}},
	{"ClearAgainstWriter", func(t *testing.T, b sessions.Backend) {
		s := newSite(t, sessions.Spec{Backend: b})
		var races tally
		for i := range rounds(t, 30) {
			visitor := s.browser()
			visitor.visit(func(s *sessions.Session) { s.Set("old", true) })
			clear, write := visitor.read(), visitor.read()
			clear.Clear()
			write.Set("new", i)
			if !races.shows(t, inOrder(i, clear.end, write.end)) {
				continue
			}
			after := visitor.mustRead()
			if after.Get("old") != nil {
				t.Fatal("what Clear removed is back")
			}
			if i%3 == 1 && after.Get("new") != int64(i) {
				t.Fatal("a write after Clear is lost")
			}
		}
		races.check(t)
	}},
}
