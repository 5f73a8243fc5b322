package demo

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// A tryView is something that a visitor can try. Text describes what will happen, and why.
type tryView struct {
	ID, Title, Button, Text string
	run                     func(h *SessionHandler, v *visitor, result *trial) error
}

// A trial is what happened when a visitor tried something. The page shows it once.
type trial struct {
	Title string
	Lines []string
	Links []trialLink
}

type trialLink struct{ Text, Path string }

func (t *trial) say(format string, args ...any) {
	t.Lines = append(t.Lines, fmt.Sprintf(format, args...))
}

// link adds a link to a route.
func (t *trial) link(h *SessionHandler, text, route string, pairs ...any) error {
	path, err := h.URL(route, pairs...)
	t.Links = append(t.Links, trialLink{text, path})
	return err
}

// tries are the buttons of the page /session. They are set in init because Post, which a try
// may call, reads them.
var tries []tryView

func init() {
	tries = []tryView{
		{"count", "Two requests at the same time", "Count twice at once", "Both requests read the same number, and each adds one. A session with a backend ends with both, because the second save finds that the first came before it, and is made again; a signed cookie ends with one of them.", tryCount},
		{"forge", "A forged cookie", "Send a forged cookie", "One bit of the signature of a cookie is changed. The server sees that it has not signed this cookie, and treats its sender as a new visitor without asking the backend.", tryForge},
		{"replay", "An old cookie after a logout", "Log out, send the old cookie again", "A second browser gets a session, logs out, and sends its old cookie once more. A backend has a tombstone in its place; a cookie that holds the data itself cannot be ended.", tryReplay},
		{"elsewhere", "A logout from another browser", "End this session from elsewhere", "For users who are logged in: a second browser of yours logs in too, and ends the session of this one. Your cookie is still good, but the record behind it is gone, so that you are logged out here.", tryElsewhere},
		{"expire", "Half an hour later", "Move the clock by 31 minutes", "One request sees a clock that is 31 minutes ahead. It finds the session and the time of its last use in it, and does not accept it, unless the login is remembered; the browser has no say in that.", tryExpire},
		{"down", "No backend", "Take the backend down for ten seconds", "For ten seconds the backend fails for you alone. Pages that use your session answer 503, instead of treating you as a new visitor and losing what you had.", tryDown},
	}
}

// A probeRun is the handler of a request of a trial.
type probeRun func(h *handlers.BaseHandler) error

type probeKey struct{}

// probe runs a probeRun. Requests from outside have none.
type probe struct{ handlers.BaseHandler }

func (h *probe) Get() error {
	run, ok := h.Context().Value(probeKey{}).(probeRun)
	if !ok {
		return h.Abort(http.StatusNotFound)
	}
	return run(&h.BaseHandler)
}

// A reply is the response to a request of a trial.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *reply) Header() http.Header         { return r.header }
func (r *reply) WriteHeader(status int)      { r.status = status }
func (r *reply) Write(p []byte) (int, error) { return r.body.Write(p) }

// cookies returns the cookies that the response sets.
func (r *reply) cookies() []*http.Cookie {
	return (&http.Response{Header: r.header}).Cookies()
}

// ask sends a request to the site as the visitor would, with some cookies, and records it. If
// run is nil, it requests the front page, else run is what the request does.
func (h *SessionHandler) ask(v *visitor, cookies []*http.Cookie, run probeRun) *reply {
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), probeKey{}, run), 5*time.Second)
	defer cancel()
	r := h.Request.Clone(ctx)
	r.Method, r.URL, r.Body, r.ContentLength, r.TransferEncoding = http.MethodGet, &url.URL{Path: "/session/probe"}, http.NoBody, 0, nil
	if run == nil {
		r.URL.Path = "/"
	}
	r.RequestURI, r.Form, r.PostForm = r.URL.Path, nil, nil
	r.Header = http.Header{"Accept": {"text/html"}}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	to := &reply{header: http.Header{}, status: http.StatusOK}
	h.watch.record(v, h.watch.app, to, r, true)
	return to
}

// own returns the visitor's cookies, except the one with a name.
func (h *SessionHandler) own(except string) []*http.Cookie {
	return slices.DeleteFunc(h.Request.Cookies(), func(c *http.Cookie) bool { return c.Name == except || isWatch(c.Name) })
}

// give sets the cookies of a response in the visitor's browser.
func (h *SessionHandler) give(from *reply) {
	for _, line := range from.header["Set-Cookie"] {
		h.Response.Header().Add("Set-Cookie", line)
	}
}

const countKey = "counted at once"

// tryCount increments a number twice at the same time, in each session.
func tryCount(h *SessionHandler, v *visitor, result *trial) error {
	for _, spec := range h.watch.specs {
		name := cookieName(spec)
		count := func(cookies []*http.Cookie, wait func()) (n int64, from *reply) {
			from = h.ask(v, cookies, func(h *handlers.BaseHandler) error {
				session := h.Store().Named(spec.Name)
				session.Status() // reads it
				wait()
				n = session.Incr(countKey, 1)
				return h.Text("")
			})
			return n, from
		}
		jar := h.Request.CookiesNamed(name)
		var last *reply
		keep := func(from *reply) {
			for _, c := range from.cookies() {
				if c.Name == name {
					jar, last = []*http.Cookie{c}, from
				}
			}
		}
		before, first := count(jar, func() {}) // if there is no session yet, there is one now
		keep(first)

		var ready, done sync.WaitGroup
		ready.Add(2)
		both := make([]*reply, 2)
		for i := range both {
			done.Go(func() {
				once := sync.OnceFunc(ready.Done)
				defer once() // if the request fails before it waits
				_, both[i] = count(jar, func() { once(); ready.Wait() })
			})
		}
		done.Wait()
		keep(both[0])
		keep(both[1])
		if last != nil {
			h.give(last)
		}
		var after int64
		h.ask(v, jar, func(h *handlers.BaseHandler) error {
			after, _ = sessions.Get[int64](h.Store().Named(spec.Name), countKey)
			return h.Text("")
		})
		place := "in a signed cookie"
		if spec.Backend != nil {
			place = "in a backend"
		}
		switch after - before {
		case 2:
			result.say("The session %q, %s: one request counts to %d. Then two at once count to %d: both are kept.", spec.Name, place, before, after)
		case 1:
			result.say("The session %q, %s: one request counts to %d. Then two at once count to %d: one is lost. Both responses set a cookie with %d, and the last one won.", spec.Name, place, before, after, after)
		default:
			result.say("The session %q, %s: one request counts to %d. Then two at once count to %d: the backend did not take both. Try again.", spec.Name, place, before, after)
		}
	}
	return nil
}

// look reports the state of a session for the cookies that a browser sends.
func (h *SessionHandler) look(v *visitor, cookies []*http.Cookie) (status sessions.Status, visits int64) {
	h.ask(v, cookies, func(h *handlers.BaseHandler) error {
		status = h.Session().Status()
		visits, _ = sessions.Get[int64](h.Session(), "visits")
		return h.Text("")
	})
	return status, visits
}

// fresh returns the cookie of a new session of a second browser, in which visits is 7.
func (h *SessionHandler) fresh(v *visitor) []*http.Cookie {
	return h.ask(v, nil, func(h *handlers.BaseHandler) error {
		h.Session().Set("visits", 7)
		return h.Text("")
	}).cookies()
}

// fromSecond says whose session is tried if the visitor has none.
const fromSecond = "Your browser has no session yet, so this was tried with that of a second browser."

// noSecond is the outcome if that browser gets no session either.
const noSecond = "A second browser has tried to get a session, and has none: the backend is down. Try again when it is up."

func tryForge(h *SessionHandler, v *visitor, result *trial) error {
	name := cookieName(h.watch.specs[0])
	cookies := h.Request.CookiesNamed(name)
	if len(cookies) == 0 {
		if cookies = h.fresh(v); len(cookies) > 0 {
			result.say(fromSecond)
		}
	}
	if len(cookies) == 0 {
		result.say(noSecond)
		return nil
	}
	signed, err := base64.URLEncoding.DecodeString(cookies[0].Value)
	if err != nil || len(signed) == 0 {
		result.say("Your cookie %s does not have the form of ours, so it is refused as it is.", name)
		return nil
	}
	signed[len(signed)-1] ^= 1
	status, _ := h.look(v, []*http.Cookie{{Name: name, Value: base64.URLEncoding.EncodeToString(signed)}})
	result.say("The session of the forged cookie is %q: %s.", status, meaning(status))
	return nil
}

func tryReplay(h *SessionHandler, v *visitor, result *trial) error {
	cookies := h.fresh(v)
	if len(cookies) == 0 {
		result.say(noSecond)
		return nil
	}
	status, visits := h.look(v, cookies)
	result.say("A second browser has got a session, with 7 visits so that one can tell it from yours. Before its logout its cookie leads to a session that is %q, with visits = %d.", status, visits)
	h.ask(v, cookies, func(h *handlers.BaseHandler) error {
		h.Session().Destroy()
		return h.Text("")
	})
	status, visits = h.look(v, cookies)
	switch {
	case status == sessions.StatusLoaded:
		result.say("After the logout the old cookie still works: %q, visits = %d. The data is in the cookie, and the server keeps nothing that it could end. Keep logins in a backend.", status, visits)
	case status == sessions.StatusGone:
		result.say("After the logout the old cookie leads to a session that is %q: the logout has put a tombstone in the place of its record.", status)
	default:
		result.say("After the logout the old cookie leads to a session that is %q: %s.", status, meaning(status))
	}
	return nil
}

func tryElsewhere(h *SessionHandler, v *visitor, result *trial) error {
	user, err := h.User()
	if err != nil {
		return err
	}
	if user == nil {
		result.say("Log in first. The second browser can only end sessions of the same user.")
		return result.link(h, "Log in", "login", "next", h.Prefix()+sessionPath)
	}
	id := h.Session().ID()
	var ended error
	second := h.ask(v, nil, func(h *handlers.BaseHandler) error {
		h.LogIn(user, sessions.Login{Method: "demo", Agent: "The second browser of /session"})
		ended = h.Site.Sessions.EndSession(h.Context(), "", user.ID, id)
		return h.Text("")
	})
	h.ask(v, second.cookies(), func(h *handlers.BaseHandler) error { // which is no longer needed
		h.Session().Destroy()
		return h.Text("")
	})
	switch {
	case errors.Is(ended, errors.ErrUnsupported):
		result.say("Sessions in signed cookies, or in memcached alone, cannot be listed, and so not ended from elsewhere.")
	case ended != nil:
		result.say("The session was not ended: the backend did not answer.")
	default:
		result.say("The second browser has ended the session %s of this one. The request of this page had its cookie, and found no session any more: you are logged out.", short(id))
	}
	return nil
}

func tryExpire(h *SessionHandler, v *visitor, result *trial) error {
	cookies := h.own("")
	if len(h.Request.CookiesNamed(cookieName(h.watch.specs[0]))) == 0 {
		if cookies = h.fresh(v); len(cookies) == 0 {
			result.say(noSecond)
			return nil
		}
		result.say(fromSecond)
	}
	var status sessions.Status
	later := h.watch.later
	h.ask(v, cookies, func(h *handlers.BaseHandler) error {
		status = later.Store(h.Request).Session().Status()
		return h.Text("")
	})
	switch status {
	case sessions.StatusExpired:
		result.say("%s from now the session is %q: it was unused for too long.", inWords(laterBy), status)
		result.say("For all other requests the clock is as before, and the session is too.")
	case sessions.StatusLoaded:
		result.say("%s from now the session is %q: %s.", inWords(laterBy), status, meaning(status))
		if h.watch.specs[0].Backend == nil {
			result.say("A signed cookie has no idle timeout, unless the site sets one: each request would have to send a new cookie.")
		} else {
			result.say("The login is remembered, so its session may be unused for longer.")
		}
	default:
		result.say("%s from now the session is %q: %s.", inWords(laterBy), status, meaning(status))
	}
	return nil
}

// downTime is how long the backend is down for a visitor who has chosen that.
const downTime = 10 * time.Second

func tryDown(h *SessionHandler, v *visitor, result *trial) error {
	if h.watch.specs[0].Backend == nil {
		result.say("The session is in a signed cookie. There is no backend that could be down.")
		return nil
	}
	v.mutex.Lock()
	v.downUntil = time.Now().Add(downTime)
	v.mutex.Unlock()
	page := h.ask(v, h.own(""), nil)
	result.say("The front page answers %d %s, with Retry-After: %s. Open it within ten seconds, and again after them.",
		page.status, http.StatusText(page.status), strings.Join(page.header["Retry-After"], ", "))
	return result.link(h, "The front page", "home")
}

// failing is a page that returns an error.
type failing struct{ handlers.BaseHandler }

var errFailing = errors.New("demo: this page always fails")

func (h *failing) Get() error {
	h.Session().Incr("errors", 1)
	return errFailing
}

// panicking is a page that panics.
type panicking struct{ handlers.BaseHandler }

func (h *panicking) Get() error {
	h.Session().Incr("errors", 1)
	var none []string
	return h.Text(none[len(none)])
}

// late is a page that is sent in two parts, and changes the session in between.
type late struct{ handlers.BaseHandler }

func (h *late) Get() error {
	h.Response.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(h, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\"><meta name=\"viewport\" content=\"width=device-width\"><title>Too late</title>\n<p>This line was sent at once, and the header with it.</p>\n")
	if err := h.Response.FlushError(); err != nil {
		return err
	}
	h.Session().Set("too late", true)
	fmt.Fprintf(h, "<p>Then the handler changed the session. Its error is:</p>\n<p><code>%s</code></p>\n<p>The header, which would have had the cookie, was on its way already. Change sessions before you send.</p>\n<p><a href=\"%s\">Back to your session</a></p>\n",
		template.HTMLEscapeString(fmt.Sprint(h.Session().Err())), h.Prefix()+sessionPath)
	return nil
}
