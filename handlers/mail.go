package handlers

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/mail"
	"github.com/webapp2go/webapp2go/templates"
)

// MailData is what the texts of mails are given, see [Site.MailTexts].
type MailData struct {
	Site string // Site.Name, or the host of App.BaseURL
	Home string // App.BaseURL
	Link string // the link that the mail is about, or empty
	Life string // how long the link works, such as "1 hour", in the language of the mail
	// User is the name of the user. It is empty in mails to an address that is not yet
	// verified: those contain nothing that a visitor has typed, so that nobody can send
	// advertisements with them.
	User string
	// Time, Browser and Address say when and from where a notice was caused.
	Time, Browser, Address string
}

// The built-in texts of mails.
//
//go:embed mails
var builtinMails embed.FS

// mailTimeout is how long sending a mail may take.
const mailTimeout = 15 * time.Second

// checkMail reports what a site needs so that it can send mails.
func (s *Site) checkMail(app *framework.App) error {
	switch {
	case s.Mail == nil && (s.SignUp == SignUpByEmail || s.SignUp == SignUpByInvitation):
		return errors.New("handlers: Site.SignUp needs mails, but Site.Mail is nil: set it, on a laptop to new(mail.Outbox)")
	case s.Mail == nil:
		return nil
	case app.BaseURL == "":
		return errors.New(`handlers: Site.Mail is set, but App.BaseURL is not: set it, like "https://www.example.com", so that links in mails lead to this site whatever Host a request names`)
	}
	_, err := s.mails()
	return err
}

// mails returns the texts of mails in each language, by its name, and those of the first
// language by "". They are parsed once.
func (s *Site) mails() (map[string]*mail.Templates, error) {
	s.mailOnce.Do(func() {
		locales := []templates.Locale{templates.English}
		if languages := s.languages(); languages != nil {
			locales = languages.Languages()
		}
		inside, err := fs.Sub(builtinMails, "mails")
		s.mailTemplates = map[string]*mail.Templates{}
		for _, l := range locales {
			if err != nil {
				break
			}
			funcs := l.Funcs()
			funcs["wrap"] = wrap
			s.mailTemplates[l.Name()], err = mail.ParseTemplates(overlay{s.MailTexts, inside}, funcs)
		}
		s.mailTemplates[""] = s.mailTemplates[locales[0].Name()]
		if err != nil {
			s.mailErr = fmt.Errorf("handlers: the texts of mails: %w", err)
		}
	})
	return s.mailTemplates, s.mailErr
}

// mailWidth is the longest line of a mail, in characters, unless a word is longer.
const mailWidth = 76

// wrap puts the words of a text into lines of mailWidth. A no-break space, as French has before
// a question mark, is in a word.
func wrap(text string) string {
	var out strings.Builder
	width := 0
	breaks := func(c rune) bool { return unicode.IsSpace(c) && c != '\u00a0' && c != '\u202f' }
	for i, word := range strings.FieldsFunc(text, breaks) {
		switch n := utf8.RuneCountInString(word); {
		case i == 0:
			width = n
		case width+1+n > mailWidth:
			out.WriteByte('\n')
			width = n
		default:
			out.WriteByte(' ')
			width += 1 + n
		}
		out.WriteString(word)
	}
	return out.String()
}

// An overlay is the files of two folders. A file of the first, which may be nil, replaces one
// of the second with the same name.
type overlay struct{ over, under fs.FS }

// Open opens a file.
func (o overlay) Open(name string) (fs.File, error) {
	if o.over != nil {
		if file, err := o.over.Open(name); !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
	}
	return o.under.Open(name)
}

// ReadDir lists the files of both folders.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(o.under, name)
	if err != nil || o.over == nil {
		return all, err
	}
	over, err := fs.ReadDir(o.over, name)
	for _, entry := range over {
		same := func(e fs.DirEntry) bool { return e.Name() == entry.Name() }
		all = append(slices.DeleteFunc(all, same), entry)
	}
	return all, err
}

// tokens returns what makes and verifies the tokens in the links of mails.
func (s *Site) tokens() *auth.Tokens {
	s.tokensOnce.Do(func() { s.tokensMade = auth.NewTokens(s.Sessions.Derive("one-time tokens")) })
	return s.tokensMade
}

// mailLink returns the absolute URL of a route with a token.
func (h *BaseHandler) mailLink(route, token string) (string, error) {
	u, err := h.App.AbsoluteURL(route)
	if err != nil {
		return "", err
	}
	u.RawQuery = url.Values{"t": {token}}.Encode()
	return u.String(), nil
}

// send sends a mail in a language. The error of a mail server that does not respond has status 503. An
// address that its server refuses is logged and not returned, because a page that showed it
// would tell whether a mailbox exists.
func (h *BaseHandler) send(l templates.Locale, text, to string, data MailData) error {
	texts, err := h.Site.mails()
	if err != nil {
		return err
	}
	data.Home, data.Site = h.App.BaseURL, h.Site.Name
	if base, err := url.Parse(h.App.BaseURL); err == nil && data.Site == "" {
		data.Site = base.Host
	}
	message, err := cmp.Or(texts[l.Name()], texts[""]).Message(text, to, data)
	if err != nil {
		return err
	}
	// A client that hangs up must not be able to stop a mail.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.Context()), mailTimeout)
	defer cancel()
	err = h.Site.Mail.Send(ctx, message)
	switch {
	case errors.Is(err, mail.ErrLimit):
		h.LogSecurity(RateLimitExceeded, nil, slog.String("reason", "mails to one address"))
	case errors.Is(err, mail.ErrRefused):
		h.logger().WarnContext(ctx, "handlers: the server of an address refuses a mail", "mail", text, "id", h.Response.RequestID())
	case err != nil:
		return &framework.Error{Code: http.StatusServiceUnavailable, Message: h.mailDown(), Err: fmt.Errorf("handlers: sending a mail: %w", err)}
	}
	return nil
}

// mailDown is what a form says if the mail server does not respond.
func (h *BaseHandler) mailDown() string {
	return h.T("We cannot send mail at this moment. Please try again in a few minutes.")
}

// notify sends a user a notice of a change, if the site sends mails and the address is
// verified. The change has been made, so that an error is only logged.
func (h *BaseHandler) notify(text string, user *auth.User) {
	if h.Site.Mail == nil || !user.Verified {
		return
	}
	l := h.localeOf(user)
	data := h.noticeData(l)
	data.User = DisplayName(user) // who has an address
	if err := h.send(l, text, user.Email, data); err != nil {
		h.logger().ErrorContext(h.Context(), "handlers: a notice was not sent", "mail", text, "user", user.ID, "error", err)
	}
}

func (h *BaseHandler) noticeData(l templates.Locale) MailData {
	return MailData{
		Time:    l.DateTime(time.Now(), "long"),
		Browser: browserName(l, h.Request.UserAgent()),
		Address: h.App.ClientIP(h.Request),
	}
}

// AddressData is what the templates "signup-email" and "forgot" are given. The form sends
// Email as email, and Next as next.
type AddressData struct {
	Email string // as it was typed; empty if it was longer than auth.MaxName
	Next  string // for a sign-up, the path to go to after it; if empty, the front page
	Error string // what went wrong
	Field string // "email" if Error is about it, or empty
}

// An addressForm is a form whose field is a mail address.
//
// Whether an account has that address must not be seen from outside. So the form sends
// exactly one mail to the address in every case, by the same code and before it responds,
// and redirects to the same page. If the mail server is down, the form fails in every case.
type addressForm struct{ BaseHandler }

// Ready also reports what a site needs that sends mails.
func (h *addressForm) Ready() error {
	if err := readyForUsers(&h.BaseHandler); err != nil {
		return err
	}
	if h.Site.Mail == nil {
		return errNoMail
	}
	return nil
}

var errNoMail = errors.New("handlers: a route has a page that sends mails, but Site.Mail is nil: set it, on a laptop to new(mail.Outbox)")

// A letter is what an addressForm sends: the name of a text, the route of its link, and the
// token in that link. If route is empty, the mail has no link.
type letter struct {
	text, route string
	purpose     auth.Purpose
	token       string
}

// post handles the form, which is shown again by the template page. Write returns the
// letter for the user who has the address, or for an address that no user has, if user is
// nil. Both must do the same work.
func (h *addressForm) post(page string, write func(address string, user *auth.User) (letter, error)) error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	data := AddressData{Email: h.Request.PostForm.Get("email"), Next: h.next(h.Request.PostForm)}
	if len(data.Email) > auth.MaxName {
		data.Email = ""
	}
	again := func(status int, field, text string) error {
		data.Field, data.Error = field, text
		h.Response.WriteHeader(status)
		return h.Render(page, data)
	}
	if wait := h.waitForm("mail"); wait > 0 {
		return again(http.StatusTooManyRequests, "", h.tryAgain(h.tooManyMails(), wait))
	}
	defer h.Site.Throttle.Done(h.Request)
	address, err := auth.ParseEmail(h.Request.PostForm.Get("email"))
	if invalid, ok := errors.AsType[*auth.InvalidError](err); ok {
		return again(http.StatusBadRequest, invalid.Field, h.invalid(invalid))
	}
	if err != nil {
		return err
	}
	h.Site.Throttle.SignedUp(h.Request)
	user, err := h.Site.Users.ByKey(h.Context(), auth.EmailKey(address))
	if errors.Is(err, auth.ErrNotFound) || err == nil && user.Disabled {
		user = nil
	} else if err != nil {
		return unavailable("looking for an address", err)
	}
	letter, err := write(address, user)
	if user != nil {
		address = user.Email // what was typed may differ in case
	}
	if err == nil {
		err = h.sendLetter(h.localeOf(user), address, letter)
	}
	if framework.Status(err) == http.StatusServiceUnavailable {
		h.logger().ErrorContext(h.Context(), "handlers: a mail was not sent", "mail", page, "error", err)
		h.retryAfter(time.Minute)
		return again(http.StatusServiceUnavailable, "", h.mailDown())
	}
	if err != nil {
		return err
	}
	return h.RedirectTo("sent")
}

// next returns the path to go to after a sign-up. It is kept in the token, so a long one is
// dropped.
func (h *addressForm) next(fields url.Values) string {
	next := framework.SafeNext(fields.Get("next"), "")
	if len(next) > auth.MaxTokenData {
		return ""
	}
	return next
}

// sendLetter sends a letter in a language, within the limit of mails to one address. Beyond
// that limit it sends nothing and returns nil.
func (h *BaseHandler) sendLetter(locale templates.Locale, address string, l letter) error {
	data := MailData{Life: lifeText(locale, l.purpose.Life)}
	if l.route != "" {
		var err error
		if data.Link, err = h.mailLink(l.route, l.token); err != nil {
			return err
		}
	}
	if wait := h.Site.Throttle.WaitMail(h.Context(), address); wait > 0 {
		h.LogSecurity(RateLimitExceeded, nil, slog.String("reason", "mails to one address"), slog.Duration("wait", wait))
		return nil
	}
	return h.send(locale, l.text, address, data)
}

// waitForm returns how long the client has to wait before it may send a form that signs up
// or causes a mail.
func (h *BaseHandler) waitForm(reason string) time.Duration {
	wait := h.Site.Throttle.WaitSignUp(h.Request)
	if wait > 0 {
		h.retryAfter(wait)
		h.LogSecurity(RateLimitExceeded, nil, slog.String("reason", reason), slog.Duration("wait", wait))
	}
	return wait
}

func (h *BaseHandler) tooManyMails() string {
	return h.T("Too many mails were requested from your network.")
}

// lifeText returns how long a link works, in words.
func lifeText(l templates.Locale, life time.Duration) string {
	switch {
	case life >= 24*time.Hour:
		return l.N("1 day", "%(num)s days", int(life/(24*time.Hour)))
	case life >= time.Hour:
		return l.N("1 hour", "%(num)s hours", int(life/time.Hour))
	}
	return l.N("1 minute", "%(num)s minutes", int(life/time.Minute))
}

// SentHandler is the page that every form shows after it has sent a mail: the template
// "sent". It is the same whether an account has the address or not.
type SentHandler struct{ BaseHandler }

// Get shows the page.
func (h *SentHandler) Get() error { return h.Render("sent", nil) }

// A linkPage is the page of a link in a mail. The link has a one-time token. GET and HEAD
// show a form with a button and change nothing, because mail scanners open links; POST has
// the token in its body and uses it.
type linkPage struct{ BaseHandler }

// Dispatch keeps the token out of caches, search engines and the Referer header.
func (h *linkPage) Dispatch() error {
	header := h.Response.Header()
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex")
	h.Response.BeforeSend(func(w http.ResponseWriter) error { // of an error page too: its link to try again has the token
		w.Header().Set("Cache-Control", "no-store")
		return nil
	})
	return h.BaseHandler.Dispatch()
}

// Ready also reports what a site needs that sends mails.
func (h *linkPage) Ready() error {
	if err := readyForUsers(&h.BaseHandler); err != nil {
		return err
	}
	if h.Site.Mail == nil {
		return errNoMail
	}
	return nil
}

// token returns the token of the request: of the query, or of the form that was sent.
func (h *linkPage) token() (string, error) {
	if h.Request.Method != http.MethodPost {
		return h.query("t").Get("t"), nil
	}
	if err := h.ParseFields(formBytes); err != nil {
		return "", err
	}
	return h.Request.PostForm.Get("t"), nil
}

// action returns the path of the page without the query, which has the token.
func (h *linkPage) action() string { return h.Prefix() + h.Request.URL.EscapedPath() }

// failed handles an error of a token. One page and one status stand for all reasons why a
// token does not work.
func (h *linkPage) failed(err error) error {
	if !errors.Is(err, auth.ErrToken) {
		return unavailable("using a link", err)
	}
	h.Response.WriteHeader(http.StatusForbidden)
	return h.Render("link-failed", nil)
}

// LinkData is what the template "link" is given: the page of a link in a mail that needs a
// button only. The form sends Token as t.
type LinkData struct {
	Title, Text, Button string
	Token               string
	Action              string // the path to send the form to, without the token
	Other               string // the name of another user who is logged in in this browser, or empty
	Name                string // the user of the link, if a password is needed, for password managers
	NeedsPassword       bool   // the form also has the field password
	Error               string // what went wrong
}

// otherUser returns the name of the user who is logged in, unless that is user.
func (h *BaseHandler) otherUser(user *auth.User) (string, error) {
	current, err := h.User()
	if err != nil || current == nil || user != nil && current.ID == user.ID {
		return "", err
	}
	return h.displayName(current), nil
}
