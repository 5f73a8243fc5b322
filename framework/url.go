package framework

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// URL returns the URL of a named route: webapp2's uri_for. The pairs are names, which
// must be strings, and values: strings, numbers, booleans and what has a String method,
// printed as by fmt.Sprint. Those that are variables of the route go into the path; the
// rest becomes the query, sorted by name, where a name may come more than once: a slice is
// a pair for each of its values. A route without a host gives a URL without one.
//
// It is an error if there is no such route, a variable is missing or does not match
// its pattern, a value is of another kind or nil, or the path would be one that no request
// can have.
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
		if !ok {
			return nil, fmt.Errorf("framework: URL of %q: the name %v is a %T, not a string", name, pairs[i], pairs[i])
		}
		texts, err := texts(pairs[i+1])
		if err != nil {
			return nil, fmt.Errorf("framework: URL of %q: the value of %q %w", name, key, err)
		}
		if !slices.Contains(variables, key) {
			for _, text := range texts {
				query.Add(key, text)
			}
			continue
		}
		if isList(pairs[i+1]) {
			return nil, fmt.Errorf("framework: URL of %q: the value of %q is a %T: a variable of the path takes one value", name, key, pairs[i+1])
		}
		inPath = append(inPath, key, texts[0])
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

// texts returns a value of URL as text, one for each value of a slice.
func texts(value any) ([]string, error) {
	if !isList(value) {
		text, err := textOf(value)
		return []string{text}, err
	}
	var list []string
	of := reflect.ValueOf(value)
	for i := range of.Len() {
		text, err := textOf(of.Index(i).Interface())
		if err != nil {
			return nil, fmt.Errorf("holds one that %w", err)
		}
		list = append(list, text)
	}
	return list, nil
}

// isList reports whether a value of URL is many values. Bytes are not.
func isList(value any) bool {
	switch value.(type) {
	case nil, string, fmt.Stringer, error:
		return false
	}
	t := reflect.TypeOf(value)
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8
}

func textOf(value any) (string, error) {
	if value == nil {
		return "", errors.New("is nil")
	}
	of := reflect.ValueOf(value)
	if of.Kind() == reflect.Pointer && of.IsNil() {
		return "", errors.New("is nil")
	}
	switch value.(type) {
	case fmt.Stringer, error:
		return fmt.Sprint(value), nil
	}
	switch kind := of.Kind(); {
	case kind == reflect.String, kind == reflect.Bool, of.CanInt(), of.CanUint(), of.CanFloat():
		return fmt.Sprint(value), nil
	}
	return "", fmt.Errorf("is a %T: give a string, a number, a boolean, what has a String method, or a slice of them", value)
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
