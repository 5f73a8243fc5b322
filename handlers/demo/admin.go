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

// RoleAdmin is the role that the admin pages require.
const RoleAdmin = "admin"

// AdminHandler is the base of the admin pages. Its Dispatch gives them their style, its Guard
// decides who may see them.
type AdminHandler struct{ handlers.PrivateHandler }

// Dispatch sets the class of the page before the action, and a header of the response after
// it.
func (h *AdminHandler) Dispatch() error {
	h.Page().BodyClass = "admin"
	err := h.PrivateHandler.Dispatch()
	h.Response.Header().Set("Cache-Control", "no-store")
	return err
}

// Guard lets users pass who are logged in and have the role.
func (h *AdminHandler) Guard() error {
	if err := h.PrivateHandler.Guard(); err != nil {
		return err
	}
	user, err := h.User()
	if err != nil {
		return err
	}
	if !user.Has(RoleAdmin) {
		return h.Abort(http.StatusForbidden, "This page is for administrators only.")
	}
	return nil
}

// OverviewHandler is the admin page. It shows the events of sessions since the start of the
// program, and the sessions of one user.
type OverviewHandler struct {
	AdminHandler
	events *Events
}

type overviewData struct {
	Events     []EventCount
	Asked      string // the name in the query
	Found      *auth.User
	Sessions   []sessions.SessionInfo
	CannotList bool
}

// Get shows the events, and the user whose name is the query value "name".
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
			data.CannotList = true
		} else if err != nil {
			return &framework.Error{Code: http.StatusServiceUnavailable, Err: err}
		}
	}
	return h.Render("admin", data)
}

// Post ends all sessions of the user whose name is the form value "name".
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
		return h.Abort(http.StatusNotFound, "There is no user with this name.")
	}
	err = h.Site.Sessions.EndUser(h.Context(), "", user.ID, h.Session().ID())
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		h.Flash("Sessions in signed cookies, or in memcached only, cannot be ended here.", "warning")
	case err != nil:
		return &framework.Error{Code: http.StatusServiceUnavailable, Err: err}
	default:
		h.LogSecurity(handlers.SessionExpired, user, slog.String("reason", "ended by an administrator"), slog.String("by", h.Session().User()))
		h.Flash("The sessions of "+user.Name+" have been ended.", "success")
	}
	return h.RedirectTo("admin", "name", name)
}

// find returns nil if there is no user with the name.
func (h *OverviewHandler) find(name string) (*auth.User, error) {
	user, err := h.Site.Users.ByLogin(h.Context(), name)
	if errors.Is(err, auth.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, &framework.Error{Code: http.StatusServiceUnavailable, Err: err}
	}
	return user, nil
}
