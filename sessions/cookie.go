package sessions

import (
	"fmt"
	"net/http"
	"strings"
)

// maxCookie bounds a cookie's name and value together: browsers drop a larger one in
// silence (RFC 6265bis section 5.6).
const maxCookie = 4096

const maxName = 256

// maxCandidates bounds how many sessions of one cookie name are tried. A browser sends
// several cookies of a name if they were set for several paths or domains.
const maxCandidates = 8

const expiredAttributes = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"

func cookieAttributes(path, domain string, secure bool, sameSite http.SameSite) string {
	attributes := "; Path=" + path
	if domain != "" {
		attributes += "; Domain=" + strings.TrimPrefix(domain, ".")
	}
	if secure {
		attributes += "; Secure"
	}
	attributes += "; HttpOnly"
	switch sameSite {
	case http.SameSiteLaxMode:
		attributes += "; SameSite=Lax"
	case http.SameSiteStrictMode:
		attributes += "; SameSite=Strict"
	case http.SameSiteNoneMode:
		attributes += "; SameSite=None"
	}
	return attributes
}

// A cookieScanner goes through the Cookie header and finds the cookies of one name. It
// takes what net/http takes, and values with bytes that no cookie may have as well:
// whether a value was sealed here is for the codec to say.
type cookieScanner struct {
	lines      []string
	line, name string
}

func scanCookies(header http.Header, name string) cookieScanner {
	return cookieScanner{lines: header["Cookie"], name: name}
}

// next returns the value of the next cookie of the name.
func (s *cookieScanner) next() (value string, ok bool) {
	for {
		for s.line != "" {
			var part string
			part, s.line, _ = strings.Cut(s.line, ";")
			part = trim(part)
			if !strings.HasPrefix(part, s.name) {
				continue
			}
			value := part[len(s.name):]
			if value != "" && value[0] != '=' {
				if value = strings.TrimLeft(value, blanks); value[0] != '=' {
					continue
				}
			}
			return unquote(strings.TrimPrefix(value, "=")), true
		}
		if len(s.lines) == 0 {
			return "", false
		}
		s.line, s.lines = s.lines[0], s.lines[1:]
	}
}

const blanks = " \t\r\n"

func trim(s string) string {
	if s != "" && s[0] > ' ' && s[len(s)-1] > ' ' {
		return s
	}
	return strings.Trim(s, blanks)
}

func unquote(value string) string {
	if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
		return value[1 : n-1]
	}
	return value
}

// setCookie adds a Set-Cookie line in place of any of the same name, which RFC 6265
// does not allow twice, and reports whether there was one. The first line of the header
// goes into room.
func setCookie(header http.Header, line string, room []string) (replaced bool) {
	name, _, _ := strings.Cut(line, "=")
	lines := header["Set-Cookie"]
	if len(lines) == 0 {
		lines = room
	}
	kept := lines[:0]
	for _, l := range lines {
		if n, _, _ := strings.Cut(l, "="); trim(n) != name {
			kept = append(kept, l)
		} else {
			replaced = true
		}
	}
	header["Set-Cookie"] = append(kept, line)
	return replaced
}

// hasCookie reports whether a response sets a cookie of this name.
func hasCookie(header http.Header, name string) bool {
	for _, line := range header["Set-Cookie"] {
		if n, _, _ := strings.Cut(line, "="); trim(n) == name {
			return true
		}
	}
	return false
}

// isToken reports whether s may name a cookie (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// isPrefixed reports whether browsers hold a cookie of this name to what its prefix
// promises, whatever its case (RFC 6265bis section 4.1.3): never without Secure.
func isPrefixed(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasPrefix(lower, "__host-") || strings.HasPrefix(lower, "__secure-")
}

func validDomain(domain string) bool {
	domain = strings.TrimPrefix(domain, ".")
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return domain == ""
		}
		for i := range len(label) {
			c := label[i]
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-') {
				return false
			}
		}
	}
	return len(domain) <= 253
}

func forbiddenInCookie(c rune) bool {
	return c < ' ' || c >= 0x7f || c == '"' || c == ';' || c == '\\'
}

func validPath(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.ContainsFunc(path, forbiddenInCookie) && len(path) <= 1024
}

func errTooLong(name string, value int) error {
	return fmt.Errorf("%w for a cookie: its name has %d bytes and its value %d, together %d, and browsers drop more than %d: keep less in it, or give the Spec a Backend",
		ErrTooLarge, len(name), value, len(name)+value, maxCookie)
}
