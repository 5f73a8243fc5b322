package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// BaseHandler gives a handler its site, its sessions and its user. Handlers embed it
// by value and add Get, Post and so on. One value serves one request: a goroutine
// that outlives the request takes values out of it, never the handler.
//
// An override of Dispatch calls h.BaseHandler.Dispatch. What comes before that call
// may already use everything here; what comes after it may still change sessions and
// header, as long as the answer has not been sent:
//
//	func (h *AdminHandler) Dispatch() error {
//		h.Page().Look = "admin"
//		err := h.BaseHandler.Dispatch()
//		h.Response.Header().Set("Cache-Control", "no-store")
//		return err
//	}
type BaseHandler struct {
	framework.RequestHandler
	Site *Site // set by Site.Init

	store atomic.Pointer[sessions.Store]
	page  *templates.Page
	user  *auth.User
	known bool   // whether user has been asked for
	owner string // whose the session was then
}

// Dispatch delegates to the action. Nothing need be done for the sessions before or
// after that, as it must be in webapp2's: the first use opens the store, also one in an
// override of Dispatch before it delegates, and a request that has none pays for none;
// saving hangs on the response, so that it happens however the request ends.
func (h *BaseHandler) Dispatch() error { return h.RequestHandler.Dispatch() }

// Ready reports what the handler lacks, at start: App.Check asks a handler of every route.
func (h *BaseHandler) Ready() error {
	switch {
	case h.Site == nil:
		return errors.New("handlers: no Site: set app.Init = site.Init")
	case h.Site.Sessions == nil:
		return errors.New("handlers: Site.Sessions is nil: make it with sessions.New")
	}
	return nil
}

// Store returns the session store of this request. It is opened at the first use,
// wherever that is: also in an override of Dispatch, before it delegates. Its changed
// sessions are saved just before the header goes out.
//
// All goroutines of the request may ask for it, and for what is in it. Where the first
// use comes after the header has gone, a change is lost: that is an error in the log,
// and at the end of the request in the session's Err.
func (h *BaseHandler) Store() *sessions.Store {
	if store := h.store.Load(); store != nil {
		return store
	}
	store := h.Site.Sessions.Store(h.Request)
	h.Response.BeforeSend(store.Save) // before another goroutine can change what is in it
	if !h.store.CompareAndSwap(nil, store) {
		return h.store.Load() // of one that was sooner: the save of ours has nothing to save
	}
	return store
}

// Session returns the default session of this request. Others are by name in Store.
func (h *BaseHandler) Session() *sessions.Session { return h.Store().Session() }

// User returns who is logged in: the user whose id the default session keeps. Nil and
// no error is nobody, and so is a user who has been deleted, or who has got another
// password since this session's login. An error says that nobody knows, because the
// session or the users could not be read; it answers 503. The users are asked once in a
// request, unless the session becomes another's.
func (h *BaseHandler) User() (*auth.User, error) {
	session := h.Session()
	id, imported := session.User(), false
	if h.known && h.owner == id {
		return h.user, nil
	}
	if id == "" {
		id, imported = sessions.Get[string](session, ImportedUser)
	}
	if session.Status() == sessions.StatusDown {
		return nil, unavailable("reading the session", session.Err())
	}
	var user *auth.User
	if id != "" && h.Site.Users != nil {
		found, err := h.Site.Users.ByID(h.Context(), id)
		if err != nil && !errors.Is(err, auth.ErrNotFound) {
			return nil, unavailable("reading the user", err)
		}
		if err == nil && (imported || hasCredential(session, found)) {
			user = found
		}
	}
	if imported {
		session.Delete(ImportedUser)
		if user != nil {
			h.LogIn(user)
		}
	}
	h.user, h.known, h.owner = user, true, session.User()
	return h.user, nil
}

// ImportedUser is the key under which the Read of a [sessions.Import] hands on the id of
// the user whom an older system had logged in. The first request that asks for its user
// makes the new session that user's.
const ImportedUser = "imported user"

// unavailable is the error of a store that did not answer: 503, unless it says another.
func unavailable(doing string, err error) error {
	err = fmt.Errorf("handlers: %s: %w", doing, err)
	if code := framework.Status(err); code != http.StatusInternalServerError {
		return err
	}
	return &framework.Error{Code: http.StatusServiceUnavailable, Err: err}
}

// Flash keeps a message for the next page that the session's owner sees. Level is
// "success", "info", "warning", "error", or what the site's style sheet knows.
func (h *BaseHandler) Flash(message any, level string) { h.Session().AddFlash(message, level) }

// Page is what the layout will be given. An override of Dispatch, or an action, may
// set its Title and Look; Render fills in the rest.
func (h *BaseHandler) Page() *templates.Page {
	if h.page == nil {
		h.page = new(templates.Page)
	}
	return h.page
}

// Render answers with a page of the site's templates within the layout. The content's
// dot is data. The layout shows the user and the flashes, which are read from the
// session by this. Where the session cannot be read the page is for nobody, and its
// Spec's WhenDown says whether that may be sent.
func (h *BaseHandler) Render(page string, data any) error {
	if _, err := h.User(); err != nil && h.Session().Status() != sessions.StatusDown {
		return err
	}
	p := h.Page()
	for _, flash := range h.Session().Flashes() {
		p.Flashes = append(p.Flashes, templates.Flash{Message: flash.Value, Level: flash.Level})
	}
	return h.render(page, data)
}

// render is Render without the session: the user is shown if it is known already.
func (h *BaseHandler) render(page string, data any) error {
	if h.Site.Templates == nil {
		return errors.New("handlers: Render: Site.Templates is nil: make it with templates.Parse")
	}
	p := h.Page()
	p.Site, p.Path, p.Data = h.Site.Name, h.Request.URL.Path, data
	if h.user != nil {
		p.User, p.Roles = h.user.Name, h.user.Roles
	}
	if header := h.Response.Header(); header.Get("Content-Type") == "" {
		header.Set("Content-Type", "text/html; charset=utf-8")
	}
	return h.Site.Templates.Render(h.Response, page, p)
}

func (h *BaseHandler) base() *BaseHandler { return h }
