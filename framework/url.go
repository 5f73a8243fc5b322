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

// isList reports whether a value of URL is many values. Bytes are not.
func isList(value any) bool {
	switch value.(type) {
	case nil, string, fmt.Stringer, error:
		return false
	}
	t := reflect.TypeOf(value)
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8
}

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

// Redirect answers 302 Found. What was written of the body is dropped; headers and
// cookies are kept. Return what it returns:
//
//	return h.Redirect("/login")
//
// A target is a path of this site, or a URL with scheme and host. One that is empty,
// that holds control bytes, that begins with "//" or "/\" and so means another host, or
// that is script, is an error that answers 400. It is [ErrHeaderWritten] after the header has
// gone. The status is that of the error at once, so that a page whose action forgot to
// return it is no success. A target that came with a request goes through [SafeNext], which this is not.
func (h *RequestHandler) Redirect(to string) error {
	return h.RedirectCode(to, http.StatusFound)
}

// RedirectCode is Redirect with the status 301, 302, 303, 307 or 308.
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

// RedirectTo redirects to a named route, see [App.URL] for the pairs.
func (h *RequestHandler) RedirectTo(name string, pairs ...any) error {
	to, err := h.URL(name, pairs...)
	if err != nil {
		return h.redirectFailed(err)
	}
	return h.Redirect(to)
}

// redirectFailed sets the status of a redirect that failed, and returns its error.
func (h *RequestHandler) redirectFailed(err error) error {
	if !h.Response.HeaderWritten() {
		h.Response.WriteHeader(Status(err))
	}
	return err
}

// RedirectAbort returns an error that redirects with the status 301, 302, 303, 307 or
// 308: webapp2's redirect(abort=True). It can be returned from any depth, and passes
// HandleError and App.Errors[code] on its way. Unlike webapp2's it keeps the cookies
// that were set before.
func (h *RequestHandler) RedirectAbort(to string, code int) error {
	location, err := h.location(to, code)
	if err != nil {
		return h.note(err)
	}
	return h.note(&Error{Code: code, Err: redirection(location)})
}

// redirection is the cause of an error that redirects.
type redirection string

func (r redirection) Error() string { return "redirect to " + string(r) }

// location returns the target of a redirect that may be answered.
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

// redirects reports whether a status sends the client to a Location.
func redirects(code int) bool {
	switch code {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// escapeLocation returns a target as it stands in the header (RFC 9110 section 10.2.2),
// or what is wrong with it.
func escapeLocation(to string) (string, error) {
	if to == "" {
		return "", errors.New("framework: redirect to an empty target")
	}
	if len(to) > 1 && strings.IndexByte("/\\", to[0]) >= 0 && strings.IndexByte("/\\", to[1]) >= 0 {
		return "", fmt.Errorf("framework: redirect to %q, which is another host: write its scheme", to)
	}
	if scheme, _, ok := strings.Cut(to, ":"); ok {
		switch strings.ToLower(scheme) {
		case "javascript", "data", "vbscript":
			return "", fmt.Errorf("framework: redirect to %q, which is no place", to)
		}
	}
	var escaped strings.Builder
	for i := range len(to) {
		switch c := to[i]; {
		case c < ' ' || c == 0x7f:
			return "", fmt.Errorf("framework: redirect to %q: a control byte", to)
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

// maxNext is the longest path of SafeNext, in bytes. Escaping makes it up to three times
// as long, and App Engine's front end takes 8 KiB of header.
const maxNext = 2 << 10

// SafeNext returns next if it is a path of this site, with or without a query, and
// else fallback. For the ?next= of a login page: a target that came with a request
// must not lead to another site (OWASP, Unvalidated Redirects and Forwards). A path
// longer than 2,048 bytes is none: escaped in another URL, it would not fit in a header.
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

// SlashRedirect answers the other form of a path, the one with or without a slash
// at its end, by a permanent redirect to the right one: webapp2's strict_slash.
//
//	app.Handle("/about", framework.To[About](app)).Name("about")
//	app.Handle("/about/", framework.SlashRedirect())
//
// It is a 308, so the client repeats its method and body, and it keeps the query and what
// http.StripPrefix has taken off the path.
// Schemes, Methods and Host limit such a route like any other.
func SlashRedirect() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.EscapedPath()
		if before := takenOff(r); path != "/" {
			path = before + path
		}
		if path == "/" || strings.HasPrefix(path, "//") { // a browser takes //host for another site
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
