package handlers

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// AccountHandler is the page where users manage their account: the template "account",
// which is given an [AccountData]. They change their password and their address here, see
// where they are logged in, end their other sessions, and delete their account.
type AccountHandler struct{ PrivateHandler }

// AccountData is what the template "account" is given.
type AccountData struct {
	Name        string // the name of the user, or the address of a user without a name
	Email       string // empty if the user has none
	Verified    bool   // Email is the user's
	CanMail     bool   // the site can send mails, so that the address can be changed
	HasPassword bool   // if false, the user logs in elsewhere
	Created     time.Time
	Roles       []string
	Recent      bool // the login is recent, see PrivateHandler.RequireRecent

	Sessions    []AccountSession // the sessions on this page: the current one, then the newest
	CannotList  bool             // the sessions are in signed cookies or memcached, and cannot be listed
	Count       int              // how many sessions there are
	Page, Pages int              // the number of this page, from 1, and of all pages

	Providers []ProviderData // the logins elsewhere that the user has or can add

	Form      string // the form that Error is about: "password", "email", "providers" or "delete"
	Field     string // its field that Error is about, or empty
	Error     string // what went wrong
	MinLength int    // the shortest new password, in characters
}

// AccountSession is one session of the user.
type AccountSession struct {
	ID                     string // a hash of the session's id, of no use to a reader
	Created, Seen, Expires time.Time
	Browser                string // such as "Firefox on Linux"
	Agent, Address         string // the User-Agent and the address of the login; empty if not known
	Remembered             bool   // the login outlives the browser
	Current                bool   // it is the session of this request
}

// Ready also reports what a site needs so that users can log in.
func (h *AccountHandler) Ready() error {
	if err := h.PrivateHandler.Ready(); err != nil {
		return err
	}
	return readyForUsers(&h.BaseHandler)
}

// Get shows the account.
func (h *AccountHandler) Get() error { return h.show(nil) }

// Post does what the form value "action" says:
//
//	password     changes the password from "old" to "new"
//	email        sends a link to the address "email", and a notice to the old address
//	verify       sends a link to the current address
//	unlink       removes the login elsewhere with the auth id "id"
//	end          ends the session with the id "session"
//	end-others   ends all sessions but this one
//	delete       deletes the account, after "password"
//
// All but password and delete need a recent login, see [PrivateHandler.RequireRecent],
// and so do these two if the user has no password (OWASP ASVS 5.0, 7.5.1 and 7.5.2).
func (h *AccountHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	user, err := h.User()
	if err != nil {
		return err
	}
	form := h.Request.PostForm
	action := form.Get("action")
	switch action {
	case "password", "delete":
		if user.Password != "" {
			break
		}
		fallthrough
	case "email", "verify", "unlink", "end", "end-others":
		if err := h.RequireRecent(); err != nil {
			return err
		}
	}
	switch action {
	case "password":
		return h.changePassword(user, form.Get("old"), form.Get("new"))
	case "email":
		return h.changeEmail(user, form.Get("email"))
	case "verify":
		return h.verifyEmail(user)
	case "unlink":
		return h.unlink(user, form.Get("id"))
	case "end-others":
		return h.ended(h.endOthers(), "others", templates.Lazy("All other sessions have been ended."))
	case "end":
		err := h.Site.Sessions.EndSession(h.Context(), "", user.ID, form.Get("session"))
		return h.ended(err, "one", templates.Lazy("The session has been ended."))
	case "delete":
		return h.deleteAccount(user, form.Get("password"))
	}
	return h.Abort(http.StatusBadRequest, `The form value "action" must be password, email, verify, unlink, end, end-others or delete.`)
}

// sessionsOnAPage is how many sessions the account page lists.
const sessionsOnAPage = 20

// again shows the page with the refusal of a form.
func (h *AccountHandler) again(form string, r *refusal) error {
	return h.show(func(d *AccountData) {
		h.Response.WriteHeader(r.status)
		d.Form, d.Field, d.Error = form, r.field, r.text
	})
}

func (h *AccountHandler) changePassword(user *auth.User, old, new string) error {
	again := func(status int, field, text string) error {
		return h.again("password", &refusal{status, field, text})
	}
	if user.Password == "" && loginText(user) == "" {
		return again(http.StatusConflict, "", h.T("Confirm your mail address first, so that you can log in with it."))
	}
	wait, err := h.throttled(cmp.Or(loginText(user), user.ID), old, func() error {
		if user.Password != "" {
			return h.Site.Passwords.Change(h.clientContext(), h.Site.Users, user, old, new)
		}
		set := user.Clone() // the hash is made once, not in each try of UpdateUser
		if err := h.Site.Passwords.Set(h.clientContext(), set, new); err != nil {
			return err
		}
		return h.UpdateUser(user, func(u *auth.User) error {
			if u.Password != "" {
				return auth.ErrConflict
			}
			u.Password = set.Password
			u.Restamp()
			return nil
		})
	})
	if wait > 0 {
		return again(http.StatusTooManyRequests, "", h.tryAgain(h.tooManyFailures(), wait))
	}
	if invalid, ok := errors.AsType[*auth.InvalidError](err); ok {
		return again(http.StatusBadRequest, "new", h.invalid(invalid))
	}
	switch {
	case errors.Is(err, auth.ErrCredentials):
		h.LogSecurity(PasswordChangeFail, user)
		return again(http.StatusForbidden, "old", h.T("That is not your current password."))
	case errors.Is(err, auth.ErrBusy):
		return again(http.StatusServiceUnavailable, "", h.busy())
	case errors.Is(err, auth.ErrConflict):
		return again(http.StatusConflict, "", h.T("Your account was changed at the same moment. Please try again."))
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
	h.notify("password-changed", user)
	if err := h.endOthers(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return unavailable("ending sessions", err)
	}
	h.Flash(templates.Lazy("Your password has been changed, and your other sessions have been ended."), "success")
	return h.RedirectTo("account")
}

// changeEmail sends a link to a new address and a notice to the old one. Whether another
// account has the new address must not be seen: only the mail to it says so.
func (h *AccountHandler) changeEmail(user *auth.User, typed string) error {
	if h.Site.Mail == nil {
		return h.Abort(http.StatusBadRequest, "This site sends no mails.")
	}
	address, err := auth.ParseEmail(typed)
	if invalid, ok := errors.AsType[*auth.InvalidError](err); ok {
		return h.again("email", &refusal{http.StatusBadRequest, invalid.Field, h.invalid(invalid)})
	}
	if err != nil {
		return err
	}
	if user.Verified && auth.EmailKey(address) == auth.EmailKey(user.Email) {
		return h.again("email", &refusal{http.StatusBadRequest, "email", h.T("This is your address already.")})
	}
	if wait := h.waitForm("mail"); wait > 0 {
		return h.again("email", &refusal{http.StatusTooManyRequests, "", h.tryAgain(h.tooManyMails(), wait)})
	}
	defer h.Site.Throttle.Done(h.Request)
	h.Site.Throttle.SignedUp(h.Request)
	owner, err := h.Site.Users.ByKey(h.Context(), auth.EmailKey(address))
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return unavailable("looking for an address", err)
	}
	token, err2 := h.Site.tokens().Make(auth.ChangeEmail, user, address)
	if err2 != nil {
		return err2
	}
	l, reader := letter{"email", "email", auth.ChangeEmail, token}, user
	if err == nil && owner.ID != user.ID {
		l, address, reader = letter{text: "email-known"}, owner.Email, owner
	}
	if err := h.sendLetter(h.localeOf(reader), address, l); err != nil {
		return h.mailFailed("email", err)
	}
	h.notify("email-notice", user)
	return h.RedirectTo("sent")
}

// verifyEmail sends a link that verifies the address of the user.
func (h *AccountHandler) verifyEmail(user *auth.User) error {
	if h.Site.Mail == nil || user.Email == "" || user.Verified {
		return h.Abort(http.StatusBadRequest, "There is no address to confirm.")
	}
	token, err := h.Site.tokens().Make(auth.VerifyEmail, user, "")
	if err != nil {
		return err
	}
	if err := h.sendLetter(h.localeOf(user), user.Email, letter{"verify", "verify", auth.VerifyEmail, token}); err != nil {
		return h.mailFailed("email", err)
	}
	return h.RedirectTo("sent")
}

// mailFailed shows the page if a mail could not be sent.
func (h *AccountHandler) mailFailed(form string, err error) error {
	if framework.Status(err) != http.StatusServiceUnavailable {
		return err
	}
	h.logger().ErrorContext(h.Context(), "handlers: a mail was not sent", "mail", form, "error", err)
	h.retryAfter(time.Minute)
	return h.again(form, &refusal{http.StatusServiceUnavailable, "", h.mailDown()})
}

// deleteAccount deletes the user with all sessions.
func (h *AccountHandler) deleteAccount(user *auth.User, password string) error {
	if user.Password != "" {
		refused, err := h.verifyPassword(user, password)
		if err != nil {
			return err
		}
		if refused != nil {
			return h.again("delete", refused)
		}
	}
	if h.Site.OnDelete != nil {
		if err := h.Site.OnDelete(h.Context(), user); err != nil {
			return unavailable("deleting an account", err)
		}
	}
	for tries := 1; ; tries++ {
		err := h.Site.Users.Delete(h.Context(), user)
		if err == nil || errors.Is(err, auth.ErrNotFound) {
			break
		}
		if !errors.Is(err, auth.ErrConflict) || tries == 10 {
			return unavailable("deleting an account", err)
		}
		now, err := h.Site.Users.ByID(h.Context(), user.ID)
		if errors.Is(err, auth.ErrNotFound) {
			break
		}
		if err != nil {
			return unavailable("deleting an account", err)
		}
		*user = *now
	}
	h.endSessions(user)
	h.Session().Destroy()
	h.LogSecurity(UserDeleted, &auth.User{ID: user.ID})
	h.notify("deleted", user)
	return h.RedirectTo("login", "out", "deleted")
}

// endOthers ends every session of the user but this one. If this one is renewed when the
// response is sent, its new record is made later, and stays.
func (h *AccountHandler) endOthers() error {
	session := h.Session()
	return h.Site.Sessions.EndUser(h.Context(), "", session.User(), session.ID())
}

// ended says whether sessions were ended, and logs it.
func (h *AccountHandler) ended(err error, which string, done templates.Message) error {
	switch {
	case errors.Is(err, sessions.ErrNotFound):
		h.Flash(templates.Lazy("That session has ended already."), "info")
	case errors.Is(err, errors.ErrUnsupported):
		h.Flash(templates.Lazy("This site cannot list your logins. To end them all, change your password."), "warning")
	case err != nil:
		return unavailable("ending sessions", err)
	default:
		h.LogSecurity(SessionExpired, &auth.User{ID: h.Session().User()}, slog.String("reason", "ended by the user"), slog.String("sessions", which))
		h.Flash(done, "success")
	}
	return h.RedirectTo("account")
}

// show renders the page. If something went wrong, say sets it in the response and the data,
// else say is nil.
func (h *AccountHandler) show(say func(*AccountData)) error {
	user, err := h.User()
	if err != nil {
		return err
	}
	data := AccountData{
		Name: h.displayName(user), Email: user.Email, Verified: user.Verified, Created: user.Created, Roles: user.Roles,
		CanMail: h.Site.Mail != nil, HasPassword: user.Password != "", Recent: h.IsRecent(),
		MinLength: h.Site.Passwords.Shortest(), Providers: h.providers(user),
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
	data.list(h.Locale(), list, h.Session().ID(), h.query("page").Get("page"))
	return h.Render("account", data)
}

// list sets the sessions of one page. The current one is first.
func (d *AccountData) list(l templates.Locale, all []sessions.SessionInfo, current, page string) {
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
			Browser: browserName(l, info.Login.Agent), Agent: info.Login.Agent, Address: info.Login.Address,
			Remembered: info.Login.Remembered, Current: info.ID == current,
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
