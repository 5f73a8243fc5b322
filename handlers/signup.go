package handlers

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// SignupHandler is the page of [SignUpOpen]: the template "signup", which is given a
// [LoginData]. A new user is logged in.
type SignupHandler struct{ BaseHandler }

// Ready also reports what a site needs so that users can sign up.
func (h *SignupHandler) Ready() error {
	if err := readyForUsers(&h.BaseHandler); err != nil {
		return err
	}
	if h.Site.SignUp != SignUpOpen {
		return errors.New("handlers: Site.SignUp is not SignUpOpen, but a route has a SignupHandler: remove the route, or change Site.SignUp")
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
	user := &auth.User{Name: form.Get("name")}
	refused, err := h.create(user, form.Get("password"))
	if err != nil {
		return err
	}
	if refused != nil {
		data.Field, data.Error = refused.field, refused.text
		h.Response.WriteHeader(refused.status)
		return h.Render("signup", data)
	}
	h.enter(user, sessions.Login{Method: methodPassword}, UserCreated, h.welcome(user))
	return h.goOn(data)
}

// A refusal is why a form is shown again.
type refusal struct {
	status      int
	field, text string
}

// create makes a user with a password, within the limits of the Throttle. It returns a
// refusal if the form is to be shown again.
func (h *BaseHandler) create(user *auth.User, password string) (*refusal, error) {
	if wait := h.waitForm("sign-up"); wait > 0 {
		return &refusal{http.StatusTooManyRequests, "", h.tryAgain(h.tooManySignUps(), wait)}, nil
	}
	defer h.Site.Throttle.Done(h.Request)
	if err := h.KeepLanguage(user); err != nil {
		return nil, err
	}
	err := h.Site.Passwords.SignUp(h.clientContext(), h.Site.Users, user, password)
	if err == nil || errors.Is(err, auth.ErrExists) || h.askedRule(err) {
		h.Site.Throttle.SignedUp(h.Request)
	}
	if exists, ok := errors.AsType[*auth.ExistsError](err); ok {
		if exists.Field() == "name" {
			return &refusal{http.StatusConflict, "name", h.T("This name is taken. Please choose another one.")}, nil
		}
		return &refusal{http.StatusConflict, "", h.T("This link has been used already. Please log in.")}, nil
	}
	if err != nil {
		return h.refuse("signing up", err)
	}
	return nil, nil
}

// askedRule reports whether Passwords.Rule may have looked up a new password, by the error of
// setting it. The Rule is asked after all other rules.
func (h *BaseHandler) askedRule(err error) bool {
	_, invalid := errors.AsType[*auth.InvalidError](err)
	return errors.Is(err, auth.ErrRule) || h.Site.Passwords.Rule != nil && !invalid
}

// invalid returns what a form says of an InvalidError.
func (h *BaseHandler) invalid(err *auth.InvalidError) string {
	if err.ID == "" {
		return h.said(err.Message)
	}
	return h.T(err.ID, err.Pairs...)
}

// welcome greets a new user.
func (h *BaseHandler) welcome(user *auth.User) templates.Message {
	return templates.Lazy("Welcome, %(name)s.", "name", h.displayName(user))
}

// refuse turns the error of setting a password into a refusal, or returns it.
func (h *BaseHandler) refuse(doing string, err error) (*refusal, error) {
	if invalid, ok := errors.AsType[*auth.InvalidError](err); ok {
		return &refusal{http.StatusBadRequest, invalid.Field, h.invalid(invalid)}, nil
	}
	if errors.Is(err, auth.ErrBusy) {
		return &refusal{http.StatusServiceUnavailable, "", h.busy()}, nil
	}
	return nil, unavailable(doing, err)
}

// enter logs in a user who has just proved to be that user, and says so.
func (h *BaseHandler) enter(user *auth.User, how sessions.Login, event SecurityEvent, message templates.Message) {
	h.LogIn(user, how)
	h.Site.Throttle.Succeeded(h.Response, h.Request, user)
	h.LogSecurity(event, user)
	h.Flash(message, "success")
}

// SignupByEmailHandler is the page of [SignUpByEmail]: the template "signup-email", which is
// given an [AddressData]. It sends a link to SignupFinishHandler. Nothing is stored before
// that link is used.
type SignupByEmailHandler struct{ addressForm }

// Get shows the form.
func (h *SignupByEmailHandler) Get() error {
	return h.Render("signup-email", AddressData{Next: h.next(h.query("next"))})
}

// Post sends a mail to the address, with a link to sign up, or with a link to choose a new
// password if the address has an account. The response is the same in both cases.
func (h *SignupByEmailHandler) Post() error {
	return h.post("signup-email", func(address string, user *auth.User) (letter, error) {
		if user != nil {
			token, err := h.Site.tokens().Make(auth.ResetPassword, user, "")
			return letter{"signup-known", "reset", auth.ResetPassword, token}, err
		}
		token, err := h.Site.tokens().MakeFor(auth.SignUpByEmail, address, h.next(h.Request.PostForm))
		return letter{"signup", "signup-finish", auth.SignUpByEmail, token}, err
	})
}

// FinishData is what the templates "signup-finish" and "reset" are given. The form sends
// Token as t, Name as name, if the user can choose it, and the field password.
type FinishData struct {
	Token     string
	Email     string // the address that the link was sent to
	Name      string // for a sign-up as it was typed, else the user's
	Other     string // the name of another user who is logged in in this browser, or empty
	Action    string // the path to send the form to, without the token
	MinLength int    // the shortest new password, in characters
	Error     string // what went wrong
	Field     string // the field that Error is about, "name" or "password", or empty
}

// SignupFinishHandler is the page of the link of [SignUpByEmail]: the template
// "signup-finish", which is given a [FinishData]. The owner of the mailbox chooses a password
// here and, if they want, a name. The new user is logged in.
type SignupFinishHandler struct{ linkPage }

// Get shows the form.
func (h *SignupFinishHandler) Get() error { return h.finish(auth.SignUpByEmail) }

// Post makes the user, whose address is verified.
func (h *SignupFinishHandler) Post() error { return h.finish(auth.SignUpByEmail) }

// finish is the form of a link that makes a user, and what it sends.
func (h *linkPage) finish(purpose auth.Purpose) error {
	token, err := h.token()
	if err != nil {
		return err
	}
	address, extra, err := h.Site.tokens().VerifyFor(purpose, token)
	if err != nil {
		return h.failed(err)
	}
	other, err := h.otherUser(nil)
	if err != nil {
		return err
	}
	data := FinishData{Token: token, Email: address, Other: other, Action: h.action(), MinLength: h.Site.Passwords.Shortest()}
	if h.Request.Method != http.MethodPost {
		return h.Render("signup-finish", data)
	}
	form := h.Request.PostForm
	if data.Name = form.Get("name"); len(data.Name) > auth.MaxName {
		data.Name = ""
	}
	user := &auth.User{Name: strings.TrimSpace(form.Get("name")), Email: address, Verified: true}
	if purpose.Name == auth.Invite.Name {
		i, err := h.invitation(extra)
		if err == nil {
			err = i.accept(user)
		}
		if err != nil {
			return h.failed(err)
		}
	}
	refused, err := h.create(user, form.Get("password"))
	if err != nil {
		return err
	}
	if refused != nil {
		data.Field, data.Error = refused.field, refused.text
		h.Response.WriteHeader(refused.status)
		return h.Render("signup-finish", data)
	}
	h.enter(user, sessions.Login{Method: methodLink}, UserCreated, h.welcome(user))
	if purpose.Name == auth.Invite.Name {
		extra = "" // who has invited
	}
	return h.Redirect(framework.SafeNext(extra, h.Prefix()+"/"))
}

// methodLink is the [sessions.Login.Method] of a login by a link in a mail.
const methodLink = "link"

// Invite sends an invitation to an address, from the user who is logged in. Whoever has the
// mailbox makes an account with it, or adds the roles to their account, which ends this and
// all older invitations of the account. The inviter must have each of the roles, also when
// the invitation is used.
//
// An address that cannot be used is an *[auth.InvalidError]. The error has status 401 if
// nobody is logged in, 403 if the inviter does not have a role, 429 if the address has got
// too many mails, and 503 if the mail cannot be sent. The site needs Mail.
func (h *BaseHandler) Invite(address string, roles ...string) error {
	address, err := auth.ParseEmail(address)
	if err != nil {
		return err
	}
	inviter, err := h.User()
	if err != nil {
		return err
	}
	switch {
	case inviter == nil:
		return framework.Abort(http.StatusUnauthorized, "Log in first.")
	case !hasAll(inviter, roles):
		return framework.Abort(http.StatusForbidden, "You can only give roles that you have.")
	case h.Site.Mail == nil:
		return errNoMail
	}
	data := append([]string{inviter.ID, strconv.FormatInt(time.Now().UnixMicro(), 10)}, roles...)
	token, err := h.Site.tokens().MakeFor(auth.Invite, address, strings.Join(data, "\n"))
	if err != nil {
		return err
	}
	link, err := h.mailLink("invitation", token)
	if err != nil {
		return err
	}
	if wait := h.Site.Throttle.WaitMail(h.Context(), address); wait > 0 {
		h.retryAfter(wait)
		return framework.Abort(http.StatusTooManyRequests, h.tryAgain(h.T("This address has got too many mails."), wait))
	}
	return h.send(h.Locale(), "invite", address, MailData{Link: link, Life: lifeText(h.Locale(), auth.Invite.Life)})
}

func hasAll(user *auth.User, roles []string) bool {
	for _, role := range roles {
		if !user.Has(role) {
			return false
		}
	}
	return true
}

// An invitation is what its token says.
type invitation struct {
	made  int64 // in microseconds since 1970
	roles []string
}

// invitation returns the invitation that a token has as its data, or auth.ErrToken if the
// inviter must not give its roles any more.
func (h *BaseHandler) invitation(data string) (invitation, error) {
	parts := strings.Split(data, "\n")
	if len(parts) < 2 {
		return invitation{}, auth.ErrToken
	}
	made, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return invitation{}, auth.ErrToken
	}
	inviter, err := h.Site.Users.ByID(h.Context(), parts[0])
	if errors.Is(err, auth.ErrNotFound) {
		return invitation{}, auth.ErrToken
	}
	if err != nil {
		return invitation{}, unavailable("reading the inviter", err)
	}
	if inviter.Disabled || !hasAll(inviter, parts[2:]) {
		return invitation{}, auth.ErrToken
	}
	return invitation{made, parts[2:]}, nil
}

// invitedProperty is the property of a user with the time of the newest invitation that the
// user has accepted. Without it, an invitation would give back a role that was taken away.
const invitedProperty = "webapp2go.invited"

// wasUsed reports whether the user has accepted this invitation or a newer one.
func (i invitation) wasUsed(user *auth.User) bool {
	last, ok := auth.Get[int64](user, invitedProperty)
	return ok && i.made <= last
}

// accept gives the user the roles, or returns auth.ErrToken.
func (i invitation) accept(user *auth.User) error {
	if i.wasUsed(user) {
		return auth.ErrToken
	}
	for _, role := range i.roles {
		if !user.Has(role) {
			user.Roles = append(user.Roles, role)
		}
	}
	return user.Set(invitedProperty, i.made)
}

// InvitationHandler is the page of the link of an invitation. Somebody without an account
// makes one, as with SignupFinishHandler. The user who has the address, and is logged in,
// accepts with a button: the template "link", which is given a [LinkData].
type InvitationHandler struct{ linkPage }

// Get shows the form.
func (h *InvitationHandler) Get() error { return h.accept() }

// Post accepts the invitation.
func (h *InvitationHandler) Post() error { return h.accept() }

func (h *InvitationHandler) accept() error {
	token, err := h.token()
	if err != nil {
		return err
	}
	address, extra, err := h.Site.tokens().VerifyFor(auth.Invite, token)
	if err != nil {
		return h.failed(err)
	}
	owner, err := h.Site.Users.ByKey(h.Context(), auth.EmailKey(address))
	if errors.Is(err, auth.ErrNotFound) {
		return h.finish(auth.Invite)
	}
	if err != nil {
		return unavailable("looking for an address", err)
	}
	user, err := h.User()
	if err != nil {
		return err
	}
	data := LinkData{Title: h.T("Invitation"), Token: token, Action: h.action()}
	if user == nil || user.ID != owner.ID {
		data.Text = h.T("An account has the address %(address)s. Log in with it, and then open the link again.", "address", owner.Email)
		return h.Render("link", data)
	}
	i, err := h.invitation(extra)
	if err == nil && i.wasUsed(user) {
		err = auth.ErrToken
	}
	if err != nil {
		return h.failed(err)
	}
	if h.Request.Method != http.MethodPost {
		data.Text, data.Button = h.T("Accept the invitation with your account %(name)s?", "name", h.displayName(user)), h.T("Accept")
		return h.Render("link", data)
	}
	if err := h.UpdateUser(owner, i.accept); err != nil {
		return h.failed(err)
	}
	h.LogSecurity(UserUpdated, user)
	h.Flash(templates.Lazy("You have accepted the invitation."), "success")
	return h.Redirect(h.Prefix() + "/")
}
