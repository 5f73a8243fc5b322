package demo

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// RoleAdmin is the role that the admin pages ask for.
const RoleAdmin = "admin"

// AdminHandler is the base of the admin pages: Dispatch gives them their look, Guard
// says who may see them.
type AdminHandler struct{ handlers.PrivateHandler }

// Dispatch sets the look before the page is made, and keeps the answer out of every
// cache after it was.
func (h *AdminHandler) Dispatch() error {
	h.Page().BodyClass = "admin"
	err := h.PrivateHandler.Dispatch()
	h.Response.Header().Set("Cache-Control", "no-store")
	return err
}

// Guard lets only those through who are logged in and have the role.
func (h *AdminHandler) Guard() error {
	if err := h.PrivateHandler.Guard(); err != nil {
		return err
	}
	user, err := h.User()
	if err != nil {
		return err
	}
	if !user.Has(RoleAdmin) {
		return h.Abort(http.StatusForbidden, "This page is for those who run the site.")
	}
	return nil
}

// OverviewHandler is the admin page: what happened to the sessions of the site since
// it was started, and the sessions of a user.
type OverviewHandler struct {
	AdminHandler
	events *Events
}

type overviewData struct {
	Events          []EventCount
	Asked           string // the name that was looked for
	Found           *auth.User
	Sessions        []sessions.Info
	SessionsUnknown bool
}

// Get shows the overview, and the user that the query value "name" names.
func (h *OverviewHandler) Get() error {
	data := overviewData{Events: h.events.Counts(), Asked: h.Request.URL.Query().Get("name")}
	if data.Asked == "" {
		return h.Render("admin", data)
	}
	user, err := h.find(data.Asked)
	if err != nil {
		return err
	}
	if user != nil {
		data.Found = user
		data.Sessions, err = h.Site.Sessions.UserSessions(h.Context(), "", user.ID)
		if errors.Is(err, errors.ErrUnsupported) {
			data.SessionsUnknown = true
		} else if err != nil {
			return &framework.Error{Code: http.StatusServiceUnavailable, Err: err}
		}
	}
	return h.Render("admin", data)
}

// Post ends all sessions of the user that the form value "name" names.
func (h *OverviewHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	name := h.Request.PostForm.Get("name")
	user, err := h.find(name)
	if err != nil {
		return err
	}
	if user == nil {
		return h.Abort(http.StatusNotFound, "There is no user of this name.")
	}
	err = h.Site.Sessions.EndUser(h.Context(), "", user.ID, h.Session().ID())
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		h.Flash("Sessions in signed cookies, or in memcached alone, cannot be ended from here.", "warning")
	case err != nil:
		return &framework.Error{Code: http.StatusServiceUnavailable, Err: err}
	default:
		h.LogSecurity(handlers.SessionExpired, user, slog.String("reason", "ended by an administrator"), slog.String("by", h.Session().User()))
		h.Flash("The sessions of "+user.Name+" are ended.", "success")
	}
	return h.RedirectTo("admin", "name", name)
}

// find returns nil where nobody has the name.
func (h *OverviewHandler) find(name string) (*auth.User, error) {
	user, err := h.Site.Users.ByName(h.Context(), name)
	if errors.Is(err, auth.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, &framework.Error{Code: http.StatusServiceUnavailable, Err: err}
	}
	return user, nil
}
