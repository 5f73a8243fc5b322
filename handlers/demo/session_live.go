package demo

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// livePath is the path of the stream for the page /session.
const livePath = "/session/live"

// nowPath is the path of the two columns that the script loads again when something has
// happened: what the browser has, and what the server has.
const nowPath = "/session/now"

type nowHandler struct {
	handlers.BaseHandler
	watch *Watch
}

// Get returns the two columns alone. The request is not among the visits. It saves no session
// and sets no cookie, so that an open page neither keeps a session alive nor overwrites a cart
// that another tab changes.
func (h *nowHandler) Get() error {
	header := h.Response.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	store := h.watch.quiet.Store(h.Request) // it is not saved
	if store.Session().Status() == sessions.StatusDown {
		return h.Abort(http.StatusServiceUnavailable) // the script keeps what it shows
	}
	data := h.watch.sides(&h.BaseHandler, store, loggedIn(h.Context(), h.Site, store.Session()))
	return h.Site.Templates.Render(h.Response, "sides", &templates.Page{Layout: templates.NoLayout, Prefix: h.Prefix(), Data: data})
}

// loggedIn returns the user who is logged in with a session, or nil, as BaseHandler.User does
// for the session of a request that is saved.
func loggedIn(ctx context.Context, site *handlers.Site, session *sessions.Session) *auth.User {
	find := site.FindUser
	if find == nil && site.Users != nil {
		find = site.Users.ByID
	}
	login, ok := session.Login()
	if !ok || find == nil {
		return nil
	}
	user, err := find(ctx, session.User())
	if err != nil || !user.HasCredential(login.Credential) {
		return nil
	}
	return user
}

// A liveHandler streams what happens to the visitor's sessions to the page /session, as
// server-sent events. Each event is a request as the page shows it, with all that has happened
// in it so far. Its id is the number of a change: a browser that reconnects gets all that has
// changed since. So a stream keeps no queue for a slow browser.
type liveHandler struct {
	handlers.BaseHandler
	watch *Watch
}

// liveEvery is the shortest time between two events of a stream.
const liveEvery = 50 * time.Millisecond

// Get streams until the browser leaves or the server stops. It does not use the session, so
// that an open page does not keep it alive. The event look says that somebody else has ended
// a session, which may be that of this browser.
func (h *liveHandler) Get() error {
	sent, err := h.lastSeen()
	if err != nil {
		return err
	}
	v, woken, err := h.watch.follow(h.Request)
	if err != nil {
		return err
	}
	defer h.watch.leave(v, woken)
	header := h.Response.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx passes each event on at once
	if h.Request.Method == http.MethodHead {
		return nil
	}
	stop := h.StreamContext()
	beats := time.NewTicker(h.watch.heartbeat)
	defer beats.Stop()
	fmt.Fprint(h, "retry: 2000\n\n")
	_, newest, told := v.since(0)
	if sent > newest {
		sent = 0 // of an earlier run of the program
	}
	for {
		visits, newest, others := v.since(sent)
		for _, visit := range visits {
			if err := h.send(visit); err != nil {
				return err
			}
		}
		sent = newest
		if others != told {
			fmt.Fprint(h, "event: look\ndata:\n\n")
			told = others
		}
		if err := h.Response.FlushError(); err != nil {
			return nil // the browser has left
		}
		select {
		case <-stop.Done():
			return nil
		case <-beats.C: // a proxy closes a connection that says nothing
			fmt.Fprint(h, ": alive\n\n")
		case <-woken:
			select {
			case <-stop.Done():
				return nil
			case <-time.After(liveEvery):
			}
		}
	}
}

// lastSeen returns the number of the newest change that the browser has: the one that it sends
// when it reconnects, or the one that the page shows.
func (h *liveHandler) lastSeen() (uint64, error) {
	text := h.Request.Header.Get("Last-Event-ID")
	if text == "" {
		text = h.Request.URL.Query().Get("after")
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, h.Abort(http.StatusBadRequest, "The newest change must be a number.")
	}
	return n, nil
}

// send writes a visit as one event.
func (h *liveHandler) send(v visit) error {
	var page bytes.Buffer
	if err := h.Site.Templates.Render(&page, "visit", &templates.Page{Layout: templates.NoLayout, Prefix: h.Prefix(), Data: v}); err != nil {
		return err
	}
	fmt.Fprintf(h, "id: %d\n", v.change)
	text := strings.ReplaceAll(page.String(), "\r", "\n") // which ends a line of the stream too
	for line := range strings.Lines(strings.TrimSpace(text)) {
		fmt.Fprintf(h, "data: %s\n", strings.TrimSpace(line))
	}
	_, err := fmt.Fprint(h, "\n")
	return err
}

// follow opens a stream for the visitor of a request. The channel gets a value when something
// has changed. The caller must call leave at the end.
func (w *Watch) follow(r *http.Request) (*visitor, chan struct{}, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	v := w.known(r)
	if v == nil {
		return nil, nil, framework.Abort(http.StatusNotFound, "Open the page /session first.")
	}
	if w.streams == mostStreams {
		return nil, nil, framework.Abort(http.StatusServiceUnavailable)
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if len(v.streams) == mostOwn {
		return nil, nil, framework.Abort(http.StatusTooManyRequests, "Too many pages of this browser are live.")
	}
	if v.streams == nil {
		v.streams = map[chan struct{}]bool{}
	}
	woken := make(chan struct{}, 1)
	v.streams[woken] = true
	w.streams++
	return v, woken, nil
}

// leave closes a stream.
func (w *Watch) leave(v *visitor, woken chan struct{}) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	v.mutex.Lock()
	defer v.mutex.Unlock()
	delete(v.streams, woken)
	w.streams--
}
