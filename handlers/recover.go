package handlers

import (
	"errors"
	"net/http"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// ForgotHandler is the page for a forgotten password: the template "forgot", which is given
// an [AddressData]. It sends a link to ResetHandler.
type ForgotHandler struct{ addressForm }

// Get shows the form.
func (h *ForgotHandler) Get() error { return h.Render("forgot", AddressData{}) }

// Post sends a mail to the address, with a link to choose a new password, or with the words
// that no account has the address. The response is the same in both cases.
func (h *ForgotHandler) Post() error {
	return h.post("forgot", func(address string, user *auth.User) (letter, error) {
		if user == nil {
			return letter{text: "reset-unknown"}, nil
		}
		token, err := h.Site.tokens().Make(auth.ResetPassword, user, "")
		return letter{"reset", "reset", auth.ResetPassword, token}, err
	})
}

// ResetHandler is the page of the link of ForgotHandler: the template "reset", which is given
// a [FinishData]. The user chooses a new password here.
type ResetHandler struct{ linkPage }

// Get shows the form.
func (h *ResetHandler) Get() error { return h.reset() }

// Post sets the password, ends all sessions of the user, and logs in.
func (h *ResetHandler) Post() error { return h.reset() }

func (h *ResetHandler) reset() error {
	token, err := h.token()
	if err != nil {
		return err
	}
	user, _, err := h.Site.tokens().Verify(h.Context(), h.Site.Users, auth.ResetPassword, token)
	if err != nil {
		return h.failed(err)
	}
	other, err := h.otherUser(user)
	if err != nil {
		return err
	}
	data := FinishData{Token: token, Email: user.Email, Name: user.Name, Other: other, Action: h.action(), MinLength: h.Site.Passwords.Shortest()}
	if h.Request.Method != http.MethodPost {
		return h.Render("reset", data)
	}
	again := func(r *refusal) error {
		data.Field, data.Error = r.field, r.text
		h.Response.WriteHeader(r.status)
		return h.Render("reset", data)
	}
	// The limits of logins do not apply: the link is the way out for a user whom an attack on
	// the name keeps waiting.
	if wait := h.waitForm("reset"); wait > 0 {
		return again(&refusal{http.StatusTooManyRequests, "", h.tryAgain(h.tooManySignUps(), wait)})
	}
	defer h.Site.Throttle.Done(h.Request)
	user, err = h.Site.Passwords.Reset(h.clientContext(), h.Site.Users, h.Site.tokens(), token, h.Request.PostForm.Get("password"))
	if err == nil || h.askedRule(err) {
		h.Site.Throttle.SignedUp(h.Request)
	}
	if errors.Is(err, auth.ErrToken) {
		return h.failed(err)
	}
	if err != nil {
		refused, err := h.refuse("setting a new password", err)
		if err != nil {
			return err
		}
		return again(refused)
	}
	h.endSessions(user)
	h.enter(user, sessions.Login{Method: methodLink}, PasswordChange, templates.Lazy("Your password has been changed, and you are logged in."))
	h.notify("password-changed", user)
	return h.Redirect(h.Prefix() + "/")
}

// endSessions removes all sessions of a user from their backend but the one of this request.
// Those that stay have no user any more, because the user's credential has changed, so that
// an error is only logged.
func (h *BaseHandler) endSessions(user *auth.User) {
	err := h.Site.Sessions.EndUser(h.Context(), "", user.ID, h.Session().ID())
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		h.logger().WarnContext(h.Context(), "handlers: the sessions of a user were not removed", "user", user.ID, "error", err)
	}
}

// EmailHandler is the page of the link that confirms a new address of a user: the template
// "link", which is given a [LinkData]. Like the page of VerifyHandler, it is for the user
// of the link alone.
type EmailHandler struct{ linkPage }

// Get shows the button.
func (h *EmailHandler) Get() error { return h.change() }

// Post sets the address, which is then verified, and sends a notice to the old one. An
// address that another user has got meanwhile is 409.
func (h *EmailHandler) Post() error { return h.change() }

func (h *EmailHandler) change() error {
	token, err := h.token()
	if err != nil {
		return err
	}
	before, address, err := h.Site.tokens().Verify(h.Context(), h.Site.Users, auth.ChangeEmail, token)
	if err != nil {
		return h.failed(err)
	}
	confirmed, err := h.confirmed(before, LinkData{
		Title: h.T("Confirm your address"), Token: token, Action: h.action(), Button: h.T("Confirm"),
		Text: h.T("Use the address %(address)s for the account %(name)s?", "address", address, "name", h.displayName(before)),
	})
	if err != nil || !confirmed {
		return err
	}
	user, err := h.Site.tokens().Use(h.Context(), h.Site.Users, auth.ChangeEmail, token, nil)
	if errors.Is(err, auth.ErrExists) {
		return h.Abort(http.StatusConflict, "This address cannot be used.")
	}
	if err != nil {
		return h.failed(err)
	}
	h.LogSecurity(UserUpdated, user)
	h.notify("email-changed", before)
	h.Flash(templates.Lazy("Your address is %(address)s now.", "address", user.Email), "success")
	return h.RedirectTo("account")
}

// VerifyHandler is the page of the link that verifies the address that a user has already:
// the template "link", which is given a [LinkData]. If the user has a password and is not
// logged in in this browser, the page asks for it, and a user without a password must be
// logged in. Otherwise the owner of a mailbox could be made to verify an account that
// somebody else has made with the address.
type VerifyHandler struct{ linkPage }

// Get shows the button.
func (h *VerifyHandler) Get() error { return h.verify() }

// Post verifies the address. It does not log the user in.
func (h *VerifyHandler) Post() error { return h.verify() }

func (h *VerifyHandler) verify() error {
	token, err := h.token()
	if err != nil {
		return err
	}
	user, _, err := h.Site.tokens().Verify(h.Context(), h.Site.Users, auth.VerifyEmail, token)
	if err != nil {
		return h.failed(err)
	}
	confirmed, err := h.confirmed(user, LinkData{
		Title: h.T("Confirm your address"), Token: token, Action: h.action(), Button: h.T("Confirm"),
		Text: h.T("Is %(address)s your address?", "address", user.Email),
	})
	if err != nil || !confirmed {
		return err
	}
	user, err = h.Site.tokens().Use(h.Context(), h.Site.Users, auth.VerifyEmail, token, nil)
	if errors.Is(err, auth.ErrExists) {
		return h.Abort(http.StatusConflict, "This address cannot be used.")
	}
	if err != nil {
		return h.failed(err)
	}
	h.LogSecurity(UserUpdated, user)
	h.Flash(templates.Lazy("Your address has been confirmed."), "success")
	return h.RedirectTo("account")
}

// confirmed reports whether the user of a link has sent its form: from a browser where the
// user is logged in, or with the user's password. If not, it has rendered the page.
func (h *linkPage) confirmed(user *auth.User, data LinkData) (bool, error) {
	current, err := h.User()
	if err != nil {
		return false, err
	}
	post := h.Request.Method == http.MethodPost
	if current == nil || current.ID != user.ID {
		if user.Password == "" {
			data.Text, data.Button = h.T("Log in as %(name)s, and then open the link again.", "name", h.displayName(user)), ""
			if post {
				h.Response.WriteHeader(http.StatusForbidden)
			}
			return false, h.Render("link", data)
		}
		data.NeedsPassword, data.Name = true, h.displayName(user)
	}
	if !post {
		return false, h.Render("link", data)
	}
	if data.NeedsPassword {
		refused, err := h.verifyPassword(user, h.Request.PostForm.Get("password"))
		if err != nil {
			return false, err
		}
		if refused != nil {
			data.Error = refused.text
			h.Response.WriteHeader(refused.status)
			return false, h.Render("link", data)
		}
	}
	return true, nil
}

// LoginLinkHandler is the page of the link that ConfirmHandler sends: the template "link",
// which is given a [LinkData].
type LoginLinkHandler struct{ linkPage }

// Get shows the button.
func (h *LoginLinkHandler) Get() error { return h.use() }

// Post logs in the user of the link.
func (h *LoginLinkHandler) Post() error { return h.use() }

func (h *LoginLinkHandler) use() error {
	token, err := h.token()
	if err != nil {
		return err
	}
	user, next, err := h.Site.tokens().Verify(h.Context(), h.Site.Users, auth.LogInByLink, token)
	if err != nil {
		return h.failed(err)
	}
	other, err := h.otherUser(user)
	if err != nil {
		return err
	}
	if h.Request.Method != http.MethodPost {
		return h.Render("link", LinkData{
			Title: h.T("Log in"), Token: token, Action: h.action(), Other: other, Button: h.T("Log in"), Text: h.T("Log in as %(name)s?", "name", h.displayName(user)),
		})
	}
	user, err = h.Site.tokens().Use(h.Context(), h.Site.Users, auth.LogInByLink, token, nil)
	if err != nil {
		return h.failed(err)
	}
	before, _ := h.Session().Login()
	remembered := before.Remembered && h.Session().User() == user.ID // a login that is confirmed stays remembered
	h.enter(user, sessions.Login{Method: methodLink, Remembered: remembered}, LoginSuccess, templates.Lazy("You are logged in as %(name)s.", "name", h.displayName(user)))
	return h.Redirect(framework.SafeNext(next, h.Prefix()+"/"))
}
