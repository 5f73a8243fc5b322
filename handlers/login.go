package handlers

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
)

// methodPassword is the [sessions.Login.Method] of whoever has given a password.
const methodPassword = "password"

// LoginHandler is the page to log in at: the template "login", which is given a
// [LoginData]. A login renews the session's id and leads to the page that the query
// or form value "next" names, if that is a path of this site, else to its front page.
type LoginHandler struct{ BaseHandler }

// LoginData is what the templates "login" and "signup" are given. The form sends Name as
// name, Next as next, and Unsent, if it is set, as unsent.
type LoginData struct {
	Name      string // as it was typed; empty if it was longer than auth.MaxName
	Next      string // where to go then; empty: to the front page
	Notice    string // why one is here
	Error     string // what went wrong
	Field     string // at which field: "name" or "password"; empty: at none of its own
	MinLength int    // the fewest characters of a new password
	Unsent    bool   // a form was sent that needed a login, and was not processed
}

// unsentField is the field, and the query value, that says Unsent.
const unsentField = "unsent"

// formBytes bounds the forms of accounts: their fields are a name, two passwords and a
// path, which can be three times as long when they are escaped.
const formBytes = 16 << 10

// loginData is what a form shows again, or first, of its fields: those that were sent, or
// those of the query. A name that is too long is not shown.
func (h *BaseHandler) loginData(fields url.Values) LoginData {
	name := fields.Get("name")
	if len(name) > auth.MaxName || h.Request.Method != http.MethodPost {
		name = ""
	}
	return LoginData{
		Name: name, Next: framework.SafeNext(fields.Get("next"), ""), Unsent: fields.Get(unsentField) != "",
		MinLength: h.Site.Passwords.Shortest(),
	}
}

// whyHere says why somebody is at the login page who asked for another, by the session that
// the browser still names. The query cannot choose what is said but the logout.
func (h *BaseHandler) whyHere(data LoginData) string {
	why := ""
	switch status := h.Session().Status(); {
	case h.query("out").Has("out"):
		return "You are logged out."
	case status == sessions.StatusExpired:
		why = "Your session has expired. Please log in again."
	case status == sessions.StatusGone, status == sessions.StatusTampered, status == sessions.StatusUnreadable, h.Session().User() != "":
		why = "Your session has ended. Please log in again."
	case data.Next != "":
		why = "Please log in to go on."
	}
	if data.Unsent {
		why = strings.TrimSpace(why + " The form that you have sent was not processed.")
	}
	return why
}

// goOn leads somebody who has just logged in to where he was going, and says there if a
// form is to be sent again.
func (h *BaseHandler) goOn(data LoginData) error {
	if data.Unsent {
		h.Flash("You were not logged in when you sent the last form, so it was not processed. Please send it again.", "warning")
	}
	return h.Redirect(framework.SafeNext(data.Next, h.Prefix()+"/"))
}

// Ready reports what a site needs that lets people log in.
func (h *LoginHandler) Ready() error { return readyForUsers(&h.BaseHandler) }

func readyForUsers(h *BaseHandler) error {
	if err := h.Ready(); err != nil {
		return err
	}
	switch {
	case h.Site.Templates == nil:
		return errNoTemplates
	case h.Site.Users == nil:
		return errNoUsers
	}
	return h.Site.Passwords.Check()
}

var errNoUsers = errors.New("handlers: Site.Users is nil: nobody could log in; auth.NewMemory will do for a laptop")

// Get shows the form, or goes on at once with somebody who is logged in.
func (h *LoginHandler) Get() error {
	query := h.query("next", unsentField)
	user, err := h.User()
	if err != nil {
		return err
	}
	if user != nil {
		return h.Redirect(framework.SafeNext(query.Get("next"), h.Prefix()+"/"))
	}
	data := h.loginData(query)
	data.Notice = h.whyHere(data)
	return h.Render("login", data)
}

// Post logs in. Name and password that do not fit are 401, and so is an unknown name;
// too many of those are 429 with Retry-After, see [Throttle].
func (h *LoginHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	form := h.Request.PostForm
	name := form.Get("name")
	data := h.loginData(form)
	var user *auth.User
	wait, err := h.checkPassword(name, form.Get("password"), func() (err error) {
		user, err = h.Site.Passwords.LogIn(h.clientContext(), h.Site.Users, name, form.Get("password"))
		return err
	})
	if wait > 0 {
		data.Error = tryAgain(tooManyFailures, wait)
		return h.again(http.StatusTooManyRequests, data)
	}
	if errors.Is(err, auth.ErrCredentials) {
		if err != auth.ErrCredentials {
			h.logger().WarnContext(h.Context(), "handlers: a login was refused", "error", err)
		}
		h.logFailure(name, form.Get("password"))
		data.Error = "This name and this password do not fit together."
		return h.again(http.StatusUnauthorized, data)
	}
	if errors.Is(err, auth.ErrBusy) {
		data.Error = h.busy()
		return h.again(http.StatusServiceUnavailable, data)
	}
	if err != nil {
		return unavailable("logging in", err)
	}
	h.LogIn(user, sessions.Login{Method: methodPassword})
	h.Site.Throttle.Known(h.Response, h.Request, user)
	h.LogSecurity(LoginSuccess, user)
	h.Flash("Welcome back, "+user.Name+".", "success")
	return h.goOn(data)
}

// query returns what the query has of these names. It looks for them alone: a map of all
// that a stranger can send would take megabytes.
func (h *BaseHandler) query(names ...string) url.Values {
	found := url.Values{}
	for field := range strings.SplitSeq(h.Request.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(field, "=")
		if !slices.Contains(names, name) || found.Has(name) {
			continue
		}
		if value, err := url.QueryUnescape(value); err == nil {
			found.Set(name, value)
		}
	}
	return found
}

// again shows the form once more.
func (h *LoginHandler) again(status int, data LoginData) error {
	if status == http.StatusUnauthorized {
		h.challenge()
	}
	h.Response.WriteHeader(status)
	return h.Render("login", data)
}

// challenge says how to log in, which every 401 must (RFC 9110 section 11.6.1): by a
// cookie, for which there is no registered scheme. Browsers show nothing for it.
func (h *BaseHandler) challenge() { h.Response.Header().Set("WWW-Authenticate", "Cookie") }

// LogoutHandler logs out, by POST only: a picture on another page must not be able to.
type LogoutHandler struct{ BaseHandler }

// Post destroys the session, whose cookie and record are then worth nothing, and goes
// to the login page. A message for that page would need a session again, so the
// address says it.
func (h *LogoutHandler) Post() error {
	if id := h.Session().User(); id != "" {
		h.LogSecurity(SessionExpired, &auth.User{ID: id}, slog.String("reason", "logout"))
	}
	h.Session().Destroy()
	// Chromium shows a page of its back/forward cache again unless a cookie that scripts
	// cannot read has changed since. Of a page that the redirect of a login led to it
	// counts one change too few, so that the session's cookie alone is not enough.
	http.SetCookie(h.Response, &http.Cookie{
		Name: "ended", Path: "/", MaxAge: 1,
		HttpOnly: true, Secure: h.App.Scheme(h.Request) == "https", SameSite: http.SameSiteLaxMode,
	})
	return h.RedirectTo("login", "out", "1")
}
