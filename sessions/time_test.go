package sessions_test

import (
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

type stamped struct {
	At    time.Time
	Other *time.Time
}

// A time is the same instant after it was stored, also in a zone whose offset RFC 3339 cannot
// represent. A usual zone is kept.
func TestTimesInsideOtherValues(t *testing.T) {
	day := time.Date(1890, 11, 24, 10, 30, 15, 123456789, time.UTC)
	for zone, offset := range map[string]int{"UTC": 0, "India": 5*3600 + 30*60, "Amsterdam until 1937": 1172, "Liberia until 1972": -2670} {
		at := day.In(time.FixedZone(zone, offset))
		for name, test := range map[string]struct {
			set any
			get func(s *sessions.Session) time.Time
		}{
			"itself":  {at, func(s *sessions.Session) time.Time { return s.Get("v").(time.Time) }},
			"pointer": {&at, func(s *sessions.Session) time.Time { return s.Get("v").(time.Time) }},
			"map": {map[string]any{"at": at}, func(s *sessions.Session) time.Time {
				return s.Get("v").(map[string]any)["at"].(time.Time)
			}},
			"slice": {[]any{nil, &at}, func(s *sessions.Session) time.Time { return s.Get("v").([]any)[1].(time.Time) }},
			"struct": {stamped{At: at}, func(s *sessions.Session) time.Time {
				v, _ := sessions.Get[stamped](s, "v")
				return v.At
			}},
			"pointer in a struct": {&stamped{Other: &at}, func(s *sessions.Session) time.Time {
				v, _ := sessions.Get[stamped](s, "v")
				return *v.Other
			}},
			"embedded struct": {struct{ stamped }{stamped{At: at}}, func(s *sessions.Session) time.Time {
				return s.Get("v").(map[string]any)["At"].(time.Time)
			}},
			"key": {map[time.Time]int{at: 1}, func(s *sessions.Session) (key time.Time) {
				v, _ := sessions.Get[map[time.Time]int](s, "v")
				for key = range v {
				}
				return key
			}},
		} {
			t.Run(zone+": "+name, func(t *testing.T) {
				s := fresh(t)
				s.Set("v", test.set)
				if err := s.Err(); err != nil {
					t.Fatal(err)
				}
				got := test.get(s)
				if !got.Equal(at) {
					t.Errorf("got %v, want %v", got, at)
				}
				if _, got := got.Zone(); offset%60 == 0 && got != offset {
					t.Errorf("an offset of %d s, want %d s", got, offset)
				}
			})
		}
	}
}

// This is the exception that Set documents.
func TestZeroTimesInsideOtherValues(t *testing.T) {
	s := fresh(t)
	s.Set("v", map[string]any{"At": time.Time{}, "Other": new(time.Time)})
	s.Set("pointer", new(time.Time))
	if v := s.Get("v").(map[string]any); v["At"] != nil || v["Other"] != nil || s.Get("pointer") != nil {
		t.Errorf("got %v and %v", v, s.Get("pointer"))
	}
	if v, found := sessions.Get[stamped](s, "v"); !found || v != (stamped{}) {
		t.Errorf("got %v %v", v, found)
	}
	if v, found := sessions.Get[time.Time](s, "pointer"); !found || !v.IsZero() {
		t.Errorf("got %v %v", v, found)
	}
	if err := s.Err(); err != nil {
		t.Error(err)
	}
}
