package sessionstest

import (
	"bytes"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// lossChecks check records that vanish, are too large, cannot be read or are too old.
var lossChecks = []check{
	{"EvictedInMidRequest", func(t *testing.T, b sessions.Backend) {
		for name, change := range map[string]func(*sessions.Session){
			"write":  func(s *sessions.Session) { s.Incr("n", 1) },
			"renew":  (*sessions.Session).Renew,
			"logout": (*sessions.Session).Destroy,
			"read":   func(*sessions.Session) {},
		} {
			visitor := newSite(t, sessions.Spec{Backend: b}).browser()
			visitor.login("ann")
			v := visitor.read()
			id := v.ID()
			if err := b.Delete(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			change(v.Session)
			if err := v.end(); err != nil {
				t.Errorf("%s: the save fails: %v", name, err)
			}
			wantMissing(t, b, id)
			if visitor.loggedIn() {
				t.Errorf("%s: the session is back", name)
			}
			visitor.visit(func(s *sessions.Session) { s.Set("n", 1) })
			if next := visitor.read(); next.ID() == id || next.Get("n") != int64(1) {
				t.Errorf("%s: the session after it has id %q (it was %q), n %v", name, next.ID(), id, next.Get("n"))
			}
		}
	}},
	{"OversizeSession", func(t *testing.T, b sessions.Backend) {
		visitor := newSite(t, sessions.Spec{Backend: b}).browser()
		visitor.login("ann")
		v := visitor.read()
		v.Set("huge", bytes.Repeat([]byte("x"), 2<<20))
		if err := v.end(); err == nil || v.Err() == nil {
			t.Errorf("saving 2 MiB: error %v, Err %v", err, v.Err())
		}
		if v.setsCookie() {
			t.Error("a session that was not saved sets a cookie")
		}
		if !visitor.loggedIn() {
			t.Error("a session that does not fit has taken the one before with it")
		}
	}},
	{"UndecodableBytes", func(t *testing.T, b sessions.Backend) {
		s := newSite(t, sessions.Spec{Backend: b})
		visitor := s.browser()
		visitor.login("ann")
		good := load(t, b, visitor.read().ID()).Data
		for name, data := range map[string][]byte{
			"one byte":          {0xff},
			"text":              []byte("<html>not a session</html>"),
			"half of it":        good[:len(good)/2],
			"all but a byte":    good[:len(good)-1],
			"a byte more":       append(bytes.Clone(good), 0),
			"another version":   append([]byte{good[0] + 1}, good[1:]...),
			"a map of 2^60":     append(bytes.Clone(good[:1]), 0xbb, 0x10, 0, 0, 0, 0, 0, 0, 0),
			"nested too deep":   append(bytes.Clone(good[:1]), bytes.Repeat([]byte{0x81}, 10000)...),
			"a gob that swells": {0x1b, 0xff, 0x81, 0x04, 0x01, 0x02, 0xff, 0x82, 0x00, 0x01, 0x0c, 0x01, 0x10, 0x00, 0x00},
		} {
			visitor := s.browser()
			visitor.login("ann")
			id := visitor.read().ID()
			if _, err := b.Update(t.Context(), id, withVersion(newRecord(string(data)), load(t, b, id).Version)); err != nil {
				t.Fatal(err)
			}
			if visitor.loggedIn() {
				t.Errorf("%s: the session is logged in", name)
			}
			v := visitor.visit(func(s *sessions.Session) { s.Set("n", 1) })
			if v.Status() != sessions.StatusUnreadable {
				t.Errorf("%s: status %v, want unreadable", name, v.Status())
			}
			if next := visitor.read(); next.ID() == id || next.Get("n") != int64(1) {
				t.Errorf("%s: the session after it has id %q (it was %q), n %v", name, next.ID(), id, next.Get("n"))
			}
		}
	}},
	{"ClockSteps", func(t *testing.T, b sessions.Backend) {
		for name, steps := range map[string]struct {
			by   []time.Duration // a read after each
			want sessions.Status // of the last read
		}{
			"in use":                   {[]time.Duration{29 * time.Minute, 29 * time.Minute, 29 * time.Minute}, sessions.StatusLoaded},
			"idle too long":            {[]time.Duration{30 * time.Minute}, sessions.StatusExpired},
			"used for too long":        {repeated(25*time.Minute, 29), sessions.StatusExpired},
			"almost so":                {repeated(25*time.Minute, 28), sessions.StatusLoaded},
			"a little back":            {[]time.Duration{-50 * time.Second}, sessions.StatusLoaded},
			"an hour back":             {[]time.Duration{-time.Hour}, sessions.StatusClock},
			"an hour back and forward": {[]time.Duration{-time.Hour, time.Hour}, sessions.StatusLoaded},
			"a year ahead":             {[]time.Duration{365 * 24 * time.Hour}, sessions.StatusExpired},
		} {
			s := newSite(t, sessions.Spec{Backend: b})
			visitor := s.browser()
			visitor.login("ann")
			var last *visit
			for _, step := range steps.by {
				s.step(step)
				last = visitor.visit(func(*sessions.Session) {})
			}
			if last.Status() != steps.want || (last.User() != "") != (steps.want == sessions.StatusLoaded) {
				t.Errorf("%s: status %v, user %q; want %v", name, last.Status(), last.User(), steps.want)
			}
			if err := last.Err(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}},
}

func repeated(step time.Duration, times int) (steps []time.Duration) {
	for range times {
		steps = append(steps, step)
	}
	return steps
}
