package demo

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// A storedSession is a session as it is stored, before or after a request.
type storedSession struct {
	id      string
	user    string // the id
	values  map[string]string
	flashes int
}

// newQuiet makes a manager that reads sessions without recording the calls.
func newQuiet(config sessions.Config, specs []sessions.Spec) (*sessions.Manager, error) {
	config.OnEvent, config.Log = nil, slog.New(slog.DiscardHandler)
	config.Sessions = slices.Clone(specs)
	for i := range config.Sessions {
		config.Sessions[i].Import = nil
		if config.Sessions[i].Backend != nil {
			config.Sessions[i].Backend = briefBackend{config.Sessions[i].Backend}
		}
	}
	return sessions.New(config)
}

// A briefBackend does not wait long for a backend that does not respond, because its data is
// only for the page /session.
type briefBackend struct{ sessions.Backend }

func (b briefBackend) Load(ctx context.Context, id string) (sessions.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	return b.Backend.Load(ctx, id)
}

// stored returns the sessions that the cookies of a request lead to, in the order of the
// specs.
func (w *Watch) stored(r *http.Request) (list []storedSession) {
	store := w.quiet.Store(r)
	for _, spec := range w.specs {
		session := store.Named(spec.Name)
		one := storedSession{id: session.ID(), user: session.User(), values: map[string]string{}}
		for key, value := range session.All() {
			one.values[key] = cut(fmt.Sprint(value), 100)
		}
		one.flashes = len(session.Flashes()) // this does not remove them, because the store is not saved
		list = append(list, one)
	}
	return list
}

// addChanges adds to a visit what its request has changed in the sessions. Before is what was
// stored before the request, and set is the list of cookies in its response. If another request
// has saved at the same time, its changes are included.
func (w *Watch) addChanges(v *visit, before []storedSession, r *http.Request, set []*http.Cookie) {
	v.visitor.mutex.Lock()
	saved := v.saved
	retried := slices.ContainsFunc(v.Steps, func(s step) bool { return s.Kind == sessions.EventRetried.String() })
	v.visitor.mutex.Unlock()
	if !saved {
		return
	}
	next := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/"}, Header: http.Header{}}
	for _, cookie := range r.Cookies() {
		if !slices.ContainsFunc(set, func(c *http.Cookie) bool { return c.Name == cookie.Name }) {
			next.AddCookie(cookie)
		}
	}
	for _, cookie := range set {
		if cookie.MaxAge >= 0 {
			next.AddCookie(cookie)
		}
	}
	var all []step
	for i, after := range w.stored(next) {
		for _, step := range changes(w.specs[i].Name, before[i], after) {
			if retried && step.Kind == "value" {
				step.Text += ", with what another request saved meanwhile"
			}
			all = append(all, step)
		}
	}
	v.addBeforeSave(all)
}

// changes describes how a session has changed.
func changes(name string, before, after storedSession) (steps []step) {
	add := func(kind, format string, arguments ...any) {
		steps = append(steps, step{Kind: kind, Text: name + ": " + fmt.Sprintf(format, arguments...)})
	}
	if before.id != "" && after.id != "" && before.id != after.id {
		add("id", "%s is now %s", short(before.id), short(after.id))
	}
	if before.user != after.user {
		add("user", "was that of %s, and is now that of %s", owner(before), owner(after))
	}
	keys := slices.Collect(maps.Keys(before.values))
	keys = slices.AppendSeq(keys, maps.Keys(after.values))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		was, had := before.values[key]
		is, has := after.values[key]
		switch {
		case was == is && had == has:
		case !has:
			add("value", "%s is gone, it was %s", cut(key, 40), was)
		case !had:
			add("value", "%s is now %s", cut(key, 40), is)
		case isCount(was) && isCount(is):
			add("value", "%s was counted from %s to %s", cut(key, 40), was, is)
		default:
			add("value", "%s was %s, and is now %s", cut(key, 40), was, is)
		}
	}
	switch n := after.flashes - before.flashes; {
	case n > 0:
		add("flash", "%d kept for the next page", n)
	case n < 0:
		add("flash", "%d shown, and taken out", -n)
	}
	return steps
}

// owner returns the user of a session for the page.
func owner(s storedSession) string {
	if s.user == "" {
		return "nobody"
	}
	return "the user with the id " + short(s.user)
}

func isCount(text string) bool {
	_, err := strconv.ParseInt(text, 10, 64)
	return err == nil
}
