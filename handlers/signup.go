package handlers

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/sessions"
)

// SignupHandler is the sign-up page: the template "signup", which is given a [LoginData].
// A new user is logged in.
type SignupHandler struct{ BaseHandler }

// Ready also reports what a site needs so that users can sign up.
func (h *SignupHandler) Ready() error {
	if err := readyForUsers(&h.BaseHandler); err != nil {
		return err
	}
	if h.Site.SignUpClosed {
		return errors.New("handlers: Site.SignUpClosed is set, but a route has a SignupHandler: remove one of them")
	}
	return nil
}

// Get shows the form.
func (h *SignupHandler) Get() error {
	return h.Render("signup", h.loginData(h.query("next", unprocessedField)))
}

// Post makes the user. A name that is taken is 409, a name or password that is not allowed
// is 400, and too many sign-ups from one address are 429 with Retry-After. All of these show
// the form again.
func (h *SignupHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	form := h.Request.PostForm
	data := h.loginData(form)
	again := func(status int, field, text string) error {
		data.Field, data.Error = field, text
		h.Response.WriteHeader(status)
		return h.Render("signup", data)
	}
	if wait := h.Site.Throttle.WaitSignUp(h.Request); wait > 0 {
		h.retryAfter(wait)
		h.LogSecurity(RateLimitExceeded, nil, slog.String("reason", "sign-up"), slog.Duration("wait", wait))
		return again(http.StatusTooManyRequests, "", tryAgain(tooManySignUps, wait))
	}
	defer h.Site.Throttle.Done(h.Request)
	user := &auth.User{Name: form.Get("name")}
	err := h.Site.Passwords.SignUp(h.clientContext(), h.Site.Users, user, form.Get("password"))
	invalid, isInvalid := errors.AsType[*auth.InvalidError](err)
	// The Rule is asked last, so it may have looked the password up whatever failed after it.
	asked := errors.Is(err, auth.ErrRule) || h.Site.Passwords.Rule != nil && !isInvalid
	if err == nil || errors.Is(err, auth.ErrExists) || asked {
		h.Site.Throttle.SignedUp(h.Request)
	}
	switch {
	case errors.Is(err, auth.ErrExists):
		return again(http.StatusConflict, "name", "This name is taken. Please choose another one.")
	case isInvalid:
		return again(http.StatusBadRequest, invalid.Field, invalid.Message)
	case errors.Is(err, auth.ErrBusy):
		return again(http.StatusServiceUnavailable, "", h.busy())
	case err != nil:
		return unavailable("signing up", err)
	}
	h.LogIn(user, sessions.Login{Method: methodPassword})
	h.Site.Throttle.Succeeded(h.Response, h.Request, user)
	h.LogSecurity(UserCreated, user)
	h.Flash("Welcome, "+user.Name+".", "success")
	return h.goOn(data)
}
