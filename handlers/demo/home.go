package demo

import (
	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

type homeData struct {
	Visits  int64
	User    *auth.User
	Session *sessions.Session
}

// Source returns the code of the handler, which the front page shows.
func (homeData) Source() string { return declarations("HomeHandler")[0].Text }

// Means says what the status of the session means.
func (d homeData) Means() string {
	if d.Session.Status() == sessions.StatusNew {
		return "your browser has sent no cookie of it, so it begins with this page"
	}
	return meaning(d.Session.Status())
}

// HomeHandler is the front page.
type HomeHandler struct{ handlers.BaseHandler }

// Get counts the visits in this session.
func (h *HomeHandler) Get() error {
	visits := h.Session().Incr("visits", 1)
	user, err := h.User()
	if err != nil {
		return err
	}
	return h.Render("home", homeData{visits, user, h.Session()})
}
