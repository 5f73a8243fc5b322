package framework

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/gorilla/mux"
)

// checkTable reports the mistakes in the routing table of which mux says nothing: its
// routes then never match, or not as they were meant to.
func (a *App) checkTable() (mistakes []error) {
	report := func(format string, arguments ...any) {
		mistakes = append(mistakes, fmt.Errorf("framework: "+format, arguments...))
	}
	if a.NotFoundHandler != http.Handler(refusal{a, http.StatusNotFound}) ||
		a.MethodNotAllowedHandler != http.Handler(refusal{a, http.StatusMethodNotAllowed}) {
		report("NotFoundHandler or MethodNotAllowedHandler was replaced: use App.Fallback and App.Errors")
	}
	if !setting(a.Router, "skipClean") {
		report("SkipClean(false) answers a path like //a with a redirect, after which a POST comes back as a GET: leave it out")
	}
	names := map[string]string{} // of the routes, with their templates
	takesHead := map[string]bool{}
	var takesGet []string
	err := a.Walk(func(entry *mux.Route, router *mux.Router, _ []*mux.Route) error {
		if err := entry.GetError(); err != nil {
			report("a route never matches: %w", err)
			return nil
		}
		template, _ := entry.GetPathTemplate()
		if router != a.Router && (router.NotFoundHandler != nil || router.MethodNotAllowedHandler != nil) {
			report("the subrouter of %q has a NotFoundHandler or MethodNotAllowedHandler: use App.Fallback and App.Errors", template)
		}
		if name := entry.GetName(); name != "" {
			if other, taken := names[name]; taken {
				report("routes %q and %q are both named %q", other, template, name)
			}
			names[name] = template
		}
		if name := repeated(entry); name != "" {
			report("route %q has two variables named %q: give one of them another name", template, name)
		}
		if setting(entry, "strictSlash") && entry.GetHandler() != nil {
			report("route %q has StrictSlash, after whose redirect a POST comes back as a GET: use SlashRedirect for the other form", template)
		}
		if entry.GetHandler() == nil && !setting(entry, "buildOnly") && !slices.ContainsFunc(matchers(entry), isSubrouter) {
			report("route %q has no handler: give it one, or BuildOnly if it is there for its URL alone", template)
		}
		methods, _ := entry.GetMethods()
		if rt, ours := entry.GetHandler().(*route); ours {
			if rt.app != a {
				report("route %q serves a handler that was made for another App: give To the App whose route it is", template)
			}
			if rt.verbs.only != nil && len(methods) == 0 {
				report("route %q of ToMethod takes every verb: name them with Methods", template)
			}
		}
		if entry.GetHandler() != nil && slices.Contains(methods, http.MethodGet) {
			takesGet = append(takesGet, template)
		}
		if slices.Contains(methods, http.MethodHead) {
			takesHead[template] = true
		}
		return nil
	})
	if err != nil {
		report("%w", err)
	}
	for _, template := range takesGet {
		if !takesHead[template] {
			report("route %q takes GET and not HEAD: add HEAD to Methods", template)
		}
	}
	return mistakes
}

// repeated returns a name that two variables of a route have, "" if there is none: mux
// takes it, and keeps one of the values.
func repeated(route *mux.Route) string {
	names, _ := route.GetVarNames()
	for i, name := range names {
		if slices.Contains(names[:i], name) && !isInvented(name) {
			return name
		}
	}
	return ""
}
