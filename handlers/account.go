package handlers

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/sessions"
)

// AccountHandler is where users see to their account: the template "account", which
// is given an [AccountData]. They change their password here, see where they are
// logged in, and end their other sessions.
type AccountHandler struct{ PrivateHandler }

// AccountData is what the template "account" is given.
type AccountData struct {
	Name            string
	Created         time.Time
	Roles           []string
	Sessions        []AccountSession // newest first
	SessionsUnknown bool             // they live in signed cookies, or in memcached alone, and cannot be listed
	Error           string           // why the password was not changed
	Field           string           // at which field: "old" or "new"; empty: at none of its own
	MinLength       int              // the fewest characters of a new password
}

// AccountSession is one session of the user.
type AccountSession struct {
	ID                     string // hashed: of no use to anybody who reads it
	Created, Seen, Expires time.Time
	Current                bool // the session of this request
}

// Ready reports what a site needs that has accounts.
func (h *AccountHandler) Ready() error { return readyForUsers(&h.BaseHandler) }

// Get shows the account.
func (h *AccountHandler) Get() error { return h.show(http.StatusOK, "", "") }

// Post does what the form value "action" says: "password" changes it from "old" to
// "new", "end" ends the session of that id in "session", "end-others" all but this.
func (h *AccountHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	form := h.Request.PostForm
	switch action := form.Get("action"); action {
	case "password":
		return h.changePassword(form.Get("old"), form.Get("new"))
	case "end":
		err := h.Site.Sessions.EndSession(h.Context(), "", h.Session().User(), form.Get("session"))
		return h.ended(err, "one", "The session is ended.")
	case "end-others":
		return h.ended(h.endOthers(), "others", "All other sessions are ended.")
	}
	return h.Abort(http.StatusBadRequest, `The form value "action" must be password, end or end-others.`)
}

func (h *AccountHandler) changePassword(old, new string) error {
	user, err := h.User()
	if err != nil {
		return err
	}
	wait, err := h.checkPassword(user.Name, old, func() error {
		return h.Site.Passwords.Change(h.clientContext(), h.Site.Users, user, old, new)
	})
	if wait > 0 {
		return h.show(http.StatusTooManyRequests, "", tryAgain(tooManyFailures, wait))
	}
	if invalid, ok := errors.AsType[*auth.InvalidError](err); ok {
		return h.show(http.StatusBadRequest, "new", invalid.Message)
	}
	switch {
	case errors.Is(err, auth.ErrCredentials):
		h.LogSecurity(PasswordChangeFail, user)
		return h.show(http.StatusForbidden, "old", "That is not your password now.")
	case errors.Is(err, auth.ErrBusy):
		return h.show(http.StatusServiceUnavailable, "", h.busy())
	case errors.Is(err, auth.ErrConflict):
		return h.show(http.StatusConflict, "", "Your account was changed at the same moment. Please try again.")
	case err != nil:
		return unavailable("changing the password", err)
	}
	// Whoever knew the old password may be logged in with it somewhere. Such a session
	// is nobody's from now on; where it can be found it is taken out of its backend, too.
	how, _ := h.Session().Login() // remembered or not, as before
	how.Method = methodPassword
	h.LogIn(user, how)
	h.Site.Throttle.Known(h.Response, h.Request, user)
	h.LogSecurity(PasswordChange, user)
	if err := h.endOthers(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return unavailable("ending sessions", err)
	}
	h.Flash("Your password is changed, and your other sessions are ended.", "success")
	return h.RedirectTo("account")
}

// endOthers ends every session of the user but this one, which Renew may be about to
// move to a new id: that record is made after this, and stays.
func (h *AccountHandler) endOthers() error {
	session := h.Session()
	return h.Site.Sessions.EndUser(h.Context(), "", session.User(), session.ID())
}

// ended says what came of ending sessions, and logs which.
func (h *AccountHandler) ended(err error, which, done string) error {
	switch {
	case errors.Is(err, sessions.ErrNotFound):
		h.Flash("That session has ended already.", "info")
	case errors.Is(err, errors.ErrUnsupported):
		h.Flash("Logins are kept in a way that cannot list them. To end them all, change your password.", "warning")
	case err != nil:
		return unavailable("ending sessions", err)
	default:
		h.LogSecurity(SessionExpired, &auth.User{ID: h.Session().User()}, slog.String("reason", "ended by the user"), slog.String("sessions", which))
		h.Flash(done, "success")
	}
	return h.RedirectTo("account")
}

func (h *AccountHandler) show(status int, field, problem string) error {
	user, err := h.User()
	if err != nil {
		return err
	}
	data := AccountData{
		Name: user.Name, Created: user.Created, Roles: user.Roles,
		Error: problem, Field: field, MinLength: h.Site.Passwords.Shortest(),
	}
	list, err := h.Site.Sessions.UserSessions(h.Context(), "", user.ID)
	if errors.Is(err, errors.ErrUnsupported) {
		data.SessionsUnknown = true
	} else if err != nil {
		return unavailable("listing sessions", err)
	}
	for _, info := range list {
		data.Sessions = append(data.Sessions, AccountSession{
			ID: info.ID, Created: info.Created, Seen: info.Seen, Expires: info.Expires,
			Current: info.ID == h.Session().ID(),
		})
	}
	h.Response.WriteHeader(status)
	return h.Render("account", data)
}
