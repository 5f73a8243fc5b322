package webapp2_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/webapp2"
)

// A routeSpec is a route, or a tree of routes, as the vectors declare it.
type routeSpec struct {
	Type           string
	Template       string
	Prefix         string
	Handler        string
	HandlerMethod  string `json:"handler_method"`
	Name           string
	Methods        any // a list, or (a trap of Python's) a string
	Schemes        []string
	Defaults       map[string]any
	BuildOnly      bool   `json:"build_only"`
	StrictSlash    bool   `json:"strict_slash"`
	RedirectTo     string `json:"redirect_to"`
	RedirectToName string `json:"redirect_to_name"`
	Routes         []routeSpec
}

// probe answers with its label and the route's variables. Route defaults are fields
// of the handler here: what a variable of the path does not give.
type probe struct {
	framework.RequestHandler
	label    string
	defaults map[string]any
}

func (p *probe) Get() error     { return p.answer() }
func (p *probe) Post() error    { return p.answer() }
func (p *probe) Put() error     { return p.answer() }
func (p *probe) Patch() error   { return p.answer() }
func (p *probe) Delete() error  { return p.answer() }
func (p *probe) Head() error    { return p.answer() }
func (p *probe) Options() error { return p.answer() }

func (p *probe) answer() error {
	vars := make(map[string]string)
	for name, value := range p.defaults {
		vars[name] = fmt.Sprint(value)
	}
	maps.Copy(vars, p.Vars())
	p.Response.Header().Set("Matched", matched(p.label, vars))
	return nil
}

func matched(label string, vars map[string]string) string {
	text, err := json.Marshal(vars)
	if err != nil {
		panic(err)
	}
	return label + " " + string(text)
}

// named redirects to a named route, with the variables of its own: what webapp2
// calls redirect_to_name.
type named struct {
	framework.RequestHandler
	name string
}

func (n *named) Get() error {
	var pairs []any
	for name, value := range n.Vars() {
		pairs = append(pairs, name, value)
	}
	return n.RedirectTo(n.name, pairs...)
}

// A table declares the routes of a vector on an App, in the way that a port of a
// webapp2 application would.
type table struct {
	app *framework.App
	err error // of a template, or of a route
}

func newTable(specs []routeSpec) *table {
	t := &table{app: framework.New()}
	t.declare(t.app.Router, "", "", specs)
	if err := t.app.Check(); err != nil && strings.Contains(err.Error(), "never matches") {
		t.fail(err)
	}
	return t
}

func (t *table) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

func (t *table) template(text string) string {
	template, err := webapp2.Template(text)
	if err != nil {
		t.fail(err)
	}
	return template
}

func (t *table) declare(router *framework.Router, names, handlers string, specs []routeSpec) {
	for _, spec := range specs {
		switch spec.Type {
		case "PathPrefixRoute":
			parent := router.PathPrefix(t.template(spec.Prefix))
			t.declare(parent.Subrouter(), names, handlers, spec.Routes)
		case "DomainRoute":
			parent := router.Host(t.template(spec.Template))
			t.declare(parent.Subrouter(), names, handlers, spec.Routes)
		case "NamePrefixRoute":
			t.declare(router, names+spec.Prefix, handlers, spec.Routes)
		case "HandlerPrefixRoute":
			t.declare(router, names, handlers+spec.Prefix, spec.Routes)
		case "tuple", "SimpleRoute":
			template, ok := simpleTemplate(spec.Template)
			if !ok {
				t.fail(fmt.Errorf("no template for the regex %q", spec.Template))
				continue
			}
			spec.Template = template
			t.route(router, names, handlers, spec)
		default:
			t.route(router, names, handlers, spec)
		}
	}
}

func (t *table) route(router *framework.Router, names, handlers string, spec routeSpec) {
	if spec.Name != "" {
		spec.Name = names + spec.Name
	}
	t.handle(router, spec, t.handler(handlers, spec)).Name(spec.Name)
	if spec.StrictSlash {
		other := spec
		if slashless, ok := strings.CutSuffix(spec.Template, "/"); ok {
			other.Template = slashless
		} else {
			other.Template += "/"
		}
		if other.Template != "" {
			t.handle(router, other, framework.SlashRedirect())
		}
	}
}

func (t *table) handle(router *framework.Router, spec routeSpec, h http.Handler) *framework.Route {
	route := router.Handle(t.template(spec.Template), h)
	if list, ok := spec.Methods.([]any); ok && len(list) > 0 {
		var methods []string
		for _, m := range list {
			methods = append(methods, m.(string))
		}
		route.Methods(methods...)
	}
	if len(spec.Schemes) > 0 {
		route.Schemes(spec.Schemes...)
	}
	if spec.BuildOnly {
		route.BuildOnly()
	}
	return route
}

func (t *table) handler(handlers string, spec routeSpec) http.Handler {
	switch {
	case spec.RedirectTo != "":
		return webapp2.RedirectHandler(spec.RedirectTo, http.StatusMovedPermanently)
	case spec.RedirectToName != "":
		return framework.From(t.app, func() *named { return &named{name: spec.RedirectToName} })
	}
	label, method := handlers+spec.Handler, spec.HandlerMethod
	if at := strings.LastIndexByte(label, ':'); at >= 0 && method == "" {
		label, method = label[:at], label[at+1:]
	}
	if method != "" {
		return framework.ToMethod(t.app, func(p *probe) error {
			p.label = label + "." + method
			return p.answer()
		})
	}
	return framework.From(t.app, func() *probe { return &probe{label: label, defaults: spec.Defaults} })
}

var simpleGroup = regexp.MustCompile(`\((?:\?P<\w+>)?([^()?]*)\)`)

// simpleTemplate rewrites a regex of webapp's routes as docs/migrating.md tells
// people to: a group becomes an unnamed variable, all else must be plain text.
func simpleTemplate(regex string) (string, bool) {
	regex = strings.TrimPrefix(regex, "^")
	if !strings.HasSuffix(regex, `\$`) {
		regex = strings.TrimSuffix(regex, "$")
	}
	template := simpleGroup.ReplaceAllString(regex, "<:$1>")
	text := simpleGroup.ReplaceAllString(regex, "")
	return template, strings.HasPrefix(regex, "/") && !strings.ContainsAny(text, `.*+?|[]{}()^$\<>`)
}
