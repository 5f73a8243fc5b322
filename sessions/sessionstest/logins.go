package sessionstest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// asAnn and asBob log in.
func asAnn(s *sessions.Session) {
	s.LogIn("ann", sessions.Login{Credential: "of ann", Method: "password"})
}
func asBob(s *sessions.Session) {
	s.LogIn("bob", sessions.Login{Credential: "of bob", Method: "password"})
}

func own(s *sessions.Session) { s.Set("own", true) }

func and(steps ...func(*sessions.Session)) func(*sessions.Session) {
	return func(s *sessions.Session) {
		for _, step := range steps {
			step(s)
		}
	}
}

// A circumstance is what happens to Ann's session during the tested request: before it reads
// the session, or between reading and saving.
type circumstance struct {
	name         string
	before, amid func(w *wire, twin *browser, id string)
}

func twinDoes(f func(*sessions.Session)) func(*wire, *browser, string) {
	return func(_ *wire, twin *browser, _ string) { twin.visit(f) }
}

// aged makes the tombstone that twinDoes leaves older than a response takes.
func aged(f func(*sessions.Session), by time.Duration) func(*wire, *browser, string) {
	return func(w *wire, twin *browser, id string) {
		twin.visit(f)
		w.age(twin.site.t, id, by)
	}
}

// age makes a tombstone older.
func (w *wire) age(t *testing.T, id string, by time.Duration) {
	t.Helper()
	r := load(t, w.Backend, id)
	if !r.IsTombstone() {
		t.Fatal("no tombstone")
	}
	r.Expires = r.Expires.Add(-by)
	if _, err := w.Backend.Update(t.Context(), id, r); err != nil {
		t.Fatal(err)
	}
}

func goes(w *wire, twin *browser, id string) {
	if err := w.Backend.Delete(twin.site.t.Context(), id); err != nil {
		twin.site.t.Fatal(err)
	}
}

func ends(s *sessions.Session)   { s.Destroy() }
func renews(s *sessions.Session) { s.Renew() }

var circumstances = []circumstance{
	{name: "alive"},
	{name: "young: ended", before: twinDoes(ends)},
	{name: "young: renewed", before: twinDoes(renews)},
	{name: "young: another's", before: twinDoes(asBob)},
	{name: "older: ended", before: aged(ends, 6*time.Second)},
	{name: "older: renewed", before: aged(renews, 6*time.Second)},
	{name: "not found", before: goes},
	{name: "at save: ended", amid: twinDoes(ends)},
	{name: "at save: renewed", amid: twinDoes(renews)},
	{name: "at save: another's", amid: twinDoes(asBob)},
	{name: "at save: not found", amid: goes},
}

// states is the table of all cases: what a request does to Ann's existing session, which holds
// n, and the result in each of the circumstances. A result has the cookie of the response, what
// the browser and the twin see at the end, and the events.
var states = []struct {
	name  string
	soon  bool // within ten seconds of Ann's login
	do    func(*sessions.Session)
	cells []string // in the order of circumstances
}{
	{"a plain change", false, own, []string{
		"- | ann n own | | ",
		"- | | | gone", "- | | ann n | gone", "- | | bob n | gone",
		"new | own | | gone created", "new | own | ann n | gone created", "new | own | | gone created",
		"- | | | gone", "- | | ann n | gone", "- | | bob n | gone", "- | | | gone",
	}},
	{"Renew", false, renews, []string{
		"new | ann n | | renewed",
		"- | | | gone", "- | | ann n | gone", "- | | bob n | gone",
		"- | | | gone", "- | | ann n | gone", "- | | | gone",
		"- | | | gone", "- | | ann n | gone", "- | | bob n | gone", "- | | | gone",
	}},
	{"SetUser of the user read", false, and(own, func(s *sessions.Session) { s.SetUser(s.User()) }), []string{
		"- | ann n own | | ",
		"- | | | gone", "- | | ann n | gone", "- | | bob n | gone",
		"new | own | | gone created", "new | own | ann n | gone created", "new | own | | gone created",
		"- | | | gone", "- | | ann n | gone", "- | | bob n | gone", "- | | | gone",
	}},
	{"SetUser of nobody and of the user read", false, and(own, func(s *sessions.Session) { user := s.User(); s.SetUser(""); s.SetUser(user) }), []string{
		"new | ann n own | | renewed",
		"- | | | gone", "- | | ann n | gone", "- | | bob n | gone",
		"new | own | | gone created", "new | own | ann n | gone created", "new | own | | gone created",
		"- | | | gone", "- | | ann n | gone", "- | | bob n | gone", "- | | | gone",
	}},
	{"SetUser of another", false, and(own, func(s *sessions.Session) { s.SetUser("eve") }), []string{
		"new | eve n own | | renewed",
		"new | eve own | | gone created", "new | eve own | ann n | gone created", "new | eve own | bob n | gone created",
		"new | eve own | | gone created", "new | eve own | ann n | gone created", "new | eve own | | gone created",
		"new | eve own | | gone created", "new | eve own | ann n | gone created", "new | eve own | bob n | gone created", "new | eve own | | gone created",
	}},
	{"LogIn", false, and(own, asAnn), []string{
		"new | ann n own | | renewed",
		"new | ann own | | gone created", "new | ann own | ann n | gone created", "new | ann own | bob n | gone created",
		"new | ann own | | gone created", "new | ann own | ann n | gone created", "new | ann own | | gone created",
		"new | ann own | | gone created", "new | ann own | ann n | gone created", "new | ann own | bob n | gone created", "new | ann own | | gone created",
	}},
	{"LogIn of another", false, and(own, asBob), []string{
		"new | bob n own | | renewed",
		"new | bob own | | gone created", "new | bob own | ann n | gone created", "new | bob own | bob n | gone created",
		"new | bob own | | gone created", "new | bob own | ann n | gone created", "new | bob own | | gone created",
		"new | bob own | | gone created", "new | bob own | ann n | gone created", "new | bob own | bob n | gone created", "new | bob own | | gone created",
	}},
	{"LogIn within ten seconds", true, and(own, asAnn), []string{
		"- | ann n own | | ",
		"new | ann own | | gone created", "new | ann own | ann n | gone created", "new | ann own | bob n | gone created",
		"new | ann own | | gone created", "new | ann own | ann n | gone created", "new | ann own | | gone created",
		"new | ann own | | gone created", "new | ann own | ann n | gone created", "new | ann own | bob n | gone created", "new | ann own | | gone created",
	}},
	{"SetUser of nobody", false, func(s *sessions.Session) { s.SetUser("") }, []string{
		"new | n | | renewed",
		"- | | | gone", "- | | ann n | gone", "- | | bob n | gone",
		"- | | | gone", "- | | ann n | gone", "- | | | gone",
		"deletion | | | gone", "deletion | | | gone destroyed", "deletion | | bob n | gone", "deletion | | | gone",
	}},
	{"Destroy", false, ends, []string{
		"deletion | | | destroyed",
		"deletion | | | gone", "deletion | | | gone destroyed", "deletion | | bob n | gone",
		"deletion | | | gone", "deletion | | | gone destroyed", "deletion | | | gone",
		"deletion | | | gone", "deletion | | | destroyed", "deletion | | bob n | gone", "deletion | | | destroyed",
	}},
	{"Destroy, then a change", false, and(ends, own), []string{
		"new | own | | destroyed created",
		"deletion | | | gone", "deletion | | | gone destroyed", "deletion | | bob n | gone",
		"new | own | | gone created", "new | own | | gone destroyed created", "new | own | | gone created",
		"deletion | | | gone", "deletion | | | destroyed", "deletion | | bob n | gone", "new | own | | destroyed created",
	}},
	{"Destroy, then LogIn", false, and(ends, own, asAnn), []string{
		"new | ann own | | destroyed created",
		"new | ann own | | gone created", "new | ann own | | gone destroyed created", "new | ann own | bob n | gone created",
		"new | ann own | | gone created", "new | ann own | | gone destroyed created", "new | ann own | | gone created",
		"new | ann own | | gone created", "new | ann own | | destroyed created", "new | ann own | bob n | gone created", "new | ann own | | destroyed created",
	}},
	{"LogIn, then Destroy", false, and(asBob, ends), []string{
		"deletion | | | destroyed",
		"deletion | | | gone", "deletion | | | gone destroyed", "deletion | | bob n | gone",
		"deletion | | | gone", "deletion | | | gone destroyed", "deletion | | | gone",
		"deletion | | | gone", "deletion | | | destroyed", "deletion | | bob n | gone", "deletion | | | destroyed",
	}},
}

// loginChecks check that a user who logs in is logged in, whatever has happened to the session
// of the cookie, and that no other user is.
var loginChecks = []check{
	{"States", func(t *testing.T, b sessions.Backend) {
		for _, row := range states {
			for i, c := range circumstances {
				t.Run(row.name+"/"+c.name, func(t *testing.T) {
					if got := outcome(t, b, c, row.soon, row.do); got != row.cells[i] {
						t.Errorf("got  %s\nwant %s", got, row.cells[i])
					}
				})
			}
		}
	}},
	{"RequestOlderThanTheTombstone", func(t *testing.T, b sessions.Backend) {
		// The five seconds count from the beginning of the request, not from when it reads the
		// session.
		w := &wire{Backend: b}
		visitor := newSite(t, sessions.Spec{Backend: w}).browser()
		visitor.visit(asAnn)
		id, twin := visitor.read().ID(), visitor.twin()
		slow := visitor.begin()
		twin.visit(ends)
		w.age(t, id, 20*time.Second)
		younger := visitor.begin()
		w.age(t, id, -20*time.Second)
		slow.Set("own", true)
		if err := slow.end(); err != nil || slow.setsCookie() || slow.Status() != sessions.StatusGone {
			t.Errorf("error %v, status %v, a cookie: %v", err, slow.Status(), slow.setsCookie())
		}
		w.age(t, id, 4*time.Second)
		younger.Set("own", true)
		if err := younger.end(); err != nil || younger.setsCookie() {
			t.Errorf("after four seconds: error %v, a cookie: %v", err, younger.setsCookie())
		}
	}},
	{"Failures", func(t *testing.T, b sessions.Backend) {
		for _, f := range failures {
			t.Run(f.name, func(t *testing.T) { f.run(t, b) })
		}
	}},
	{"DoubleClick", doubleClick},
	{"LoginAfterLostAnswers", func(t *testing.T, b sessions.Backend) {
		for name, lost := range map[string]func(*sessions.Session){
			"login": asAnn, "another's login": asBob, "logout": ends, "renewal": renews,
		} {
			visitor := newSite(t, sessions.Spec{Backend: b}).browser()
			visitor.visit(own)
			visitor.twin().visit(lost) // the browser never receives the response
			visitor.visit(asAnn)
			if !visitor.is("ann") {
				t.Errorf("after a lost %s a login does not log in", name)
			}
			visitor.visit(ends)
			if visitor.cookie() != "" {
				t.Errorf("after a lost %s, a login and a logout the browser still sends %q", name, visitor.cookie())
			}
		}
	}},
	{"StaleLoad", staleLoad},
	{"CookiesOfOneName", cookiesOfOneName},
}

// is reports whether the session of the browser is that of user.
func (b *browser) is(user string) bool {
	b.site.t.Helper()
	v := b.read()
	if err := v.Err(); err != nil {
		b.site.t.Fatalf("a session cannot be read: %v", err)
	}
	return v.User() == user
}

// sees lists the user and the keys of the browser's session.
func (b *browser) sees() string {
	b.site.t.Helper()
	v := b.read()
	if err := v.Err(); err != nil {
		b.site.t.Fatalf("a session cannot be read: %v", err)
	}
	words := []string{v.User()}
	for key := range v.All() {
		words = append(words, key)
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

// outcome makes a request that changes Ann's session, and returns the result.
func outcome(t *testing.T, b sessions.Backend, c circumstance, soon bool, do func(*sessions.Session)) string {
	t.Helper()
	w := &wire{Backend: b}
	s := newSite(t, sessions.Spec{Backend: w})
	visitor := s.browser()
	visitor.visit(and(asAnn, func(s *sessions.Session) { s.Set("n", 1) }))
	if !soon {
		s.step(11 * time.Second)
	}
	id, twin := visitor.read().ID(), visitor.twin()
	if c.before != nil {
		c.before(w, twin, id)
	}
	s.events.Store(&[]string{})
	v := visitor.read()
	if c.amid != nil {
		events := s.events.Swap(nil)
		c.amid(w, twin, id)
		s.events.Store(events)
	}
	do(v.Session)
	if err := v.end(); err != nil {
		t.Fatal(err)
	}
	events := strings.Join(*s.events.Swap(nil), " ")
	visitorSees, twinSees := visitor.sees(), ""
	if c.before != nil || c.amid != nil {
		twinSees = twin.sees()
	}
	alive := 0
	for _, sees := range []string{visitorSees, twinSees} {
		if sees != "" {
			alive++
		}
	}
	if n := w.living(t.Context()); n != alive {
		t.Errorf("%d records live, want %d: nothing that no browser has", n, alive)
	}
	text := fmt.Sprintf("%s | %s | %s | %s", v.sent(), visitorSees, twinSees, events)
	for strings.Contains(text, "|  |") {
		text = strings.ReplaceAll(text, "|  |", "| |")
	}
	return text
}

// sent describes what the response does to the cookie.
func (v *visit) sent() string {
	switch lines := v.answer.Header()["Set-Cookie"]; {
	case len(lines) == 0:
		return "-"
	case len(lines) > 1:
		return fmt.Sprint(lines)
	case strings.Contains(lines[0], "; Max-Age=0"):
		return "deletion"
	default:
		return "new"
	}
}

// failures are the calls of a login that fail, or that return an error after they were carried
// out. After each, the session is either unchanged or the intended one, and a login is still
// possible.
var failures = []struct {
	name string
	run  func(t *testing.T, b sessions.Backend)
}{
	{"the new record cannot be made", func(t *testing.T, b sessions.Backend) {
		w, visitor := visitorOf(t, b)
		w.cut(failing("create", 1))
		wantRefused(t, visitor, asBob)
		wantSees(t, w, visitor, "ann n", 1)
	}},
	{"the new record of a session that is gone cannot be made", func(t *testing.T, b sessions.Backend) {
		w, visitor := visitorOf(t, b)
		visitor.twin().visit(ends)
		w.cut(failing("create", 1))
		wantRefused(t, visitor, asBob)
		wantSees(t, w, visitor, "", 0)
		visitor.visit(asBob)
		wantSees(t, w, visitor, "bob", 1)
	}},
	{"the tombstone cannot be put", func(t *testing.T, b sessions.Backend) {
		w, visitor := visitorOf(t, b)
		w.cut(failing("update", 1))
		wantRefused(t, visitor, asBob)
		wantSees(t, w, visitor, "ann n", 1)
	}},
	{"the tombstone is put and the answer lost", func(t *testing.T, b sessions.Backend) {
		for _, lie := range []error{errDown, sessions.ErrConflict} {
			for name, do := range map[string]func(*sessions.Session){"bob n": asBob, "ann n": renews} {
				w, visitor := visitorOf(t, b)
				w.bend(lying("update", lie))
				visitor.visit(do)
				wantSees(t, w, visitor, name, 1)
			}
		}
	}},
	{"the tombstone is put, the answer lost, and nothing can be read then", func(t *testing.T, b sessions.Backend) {
		w, visitor := visitorOf(t, b)
		v := visitor.read()
		w.bend(lying("update", errDown))
		w.cut(func(method, _ string, _ sessions.Record) error {
			if method == "load" {
				return errDown
			}
			return nil
		})
		asBob(v.Session)
		want503(t, v.end())
		w.cut(nil)
		wantSees(t, w, visitor, "", 0)
		visitor.visit(asBob)
		wantSees(t, w, visitor, "bob", 1)
	}},
	{"the new record cannot be made over", func(t *testing.T, b sessions.Backend) {
		// A login that conflicts with another keeps nothing of the session that was renewed.
		for name, undone := range map[string]bool{"and is deleted": true, "and cannot be deleted either": false} {
			t.Run(name, func(t *testing.T) {
				w, visitor := visitorOf(t, b)
				v := visitor.read()
				visitor.twin().visit(ends)
				asBob(v.Session)
				updates := 0
				w.cut(func(method, _ string, _ sessions.Record) error {
					switch {
					case method == "update":
						if updates++; updates == 2 {
							return errDown
						}
					case method == "delete" && !undone:
						return errDown
					}
					return nil
				})
				want503(t, v.end())
				w.cut(nil)
				left := 0
				if !undone {
					left = 1 // a record with an id that no browser has
				}
				wantSees(t, w, visitor, "", left)
				visitor.visit(asBob)
				wantSees(t, w, visitor, "bob", left+1)
			})
		}
	}},
	{"the program dies before the tombstone", func(t *testing.T, b sessions.Backend) {
		w, visitor := visitorOf(t, b)
		v := visitor.read()
		asBob(v.Session)
		w.cut(func(method, _ string, _ sessions.Record) error {
			if method == "update" {
				panic("the program dies")
			}
			return nil
		})
		func() {
			defer func() { _ = recover() }()
			_ = v.end()
		}()
		w.cut(nil)
		wantSees(t, w, visitor, "ann n", 2) // the other has an id that no browser has
		visitor.visit(asBob)
		wantSees(t, w, visitor, "bob n", 2)
	}},
}

// visitorOf returns a browser in which Ann has been logged in for a while.
func visitorOf(t *testing.T, b sessions.Backend) (*wire, *browser) {
	t.Helper()
	w := &wire{Backend: b}
	s := newSite(t, sessions.Spec{Backend: w})
	visitor := s.browser()
	visitor.visit(and(asAnn, func(s *sessions.Session) { s.Set("n", 1) }))
	s.step(11 * time.Second)
	return w, visitor
}

// failing makes the n-th call of a method fail.
func failing(method string, n int64) func(string, string, sessions.Record) error {
	var calls atomic.Int64
	return func(m, _ string, _ sessions.Record) error {
		if m == method && calls.Add(1) == n {
			return errDown
		}
		return nil
	}
}

// lying makes the first call of a method return an error although it was carried out.
func lying(method string, lie error) func(string, string, sessions.Record, error) error {
	var lied atomic.Bool
	return func(m, _ string, _ sessions.Record, err error) error {
		if m == method && err == nil && lied.CompareAndSwap(false, true) {
			return lie
		}
		return err
	}
}

// wantRefused fails unless a request gets a 503 without a cookie.
func wantRefused(t *testing.T, visitor *browser, do func(*sessions.Session)) {
	t.Helper()
	v := visitor.read()
	do(v.Session)
	want503(t, v.end())
	if v.setsCookie() {
		t.Error("it sets a cookie")
	}
}

func want503(t *testing.T, err error) {
	t.Helper()
	var status interface{ HTTPStatus() int }
	if !errors.As(err, &status) || status.HTTPStatus() != http.StatusServiceUnavailable {
		t.Errorf("error %v, want one with status 503", err)
	}
}

func wantSees(t *testing.T, w *wire, visitor *browser, sees string, living int) {
	t.Helper()
	w.cut(nil)
	w.bend(nil)
	if got := visitor.sees(); got != sees {
		t.Errorf("the browser sees %q, want %q", got, sees)
	}
	if n := w.living(t.Context()); n != living {
		t.Errorf("%d records live, want %d", n, living)
	}
}

// doubleClick logs in twice from one page, the second time some time after the first. The
// browser drops the first response. That is the effect of a double click on "Log in".
func doubleClick(t *testing.T, b sessions.Backend) {
	const hash = 100 * time.Millisecond // the time that it takes to check a password
	s := newSite(t, sessions.Spec{Backend: b})
	gaps := []time.Duration{0, 5, 20, 50, 90, 110, 150, 300}
	each := 5
	switch {
	case testing.Short():
		each = 2
	case mayTakeLong(t):
		each = 20
	}
	room := make(chan struct{}, 16)
	errs := atOnce(len(gaps)*each, func(i int) error {
		room <- struct{}{}
		defer func() { <-room }()
		visitor := s.browser()
		if err := visitor.try(own); err != nil {
			return err
		}
		click := func(as *browser) func() error {
			return func() error {
				v := as.begin()
				if i%2 == 0 { // the page shows something of the session before it checks the password
					v.User()
				}
				time.Sleep(hash)
				asAnn(v.Session)
				return v.end()
			}
		}
		first := make(chan error, 1)
		go func() { first <- click(visitor.twin())() }()
		time.Sleep(gaps[i/each] * time.Millisecond)
		if err := errors.Join(click(visitor)(), <-first); err != nil {
			return err
		}
		if v := visitor.mustRead(); v.User() != "ann" {
			return fmt.Errorf("clicks %d ms apart: the session is %v, and nobody's", gaps[i/each], v.Status())
		}
		return nil
	})
	late := 0
	failed := slices.DeleteFunc(errs, func(err error) bool {
		if outOfTime(err) {
			late++
		}
		return err == nil || outOfTime(err)
	})
	if late > len(errs)/4 {
		t.Errorf("%d of %d double clicks ran out of time: the backend is too slow to show anything", late, len(errs))
	}
	if len(failed) > 0 {
		t.Errorf("%d of %d double clicks do not log in: %v", len(failed), len(gaps)*each, errors.Join(failed...))
	}
}

// try is visit, but returns the error.
func (b *browser) try(handle func(s *sessions.Session)) error {
	v := b.read()
	handle(v.Session)
	return v.end()
}

// A staleCopy is a backend whose Load may be stale, as with a cache or a replica: it returns
// the frozen record once, and then the current one.
type staleCopy struct {
	sessions.Backend
	frozen atomic.Pointer[sessions.Record]
}

func (b *staleCopy) Load(ctx context.Context, id string) (sessions.Record, error) {
	if old := b.frozen.Swap(nil); old != nil {
		return *old, nil
	}
	return b.Backend.Load(ctx, id)
}

// staleLoad changes a session based on a stale copy, in which the change seems unnecessary. If
// a Backend does not report that its Load is current, the change must be made anyway.
func staleLoad(t *testing.T, b sessions.Backend) {
	for name, change := range map[string]struct {
		others, own func(*sessions.Session)
		want        string
	}{
		"Set":    {func(s *sessions.Session) { s.Set("x", "dark") }, func(s *sessions.Session) { s.Set("x", "light") }, "light <nil>"},
		"Delete": {func(s *sessions.Session) { s.Set("role", "admin") }, func(s *sessions.Session) { s.Delete("role") }, "light <nil>"},
		"Clear":  {func(s *sessions.Session) { s.Delete("x"); s.Set("role", "admin") }, func(s *sessions.Session) { s.Clear(); s.Set("x", "light") }, "light <nil>"},
		"Pop":    {func(s *sessions.Session) { s.Set("role", "admin") }, func(s *sessions.Session) { s.Pop("role") }, "light <nil>"},
	} {
		stale := &staleCopy{Backend: b}
		visitor := newSite(t, sessions.Spec{Backend: stale}).browser()
		visitor.visit(func(s *sessions.Session) { s.Set("x", "light") })
		old := load(t, b, visitor.read().ID())
		visitor.twin().visit(change.others)
		stale.frozen.Store(&old)
		visitor.visit(change.own)
		stale.frozen.Store(nil)
		v := visitor.read()
		if got := fmt.Sprint(v.Get("x"), " ", v.Get("role")); got != change.want {
			t.Errorf("%s over a stale copy was acknowledged and is lost: %s, want %s", name, got, change.want)
		}
	}
}
