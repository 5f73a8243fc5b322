package source

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/webapp2go/webapp2go/port/internal/pytree"
)

// A Use is a feature of webapp2 or App Engine with the places that use it.
type Use struct {
	Feature Feature
	Places  []Finding
}

// A Feature is a feature that an application may use, with its replacement.
type Feature struct {
	Title string
	Cost  Cost
	Here  string // its replacement in webapp2go; empty if there is none
	Page  string // a page of docs, with the heading
}

// A Cost is how long it takes to port a feature.
type Cost int

// The costs.
const (
	Lines Cost = iota // one line for another
	Hours             // some code must be written, or there is a pitfall
	Days              // a replacement must be chosen, or there is none
)

func (c Cost) String() string {
	return [...]string{"lines", "hours", "days"}[c]
}

// A pattern finds a feature: by the end of a dotted name, or by the beginning of the full
// name of an import.
type pattern struct {
	ends   []string
	module string
	Feature
}

var patterns = []pattern{
	{module: "google.appengine.ext.ndb", Feature: Feature{"ndb models and queries", Days, "Structs and package webapp2/ndb, which keeps what a struct does not know", "appengine.md#entities-of-ndb"}},
	{module: "google.appengine.ext.db", Feature: Feature{"db models and queries", Days, "As ndb", "appengine.md#entities-of-ndb"}},
	{module: "google.appengine.api.users", Feature: Feature{"users API (Google accounts)", Days, "OpenID Connect with Google, or Identity-Aware Proxy", "appengine.md#services"}},
	{module: "google.appengine.api.taskqueue", Feature: Feature{"task queue", Days, "Cloud Tasks, with a handler that checks who calls", "appengine.md#tasks"}},
	{module: "google.appengine.api.labs.taskqueue", Feature: Feature{"task queue", Days, "Cloud Tasks, with a handler that checks who calls", "appengine.md#tasks"}},
	{module: "google.appengine.ext.deferred", Feature: Feature{"deferred", Days, "Nothing: one task handler for each function", "appengine.md#services"}},
	{module: "google.appengine.api.memcache", Feature: Feature{"memcache", Hours, "A client of memcached or Valkey", "appengine.md#services"}},
	{module: "google.appengine.api.mail", Feature: Feature{"mail", Hours, "Package mail, with a provider", "appengine.md#services"}},
	{module: "google.appengine.api.urlfetch", Feature: Feature{"urlfetch", Lines, "net/http with the request's context", "appengine.md#services"}},
	{module: "google.appengine.ext.blobstore", Feature: Feature{"blobstore", Days, "Cloud Storage", "appengine.md#services"}},
	{module: "google.appengine.ext.webapp.blobstore_handlers", Feature: Feature{"blobstore handlers", Days, "Cloud Storage", "appengine.md#services"}},
	{module: "google.appengine.api.images", Feature: Feature{"images", Days, "golang.org/x/image/draw", "appengine.md#services"}},
	{module: "google.appengine.api.search", Feature: Feature{"search", Days, "", "appengine.md#services"}},
	{module: "google.appengine.api.channel", Feature: Feature{"channel", Days, "Server-sent events", "appengine.md#services"}},
	{module: "google.appengine.api.xmpp", Feature: Feature{"xmpp", Days, "", "appengine.md#services"}},
	{module: "google.appengine.api.namespace_manager", Feature: Feature{"namespaces", Hours, "Key.Namespace and Query.Namespace", "appengine.md#services"}},
	{module: "google.appengine.api.app_identity", Feature: Feature{"app_identity", Lines, "Environment variables and the metadata server", "appengine.md#services"}},
	{module: "google.appengine.api.modules", Feature: Feature{"modules", Hours, "Environment variables", "appengine.md#services"}},
	{module: "google.appengine.ext.webapp.template", Feature: Feature{"Django templates", Hours, "html/template", "migrating.md#jinja2-and-htmltemplate"}},
	{module: "jinja2", Feature: Feature{"jinja2", Hours, "html/template", "migrating.md#jinja2-and-htmltemplate"}},
	{module: "webapp2_extras.jinja2", Feature: Feature{"webapp2_extras.jinja2", Hours, "html/template, through package templates", "migrating.md#jinja2-and-htmltemplate"}},
	{module: "webapp2_extras.i18n", Feature: Feature{"webapp2_extras.i18n", Hours, "Package i18n, which reads the same catalogues", "migrating.md#translation"}},
	{module: "webapp2_extras.auth", Feature: Feature{"webapp2_extras.auth", Hours, "BaseHandler.User, LogIn, and package auth", "migrating.md#users-and-login"}},
	{module: "webapp2_extras.appengine.auth", Feature: Feature{"webapp2_extras.auth", Hours, "BaseHandler.User, LogIn, and package auth", "migrating.md#users-and-login"}},
	{module: "webapp2_extras.appengine.users", Feature: Feature{"decorators of the users API", Days, "OpenID Connect with Google, and a Guard", "appengine.md#services"}},
	{module: "webapp2_extras.sessions", Feature: Feature{"webapp2_extras.sessions", Lines, "BaseHandler.Session: nothing to write", "migrating.md#sessions"}},
	{module: "webapp2_extras.security", Feature: Feature{"webapp2_extras.security", Lines, "auth.Passwords, crypto/rand", "migrating.md#security-helpers"}},
	{module: "webapp2_extras.json", Feature: Feature{"webapp2_extras.json", Lines, "h.JSON", "migrating.md#security-helpers"}},
	{module: "webapp2_extras.mako", Feature: Feature{"mako", Hours, "html/template", "migrating.md#other-extras"}},
	{module: "webapp2_extras.local", Feature: Feature{"webapp2_extras.local", Hours, "Parameters: there are no globals", "migrating.md#other-extras"}},
	{module: "webapp2_extras.securecookie", Feature: Feature{"secure cookies", Lines, "A Spec without a Backend", "migrating.md#signed-cookies"}},
	{ends: []string{"create_signup_token", "validate_signup_token", "delete_signup_token", "create_auth_token", "validate_token"}, Feature: Feature{"tokens of users", Hours, "The pages of package handlers and auth.Tokens", "migrating.md#users-and-login"}},
	{ends: []string{"unique_properties", "Unique.create"}, Feature: Feature{"unique properties", Hours, "Keys of auth.User", "migrating.md#users-and-login"}},
	{ends: []string{"get_session", "session_store", "save_sessions", "add_flash", "get_flashes"}, Feature: Feature{"sessions", Lines, "h.Session, h.Store, h.Flash", "migrating.md#sessions"}},
	{ends: []string{"auth.set_session", "auth.unset_session", "get_user_by_session", "get_user_by_password"}, Feature: Feature{"login and logout", Lines, "h.LogIn, h.User, the built-in pages", "migrating.md#users-and-login"}},
	{ends: []string{"request.get"}, Feature: Feature{"request.get", Lines, "webapp2.Get", "migrating.md#the-request"}},
	{ends: []string{"request.get_all", "request.get_range", "request.arguments"}, Feature: Feature{"request.get_all and others", Lines, "webapp2.GetAll, GetRange, Arguments", "migrating.md#the-request"}},
	{ends: []string{"request.params", "request.GET", "request.POST", "request.str_params"}, Feature: Feature{"request.params", Lines, "h.Request.URL.Query, h.Request.PostForm", "migrating.md#the-request"}},
	{ends: []string{"request.body", "request.body_file", "request.json"}, Feature: Feature{"the request's body", Hours, "h.DecodeJSON, h.Request.Body", "migrating.md#the-request"}},
	{ends: []string{"request.cookies", "request.headers", "request.environ", "request.remote_addr", "request.url", "request.path", "request.host", "request.uri", "request.path_url", "request.host_url", "request.method", "request.referer", "request.user_agent"}, Feature: Feature{"fields of the request", Lines, "Fields of *http.Request; app.ClientIP", "migrating.md#the-request"}},
	{ends: []string{"request.route", "request.route_args", "request.route_kwargs"}, Feature: Feature{"request.route", Lines, "h.Route, h.Var", "migrating.md#routes"}},
	{ends: []string{"request.registry", "app.registry", "app.config"}, Feature: Feature{"registry and config", Hours, "Fields that a constructor sets", "migrating.md#the-application-and-the-life-of-a-request"}},
	{ends: []string{"response.out.write", "response.write"}, Feature: Feature{"response.write", Lines, "fmt.Fprint(h, ...), h.Render, h.JSON", "migrating.md#the-response"}},
	{ends: []string{"response.headers", "response.headers.add_header", "response.set_status", "response.status", "response.status_int", "response.content_type", "response.clear", "response.charset"}, Feature: Feature{"status and headers", Lines, "h.Response", "migrating.md#the-response"}},
	{ends: []string{"response.set_cookie", "response.delete_cookie"}, Feature: Feature{"cookies", Lines, "http.SetCookie", "migrating.md#the-response"}},
	{ends: []string{"response.md5_etag", "response.cache_control", "response.last_modified", "response.body", "response.app_iter"}, Feature: Feature{"other fields of the response", Lines, "Headers", "migrating.md#the-response"}},
	{ends: []string{"self.redirect", "webapp2.redirect"}, Feature: Feature{"redirect", Lines, "return h.Redirect", "migrating.md#redirects"}},
	{ends: []string{"self.redirect_to", "webapp2.redirect_to"}, Feature: Feature{"redirect_to", Lines, "return h.RedirectTo", "migrating.md#redirects"}},
	{ends: []string{"self.uri_for", "self.url_for", "webapp2.uri_for"}, Feature: Feature{"uri_for", Lines, "h.URL", "migrating.md#building-urls"}},
	{ends: []string{"self.abort", "webapp2.abort", "self.error"}, Feature: Feature{"abort and error", Lines, "return h.Abort", "migrating.md#request-handlers"}},
	{ends: []string{"webapp2.cached_property", "cached_property"}, Feature: Feature{"cached_property", Lines, "A field and a nil check", "migrating.md#other-extras"}},
	{ends: []string{"webapp2.get_app", "webapp2.get_request", "WSGIApplication.active_instance"}, Feature: Feature{"globals", Hours, "Parameters", "migrating.md#the-application-and-the-life-of-a-request"}},
}

var inline = regexp.MustCompile(`(?i)<script(\s[^>]*)?>|<style|\sstyle\s*=|\son[a-z]+\s*=|(src|href)\s*=\s*["']?(https?:)?//`)

// HasInline reports whether a page has a script, a style or an address of another host.
// The usual Content-Security-Policy stops these.
func HasInline(page []byte) bool { return inline.Match(page) }

// findFeatures lists the features that the sources use, the most expensive first.
func (a *Application) findFeatures() {
	places := map[string][]Finding{}
	for _, m := range a.ordered() {
		imported := importsOf(m)
		m.tree.Walk(func(n *pytree.Node) bool {
			if n.Kind == "import_statement" || n.Kind == "import_from_statement" {
				return false
			}
			if n.Kind != "attribute" && n.Kind != "identifier" {
				return true
			}
			full := n.Text
			if strings.ContainsAny(full, "([{ \n") {
				full = n.Text[strings.LastIndexAny(n.Text, ")]} \n")+1:]
			}
			first, rest, _ := strings.Cut(full, ".")
			name := full
			if module, ok := imported[first]; ok {
				name = strings.TrimSuffix(module+"."+rest, ".")
			}
			for _, p := range patterns {
				if p.matches(name, full) {
					places[p.Title] = append(places[p.Title], Finding{File: m.File, Line: n.Line, Source: firstLine(n.Text)})
					break
				}
			}
			return n.Kind == "attribute" && strings.ContainsAny(n.Text, "([{")
		})
	}
	seen := map[string]bool{}
	for _, p := range patterns {
		if found := places[p.Title]; len(found) > 0 && !seen[p.Title] {
			seen[p.Title] = true
			a.Features = append(a.Features, Use{p.Feature, found})
		}
	}
	slices.SortStableFunc(a.Features, func(x, y Use) int {
		return cmp.Or(cmp.Compare(y.Feature.Cost, x.Feature.Cost), cmp.Compare(len(y.Places), len(x.Places)))
	})
}

func (p pattern) matches(name, full string) bool {
	if p.module != "" {
		return name == p.module || strings.HasPrefix(name, p.module+".")
	}
	for _, end := range p.ends {
		if full == end || strings.HasSuffix(full, "."+end) || name == end || strings.HasPrefix(full, end+".") || strings.Contains(full, "."+end+".") {
			return true
		}
	}
	return false
}

// importsOf returns the full names that the imports of a module bind.
func importsOf(m *Module) map[string]string {
	bound := map[string]string{}
	m.tree.Walk(func(n *pytree.Node) bool {
		switch n.Kind {
		case "import_statement":
			for _, name := range n.NamedChildren() {
				if name.Kind == "aliased_import" {
					bound[name.Child("alias").Text] = name.Child("name").Text
				}
			}
			return false
		case "import_from_statement":
			from := n.Child("module_name")
			if from.Kind == "relative_import" {
				return false
			}
			for _, name := range n.NamedChildren() {
				switch {
				case name == from:
				case name.Kind == "aliased_import":
					bound[name.Child("alias").Text] = from.Text + "." + name.Child("name").Text
				case name.Kind == "dotted_name":
					bound[name.Text] = from.Text + "." + name.Text
				}
			}
			return false
		}
		return true
	})
	return bound
}

// Pages returns the pages of docs that the features link to.
func Pages() (list []string) {
	for _, p := range patterns {
		list = append(list, p.Page)
	}
	return list
}
