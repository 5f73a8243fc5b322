package handlers

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/sessions"
)

// SignupHandler is the page to become a user at: the template "signup", which is given
// a [LoginData]. Who has signed up is logged in.
type SignupHandler struct{ BaseHandler }

// Ready reports what a site needs that lets people sign up.
func (h *SignupHandler) Ready() error {
	if err := readyForUsers(&h.BaseHandler); err != nil {
		return err
	}
	if h.Site.SignUpClosed {
		return errors.New("handlers: Site.SignUpClosed is set and a route leads to a SignupHandler: leave one of them out")
	}
	return nil
}

// Get shows the form.
func (h *SignupHandler) Get() error {
	return h.Render("signup", h.loginData(h.query("next", unsentField)))
}

// Post makes the user. A name that is taken is 409, a name or a password that cannot
// be is 400, too many from one address are 429 with Retry-After; all show the form again.
func (h *SignupHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	form := h.Request.PostForm
	name := form.Get("name")
	data := h.loginData(form)
	if wait := h.Site.Throttle.WaitSignUp(h.Request); wait > 0 {
		h.retryAfter(wait)
		h.LogSecurity(RateLimitExceeded, nil, slog.String("reason", "sign-up"), slog.Duration("wait", wait))
		data.Error = tryAgain(tooManySignUps, wait)
		h.Response.WriteHeader(http.StatusTooManyRequests)
		return h.Render("signup", data)
	}
	defer h.Site.Throttle.Done(h.Request)
	user, err := h.Site.Passwords.SignUp(h.clientContext(), h.Site.Users, name, form.Get("password"))
	invalid, isInvalid := errors.AsType[*auth.InvalidError](err)
	// The Rule is asked last: whatever fails after it, it may have looked the password up.
	asked := errors.Is(err, auth.ErrRule) || h.Site.Passwords.Rule != nil && !isInvalid
	if err == nil || errors.Is(err, auth.ErrExists) || asked {
		h.Site.Throttle.SignedUp(h.Request)
	}
	if errors.Is(err, auth.ErrExists) {
		data.Error, data.Field = "Somebody has this name already. Please choose another.", "name"
		h.Response.WriteHeader(http.StatusConflict)
		return h.Render("signup", data)
	}
	if isInvalid {
		data.Error, data.Field = invalid.Message, invalid.Field
		h.Response.WriteHeader(http.StatusBadRequest)
		return h.Render("signup", data)
	}
	if errors.Is(err, auth.ErrBusy) {
		data.Error = h.busy()
		h.Response.WriteHeader(http.StatusServiceUnavailable)
		return h.Render("signup", data)
	}
	if err != nil {
		return unavailable("signing up", err)
	}
	h.LogIn(user, sessions.Login{Method: methodPassword})
	h.Site.Throttle.Known(h.Response, h.Request, user)
	h.LogSecurity(UserCreated, user)
	h.Flash("Welcome, "+user.Name+".", "success")
	return h.goOn(data)
}
