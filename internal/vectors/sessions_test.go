package vectors

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/webapp2"
)

// clock is when the vectors were made, in Unix seconds.
const clock = 1704164645

// A sessionConfig is webapp2's configuration of sessions.
type sessionConfig struct {
	SecretKey     string          `json:"secret_key"`
	CookieName    string          `json:"cookie_name"`
	SessionMaxAge *int            `json:"session_max_age"`
	CookieArgs    json.RawMessage `json:"cookie_args"`
}

// cookieArgs are the attributes of a cookie. The compiler refuses a field that a Spec
// does not have, so an unknown one is a mistake here.
type cookieArgs struct {
	MaxAge           int `json:"max_age"`
	Domain, Path     string
	Secure, HTTPOnly bool // always, for a Spec
	SameSite         string
}

func (c sessionConfig) cookieArgs() (args cookieArgs, err error) {
	if c.CookieArgs == nil {
		return args, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(c.CookieArgs))
	decoder.DisallowUnknownFields()
	return args, decoder.Decode(&args)
}

// A sessionSite is the sessions of one application, all in signed cookies.
type sessionSite struct {
	manager *sessions.Manager
	names   []string // of the declared sessions, the default one first
	now     time.Time
}

// newSessionSite declares every session that the application opens by name.
// With old it takes over the cookies of webapp2, of the year that the vectors have.
func newSessionSite(spec appSpec, old bool) (*sessionSite, error) {
	config := spec.Config["webapp2_extras.sessions"]
	site := &sessionSite{names: []string{cmp.Or(config.CookieName, "session")}, now: time.Unix(clock, 0)}
	ages := make(map[string]int)
	for _, handler := range spec.Handlers {
		for _, steps := range handler.Methods {
			for _, step := range steps {
				name := step.Session
				if strings.HasSuffix(step.Op, "_secure_cookie") {
					name = step.Name
				}
				if name != "" && !slices.Contains(site.names, name) {
					site.names = append(site.names, name)
				}
				if step.Op == "get_secure_cookie" {
					ages[name] = step.MaxAge
				}
			}
		}
	}
	slices.Sort(site.names[1:])
	var specs []sessions.Spec
	for _, name := range site.names {
		s, err := config.spec(name, ages[name])
		if err != nil {
			return nil, err
		}
		if old {
			if s.Import, err = webapp2.ImportCookies([]byte(config.SecretKey), name, 100*365*24*time.Hour); err != nil {
				return nil, err
			}
		}
		specs = append(specs, s)
	}
	var err error
	site.manager, err = sessions.New(sessions.Config{
		Keys:     []sessions.Key{{Hash: []byte("fixed, so that the cookies are...")}},
		Sessions: specs,
		Now:      func() time.Time { return site.now },
	})
	return site, err
}

func (c sessionConfig) spec(name string, maxAge int) (sessions.Spec, error) {
	args, err := c.cookieArgs()
	spec := sessions.Spec{Name: name, Domain: args.Domain, Path: args.Path}
	if err != nil {
		return spec, err
	}
	switch args.SameSite {
	case "":
	case "lax":
		spec.SameSite = http.SameSiteLaxMode
	case "strict":
		spec.SameSite = http.SameSiteStrictMode
	case "none":
		spec.SameSite = http.SameSiteNoneMode
	default:
		return spec, fmt.Errorf("SameSite has no value %q", args.SameSite)
	}
	if args.MaxAge != 0 {
		spec.Persistent = true
		spec.AbsoluteTimeout = time.Duration(args.MaxAge) * time.Second
	}
	// webapp2 counted whole seconds: a session of 10 seconds ended with the 11th.
	if c.SessionMaxAge != nil {
		spec.AbsoluteTimeout = time.Duration(*c.SessionMaxAge+1) * time.Second
	}
	if maxAge != 0 {
		spec.AbsoluteTimeout = time.Duration(maxAge+1) * time.Second
	}
	return spec, nil
}

// read decodes a cookie of ours.
func (site *sessionSite) read(name, value string) string {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", name+"="+value)
	s := site.manager.Store(r).Named(bareName(name))
	contents := make(map[string]any)
	for key, value := range s.All() {
		contents[key] = value
	}
	if flashes := flashList(s.Flashes()); len(flashes) > 0 {
		contents["_flash"] = flashes
	}
	if s.Status() != sessions.StatusLoaded {
		return s.Status().String()
	}
	return pythonJSON(contents)
}

// bareName is the name of a session without the prefix of its cookie.
func bareName(cookie string) string {
	return strings.TrimPrefix(strings.TrimPrefix(cookie, "__Host-"), "__Secure-")
}

// flashList is what webapp2 kept of flashes: value and level, which may be None.
func flashList(flashes []sessions.Flash) []any {
	list := []any{}
	for _, f := range flashes {
		var level any
		if f.Level != "" {
			level = f.Level
		}
		list = append(list, []any{f.Value, level})
	}
	return list
}

// pythonJSON is JSON as webapp2 wrote it: compact, sorted, in ASCII.
func pythonJSON(v any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err.Error()
	}
	quoted := strconv.QuoteToASCII(strings.TrimSpace(text.String()))
	quoted = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	return strings.ReplaceAll(quoted, `\\`, `\`)
}
