package demo

import (
	_ "embed"
	"strings"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// The front page shows the code of its handler, the last lines of this file.
//
//go:embed home.go
var homeFile string

var homeSource = homeFile[strings.LastIndex(homeFile, "type HomeHandler"):]

type homeData struct {
	Visits  int64
	User    *auth.User
	Session *sessions.Session
}

func (homeData) Source() string { return homeSource }

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
