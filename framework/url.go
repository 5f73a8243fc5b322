package framework

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// URL returns the URL of a named route: webapp2's uri_for. The pairs are names, which
// must be strings, and values, which are printed as by fmt.Sprint. Those that are
// variables of the route go into the path; the rest becomes the query, sorted by name,
// where a name may come more than once. A route without a host gives a URL without one.
//
// It is an error if there is no such route, a variable is missing or does not match
// its pattern, or the path would be one that no request can have.
func (a *App) URL(name string, pairs ...any) (*url.URL, error) {
	route := a.Get(name)
	if route == nil {
		return nil, fmt.Errorf("framework: no route is named %q", name)
	}
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("framework: URL of %q: %d arguments after the name: they must be pairs of name and value", name, len(pairs))
	}
	variables, err := route.GetVarNames()
	if err != nil {
		return nil, fmt.Errorf("framework: URL of %q: %w", name, err)
	}
	var inPath []string
	for _, variable := range variables {
		if text, ok := literalOf(variable); ok {
			inPath = append(inPath, variable, text)
		}
	}
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		switch {
		case !ok:
			return nil, fmt.Errorf("framework: URL of %q: the name %v is a %T, not a string", name, pairs[i], pairs[i])
		case pairs[i+1] == nil:
			return nil, fmt.Errorf("framework: URL of %q: the value of %q is nil", name, key)
		case slices.Contains(variables, key):
			inPath = append(inPath, key, fmt.Sprint(pairs[i+1]))
		default:
			query.Add(key, fmt.Sprint(pairs[i+1]))
		}
	}
	u, err := route.URL(inPath...)
	if err != nil {
		return nil, fmt.Errorf("framework: URL of %q: %w", name, err)
	}
	if !validPath(u.Path) || strings.HasPrefix(u.Path, "//") {
		return nil, fmt.Errorf("framework: URL of %q: no request can have the path %q", name, u.Path)
	}
	if !matchesItself(route, u.Path) {
		return nil, fmt.Errorf("framework: URL of %q: %q doesn't match its route", name, u.Path)
	}
	if len(query) > 0 { // beside what the route's own Queries matcher asks for
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+query.Encode(), "&")
	}
	return u, nil
}

// matchesItself tells whether a route takes the path that mux built for it. mux checks a
// value for the pattern "a|b" against "^a|b$", which lets "ax" through. The pattern is
// compiled each time, for the few routes that have such.
func matchesItself(route *mux.Route, path string) bool {
	pattern, err := route.GetPathRegexp()
	if err != nil || !strings.Contains(pattern, "|") {
		return true
	}
	matches, err := regexp.MatchString(pattern, path)
	return matches && err == nil
}

// AbsoluteURL is [App.URL] with scheme and host: those of App.BaseURL, or the host of
// the route where it has one. The Host header of a request is its sender's to choose,
// so it is not used: a link in a mail would lead where the sender wants.
func (a *App) AbsoluteURL(name string, pairs ...any) (*url.URL, error) {
	u, err := a.URL(name, pairs...)
	if err != nil {
		return nil, err
	}
	base, err := a.base()
	if err != nil {
		return nil, err
	}
	if base != nil {
		u.Scheme = base.Scheme
		if u.Host == "" {
			u.Host = base.Host
		}
	}
	if u.Host == "" {
		return nil, fmt.Errorf("framework: absolute URL of %q: set App.BaseURL, like \"https://www.example.com\"", name)
	}
	return u, nil
}

// base returns BaseURL parsed, nil where it is not set.
func (a *App) base() (*url.URL, error) {
	if a.BaseURL == "" {
		return nil, nil
	}
	base, err := url.Parse(a.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("framework: App.BaseURL: %w", err)
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil || strings.Trim(base.Path, "/") != "" || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("framework: App.BaseURL is %q: it must be a scheme and a host, like \"https://www.example.com\"", a.BaseURL)
	}
	return base, nil
}

// URL returns the URL of a named route as a string, see [App.URL].
func (h *RequestHandler) URL(name string, pairs ...any) (string, error) {
	u, err := h.App.URL(name, pairs...)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}
