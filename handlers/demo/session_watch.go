package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// A Watch records what happens to the sessions of each visitor, for the page /session, which
// shows it to that visitor alone. It is for development: it keeps the newest requests of
// each visitor in memory. NewWatch makes one.
type Watch struct {
	manager   *sessions.Manager
	later     *sessions.Manager // its clock is ahead by laterBy
	quiet     *sessions.Manager // its reads are not recorded
	specs     []sessions.Spec   // as given, with their own Backends
	cookie    string            // its name: watchCookie, which has the prefix unless a session is for plain http too
	app       http.Handler
	heartbeat time.Duration // how often a stream of events sends a heartbeat

	mutex    sync.Mutex
	visitors map[string]*visitor // by the value of their cookie
	order    []string            // the keys of visitors, least recently seen first
	streams  int                 // how many streams of events are open
}

// The limits of what a Watch keeps.
const (
	mostVisitors = 200
	mostVisits   = 25 // of a visitor
	mostSteps    = 30 // of a visit
	mostStreams  = 50 // of all visitors
	mostOwn      = 3  // streams of one visitor; a browser has six connections for a site
)

// watchCookie is the name of the cookie that identifies the visitor. A session cannot do that
// here: a login gives it a new id, and a logout ends it.
const watchCookie = "watch"

// isWatch reports whether a cookie is that of the Watch, with a prefix or without.
func isWatch(name string) bool { return strings.TrimPrefix(name, "__Host-") == watchCookie }

// laterBy is how far the clock of Watch.later is ahead: a minute more than the idle timeout
// of a Spec that sets none.
const laterBy = 31 * time.Minute

// NewWatch makes the Manager of a site whose sessions are watched. Errors are those of
// sessions.New.
func NewWatch(config sessions.Config) (*Watch, error) {
	w := &Watch{specs: slices.Clone(config.Sessions), cookie: "__Host-" + watchCookie, visitors: map[string]*visitor{}, heartbeat: 15 * time.Second}
	config.Sessions = slices.Clone(config.Sessions)
	for i, spec := range config.Sessions {
		if spec.Backend != nil {
			config.Sessions[i].Backend = w.watched(spec.Backend)
		}
		if spec.Insecure {
			w.cookie = watchCookie
		}
	}
	count := config.OnEvent
	config.OnEvent = func(e sessions.Event) {
		if count != nil {
			count(e)
		}
		visitOf(e.Context).add(w.eventStep(e))
	}
	var err error
	if w.manager, err = sessions.New(config); err != nil {
		return nil, err
	}
	if w.quiet, err = newQuiet(config, w.specs); err != nil {
		return nil, err
	}
	now := config.Now
	if now == nil {
		now = time.Now
	}
	config.Now = func() time.Time { return now().Add(laterBy) }
	w.later, err = sessions.New(config)
	return w, err
}

// Manager returns the manager for the site.
func (w *Watch) Manager() *sessions.Manager { return w.manager }

// Routes adds the page /session and what it links to, and shows every page's trace.
func (w *Watch) Routes(app *framework.App) {
	w.app = app
	traceRequests(app)
	app.Handle(sessionPath, framework.From(app, func() *SessionHandler { return &SessionHandler{watch: w} })).Name("session")
	app.Handle(livePath, framework.From(app, func() *liveHandler { return &liveHandler{watch: w} }))
	app.Handle(nowPath, framework.From(app, func() *nowHandler { return &nowHandler{watch: w} }))
	app.Handle("/session/error", framework.To[failing](app))
	app.Handle("/session/panic", framework.To[panicking](app))
	app.Handle("/session/late", framework.To[late](app))
	app.Handle("/session/probe", framework.To[probe](app))
}

// Handler records the requests that it passes on to next. If next has a method Check, the
// Handler has it too.
func (w *Watch) Handler(next http.Handler) http.Handler { return &recording{w, next} }

type recording struct {
	watch *Watch
	next  http.Handler
}

// Check calls the Check of the next handler.
func (h *recording) Check() error {
	if next, ok := h.next.(interface{ Check() error }); ok {
		return next.Check()
	}
	return nil
}

func (h *recording) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, templates.StaticPath) || slices.Contains([]string{livePath, nowPath, "/favicon.ico"}, r.URL.Path) {
		h.next.ServeHTTP(w, r)
		return
	}
	v := h.watch.visitor(w, r)
	if v == nil {
		h.next.ServeHTTP(w, r)
		return
	}
	h.watch.record(v, h.next, w, r, false)
}

// record serves a request, and adds it to the visits of v.
func (w *Watch) record(v *visitor, next http.Handler, writer http.ResponseWriter, r *http.Request, own bool) {
	stored := w.stored(r)
	visit := v.begin(r, own)
	before := len(writer.Header()["Set-Cookie"])
	seen := &statusWriter{ResponseWriter: writer, status: http.StatusOK}
	began := time.Now()
	defer func() {
		took := time.Since(began)
		set := visit.addCookies(newLines(writer.Header()["Set-Cookie"], before))
		w.addChanges(visit, stored, r, set)
		visit.end(seen.status, took)
	}()
	next.ServeHTTP(seen, r.WithContext(context.WithValue(r.Context(), visitKey{}, visit)))
}

// newLines returns the lines of a header after the first ones.
func newLines(lines []string, first int) []string { return lines[min(first, len(lines)):] }

// visitor returns the visitor of a request, or nil if there is none: a client that does not
// request HTML has no page to see.
func (w *Watch) visitor(writer http.ResponseWriter, r *http.Request) *visitor {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if v := w.known(r); v != nil {
		i := slices.Index(w.order, v.name)
		w.order = append(slices.Delete(w.order, i, i+1), v.name)
		return v
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return nil
	}
	if len(w.order) == mostVisitors {
		// There is one without a stream, since there are fewer streams than visitors.
		i := slices.IndexFunc(w.order, func(name string) bool { return !w.visitors[name].isLive() })
		delete(w.visitors, w.order[i])
		w.order = slices.Delete(w.order, i, i+1)
	}
	v := &visitor{name: rand.Text()}
	w.visitors[v.name], w.order = v, append(w.order, v.name)
	http.SetCookie(writer, &http.Cookie{Name: w.cookie, Value: v.name, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: w.cookie != watchCookie})
	return v
}

// known returns the visitor that the cookie of a request names, or nil. The caller holds the
// lock.
func (w *Watch) known(r *http.Request) *visitor {
	cookie, err := r.Cookie(w.cookie)
	if err != nil {
		return nil
	}
	return w.visitors[cookie.Value]
}

// A statusWriter keeps the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A visitor is one browser. It is safe for concurrent use.
type visitor struct {
	name string // the value of its cookie

	mutex     sync.Mutex
	visits    []*visit  // newest last
	begun     int       // how many visits there were
	changes   uint64    // how often a visit has changed
	others    uint64    // how often a session was ended or replaced by somebody else
	downUntil time.Time // until then its backend fails
	tried     *trial    // the newest one
	streams   map[chan struct{}]bool
}

// A visit is one request of a visitor.
type visit struct {
	visitor *visitor
	change  uint64 // the newest of visitor.changes that was one of this visit
	saved   bool   // a session was saved
	Number  int
	At      time.Time
	Method  string
	Path    string
	Own     bool          // the page /session has made the request, not the browser
	Status  int           // 0: the request has not ended
	Took    time.Duration // of the whole request
	Calls   int           // of the backend
	Steps   []step
	Dropped int // how many more steps there were
}

// A step is something that happened in a visit.
type step struct {
	Kind  string // a session's event, "backend", "cookie", or what has changed: "id", "user", "value" or "flash"
	Text  string
	Took  time.Duration // of a call of the backend
	saved bool          // it has saved a session
}

type visitKey struct{}

// visitOf returns the visit of a request, by its context, or nil.
func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

func (v *visitor) begin(r *http.Request, own bool) *visit {
	visit := &visit{visitor: v, At: time.Now(), Method: keep(r.Method, 20), Path: keep(r.URL.Path, 80), Own: own}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.begun++
	visit.Number = v.begun
	v.visits = append(v.visits, visit)
	v.visits = v.visits[max(0, len(v.visits)-mostVisits):]
	visit.changed()
	return visit
}

// changed notes that the visit has changed, and wakes the visitor's streams. The caller
// holds the lock.
func (v *visit) changed() {
	v.visitor.changes++
	v.change = v.visitor.changes
	v.visitor.wake()
}

// wake wakes the streams. Each sends all that has changed since it last sent something. The
// caller holds the lock.
func (v *visitor) wake() {
	for stream := range v.streams {
		select {
		case stream <- struct{}{}:
		default: // it has been woken already
		}
	}
}

// isLive reports whether a stream of the visitor is open.
func (v *visitor) isLive() bool {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return len(v.streams) > 0
}

// add adds a step. If there is no visit, it does nothing.
func (v *visit) add(s step) {
	if v == nil {
		return
	}
	v.visitor.mutex.Lock()
	defer v.visitor.mutex.Unlock()
	if s.Kind == "backend" {
		v.Calls++
	}
	v.saved = v.saved || s.saved
	if len(v.Steps) == mostSteps {
		v.Dropped++
	} else {
		v.Steps = append(v.Steps, s)
	}
	v.changed()
}

// addBeforeSave adds what has changed before the step that has saved it.
func (v *visit) addBeforeSave(steps []step) {
	v.visitor.mutex.Lock()
	defer v.visitor.mutex.Unlock()
	at := max(0, slices.IndexFunc(v.Steps, func(s step) bool { return s.saved }))
	v.Steps = slices.Insert(v.Steps, at, steps...)
	if more := len(v.Steps) - mostSteps; more > 0 {
		v.Steps, v.Dropped = v.Steps[:mostSteps], v.Dropped+more
	}
	v.changed()
}

// addCookies adds the cookies that the response sets, and returns them.
func (v *visit) addCookies(lines []string) (set []*http.Cookie) {
	for _, line := range lines {
		cookie, err := http.ParseSetCookie(line)
		switch {
		case err != nil || isWatch(cookie.Name):
			continue
		case cookie.MaxAge < 0:
			v.add(step{Kind: "cookie", Text: "the response deletes the cookie " + cookie.Name, saved: true})
		default:
			v.add(step{Kind: "cookie", Text: fmt.Sprintf("the response sets the cookie %s, %d bytes", cookie.Name, cookieSize(cookie)), saved: true})
		}
		set = append(set, cookie)
	}
	return set
}

// end adds the status of the response, and how long it took.
func (v *visit) end(status int, took time.Duration) {
	v.visitor.mutex.Lock()
	defer v.visitor.mutex.Unlock()
	v.Status, v.Took = status, took
	v.changed()
}

// tellOthers wakes the streams of all other visitors, when a visit has ended a session or
// given it a new id: it may be that of one of them.
func (w *Watch) tellOthers(by *visit) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, v := range w.visitors {
		if by == nil || v != by.visitor {
			v.mutex.Lock()
			v.others++
			v.wake()
			v.mutex.Unlock()
		}
	}
}

// since returns copies of the visits that have changed after a change, oldest first, the
// number of the newest change, and how often others have ended a session.
func (v *visitor) since(change uint64) (visits []visit, newest, others uint64) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	for _, each := range v.visits {
		if each.change > change {
			one := *each
			one.Steps = slices.Clone(each.Steps)
			visits = append(visits, one)
		}
	}
	return visits, v.changes, v.others
}

// down returns how much longer the backend fails for this visitor.
func (v *visitor) down() time.Duration {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return max(0, time.Until(v.downUntil))
}

var eventTexts = map[sessions.EventKind]string{
	sessions.EventCreated:     "a new session was saved",
	sessions.EventRenewed:     "the session got a new id, so that the old one is of no use to anybody",
	sessions.EventDestroyed:   "the session was ended",
	sessions.EventExpired:     "the time of the session is over: it is empty",
	sessions.EventGone:        "the session of this cookie is over: it was ended, has a new id, or is lost. A change begins another one, or is dropped if the end is less than five seconds old",
	sessions.EventTampered:    "nobody here has signed this cookie: it is as if there were none",
	sessions.EventUnreadable:  "the cookie is ours, but the session cannot be read",
	sessions.EventUndecodable: "one value could not be decoded",
	sessions.EventImported:    "the session of an older system was taken over",
	sessions.EventRetried:     "another request had saved meanwhile: the changes were made again on what it saved",
	sessions.EventDown:        "the backend failed",
	sessions.EventLate:        "a change came after the header was sent, and is lost",
	sessions.EventClock:       "the cookie is dated ahead",
}

func (w *Watch) eventStep(e sessions.Event) step {
	text := e.Session + ": " + eventTexts[e.Kind]
	if e.ID != "" {
		text += " (" + short(e.ID) + ")"
	}
	if e.Retries > 0 {
		text += ", tries: " + strconv.Itoa(e.Retries+1)
	}
	return step{Kind: e.Kind.String(), Text: text}
}

// short returns the beginning of the key of a record.
func short(id string) string { return cut(id, 8) }

// keep is cut for text that is kept in memory: the result does not refer to the header of a
// request.
func keep(text string, most int) string { return strings.Clone(cut(text, most)) }

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// watched returns a backend that records its calls. It has the optional methods that b has.
func (w *Watch) watched(b sessions.Backend) sessions.Backend {
	b = handlers.TraceBackend(b)
	watched := &watchedBackend{b, w}
	if users, ok := b.(sessions.UserBackend); ok {
		return &watchedUsers{watched, users}
	}
	return watched
}

type watchedBackend struct {
	sessions.Backend
	watch *Watch
}

// watchedUsers wraps a backend that lists and ends the sessions of a user.
type watchedUsers struct {
	*watchedBackend
	users sessions.UserBackend
}

// LoadIsCurrent implements sessions.CurrentBackend.
func (b *watchedBackend) LoadIsCurrent() bool {
	current, ok := b.Backend.(sessions.CurrentBackend)
	return ok && current.LoadIsCurrent()
}

// errTaken is the error of a backend that a visitor has switched off.
var errTaken = errors.New("demo: you have taken the backend down")

// call makes a call of the backend, and records it. The text of a call that succeeds is
// what it returns.
func (b *watchedBackend) call(ctx context.Context, name, id string, call func() (text string, err error)) error {
	visit := visitOf(ctx)
	if visit != nil && visit.Path != sessionPath && visit.visitor.down() > 0 {
		visit.add(step{Kind: "backend", Text: name + " " + short(id) + ": no answer, you have taken it down"})
		return errTaken
	}
	began := time.Now()
	text, err := call()
	switch {
	case errors.Is(err, sessions.ErrConflict):
		text = "conflict: another request has saved meanwhile"
	case errors.Is(err, sessions.ErrNotFound):
		text = "there is no record"
	case err != nil:
		text = "failed"
	}
	saved := err == nil && (name == "create" || name == "update")
	visit.add(step{Kind: "backend", Text: strings.TrimSpace(name+" "+short(id)) + ": " + text, Took: time.Since(began), saved: saved})
	return err
}

// describe returns a description of a record.
func describe(r sessions.Record) string {
	if r.IsTombstone() {
		return "a tombstone: the session was ended or renewed"
	}
	return fmt.Sprintf("%d bytes", len(r.Data))
}

func (b *watchedBackend) Load(ctx context.Context, id string) (r sessions.Record, err error) {
	err = b.call(ctx, "load", id, func() (string, error) {
		r, err = b.Backend.Load(ctx, id)
		return fmt.Sprintf("%s, version %s", describe(r), brief(r.Version)), err
	})
	return r, err
}

func (b *watchedBackend) Create(ctx context.Context, id string, r sessions.Record) error {
	return b.call(ctx, "create", id, func() (string, error) {
		return describe(r), b.Backend.Create(ctx, id, r)
	})
}

func (b *watchedBackend) Update(ctx context.Context, id string, r sessions.Record) (version uint64, err error) {
	err = b.call(ctx, "update", id, func() (string, error) {
		version, err = b.Backend.Update(ctx, id, r)
		return fmt.Sprintf("%s, version %s is now %s", describe(r), brief(r.Version), brief(version)), err
	})
	if r.IsTombstone() {
		b.watch.tellOthers(visitOf(ctx))
	}
	return version, err
}

func (b *watchedBackend) Delete(ctx context.Context, id string) error {
	return b.call(ctx, "delete", id, func() (string, error) { return "the record is deleted", b.Backend.Delete(ctx, id) })
}

// Sessions implements sessions.UserBackend.
func (b *watchedUsers) Sessions(ctx context.Context, user string) (list []sessions.SessionInfo, err error) {
	err = b.call(ctx, "list the sessions of a user", "", func() (string, error) {
		list, err = b.users.Sessions(ctx, user)
		return strconv.Itoa(len(list)), err
	})
	return list, err
}

// EndUser implements sessions.UserBackend.
func (b *watchedUsers) EndUser(ctx context.Context, user string, except ...string) error {
	err := b.call(ctx, "end the sessions of a user", "", func() (string, error) {
		return "done", b.users.EndUser(ctx, user, except...)
	})
	b.watch.tellOthers(visitOf(ctx))
	return err
}
