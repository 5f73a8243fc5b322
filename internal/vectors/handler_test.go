package vectors

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
)

// A handlerSpec declares a handler class.
type handlerSpec struct {
	Kind            string
	Methods         map[string][]step
	Steps           []step // of a function
	Dispatch        []step
	HandleException []step `json:"handle_exception"`
	Session         string // "docs" or "returning": a base that opens the session store
}

// script is the base of all handlers here. It does what BaseHandler does for
// sessions, and runs the steps that its spec declares.
type script struct {
	framework.RequestHandler
	spec  *handlerSpec
	site  *sessionSite
	store *sessions.Store
}

type scripted interface{ self() *script }

func (s *script) self() *script { return s }

func (s *script) Dispatch() error {
	if s.spec.Session != "" {
		s.store = s.site.manager.Store(s.Request)
		s.Response.BeforeSend(s.store.Save)
	}
	if s.spec.Dispatch == nil {
		return s.RequestHandler.Dispatch()
	}
	return s.run(s.spec.Dispatch, nil)
}

func (s *script) HandleError(err error) error {
	if s.spec.HandleException == nil {
		return s.RequestHandler.HandleError(err)
	}
	return s.run(s.spec.HandleException, err)
}

// action runs the steps of one method.
func (s *script) action(verb string) error {
	if s.spec.Kind == "function" {
		return s.run(s.spec.Steps, nil)
	}
	return s.run(s.spec.Methods[verb], nil)
}

// A type is the list of its methods, so each set of methods that the vectors have needs a
// type of its own.
type (
	withNone          struct{ script }
	withGet           struct{ script }
	withHead          struct{ script }
	withPost          struct{ script }
	withPatch         struct{ script }
	withGetPost       struct{ script }
	withGetHeadPost   struct{ script }
	withGetPostDelete struct{ script }
	withAll           struct{ script }
)

func (h *withGet) Get() error              { return h.action("get") }
func (h *withHead) Head() error            { return h.action("head") }
func (h *withPost) Post() error            { return h.action("post") }
func (h *withPatch) Patch() error          { return h.action("patch") }
func (h *withGetPost) Get() error          { return h.action("get") }
func (h *withGetPost) Post() error         { return h.action("post") }
func (h *withGetHeadPost) Get() error      { return h.action("get") }
func (h *withGetHeadPost) Head() error     { return h.action("head") }
func (h *withGetHeadPost) Post() error     { return h.action("post") }
func (h *withGetPostDelete) Get() error    { return h.action("get") }
func (h *withGetPostDelete) Post() error   { return h.action("post") }
func (h *withGetPostDelete) Delete() error { return h.action("delete") }
func (h *withAll) Get() error              { return h.action("get") }
func (h *withAll) Head() error             { return h.action("head") }
func (h *withAll) Post() error             { return h.action("post") }
func (h *withAll) Put() error              { return h.action("put") }
func (h *withAll) Delete() error           { return h.action("delete") }
func (h *withAll) Options() error          { return h.action("options") }

// route makes a route of the type that has the methods of the spec. TRACE is no method of
// a handler here.
func (spec *handlerSpec) route(app *framework.App) (h http.Handler, err error) {
	defer func() {
		if message := recover(); message != nil { // the way in which To finds mistakes
			h, err = nil, fmt.Errorf("%v", message)
		}
	}()
	verbs := slices.Sorted(maps.Keys(spec.Methods))
	verbs = slices.DeleteFunc(verbs, func(verb string) bool { return verb == "trace" })
	if spec.Kind == "function" {
		verbs = []string{"delete", "get", "head", "options", "post", "put"}
	}
	switch set := strings.Join(verbs, " "); set {
	case "get":
		return framework.From(app, func() *withGet { return &withGet{script{spec: spec}} }), nil
	case "head":
		return framework.From(app, func() *withHead { return &withHead{script{spec: spec}} }), nil
	case "post":
		return framework.From(app, func() *withPost { return &withPost{script{spec: spec}} }), nil
	case "patch":
		return framework.From(app, func() *withPatch { return &withPatch{script{spec: spec}} }), nil
	case "get post":
		return framework.From(app, func() *withGetPost { return &withGetPost{script{spec: spec}} }), nil
	case "get head post":
		return framework.From(app, func() *withGetHeadPost { return &withGetHeadPost{script{spec: spec}} }), nil
	case "delete get post":
		return framework.From(app, func() *withGetPostDelete { return &withGetPostDelete{script{spec: spec}} }), nil
	case "delete get head options post put":
		return framework.From(app, func() *withAll { return &withAll{script{spec: spec}} }), nil
	default:
		return framework.From(app, func() *withNone { return &withNone{script{spec: spec}} }), nil
	}
}
