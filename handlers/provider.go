package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/templates"
)

// A LoginProvider lets users log in with an account that they have elsewhere, such as one at
// Google. Package handlers/oidclogin makes them, and adds the pages that they need.
type LoginProvider struct {
	// Name begins the auth ids of its accounts, as in "google:1234", and the path of its
	// pages, as in /login/google. Its button sends a POST to that path.
	Name string
	// Title is what the button says: "Google".
	Title string
	// Origins returns the origins to which the browser is redirected. They are added to the
	// form-action of the Content-Security-Policy of pages with a button, because browsers
	// apply it to redirects.
	Origins func() []string
}

// ProviderData is what the templates "login", "account" and "confirm" are given for each
// LoginProvider. The button is a form that sends next, and purpose, which is "login", "link"
// or "confirm", to Path.
type ProviderData struct {
	Title  string
	Path   string // the path to send the form to
	AuthID string // on the account page: the auth id of the user at the provider, or empty
}

// providers returns the data of the site's providers, and lets the page send forms to them.
// User may be nil.
func (h *BaseHandler) providers(user *auth.User) []ProviderData {
	var all []ProviderData
	var origins []string
	for _, p := range h.Site.LoginProviders {
		data := ProviderData{Title: p.Title, Path: h.Prefix() + "/login/" + p.Name}
		if user != nil {
			for _, id := range user.AuthIDs {
				if strings.HasPrefix(id, p.Name+":") {
					data.AuthID = id
				}
			}
		}
		all = append(all, data)
		if p.Origins != nil {
			origins = append(origins, p.Origins()...)
		}
	}
	h.allowFormsTo(origins)
	return all
}

// allowFormsTo adds origins to the form-action of the response's Content-Security-Policy.
func (h *BaseHandler) allowFormsTo(origins []string) {
	header := h.Response.Header()
	policy := header.Get(cspHeader)
	if policy == "" || len(origins) == 0 {
		return
	}
	directives := strings.Split(policy, ";")
	for i, text := range directives {
		if words := strings.Fields(text); len(words) > 0 && strings.EqualFold(words[0], "form-action") {
			directives[i] = strings.Replace(text, " 'none'", "", 1) + " " + strings.Join(origins, " ")
		}
	}
	header.Set(cspHeader, strings.Join(directives, ";"))
}

// checkProviders reports providers whose pages could not be reached.
func (s *Site) checkProviders() error {
	var mistakes []error
	seen := map[string]bool{}
	for _, p := range s.LoginProviders {
		switch {
		case p.Name == "" || p.Name == "link" || strings.ContainsFunc(p.Name, func(r rune) bool {
			return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-')
		}):
			mistakes = append(mistakes, fmt.Errorf(`handlers: Site.LoginProviders has the name %q: use lower case letters, digits and "-", and not "link", which is a page of its own`, p.Name))
		case seen[p.Name]:
			mistakes = append(mistakes, fmt.Errorf("handlers: Site.LoginProviders has the name %q twice: users of one would be those of the other", p.Name))
		case p.Title == "":
			mistakes = append(mistakes, fmt.Errorf("handlers: the LoginProvider %q has no Title for its button", p.Name))
		}
		seen[p.Name] = true
	}
	return errors.Join(mistakes...)
}

// unlink removes an auth id of the user, who cannot log in with it any more. The last way to
// log in is not removed.
func (h *AccountHandler) unlink(user *auth.User, id string) error {
	err := h.UpdateUser(user, func(u *auth.User) error { return u.RemoveAuthID(id) })
	if errors.Is(err, auth.ErrLastAuthID) {
		return h.again("providers", &refusal{http.StatusConflict, "", h.T("This is your only way to log in. Choose a password first.")})
	}
	if err != nil {
		return unavailable("removing a login", err)
	}
	how, _ := h.Session().Login() // the change has ended all logins
	h.LogIn(user, how)
	h.Site.Throttle.Succeeded(h.Response, h.Request, user)
	h.LogSecurity(UserUpdated, user)
	h.endSessions(user)
	h.Flash(templates.Lazy("You can no longer log in with that account."), "success")
	return h.RedirectTo("account")
}
