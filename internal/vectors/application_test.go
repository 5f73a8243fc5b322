package vectors

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/webapp2"
)

// An appSpec declares an application.
type appSpec struct {
	Debug         bool
	Config        map[string]sessionConfig
	Routes        []routeSpec
	Handlers      map[string]*handlerSpec
	ErrorHandlers map[string]json.RawMessage `json:"error_handlers"` // steps, or the dotted name of a function
}

type routeSpec struct {
	Type           string
	Template       string
	Handler        string
	Name           string
	Methods        []string
	HandlerMethod  string `json:"handler_method"`
	BuildOnly      bool   `json:"build_only"`
	StrictSlash    bool   `json:"strict_slash"`
	RedirectTo     string `json:"redirect_to"`
	RedirectToName string `json:"redirect_to_name"`
	Defaults       struct {
		URI       string `json:"_uri"`
		Code      int    `json:"_code"`
		Permanent *bool  `json:"_permanent"`
	}
}

// An application is one that a vector declares, built as a port of it would be.
type application struct {
	*framework.App
	sessions *sessionSite
	methods  map[string]*handlerSpec // by path, for handlers that ToMethod makes
}

// newApplication returns an error for what is a mistake of the program here: found
// at its start, or by the compiler.
func newApplication(v *vector) (*application, error) {
	spec := v.App
	old := slices.ContainsFunc(v.Requests, func(r requestSpec) bool { return r.Cookie != "" })
	site, err := newSessionSite(spec, old)
	if err != nil {
		return nil, err
	}
	a := &application{App: framework.New(), sessions: site, methods: make(map[string]*handlerSpec)}
	a.Debug = spec.Debug
	a.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	a.Init = a.init
	a.Fallback = func() framework.Handler { return new(withNone) }
	a.Errors = make(map[int]framework.ErrorHandler)
	for code, text := range spec.ErrorHandlers {
		status, err := strconv.Atoi(code)
		if err != nil {
			return nil, err
		}
		var steps []step
		if err := json.Unmarshal(text, &steps); err != nil {
			return nil, fmt.Errorf("no function is called %s", text)
		}
		a.Errors[status] = func(h framework.Handler, err error) error {
			return h.(scripted).self().run(steps, err)
		}
	}
	for _, route := range spec.Routes {
		if err := a.route(route, spec.Handlers[route.Handler]); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// init gives a handler what it needs of the application.
func (a *application) init(h framework.Handler) {
	s := h.(scripted).self()
	s.site = a.sessions
	if s.spec == nil {
		s.spec = a.methods[s.Request.URL.Path]
	}
	if s.spec == nil {
		s.spec = new(handlerSpec)
	}
}

func (a *application) route(spec routeSpec, handler *handlerSpec) error {
	template, err := webapp2.Template(spec.Template)
	if err != nil {
		return err
	}
	h, err := a.handler(spec, handler)
	if err != nil {
		return err
	}
	route := a.Handle(template, h).Name(spec.Name)
	if len(spec.Methods) > 0 {
		route.Methods(spec.Methods...)
	}
	if spec.BuildOnly {
		route.BuildOnly()
	}
	if spec.StrictSlash {
		other, slash := strings.CutSuffix(template, "/")
		if !slash {
			other += "/"
		}
		a.Handle(other, framework.SlashRedirect())
	}
	if err := a.Check(); err != nil && strings.Contains(err.Error(), "never matches") {
		return err
	}
	return nil
}

func (a *application) handler(spec routeSpec, handler *handlerSpec) (http.Handler, error) {
	switch {
	case spec.RedirectTo != "":
		return webapp2.RedirectHandler(spec.RedirectTo, http.StatusMovedPermanently), nil
	case handler != nil && handler.Kind == "RedirectHandler":
		return webapp2.RedirectHandler(cmp.Or(spec.Defaults.URI, "/"), redirectCode(spec.Defaults.Code, spec.Defaults.Permanent == nil || *spec.Defaults.Permanent)), nil
	case spec.RedirectToName != "":
		return a.redirectToName(spec.RedirectToName), nil
	case spec.HandlerMethod != "":
		steps, ok := handler.Methods[spec.HandlerMethod]
		if !ok {
			return nil, fmt.Errorf("the handler has no method %s", spec.HandlerMethod)
		}
		a.methods[spec.Template] = handler
		return framework.ToMethod(a.App, func(h *withNone) error { return h.run(steps, nil) }), nil
	}
	return handler.route(a.App)
}

// redirectToName redirects to a named route with the variables of its own.
func (a *application) redirectToName(name string) http.Handler {
	return framework.ToMethod(a.App, func(h *withNone) error {
		var pairs []any
		for variable, value := range h.Vars() {
			pairs = append(pairs, variable, value)
		}
		to, err := h.URL(name, pairs...)
		if err != nil {
			return err
		}
		return h.RedirectCode(to, http.StatusMovedPermanently)
	})
}

// got returns the outcome of a vector here.
func (v *vector) got(t *testing.T) string {
	if v.Group == "auth" {
		return v.gotAuth(t)
	}
	a, err := newApplication(v)
	if err != nil {
		return "not served: a mistake that is found at the start, or by the compiler\n"
	}
	plain, secure := httptest.NewServer(a), httptest.NewTLSServer(a)
	defer plain.Close()
	defer secure.Close()
	browser := &browser{plain: plain, secure: secure, site: a.sessions}
	var out strings.Builder
	for i := range v.Requests {
		answer := browser.send(t, v, i)
		out.WriteString(answer.outcome(v, i))
	}
	return out.String()
}
