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

// URL returns the URL of a named route as a string, see [App.URL], with
// [RequestHandler.Prefix] before the path.
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

// URL returns the URL of a named route: webapp2's uri_for. The pairs are names and
// values. A name is a string. A value is a string, a number, a boolean or has a String
// method, and is printed as by fmt.Sprint. Names of variables of the route become part of
// the path. All others become the query, sorted by name; a name may be repeated, and a
// slice is a pair for each of its values. The URL has a host only if the route has.
//
// It is an error if there is no such route, if a variable is missing or does not match
// its pattern, if a value is nil or of another type, and if no request can have the path.
func (a *App) URL(name string, pairs ...any) (*url.URL, error) {
	route := a.names[name]
	if route == nil {
		return nil, fmt.Errorf("framework: no route is named %q: correct the name, or give the route its name with Name", name)
	}
	wrong := func(format string, arguments ...any) (*url.URL, error) {
		return nil, fmt.Errorf("framework: URL of %q: %w", name, fmt.Errorf(format, arguments...))
	}
	if len(route.mistakes) > 0 {
		return wrong("%w", route.mistakes[0])
	}
	if len(pairs)%2 != 0 {
		return wrong("there are %d arguments after the name: give pairs of name and value", len(pairs))
	}
	variables := route.GetVarNames()
	values, query := map[string]string{}, url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return wrong("the name %v has the type %T: give a string", pairs[i], pairs[i])
		}
		texts, err := valueTexts(pairs[i+1])
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
			return wrong("the value of %q has the type %T: give one value for a variable of the path", key, pairs[i+1])
		}
		values[key] = texts[0]
	}
	u, err := route.url(values)
	if err != nil {
		return wrong("%w", err)
	}
	if !validPath(u.Path) || strings.HasPrefix(u.Path, "//") {
		return wrong("no request can have the path %q: give other values", u.Path)
	}
	u.Path = a.Prefix + u.Path
	if u.RawPath != "" {
		u.RawPath = (&url.URL{Path: a.Prefix}).EscapedPath() + u.RawPath
	}
	if len(query) > 0 { // in addition to the Queries of the route
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+query.Encode(), "&")
	}
	return u, nil
}

// url builds the URL of a route. If the host has an unnamed variable, the URL has no
// host: it is one of several, and the client knows which.
func (r *Route) url(values map[string]string) (*url.URL, error) {
	u := new(url.URL)
	if host, _ := parseTemplate(r.host, anyLabel); r.hostName != "" || host != nil && !slices.Contains(variableNames(host), hostPart) {
		texts, err := expand(host, values)
		if err != nil {
			return nil, err
		}
		u.Scheme, u.Host = cmp.Or(r.scheme, "http"), r.hostName+strings.Join(texts, "")
	}
	parts, _ := parseTemplate(r.template, anySegment)
	texts, err := expand(parts, values)
	if err != nil {
		return nil, err
	}
	u.Path = strings.Join(texts, "")
	for i, p := range parts {
		if texts[i] = (&url.URL{Path: texts[i]}).EscapedPath(); p.name != "" && !matchesWhole(p.pattern, values[p.name]) {
			texts[i], u.RawPath = url.PathEscape(values[p.name]), "a value has a slash"
		}
	}
	if u.RawPath != "" {
		u.RawPath = strings.Join(texts, "")
	}
	var queries []string
	for _, query := range r.queries {
		parts, _ := parseTemplate(query, anyQuery)
		texts, err := expand(parts, values)
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

// expand returns the text of each part of a template, with values for the variables. A
// value may have a slash that its pattern does not match: the URL then has it encoded.
func expand(parts []part, values map[string]string) (texts []string, err error) {
	for _, p := range parts {
		text := p.text
		if p.name != "" {
			value, has := values[p.name]
			if !has && isHidden(p.name) {
				if !matchesWhole(p.pattern, "") {
					return nil, fmt.Errorf("the regular expression has %q outside of its groups: put it into a group to give its text", p.pattern)
				}
			} else if !has {
				return nil, fmt.Errorf("variable %q is missing: give its name and value", p.name)
			}
			if !matchesWhole(p.pattern, value) && !matchesWhole(p.pattern, strings.ReplaceAll(value, "/", slashInValue)) {
				return nil, fmt.Errorf("variable %q: %q does not match %q", p.name, value, p.pattern)
			}
			text = value
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// patterns caches the compiled patterns of variables.
var patterns sync.Map // of *regexp.Regexp by pattern

// matchesWhole reports whether a pattern matches a whole text.
func matchesWhole(pattern, text string) bool {
	compiled, ok := patterns.Load(pattern)
	if !ok {
		compiled, _ = patterns.LoadOrStore(pattern, regexp.MustCompile("^(?:"+pattern+")$"))
	}
	return compiled.(*regexp.Regexp).MatchString(text)
}

// valueTexts returns a value of URL as text, with one text for each value of a slice.
func valueTexts(value any) ([]string, error) {
	if !isList(value) {
		text, err := valueText(value)
		return []string{text}, err
	}
	var list []string
	of := reflect.ValueOf(value)
	for i := range of.Len() {
		text, err := valueText(of.Index(i).Interface())
		if err != nil {
			return nil, fmt.Errorf("holds one that %w", err)
		}
		list = append(list, text)
	}
	return list, nil
}

// isList reports whether a value of URL is a slice of values. A []byte is not.
func isList(value any) bool {
	switch value.(type) {
	case nil, string, fmt.Stringer, error:
		return false
	}
	t := reflect.TypeOf(value)
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8
}

// valueText returns a value of URL as text.
func valueText(value any) (string, error) {
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

// AbsoluteURL is like [App.URL], with a scheme and a host: those of App.BaseURL or, if
// the route has a host, that host. It does not use the Host header of a request, which
// its sender chooses: a link in a mail would lead to wherever the sender wants.
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

// base returns BaseURL parsed, nil if it is not set.
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

// Prefix returns the beginning of the URLs of this site, which is not part of the paths
// of its routes: App.Prefix or, if that is empty, what http.StripPrefix or another router
// has removed from the path of the request. It is escaped and has no slash at its end. If
// there is none, it is "". URL and RedirectTo include it; other paths need it:
//
//	return h.Redirect(h.Prefix() + "/about")
func (h *RequestHandler) Prefix() string {
	switch {
	case h.App != nil && h.App.Prefix != "":
		return (&url.URL{Path: h.App.Prefix}).EscapedPath()
	case h.Request != nil:
		return removedPrefix(h.Request)
	}
	return ""
}

// removedPrefix returns the beginning of the path, as it was sent, that is no longer in
// r.URL, or "" if there is none.
func removedPrefix(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if _, rest, ok := strings.Cut(path, "://"); ok && path[0] != '/' { // the absolute form, RFC 9112 section 3.2.2
		path = rest[max(strings.IndexByte(rest, '/'), 0):]
	}
	before, ok := strings.CutSuffix(path, r.URL.EscapedPath())
	if !ok || !strings.HasPrefix(before, "/") || strings.HasPrefix(before, "//") || strings.Contains(before, "\\") {
		return ""
	}
	return strings.TrimSuffix(before, "/")
}

// Redirect responds with 302 Found. It drops the body written so far and keeps headers
// and cookies. Return its result:
//
//	return h.Redirect("/login")
//
// The target is a path that begins with a slash, or a URL with scheme and host. Redirect
// returns an error with status 400 if the target is empty, contains a control character,
// begins with "//" or "/\", which would be another host, or has a scheme that runs a
// script. It returns an error with status 500 that says how to fix it if the target is a
// bare name like "login", and [ErrHeaderWritten] if the header has been written. On
// failure it also sets the error's status, so that an action that forgets to return the
// error does not respond with 200.
//
// Redirect accepts every host. Pass a target that comes from the request through
// [SafeNext].
func (h *RequestHandler) Redirect(to string) error {
	return h.RedirectCode(to, http.StatusFound)
}

// RedirectCode is like Redirect, with the status 301, 302, 303, 307 or 308.
func (h *RequestHandler) RedirectCode(to string, code int) error {
	location, err := h.location(to, code)
	if err != nil {
		return h.redirectFailed(err)
	}
	w := h.Response
	w.dropBody()
	for name := range w.Header() {
		if strings.HasPrefix(name, "Content-") && w.describesBody(name) {
			w.Header().Del(name)
		}
	}
	w.Header().Set("Location", location)
	w.WriteHeader(code)
	return nil
}

// RedirectTo redirects to a named route. See [App.URL] for the pairs.
func (h *RequestHandler) RedirectTo(name string, pairs ...any) error {
	to, err := h.URL(name, pairs...)
	if err != nil {
		return h.redirectFailed(err)
	}
	return h.Redirect(to)
}

// redirectFailed sets the status of the error of a redirect, and returns the error.
func (h *RequestHandler) redirectFailed(err error) error {
	if !h.Response.HeaderWritten() {
		h.Response.WriteHeader(Status(err))
	}
	return err
}

// RedirectAbort returns an error whose response is a redirect with the status 301, 302,
// 303, 307 or 308: webapp2's redirect(abort=True). Functions at any depth can return it.
// HandleError and App.Errors[code] see it like any error. Unlike webapp2's it keeps the
// cookies that were set before.
func (h *RequestHandler) RedirectAbort(to string, code int) error {
	location, err := h.location(to, code)
	if err != nil {
		return h.note(err)
	}
	return h.note(&Error{Code: code, Err: redirection(location)})
}

// A redirection is the cause of an error that redirects: the target.
type redirection string

func (r redirection) Error() string { return "redirect to " + string(r) }

// location checks a redirect and returns its Location header.
func (h *RequestHandler) location(to string, code int) (string, error) {
	if err := checkRedirect(code); err != nil {
		return "", err
	}
	location, err := escapeLocation(to)
	if err == nil && strings.IndexByte("/?#.", to[0]) < 0 && !hasScheme(to) {
		return "", fmt.Errorf("framework: redirect to %q: a path begins with a slash: write %q, or RedirectTo(%[1]q) for the route of that name", to, "/"+to)
	}
	if err != nil {
		return "", &Error{Code: http.StatusBadRequest, Err: err} // it came with the request
	}
	if h.Response.HeaderWritten() {
		return "", fmt.Errorf("framework: redirect: %w", ErrHeaderWritten)
	}
	return location, nil
}

func checkRedirect(code int) error {
	if redirects(code) {
		return nil
	}
	return fmt.Errorf("framework: redirect with status %d: use 301, 302, 303, 307 or 308", code)
}

// redirects reports whether a status is a redirect to a Location.
func redirects(code int) bool {
	switch code {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// escapeLocation returns a target as a Location header (RFC 9110 section 10.2.2), or an
// error.
func escapeLocation(to string) (string, error) {
	if to == "" {
		return "", errors.New("framework: redirect to an empty target: give a path or a URL")
	}
	if len(to) > 1 && strings.IndexByte("/\\", to[0]) >= 0 && strings.IndexByte("/\\", to[1]) >= 0 {
		return "", fmt.Errorf("framework: redirect to %q, which is another host: write its scheme, as in https:%s", to, strings.ReplaceAll(to, `\`, "/"))
	}
	if scheme, _, ok := strings.Cut(to, ":"); ok {
		switch strings.ToLower(scheme) {
		case "javascript", "data", "vbscript":
			return "", fmt.Errorf("framework: redirect to %q: a script is not a target", to)
		}
	}
	var escaped strings.Builder
	for i := range len(to) {
		switch c := to[i]; {
		case c < ' ' || c == 0x7f:
			return "", fmt.Errorf("framework: redirect to %q: a target has no control characters", to)
		case c == ' ' || c >= 0x80:
			fmt.Fprintf(&escaped, "%%%02X", c)
		default:
			escaped.WriteByte(c)
		}
	}
	return escaped.String(), nil
}

// hasScheme reports whether a target begins with a scheme (RFC 3986 section 3.1).
func hasScheme(to string) bool {
	scheme, _, ok := strings.Cut(to, ":")
	return ok && isLetter(scheme[0]) && !strings.ContainsFunc(scheme, func(c rune) bool {
		return (c < 'a' || 'z' < c) && (c < 'A' || 'Z' < c) && (c < '0' || '9' < c) && c != '+' && c != '-' && c != '.'
	})
}

// maxNext is the longest path that SafeNext returns, in bytes. Escaped in another URL it
// can become three times as long, and App Engine accepts 8 KiB of headers.
const maxNext = 2 << 10

// SafeNext returns next if it is a path of this host, with or without a query, and
// fallback if it is not. Use it for a target that comes with a request, such as ?next= of
// a login page, which must not lead to another site (OWASP, Unvalidated Redirects and
// Forwards Cheat Sheet). It also returns fallback if next is longer than 2,048 bytes.
func SafeNext(next, fallback string) string {
	if len(next) == 0 || len(next) > maxNext || next[0] != '/' || strings.HasPrefix(next, "//") || strings.ContainsRune(next, '\\') {
		return fallback
	}
	for i := range len(next) {
		if next[i] < ' ' || next[i] == 0x7f {
			return fallback
		}
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !validPath(u.Path) || strings.HasPrefix(u.Path, "//") {
		return fallback
	}
	return next
}

// SlashRedirect returns a handler that redirects a path with a slash at its end to the
// path without, or the reverse: webapp2's strict_slash and mux's StrictSlash. It is the
// handler of the second form:
//
//	app.Handle("/about", framework.To[About](app)).Name("about")
//	app.Handle("/about/", framework.SlashRedirect())
//
// The status is 308, so that clients repeat the method and the body. The query and a
// prefix that http.StripPrefix has removed are kept.
func SlashRedirect() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.EscapedPath()
		if before := removedPrefix(r); path != "/" {
			path = before + path
		}
		if path == "/" || strings.HasPrefix(path, "//") { // which browsers read as another host
			http.NotFound(w, r)
			return
		}
		if other, ok := strings.CutSuffix(path, "/"); ok {
			path = other
		} else {
			path += "/"
		}
		if r.URL.RawQuery != "" {
			path += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", path)
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}
