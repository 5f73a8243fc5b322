package handlers

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
)

// ConfirmHandler is the page that asks a user who is logged in for the password again, for
// [PrivateHandler.RequireRecent]: the template "confirm", which is given a [ConfirmData]. A
// user without a password gets a link by mail.
type ConfirmHandler struct{ PrivateHandler }

// ConfirmData is what the template "confirm" is given. The form sends Next as next, the field
// password, and unprocessed=1 if Unprocessed is set. To get a link by mail instead, it sends
// action=link.
type ConfirmData struct {
	Name        string         // the user
	Next        string         // the path to go to then; if empty, the front page
	HasPassword bool           // if false, the form asks for a link
	CanMail     bool           // the site can send a link
	Unprocessed bool           // a form was sent that needed a recent login, and was not processed
	Error       string         // what went wrong
	Providers   []ProviderData // those with which the user can log in
}

// Ready also reports what a site needs so that users can log in.
func (h *ConfirmHandler) Ready() error {
	if err := h.PrivateHandler.Ready(); err != nil {
		return err
	}
	return readyForUsers(&h.BaseHandler)
}

// Get shows the form.
func (h *ConfirmHandler) Get() error {
	data, _, err := h.data()
	if err != nil {
		return err
	}
	return h.Render("confirm", data)
}

// Post logs in again, which gives the session a new id (OWASP ASVS 5.0, 7.2.4), or sends a
// link. A wrong password is 403, too many of them are 429.
func (h *ConfirmHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	data, user, err := h.data()
	if err != nil {
		return err
	}
	again := func(r *refusal) error {
		data.Error = r.text
		h.Response.WriteHeader(r.status)
		return h.Render("confirm", data)
	}
	if h.Request.PostForm.Get("action") == "link" {
		return h.sendLink(user, data, again)
	}
	refused, err := h.verifyPassword(user, h.Request.PostForm.Get("password"))
	if err != nil {
		return err
	}
	if refused != nil {
		return again(refused)
	}
	how, _ := h.Session().Login() // so that a remembered login stays one
	how.Method = methodPassword
	h.LogIn(user, how)
	h.LogSecurity(LoginSuccess, user)
	return h.goOn(LoginData{Next: data.Next, Unprocessed: data.Unprocessed})
}

func (h *ConfirmHandler) data() (ConfirmData, *auth.User, error) {
	user, err := h.User()
	if err != nil {
		return ConfirmData{}, nil, err
	}
	fields := h.query("next", unprocessedField)
	if h.Request.Method == http.MethodPost {
		fields = h.Request.PostForm
	}
	linked := slices.DeleteFunc(h.providers(user), func(p ProviderData) bool { return p.AuthID == "" })
	return ConfirmData{
		Providers: linked, Name: h.displayName(user), Next: framework.SafeNext(fields.Get("next"), ""), Unprocessed: fields.Get(unprocessedField) != "",
		HasPassword: user.Password != "", CanMail: h.Site.Mail != nil && user.Verified,
	}, user, nil
}

// sendLink mails a link that logs the user in again.
func (h *ConfirmHandler) sendLink(user *auth.User, data ConfirmData, again func(*refusal) error) error {
	if !data.CanMail {
		return h.Abort(http.StatusBadRequest, "There is no address to send a link to.")
	}
	if len(data.Next) > auth.MaxTokenData {
		data.Next = ""
	}
	token, err := h.Site.tokens().Make(auth.LogInByLink, user, data.Next)
	if err != nil {
		return err
	}
	err = h.sendLetter(h.localeOf(user), user.Email, letter{"login", "login-link", auth.LogInByLink, token})
	if framework.Status(err) == http.StatusServiceUnavailable {
		return again(&refusal{http.StatusServiceUnavailable, "", h.mailDown()})
	}
	if err != nil {
		return err
	}
	return h.RedirectTo("sent")
}

// loginText returns what a user types to log in with a password, or "" if there is nothing.
func loginText(user *auth.User) string {
	if user.Name == "" && user.Verified {
		return user.Email
	}
	return user.Name
}

// verifyPassword verifies the password of a user, within the limits of the Throttle, and
// logs a wrong one. It returns a refusal if the form is to be shown again.
func (h *BaseHandler) verifyPassword(user *auth.User, password string) (*refusal, error) {
	name := cmp.Or(loginText(user), user.ID)
	wait, err := h.throttled(name, password, func() error {
		return h.Site.Passwords.Confirm(h.clientContext(), h.Site.Users, user, password)
	})
	switch {
	case wait > 0:
		return &refusal{http.StatusTooManyRequests, "", h.tryAgain(h.tooManyFailures(), wait)}, nil
	case errors.Is(err, auth.ErrCredentials):
		h.logTyped(LoginFail, user, name)
		return &refusal{http.StatusForbidden, "password", h.T("That is not your password.")}, nil
	case err != nil:
		return h.refuse("verifying a password", err)
	}
	return nil, nil
}
