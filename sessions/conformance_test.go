package sessions_test

import (
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

func TestMemoryConforms(t *testing.T) {
	sessionstest.Run(t, func(*testing.T) sessions.Backend { return sessions.NewMemory() })
}
