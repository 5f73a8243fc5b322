package handlers_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
)

// teamPage starts goroutines that are the first to use the session.
type teamPage struct{ handlers.BaseHandler }

const team = 8

func (h *teamPage) Get() error {
	var all sync.WaitGroup
	for i := range team {
		all.Go(func() { h.Session().Set(fmt.Sprint("member ", i), true) })
	}
	all.Wait()
	return nil
}

type teamSizePage struct{ handlers.BaseHandler }

func (h *teamSizePage) Get() error {
	size := 0
	for range h.Session().All() {
		size++
	}
	_, err := fmt.Fprint(h, size)
	return err
}

// All goroutines of a request share its sessions, also if they are the first to use them.
func TestGoroutinesShareTheSession(t *testing.T) {
	for name, backend := range backends {
		t.Run(name, func(t *testing.T) {
			s := serve(t, backend(), func(s *server) {
				s.app.Handle("/team", framework.To[teamPage](s.app))
				s.app.Handle("/size", framework.To[teamSizePage](s.app))
			})
			for range 50 {
				c := s.client(t)
				c.get("/team")
				if a := c.get("/size"); a.body != fmt.Sprint(team) {
					t.Fatalf("%s of %d values are in the session", a.body, team)
				}
			}
		})
	}
}
