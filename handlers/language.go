package handlers

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// LanguageCookie is the name of the cookie in which [LanguageHandler] keeps the language that
// a visitor has chosen.
const LanguageCookie = "language"

// languages returns the languages of the site, nil if there is only English.
func (s *Site) languages() templates.Languages {
	if s == nil || s.Templates == nil {
		return nil
	}
	return s.Templates.Languages()
}

// Locale returns the language of the request, as the Languages that templates.ParseIn was
// given find it, and adds the headers that decide about it to the response's Vary. If the site has
// no Languages, it is templates.English. To choose another one, set Page().Locale before the
// first use. If package i18n made the Languages, it is an *i18n.Locale. Like Page, it must not
// be used by two goroutines at once.
func (h *BaseHandler) Locale() templates.Locale {
	languages := h.Site.languages()
	if languages == nil {
		return templates.English
	}
	p := h.Page()
	if p.Locale == nil {
		locale, vary := languages.Language(h.Request, h.keptLanguage)
		p.Locale = locale
		for _, name := range vary {
			h.addVary(name)
		}
	}
	return p.Locale
}

// T translates a message into the language of the request: see templates.Locale.
//
//	h.Abort(http.StatusNotFound, h.T("There is no book %(title)s.", "title", title))
func (h *BaseHandler) T(message string, pairs ...any) string { return h.Locale().T(message, pairs...) }

// N translates a message about n things into the language of the request: see
// templates.Locale.
func (h *BaseHandler) N(one, more string, n int, pairs ...any) string {
	return h.Locale().N(one, more, n, pairs...)
}

// addVary says that the response depends on a header of the request (RFC 9110 section 12.5.5).
func (h *BaseHandler) addVary(name string) {
	header := h.Response.Header()
	for _, line := range header["Vary"] {
		for word := range strings.SplitSeq(line, ",") {
			if word = strings.TrimSpace(word); word == "*" || strings.EqualFold(word, name) {
				return
			}
		}
	}
	header.Add("Vary", name)
}

// keptLanguage returns the name of the language that the site keeps for the visitor, or "".
func (h *BaseHandler) keptLanguage() string {
	if h.Site.Language != nil {
		if name := h.Site.Language(h); name != "" {
			return name
		}
	}
	h.addVary("Cookie")
	if cookie, err := h.Request.Cookie(LanguageCookie); err == nil {
		return cookie.Value
	}
	return ""
}

// languageNamed returns the locale of a name, nil if the site has no such one.
func (s *Site) languageNamed(name string) templates.Locale {
	if languages := s.languages(); languages != nil && name != "" {
		for _, l := range languages.Languages() {
			if l.Name() == name {
				return l
			}
		}
	}
	return nil
}

// languageProperty is the property of a user with the name of the language that they have
// signed up in, or have chosen since, for mails that somebody else may cause.
const languageProperty = "webapp2go.language"

// KeepLanguage keeps the language of the request in a user who is about to be created, for
// mails. The pages of this package call it, and so does a sign-up of the site's own.
func (h *BaseHandler) KeepLanguage(user *auth.User) error {
	if h.Site.languages() == nil {
		return nil
	}
	return user.Set(languageProperty, h.Locale().Name())
}

// localeOf returns the language in which a user reads mails: the one that is kept, else that
// of the request. User may be nil.
func (h *BaseHandler) localeOf(user *auth.User) templates.Locale {
	if user != nil {
		if name, ok := auth.Get[string](user, languageProperty); ok {
			if l := h.Site.languageNamed(name); l != nil {
				return l
			}
		}
	}
	return h.Locale()
}

// SetLanguage keeps the language that the visitor has chosen in the cookie [LanguageCookie],
// for a year, and for mails in the user who is logged in. The name is that of one of the
// site's Languages, such as "pt_BR". For any other the error has status 400.
func (h *BaseHandler) SetLanguage(name string) error {
	locale := h.Site.languageNamed(name)
	if locale == nil {
		return h.Abort(http.StatusBadRequest, "There is no such language here.")
	}
	http.SetCookie(h.Response, &http.Cookie{
		Name: LanguageCookie, Value: locale.Name(), Path: "/", MaxAge: 365 * 24 * 60 * 60,
		HttpOnly: true, Secure: h.App.Scheme(h.Request) == "https", SameSite: http.SameSiteLaxMode,
	})
	h.Page().Locale = locale
	if h.Site.Users == nil {
		return nil
	}
	user, err := h.User()
	if err == nil && user != nil {
		if kept, _ := auth.Get[string](user, languageProperty); kept != name {
			err = h.UpdateUser(user, func(u *auth.User) error { return u.Set(languageProperty, name) })
		}
	}
	if err != nil {
		h.logger().WarnContext(h.Context(), "handlers: the language of a user was kept in the cookie only", "error", err)
	}
	return nil
}

// LanguageHandler is what the built-in part "languages" of the footer sends its form to.
// [Site.Pages] adds it if the site has more than one language, with the name and the path
// language.
type LanguageHandler struct{ BaseHandler }

// Ready also reports that the choice would not be heard.
func (h *LanguageHandler) Ready() error {
	if err := h.BaseHandler.Ready(); err != nil {
		return err
	}
	languages := h.Site.languages()
	if languages == nil {
		return fmt.Errorf("handlers: a route has a LanguageHandler, but the pages have one language: use templates.ParseIn, or remove the route")
	}
	asked := false
	probe, err := http.NewRequest(http.MethodGet, "/", http.NoBody)
	if err != nil {
		return err
	}
	languages.Language(probe, func() string { asked = true; return "" })
	if !asked {
		return fmt.Errorf("handlers: the language that a visitor chooses would not be used: add i18n.Stored to the Sources of i18n.Config, or replace the route named language")
	}
	return nil
}

// Post keeps the language that the form value "language" names, and redirects to the path
// "next" of this site, else to the front page.
func (h *LanguageHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	form := h.Request.PostForm
	if err := h.SetLanguage(form.Get("language")); err != nil {
		return err
	}
	return h.Redirect(framework.SafeNext(form.Get("next"), h.Prefix()+"/"))
}

// showLanguages gives the page its language, and those to choose from.
func (h *BaseHandler) showLanguages(p *templates.Page) {
	languages := h.Site.languages()
	if languages == nil {
		return
	}
	locale := h.Locale()
	h.Response.Header().Set("Content-Language", locale.Lang())
	all := languages.Languages()
	if len(all) < 2 {
		return
	}
	p.Languages, p.Here = all, h.Prefix()+"/"
	switch method := h.Request.Method; {
	case method == http.MethodGet, method == http.MethodHead:
		p.Here = framework.SafeNext(h.Prefix()+h.Request.URL.RequestURI(), p.Here)
	case h.Serves(http.MethodGet):
		p.Here = framework.SafeNext(h.Prefix()+h.Request.URL.EscapedPath(), p.Here)
	}
}

// messageKey is the one key of the map that a flash is kept as if it is a Message.
const messageKey = "webapp2go.message"

// kept returns what a session keeps of a flash: a Message without its translation, so that the
// page that shows it has one language.
func (s *Site) kept(message any) any {
	m, ok := message.(templates.Message)
	switch {
	case !ok:
		return message
	case s.languages() == nil:
		return m.String()
	}
	return map[string]templates.Message{messageKey: m}
}

// shown returns what a page shows of a flash.
func (h *BaseHandler) shown(flash sessions.Flash) any {
	if value, ok := flash.Value.(map[string]any); !ok || len(value) != 1 || value[messageKey] == nil {
		return flash.Value
	}
	kept, ok := sessions.FlashAs[map[string]templates.Message](flash)
	if !ok {
		return flash.Value
	}
	return kept[messageKey].In(h.Locale())
}

// said returns the translation of the message of an error, which may have been made without a
// language: by package framework, or by Abort with a constant.
func (h *BaseHandler) said(message string) string {
	for _, m := range frameworkMessages {
		before, after, found := strings.Cut(m.ID, "%(value)s")
		if !found {
			if m.ID == message {
				return h.T(m.ID)
			}
			continue
		}
		if value, ok := strings.CutPrefix(message, before); ok {
			if value, ok = strings.CutSuffix(value, after); ok {
				return h.T(m.ID, "value", value)
			}
		}
	}
	if strings.Contains(message, "%") {
		return message
	}
	return h.T(message)
}

// frameworkMessages are those that packages framework and webapp2 send to clients.
var frameworkMessages = []templates.Message{
	templates.Lazy("This request came from another site, so nothing was done. Open this site and try again from there."),
	templates.Lazy("This form takes no files."),
	templates.Lazy("JSON is expected."),
	templates.Lazy("A form is expected."),
	templates.Lazy("The form has too many or too large fields."),
	templates.Lazy("The form cannot be read."),
	templates.Lazy("The JSON cannot be read."),
	templates.Lazy("The query is malformed."),
	templates.Lazy("More than %(value)s bytes."),
	templates.Lazy("More than %(value)s fields."),
	templates.Lazy("The form of a %(value)s is not read: put the values into the query."),
}
