package handlers

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/sessions"
)

// AccountHandler is the page where users manage their account: the template "account",
// which is given an [AccountData]. They change their password here, see where they are
// logged in, and end their other sessions.
type AccountHandler struct{ PrivateHandler }

// AccountData is what the template "account" is given.
type AccountData struct {
	Name         string
	Created      time.Time
	Roles        []string
	Sessions     []AccountSession // the sessions on this page: the current one, then the newest
	CannotList   bool             // the sessions are in signed cookies or memcached, and cannot be listed
	Count        int              // how many sessions there are
	Page, Pages  int              // the number of this page, from 1, and of all pages
	Recent       bool             // the login is recent, so that sessions can be ended
	Error        string           // why the password was not changed
	Field        string           // the field that Error is about, "old" or "new", or empty
	MinLength    int              // the shortest new password, in characters
	ConfirmError string           // why the login was not confirmed
}

// AccountSession is one session of the user.
type AccountSession struct {
	ID                     string // a hash of the session's id, worthless to a reader
	Created, Seen, Expires time.Time
	Agent, Address         string // the User-Agent and the address of the login; empty if not known
	Current                bool   // it is the session of this request
}

// Ready also reports what a site needs so that users can log in.
func (h *AccountHandler) Ready() error { return readyForUsers(&h.BaseHandler) }

// Get shows the account.
func (h *AccountHandler) Get() error { return h.show(http.StatusOK, nil) }

// Post does what the form value "action" says. "password" changes the password from "old" to
// "new". "end" ends the session whose id is "session", and "end-others" all sessions but this
// one. Both need a login within the last quarter of an hour, because somebody who finds an
// open browser must not be able to lock its user out elsewhere (OWASP ASVS 5.0, 7.5.2).
// "confirm" repeats the login with "password".
func (h *AccountHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	form := h.Request.PostForm
	switch action := form.Get("action"); action {
	case "password":
		return h.changePassword(form.Get("old"), form.Get("new"))
	case "confirm":
		return h.confirm(form.Get("password"))
	case "end", "end-others":
		if !h.Session().LoggedInWithin(recent) {
			return h.show(http.StatusForbidden, func(d *AccountData) {
				d.ConfirmError = "You logged in some time ago. Type your password again to end sessions."
			})
		}
		if action == "end-others" {
			return h.ended(h.endOthers(), "others", "All other sessions have been ended.")
		}
		err := h.Site.Sessions.EndSession(h.Context(), "", h.Session().User(), form.Get("session"))
		return h.ended(err, "one", "The session has been ended.")
	}
	return h.Abort(http.StatusBadRequest, `The form value "action" must be password, confirm, end or end-others.`)
}

// recent is how long a login allows sessions to be ended.
const recent = 15 * time.Minute

// sessionsOnAPage is how many sessions the account page lists.
const sessionsOnAPage = 20

// confirm logs the user in again, with the password.
func (h *AccountHandler) confirm(password string) error {
	user, err := h.User()
	if err != nil {
		return err
	}
	wait, err := h.throttled(user.Name, password, func() (err error) {
		user, err = h.Site.Passwords.LogIn(h.clientContext(), h.Site.Users, user.Name, password)
		return err
	})
	problem := func(status int, text string) error {
		return h.show(status, func(d *AccountData) { d.ConfirmError = text })
	}
	switch {
	case wait > 0:
		return problem(http.StatusTooManyRequests, tryAgain(tooManyFailures, wait))
	case errors.Is(err, auth.ErrCredentials):
		h.logTyped(LoginFail, h.user, h.user.Name)
		return problem(http.StatusForbidden, "That is not your password.")
	case errors.Is(err, auth.ErrBusy):
		return problem(http.StatusServiceUnavailable, h.busy())
	case err != nil:
		return unavailable("confirming a login", err)
	}
	how, _ := h.Session().Login()
	how.Method = methodPassword
	h.LogIn(user, how)
	h.LogSecurity(LoginSuccess, user)
	return h.RedirectTo("account")
}

func (h *AccountHandler) changePassword(old, new string) error {
	user, err := h.User()
	if err != nil {
		return err
	}
	wait, err := h.throttled(user.Name, old, func() error {
		return h.Site.Passwords.Change(h.clientContext(), h.Site.Users, user, old, new)
	})
	problem := func(status int, field, text string) error {
		return h.show(status, func(d *AccountData) { d.Field, d.Error = field, text })
	}
	if wait > 0 {
		return problem(http.StatusTooManyRequests, "", tryAgain(tooManyFailures, wait))
	}
	if invalid, ok := errors.AsType[*auth.InvalidError](err); ok {
		return problem(http.StatusBadRequest, "new", invalid.Message)
	}
	switch {
	case errors.Is(err, auth.ErrCredentials):
		h.LogSecurity(PasswordChangeFail, user)
		return problem(http.StatusForbidden, "old", "That is not your current password.")
	case errors.Is(err, auth.ErrBusy):
		return problem(http.StatusServiceUnavailable, "", h.busy())
	case errors.Is(err, auth.ErrConflict):
		return problem(http.StatusConflict, "", "Your account was changed at the same moment. Please try again.")
	case err != nil:
		return unavailable("changing the password", err)
	}
	// A session that was logged in with the old password has no user any more. Sessions that
	// can be listed are also removed from their backend.
	how, _ := h.Session().Login() // so that a remembered login stays one
	how.Method = methodPassword
	h.LogIn(user, how)
	h.Site.Throttle.Succeeded(h.Response, h.Request, user)
	h.LogSecurity(PasswordChange, user)
	if err := h.endOthers(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return unavailable("ending sessions", err)
	}
	h.Flash("Your password has been changed, and your other sessions have been ended.", "success")
	return h.RedirectTo("account")
}

// endOthers ends every session of the user but this one. If this one is renewed when the
// response is sent, its new record is made later, and stays.
func (h *AccountHandler) endOthers() error {
	session := h.Session()
	return h.Site.Sessions.EndUser(h.Context(), "", session.User(), session.ID())
}

// ended says whether sessions were ended, and logs it.
func (h *AccountHandler) ended(err error, which, done string) error {
	switch {
	case errors.Is(err, sessions.ErrNotFound):
		h.Flash("That session has ended already.", "info")
	case errors.Is(err, errors.ErrUnsupported):
		h.Flash("This site cannot list your logins. To end them all, change your password.", "warning")
	case err != nil:
		return unavailable("ending sessions", err)
	default:
		h.LogSecurity(SessionExpired, &auth.User{ID: h.Session().User()}, slog.String("reason", "ended by the user"), slog.String("sessions", which))
		h.Flash(done, "success")
	}
	return h.RedirectTo("account")
}

// show renders the page. If something went wrong, say sets it in the data, else say is nil.
func (h *AccountHandler) show(status int, say func(*AccountData)) error {
	user, err := h.User()
	if err != nil {
		return err
	}
	data := AccountData{
		Name: user.Name, Created: user.Created, Roles: user.Roles,
		Recent: h.Session().LoggedInWithin(recent), MinLength: h.Site.Passwords.Shortest(),
	}
	if say != nil {
		say(&data)
	}
	list, err := h.Site.Sessions.UserSessions(h.Context(), "", user.ID)
	if errors.Is(err, errors.ErrUnsupported) {
		data.CannotList = true
	} else if err != nil {
		return unavailable("listing sessions", err)
	}
	data.list(list, h.Session().ID(), h.query("page").Get("page"))
	h.Response.WriteHeader(status)
	return h.Render("account", data)
}

// list sets the sessions of one page. The current one is first.
func (d *AccountData) list(all []sessions.SessionInfo, current, page string) {
	if at := slices.IndexFunc(all, func(i sessions.SessionInfo) bool { return i.ID == current }); at > 0 {
		mine := all[at]
		all = slices.Insert(slices.Delete(all, at, at+1), 0, mine)
	}
	d.Count, d.Pages = len(all), max((len(all)+sessionsOnAPage-1)/sessionsOnAPage, 1)
	d.Page, _ = strconv.Atoi(page)
	d.Page = min(max(d.Page, 1), d.Pages)
	first := (d.Page - 1) * sessionsOnAPage
	for _, info := range all[first:min(first+sessionsOnAPage, len(all))] {
		d.Sessions = append(d.Sessions, AccountSession{
			ID: info.ID, Created: info.Created, Seen: info.Seen, Expires: info.Expires,
			Agent: info.Login.Agent, Address: info.Login.Address, Current: info.ID == current,
		})
	}
}

// More reports whether later pages have sessions, and Before whether earlier ones do.
func (d AccountData) More() bool   { return d.Page < d.Pages }
func (d AccountData) Before() bool { return d.Page > 1 }

// Others reports whether there are sessions other than this one.
func (d AccountData) Others() bool { return d.Count > 1 }

// Next and Previous return the numbers of the next and the previous page.
func (d AccountData) Next() int     { return d.Page + 1 }
func (d AccountData) Previous() int { return d.Page - 1 }
