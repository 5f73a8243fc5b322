package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// methodPassword is the [sessions.Login.Method] of a login by password.
const methodPassword = "password"

// LoginHandler is the login page: the template "login", which is given a [LoginData]. A
// login renews the session's id and redirects to the path in the query or form value "next",
// if that is a path of this site, else to the front page.
type LoginHandler struct{ BaseHandler }

// LoginData is what the templates "login" and "signup" are given. The form sends Name as
// name, Next as next, unprocessed=1 if Unprocessed is set, and remember=1 for a login that
// outlives the browser.
type LoginData struct {
	Name        string // as it was typed; empty if it was longer than auth.MaxName
	Next        string // the path to go to after the login; if empty, the front page
	Notice      string // why the visitor is here
	Error       string // what went wrong
	Field       string // the field that Error is about, "name" or "password", or empty
	MinLength   int    // the shortest new password, in characters
	Unprocessed bool   // a form was sent that needed a login, and was not processed
	Remember    bool   // the login shall outlive the browser
	ByEmail     bool   // users can also log in with their mail address
	Providers   []ProviderData
}

// unprocessedField is the form and query value for Unprocessed.
const unprocessedField = "unprocessed"

// formBytes bounds the forms of accounts. Their fields are a name, two passwords and a path,
// which are three times as long when they are escaped.
const formBytes = 16 << 10

// loginData returns what a form shows. Fields are those of the form that was sent, or of the
// query. A name that is too long is not shown again.
func (h *BaseHandler) loginData(fields url.Values) LoginData {
	name := fields.Get("name")
	if len(name) > auth.MaxName || h.Request.Method != http.MethodPost {
		name = ""
	}
	return LoginData{
		Name: name, Next: framework.SafeNext(fields.Get("next"), ""), Unprocessed: fields.Get(unprocessedField) != "",
		MinLength: h.Site.Passwords.Shortest(), Remember: fields.Get("remember") != "", ByEmail: h.Site.Mail != nil,
	}
}

// notice says why a visitor sees the login page, by the session that the browser names. The
// query cannot choose the text, except for those of a logout and of a deleted account.
func (h *BaseHandler) notice(data LoginData) string {
	why := ""
	out := h.query("out")
	switch status := h.Session().Status(); {
	case out.Get("out") == "deleted":
		return h.T("Your account has been deleted.")
	case out.Has("out"):
		return h.T("You are logged out.")
	case status == sessions.StatusExpired:
		why = h.T("Your session has expired. Please log in again.")
	case status == sessions.StatusGone, status == sessions.StatusTampered, status == sessions.StatusUnreadable, h.Session().User() != "":
		why = h.T("Your session has ended. Please log in again.")
	case data.Next != "":
		why = h.T("Please log in to continue.")
	}
	if data.Unprocessed {
		why = strings.TrimSpace(why + " " + h.T("The form that you sent was not processed."))
	}
	return why
}

// goOn redirects a user who has just logged in, and says if a form has to be sent again.
func (h *BaseHandler) goOn(data LoginData) error {
	if data.Unprocessed {
		h.Flash(templates.Lazy("You were not logged in when you sent the last form, so it was not processed. Please send it again."), "warning")
	}
	return h.Redirect(framework.SafeNext(data.Next, h.Prefix()+"/"))
}

// Ready also reports what a site needs so that users can log in.
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

var errNoUsers = errors.New("handlers: Site.Users is nil: set it, on a laptop to auth.NewMemory()")

// Get shows the form. If a user is logged in already, it redirects as Post does.
func (h *LoginHandler) Get() error {
	query := h.query("next", unprocessedField)
	user, err := h.User()
	if err != nil {
		return err
	}
	if user != nil {
		return h.Redirect(framework.SafeNext(query.Get("next"), h.Prefix()+"/"))
	}
	data := h.loginData(query)
	data.Notice = h.notice(data)
	data.Providers = h.providers(nil)
	return h.Render("login", data)
}

// Post logs in. A wrong name or password is 401, too many of those are 429 with Retry-After,
// see [Throttle].
func (h *LoginHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	form := h.Request.PostForm
	name, password := form.Get("name"), form.Get("password")
	data := h.loginData(form)
	var user *auth.User
	wait, err := h.throttled(name, password, func() (err error) {
		user, err = h.Site.Passwords.LogIn(h.clientContext(), h.Site.Users, name, password)
		return err
	})
	switch {
	case wait > 0:
		data.Error = h.tryAgain(h.tooManyFailures(), wait)
		return h.again(http.StatusTooManyRequests, data)
	case errors.Is(err, auth.ErrCredentials):
		if err != auth.ErrCredentials {
			h.logger().WarnContext(h.Context(), "handlers: a login was refused", "error", err)
		}
		h.logFailure(name, password)
		data.Error = h.T("The name or the password is wrong.")
		h.challenge()
		return h.again(http.StatusUnauthorized, data)
	case errors.Is(err, auth.ErrBusy):
		data.Error = h.busy()
		return h.again(http.StatusServiceUnavailable, data)
	case err != nil:
		return unavailable("logging in", err)
	}
	h.LogIn(user, sessions.Login{Method: methodPassword, Remembered: data.Remember})
	h.Site.Throttle.Succeeded(h.Response, h.Request, user)
	h.LogSecurity(LoginSuccess, user)
	h.Flash(templates.Lazy("Welcome back, %(name)s.", "name", h.displayName(user)), "success")
	return h.goOn(data)
}

// again shows the form again.
func (h *LoginHandler) again(status int, data LoginData) error {
	data.Providers = h.providers(nil)
	h.Response.WriteHeader(status)
	return h.Render("login", data)
}

// logFailure logs a wrong name or password, with the user of that name, if there is one. It
// always reads the user, so that the time does not tell whether there is one, unless the
// name or the password is too long to be any user's.
func (h *BaseHandler) logFailure(name, password string) {
	var user *auth.User
	if !tooLong(name, password) {
		if found, err := h.Site.Users.ByLogin(h.Context(), name); err == nil {
			user = found
		}
	}
	h.logTyped(LoginFail, user, name)
}

// throttled calls verify, which verifies a password for name, within the limits of the
// Throttle. A wrong password is counted, and so is a new one that Passwords.Rule refuses,
// because the Rule may have looked it up. If the client has to wait, throttled sets the
// header Retry-After and returns how long, and does not call verify. A name or password
// that is too long to be any user's is auth.ErrCredentials, without work and not counted.
func (h *BaseHandler) throttled(name, password string, verify func() error) (wait time.Duration, err error) {
	if tooLong(name, password) {
		return 0, auth.ErrCredentials
	}
	throttle := &h.Site.Throttle
	wait, reached := throttle.wait(h.Request, name)
	if wait > 0 {
		h.retryAfter(wait)
		h.logTyped(LoginLock, nil, name, slog.String("reason", reached.name), slog.Duration("wait", wait))
		return wait, nil
	}
	defer throttle.Done(h.Request)
	if err = verify(); errors.Is(err, auth.ErrCredentials) || errors.Is(err, auth.ErrRule) {
		throttle.Failed(h.Request, name)
	}
	return 0, err
}

func tooLong(name, password string) bool {
	return len(name) > longestName || len(password) > auth.MaxPassword
}

// clientContext returns the context of the request, with the client's address for
// [auth.Passwords].
func (h *BaseHandler) clientContext() context.Context {
	return auth.WithClient(h.Context(), h.App.ClientIP(h.Request))
}

// busy returns what a page says after an [auth.ErrBusy]; its status is 503. A flood causes
// thousands of them, so they are logged once a minute.
func (h *BaseHandler) busy() string {
	if refused, due := h.Site.busy.due(time.Now()); due {
		h.logger().WarnContext(h.Context(), "handlers: too many passwords to verify at once", "refused", refused)
	}
	h.retryAfter(2 * time.Second)
	return h.T("Too many people are logging in at this moment. Please try again in a few seconds.")
}

// retryAfter sets the header Retry-After (RFC 9110 section 10.2.3).
func (h *BaseHandler) retryAfter(wait time.Duration) {
	h.Response.Header().Set("Retry-After", strconv.Itoa(seconds(wait)))
}

// seconds rounds up.
func seconds(wait time.Duration) int { return int((wait + time.Second - 1) / time.Second) }

// tryAgain returns a sentence and how long to wait.
func (h *BaseHandler) tryAgain(why string, wait time.Duration) string {
	return why + " " + h.N("Try again in a minute.", "Try again in %(num)s minutes.", max((seconds(wait)+59)/60, 1))
}

// The reasons of [BaseHandler.tryAgain].
func (h *BaseHandler) tooManyFailures() string { return h.T("There were too many wrong passwords.") }

func (h *BaseHandler) tooManySignUps() string {
	return h.T("Too many people have signed up from your network.")
}

// query returns the values of the query with these names. It does not parse the others,
// because a map of everything that a stranger can send would take megabytes.
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

// LogoutHandler logs out. It accepts POST only, so that a picture on another site's page
// cannot log out a visitor.
type LogoutHandler struct{ BaseHandler }

// Post ends the session, so that its cookie and record are worthless, and redirects to the
// login page. A flash for that page would begin a new session, so a query value says why.
func (h *LogoutHandler) Post() error {
	if id := h.Session().User(); id != "" {
		h.LogSecurity(SessionExpired, &auth.User{ID: id}, slog.String("reason", "logout"))
	}
	h.Session().Destroy()
	// Chromium's Back shows a page from its cache unless a cookie that scripts cannot read
	// has changed since. For a page that came after the redirect of a login, the change of
	// the session's cookie does not suffice.
	http.SetCookie(h.Response, &http.Cookie{
		Name: "ended", Path: "/", MaxAge: 1,
		HttpOnly: true, Secure: h.App.Scheme(h.Request) == "https", SameSite: http.SameSiteLaxMode,
	})
	return h.RedirectTo("login", "out", "1")
}
