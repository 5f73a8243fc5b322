package framework

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

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
		return h.misdirected(err)
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
		return h.misdirected(err)
	}
	return h.Redirect(to)
}

// misdirected sets the status of a redirect that failed, and returns its error.
func (h *RequestHandler) misdirected(err error) error {
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
