package sessions_test

import (
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

func TestNames(t *testing.T) {
	for s, want := range map[sessions.Status]string{
		sessions.StatusNew: "new", sessions.StatusLoaded: "loaded", sessions.StatusExpired: "expired",
		sessions.StatusGone: "gone", sessions.StatusTampered: "tampered",
		sessions.StatusUnreadable: "unreadable", sessions.StatusDown: "down", -1: "unknown", 99: "unknown",
	} {
		if got := s.String(); got != want {
			t.Errorf("status %d prints as %s, want %s", s, got, want)
		}
	}
	for k, want := range map[sessions.EventKind]string{
		sessions.EventCreated: "created", sessions.EventRenewed: "renewed", sessions.EventDestroyed: "destroyed",
		sessions.EventExpired: "expired", sessions.EventGone: "gone", sessions.EventTampered: "tampered",
		sessions.EventUnreadable: "unreadable", sessions.EventUndecodable: "undecodable",
		sessions.EventImported: "imported", sessions.EventRetried: "retried",
		sessions.EventDown: "down", sessions.EventLate: "late", -1: "unknown", 99: "unknown",
	} {
		if got := k.String(); got != want {
			t.Errorf("event %d prints as %s, want %s", k, got, want)
		}
	}
}
