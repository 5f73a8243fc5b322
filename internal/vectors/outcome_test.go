package vectors

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A responseSpec is what webapp2 answered.
type responseSpec struct {
	Status       int
	Headers      [][2]string
	Body         string
	BodyKind     string   `json:"body_kind"`
	BodyContains []string `json:"body_contains"`
	Cookies      []struct {
		Name       string
		Value      any
		Raw        *string
		Attributes map[string]any
	}
}

// An outcome is the part of a response that is compared: the status, what the application wrote,
// the headers that it set or that mean something to a client, and the cookies, with
// what their sessions hold. Texts of error pages are not, beyond the detail that the
// application gave.
type outcome struct {
	status  int
	body    string
	headers []string
	cookies []string
}

func (o outcome) line(r requestSpec) string {
	slices.Sort(o.headers)
	slices.Sort(o.cookies)
	text := fmt.Sprintf("  %s %s -> %d %s", r.Method, r.Path, o.status, o.body)
	for _, part := range append(o.headers, o.cookies...) {
		text += ", " + part
	}
	return text + "\n"
}

// want returns the outcome of a vector in webapp2.
func (v *vector) want() string {
	if v.Group == "auth" {
		return v.wantAuth()
	}
	var out strings.Builder
	for i, r := range v.Responses {
		o := outcome{status: r.Status, body: fmt.Sprintf("%q", r.Body)}
		switch {
		case r.BodyKind == "debug-traceback":
			o.body = v.page(strings.Join(r.BodyContains[2:], " "))
		case r.BodyKind != "" && r.Status >= 400:
			o.body = v.page(r.Body)
		case r.BodyKind != "":
			o.body = `""` // WebOb's page of a redirect is not webapp2's own
		}
		for _, h := range r.Headers {
			o.header(v.Requests[i], h[0], h[1])
		}
		for _, c := range r.Cookies {
			text := fmt.Sprintf("cookie %s=", c.Name)
			if c.Raw != nil {
				text += *c.Raw
			} else {
				text = fmt.Sprintf("session %s %s", c.Name, pythonJSON(c.Value))
			}
			o.cookies = append(o.cookies, text+v.attributes(wantedAttributes(c.Attributes)))
		}
		out.WriteString(o.line(v.Requests[i]))
	}
	return out.String()
}

// outcome returns the outcome of a response of ours.
func (a *answer) outcome(v *vector, i int) string {
	o := outcome{status: a.StatusCode, body: fmt.Sprintf("%q", a.body)}
	if strings.HasPrefix(a.body, "<!doctype html>") || strings.HasPrefix(a.body, `{"status":`) {
		o.body = v.page(a.body)
	}
	for name, values := range a.Header {
		for _, value := range values {
			o.header(v.Requests[i], name, value)
		}
	}
	for _, c := range a.Cookies() {
		name := bareName(c.Name)
		switch {
		case name == c.Name && slices.Contains(a.site.names, name):
			o.cookies = append(o.cookies, "webapp2's cookie "+name+" deleted")
		case name == c.Name:
			o.cookies = append(o.cookies, fmt.Sprintf("cookie %s=%s", name, c.Value))
		case c.MaxAge < 0:
			o.cookies = append(o.cookies, "session "+name+" deleted")
		default:
			o.cookies = append(o.cookies, fmt.Sprintf("session %s %s", name, a.site.read(c.Name, c.Value))+v.attributes(ourAttributes(c)))
		}
	}
	return o.line(v.Requests[i])
}

// page describes an error page: whether it tells the detail that the application gave.
func (v *vector) page(text string) string {
	for _, handler := range v.App.Handlers {
		for _, step := range slices.Concat(handler.Methods["get"], handler.Dispatch) {
			for _, detail := range []string{step.Detail, step.Message} {
				quoted, _ := json.Marshal(detail)
				if detail != "" && (strings.Contains(text, html.EscapeString(detail)) ||
					strings.Contains(text, strings.Trim(string(quoted), `"`)) && !strings.Contains(text, "<h1>")) {
					return "(error page with the detail)"
				}
			}
		}
	}
	return "(error page)"
}

// header keeps a header that is compared. A Location counts as the URL that a client
// makes of it.
func (o *outcome) header(r requestSpec, name, value string) {
	switch {
	case name == "Location":
		o.headers = append(o.headers, "to "+absolute(r, value))
	case name == "Allow":
		o.headers = append(o.headers, "Allow "+value)
	case strings.HasPrefix(name, "X-") && name != "X-Content-Type-Options", http.CanonicalHeaderKey(name) == "Www-Authenticate":
		o.headers = append(o.headers, http.CanonicalHeaderKey(name)+" "+value)
	}
}

func absolute(r requestSpec, location string) string {
	base := &url.URL{Scheme: "http", Host: "localhost"}
	if r.Scheme != "" {
		base.Scheme = r.Scheme
	}
	if r.Host != "" {
		base.Host = r.Host
	}
	path, _, _ := strings.Cut(r.ScriptName+r.Path, "?")
	base.Path = path
	to, err := base.Parse(location)
	if err != nil {
		return fmt.Sprintf("%q", location)
	}
	return to.String()
}

// attributes describes those of a cookie, in the group of vectors that is about them.
func (v *vector) attributes(list []string) string {
	if v.Group != "cookie_args" {
		return ""
	}
	slices.Sort(list)
	return " (" + strings.Join(list, " ") + ")"
}

func wantedAttributes(attributes map[string]any) (list []string) {
	for name, value := range attributes {
		switch {
		case name == "expires": // says the same as Max-Age
		case value == true:
			list = append(list, name)
		default:
			list = append(list, fmt.Sprintf("%s=%v", name, value))
		}
	}
	return list
}

func ourAttributes(c *http.Cookie) (list []string) {
	for name, value := range map[string]string{"domain": c.Domain, "path": c.Path} {
		if value != "" {
			list = append(list, name+"="+value)
		}
	}
	if c.MaxAge > 0 {
		list = append(list, fmt.Sprintf("max-age=%d", c.MaxAge))
	}
	if c.Secure {
		list = append(list, "secure")
	}
	if c.HttpOnly {
		list = append(list, "httponly")
	}
	switch c.SameSite {
	case http.SameSiteNoneMode:
		list = append(list, "samesite=none")
	case http.SameSiteLaxMode:
		list = append(list, "samesite=lax")
	case http.SameSiteStrictMode:
		list = append(list, "samesite=strict")
	}
	return list
}
