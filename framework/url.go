package framework

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
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
	route := a.names[name]
	if route == nil {
		return nil, fmt.Errorf("framework: no route is named %q", name)
	}
	wrong := func(format string, arguments ...any) (*url.URL, error) {
		return nil, fmt.Errorf("framework: URL of %q: %w", name, fmt.Errorf(format, arguments...))
	}
	if len(route.mistakes) > 0 {
		return wrong("%w", route.mistakes[0])
	}
	if len(pairs)%2 != 0 {
		return wrong("%d arguments after the name: they must be pairs of name and value", len(pairs))
	}
	variables := route.GetVarNames()
	values, query := map[string]string{}, url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return wrong("the name %v is a %T, not a string", pairs[i], pairs[i])
		}
		texts, err := texts(pairs[i+1])
		if err != nil {
			return wrong("the value of %q %w", key, err)
		}
		if !slices.Contains(variables, key) {
			for _, text := range texts {
				query.Add(key, text)
			}
			continue
		}
		if isList(pairs[i+1]) {
			return wrong("the value of %q is a %T: a variable of the path takes one value", key, pairs[i+1])
		}
		values[key] = texts[0]
	}
	u, err := route.url(values)
	if err != nil {
		return wrong("%w", err)
	}
	if !validPath(u.Path) || strings.HasPrefix(u.Path, "//") {
		return wrong("no request can have the path %q", u.Path)
	}
	u.Path = a.Prefix + u.Path
	if u.RawPath != "" {
		u.RawPath = (&url.URL{Path: a.Prefix}).EscapedPath() + u.RawPath
	}
	if len(query) > 0 { // beside what the route's own Queries asks for
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+query.Encode(), "&")
	}
	return u, nil
}

// url builds the URL of a route. It has no host if the host has a variable without a name:
// it is then one of several hosts, and which one the client knows.
func (r *Route) url(values map[string]string) (*url.URL, error) {
	u := new(url.URL)
	if host, _ := parseTemplate(r.host, anyLabel); r.hostName != "" || host != nil && !slices.Contains(names(host), hostPart) {
		texts, err := fill(host, values)
		if err != nil {
			return nil, err
		}
		u.Scheme, u.Host = cmp.Or(r.scheme, "http"), r.hostName+strings.Join(texts, "")
	}
	parts, _ := parseTemplate(r.template, anySegment)
	texts, err := fill(parts, values)
	if err != nil {
		return nil, err
	}
	u.Path = strings.Join(texts, "")
	for i, p := range parts {
		if texts[i] = (&url.URL{Path: texts[i]}).EscapedPath(); p.name != "" && !takes(p.pattern, values[p.name]) {
			texts[i], u.RawPath = url.PathEscape(values[p.name]), "a value has a slash"
		}
	}
	if u.RawPath != "" {
		u.RawPath = strings.Join(texts, "")
	}
	var queries []string
	for _, query := range r.queries {
		parts, _ := parseTemplate(query, anyQuery)
		texts, err := fill(parts, values)
		if err != nil {
			return nil, err
		}
		for i, p := range parts {
			if p.name != "" {
				texts[i] = url.QueryEscape(texts[i])
			}
		}
		queries = append(queries, strings.Join(texts, ""))
	}
	u.RawQuery = strings.Join(queries, "&")
	return u, nil
}

// fill returns the texts of a template's parts, with values for the variables. A value
// that has a slash where its pattern takes none is sent encoded.
func fill(parts []part, values map[string]string) (texts []string, err error) {
	for _, p := range parts {
		text := p.text
		if p.name != "" {
			value, has := values[p.name]
			if !has {
				return nil, fmt.Errorf("variable %q is missing", p.name)
			}
			if !takes(p.pattern, value) && !takes(p.pattern, strings.ReplaceAll(value, "/", slashInValue)) {
				return nil, fmt.Errorf("variable %q: %q doesn't match %q", p.name, value, p.pattern)
			}
			text = value
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// patterns are the compiled patterns of variables for which a value was given.
var patterns sync.Map // of *regexp.Regexp by pattern

// takes reports whether a pattern takes a whole text.
func takes(pattern, text string) bool {
	compiled, ok := patterns.Load(pattern)
	if !ok {
		compiled, _ = patterns.LoadOrStore(pattern, regexp.MustCompile("^(?:"+pattern+")$"))
	}
	return compiled.(*regexp.Regexp).MatchString(text)
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

// URL returns the URL of a named route as a string, see [App.URL]. What http.StripPrefix
// took off the request's path is put before it.
func (h *RequestHandler) URL(name string, pairs ...any) (string, error) {
	u, err := h.App.URL(name, pairs...)
	if err != nil {
		return "", err
	}
	if h.App.Prefix == "" && u.Host == "" {
		return h.Prefix() + u.String(), nil
	}
	return u.String(), nil
}

// Prefix returns what comes before the paths of the App in a URL: App.Prefix, or what
// another handler has taken off the path of the request, as http.StripPrefix does. It is
// escaped as in a URL, has no slash at its end, and is empty if there is none. A redirect
// to a path that is not built by URL needs it:
//
//	return h.Redirect(h.Prefix() + "/about")
func (h *RequestHandler) Prefix() string {
	switch {
	case h.App != nil && h.App.Prefix != "":
		return (&url.URL{Path: h.App.Prefix}).EscapedPath()
	case h.Request != nil:
		return takenOff(h.Request)
	}
	return ""
}

// takenOff returns the beginning of the path, as it was sent, that somebody around the App
// has taken off; empty: nobody has.
func takenOff(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	before, ok := strings.CutSuffix(path, r.URL.EscapedPath())
	if !ok || !strings.HasPrefix(before, "/") || strings.HasPrefix(before, "//") || strings.Contains(before, "\\") {
		return ""
	}
	return strings.TrimSuffix(before, "/")
}

// withoutPrefix returns the request with App.Prefix taken off its path, unless it has been
// taken off already.
func (a *App) withoutPrefix(r *http.Request) *http.Request {
	if a.Prefix == "" || takenOff(r) != "" {
		return r
	}
	path, ok := strings.CutPrefix(r.URL.Path, a.Prefix)
	if !ok || path != "" && path[0] != '/' {
		return r
	}
	below, address := *r, *r.URL
	address.Path = cmp.Or(path, "/")
	address.RawPath = strings.TrimPrefix(r.URL.RawPath, (&url.URL{Path: a.Prefix}).EscapedPath())
	below.URL = &address
	return &below
}

// checkPrefix returns what is wrong with App.Prefix.
func (a *App) checkPrefix() error {
	if p := a.Prefix; p != "" && (p[0] != '/' || p[len(p)-1] == '/' || strings.HasPrefix(p, "//") || !validPath(p)) {
		return fmt.Errorf("framework: App.Prefix is %q: it must begin with a slash and not end with one, like \"/shop\"", p)
	}
	return nil
}
