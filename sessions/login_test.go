package sessions_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// logsIn is an action that logs in.
func logsIn(user string, l sessions.Login) action {
	return func(st *sessions.Store, _ *http.Request) string {
		st.Session().LogIn(user, l)
		return ""
	}
}

func login(st *sessions.Store, _ *http.Request) string {
	l, ok := st.Session().Login()
	return fmt.Sprintf("%s %t %t %s %s %s %s", st.Session().User(), ok, l.Remembered, l.Credential, l.Method, l.Agent, l.Address)
}

var full = sessions.Login{Remembered: true, Credential: "secret's", Method: "link", Agent: "a browser", Address: "192.0.2.1"}

func TestLoginIsKept(t *testing.T) {
	for name, want := range map[string]string{"cookie": "ann true true secret's link  ", "memory": "ann true true secret's link a browser 192.0.2.1"} {
		var backend sessions.Backend
		if name == "memory" {
			backend = sessions.NewMemory()
		}
		c := &clock{}
		site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: backend}}, Now: c.now}, map[string]action{
			"/login": logsIn("ann", full), "/show": login,
			"/keys": func(st *sessions.Store, _ *http.Request) string {
				s := st.Session()
				s.Clear()
				for _, key := range []string{"login", "user", "credential", "imported user", "credential of ann"} {
					s.Set(key, "eve")
				}
				all := ""
				for key, value := range s.All() {
					all += fmt.Sprint(key, value)
				}
				if strings.Contains(all, "secret's") {
					return "the login shows among the keys: " + all
				}
				return ""
			},
			"/renew":   func(st *sessions.Store, _ *http.Request) string { st.Session().Renew(); return "" },
			"/same":    func(st *sessions.Store, _ *http.Request) string { st.Session().SetUser("ann"); return "" },
			"/other":   func(st *sessions.Store, _ *http.Request) string { st.Session().SetUser("bob"); return "" },
			"/nobody":  func(st *sessions.Store, _ *http.Request) string { st.Session().SetUser(""); return "" },
			"/logout":  end,
			"/noname":  logsIn("", full),
			"/another": logsIn("bob", sessions.Login{}),
		})
		for path, after := range map[string]string{
			"/keys": want, "/renew": want, "/same": want,
			"/other": "bob false false    ", "/nobody": " false false    ", "/logout": " false false    ",
			"/another": "bob true false    ",
		} {
			b := site.browser()
			b.get("/login")
			b.want("/show", want)
			b.want(path, "")
			b.want("/show", after)
		}
		b := site.browser()
		if a := b.get("/noname"); a.StatusCode != http.StatusInternalServerError || !strings.Contains(a.body, "the user is empty") {
			t.Errorf("%s: a login of nobody: %d %s", name, a.StatusCode, a.body)
		}
	}
}

// The list of a user's sessions describes each login.
func TestInfoHasTheLogin(t *testing.T) {
	m := sessions.NewMemory()
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: m}}}, map[string]action{
		"/login": logsIn("ann", full), "/set": loggingIn,
	})
	site.browser().get("/login")
	site.browser().get("/set")
	list, err := m.Sessions(t.Context(), "ann")
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, info := range list {
		if at := info.Login.At; !at.IsZero() && time.Since(at) > time.Minute {
			t.Errorf("logged in at %v", at)
		}
		info.Login.At = time.Time{}
		if info.Login != full && info.Login != (sessions.Login{}) {
			t.Errorf("%+v", info.Login)
		}
	}
}

// The User-Agent is stored as valid text of limited length.
func TestLoginTextsAreBounded(t *testing.T) {
	m := sessions.NewMemory()
	long := strings.Repeat("ü", 10000)
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: m}}}, map[string]action{
		"/": logsIn("ann", sessions.Login{Credential: long, Method: long, Agent: long + "\xff", Address: "\xff\xfe"}), "/show": login,
	})
	b := site.browser()
	b.get("/")
	list, _ := m.Sessions(t.Context(), "ann")
	r, err := m.Load(t.Context(), list[0].ID)
	if err != nil || len(r.Data) > 1024 {
		t.Errorf("%d bytes are kept, %v", len(r.Data), err)
	}
	hostile := sessions.Login{Agent: strings.Repeat("\xffa", 10000), Address: strings.Repeat("\xff", 10000), Credential: long, Method: long}
	site = newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: m}}}, map[string]action{"/": logsIn("eve", hostile)})
	site.browser().get("/")
	if of, _ := m.Sessions(t.Context(), "eve"); len(of[0].Login.Agent) > 256 || len(of[0].Login.Address) > 128 || of[0].Login.Agent == "" {
		t.Errorf("%d bytes of agent, %d of address", len(of[0].Login.Agent), len(of[0].Login.Address))
	}
	if l := list[0].Login; len(l.Agent) != 256 || len(l.Credential) != 128 || l.Address != "\uFFFD" || list[0].Created.IsZero() {
		t.Errorf("%d bytes of agent, %d of credential, address %q", len(l.Agent), len(l.Credential), l.Address)
	}
	b.want("/show", strings.Join([]string{"ann true false", long[:128], long[:128], long[:256], "\uFFFD"}, " "))
}

// Records of version 1 can be read. A session without a login is written as version 1, so that
// an older program can read it too. One with a login is version 2.
func TestVersions(t *testing.T) {
	m := newProbe()
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: m}}}, map[string]action{
		"/": write, "/show": login, "/login": logsIn("ann", full), "/set": loggingIn,
	})
	data := func(path string) []byte {
		site.browser().get(path)
		r, err := m.Memory.Load(t.Context(), m.ids[len(m.ids)-1])
		if err != nil {
			t.Fatal(err)
		}
		return r.Data
	}
	for path, version := range map[string]byte{"/": 1, "/set": 1, "/login": 2} {
		if got := data(path); got[0] != version {
			t.Errorf("%s: version %d, want %d", path, got[0], version)
		}
	}
	// As the first release wrote it: created, seen, {"n": 1}, no flashes, ann.
	now := fmt.Sprintf("%016x", time.Now().UnixMilli())
	old, err := hex.DecodeString("01" + "85" + "1b" + now + "1b" + now + "a1616e01" + "80" + "63616e6e")
	if err != nil {
		t.Fatal(err)
	}
	userless := append(bytes.TrimSuffix(data("/login"), []byte("\x63ann")), 0x60)
	b := site.browser()
	b.get("/")
	id := m.ids[len(m.ids)-1]
	for name, test := range map[string]struct {
		data   []byte
		shows  string
		status string
	}{
		"version 1 with a user":      {old, "ann false false    ", "loaded"},
		"version 2 without a user":   {userless, " false false    ", "unreadable"},
		"version 3":                  {append([]byte{3}, old[1:]...), " false false    ", "unreadable"},
		"version 2 of five elements": {append([]byte{2}, old[1:]...), " false false    ", "unreadable"},
	} {
		r, err := m.Memory.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		r.Data = test.data
		if _, err := m.Memory.Update(t.Context(), id, r); err != nil {
			t.Fatal(err)
		}
		if a := b.want("/show", test.shows); a.status != test.status {
			t.Errorf("%s: status %s, want %s", name, a.status, test.status)
		}
	}
}

// A remembered login has its own timeouts, and its cookie has a Max-Age. Each login chooses
// whether it is remembered.
func TestRemembered(t *testing.T) {
	const day = 24 * time.Hour
	m, c := newProbe(), &clock{}
	spec := sessions.Spec{Backend: m}
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{spec}, Now: c.now}, map[string]action{
		"/read": read, "/write": write, "/out": end,
		"/remember": logsIn("ann", sessions.Login{Remembered: true}), "/login": logsIn("ann", sessions.Login{}),
		"/renew": func(st *sessions.Store, _ *http.Request) string { st.Session().Renew(); return "" },
		"/other": func(st *sessions.Store, _ *http.Request) string { st.Session().SetUser("bob"); return "" },
	})
	maxAge := func(a answer) string {
		if len(a.Header["Set-Cookie"]) != 1 {
			return fmt.Sprint(len(a.Header["Set-Cookie"]), " cookies")
		}
		_, after, found := strings.Cut(a.Header["Set-Cookie"][0], "; Max-Age=")
		if !found {
			return "none"
		}
		return after
	}
	left := func() time.Duration {
		for i := len(m.ids) - 1; i >= 0; i-- {
			if r, err := m.Memory.Load(t.Context(), m.ids[i]); err == nil && !r.IsTombstone() {
				return time.Until(r.Expires).Round(time.Minute)
			}
		}
		return 0
	}
	b := site.browser()
	steps := []struct {
		after   time.Duration
		path    string
		maxAge  string
		expires time.Duration
	}{
		{0, "/write", "none", 30 * time.Minute},
		{0, "/remember", "7776000", 30 * day},
		{day, "/write", "0 cookies", 30 * day},
		{0, "/renew", "7689600", 30 * day}, // keeps it, until the absolute end
		{day, "/login", "none", 30 * time.Minute},
		{time.Minute, "/remember", "7776000", 30 * day},
		{time.Minute, "/other", "none", 30 * time.Minute}, // another user has not chosen to be remembered
	}
	for _, s := range steps {
		c.advance(s.after)
		if a := b.get(s.path); maxAge(a) != s.maxAge || left() != s.expires {
			t.Errorf("%s: Max-Age %s and %v left, want %s and %v", s.path, maxAge(a), left(), s.maxAge, s.expires)
		}
	}

	for _, test := range []struct {
		login  string
		steps  []time.Duration
		status string
	}{
		{"/remember", []time.Duration{30*day - time.Second}, "loaded"},
		{"/remember", []time.Duration{30 * day}, "expired"},
		{"/remember", []time.Duration{29 * day, 29 * day, 29 * day, 3*day - time.Second}, "loaded"},
		{"/remember", []time.Duration{29 * day, 29 * day, 29 * day, 3 * day}, "expired"},
		{"/login", []time.Duration{30*time.Minute - time.Second}, "loaded"},
		{"/login", []time.Duration{30 * time.Minute}, "expired"},
	} {
		b := site.browser()
		b.get(test.login)
		for i, step := range test.steps {
			c.advance(step)
			want := "loaded"
			if i == len(test.steps)-1 {
				want = test.status
			}
			cookie := b.cookie() // the jar uses the real time
			if a := b.send("/read", &cookie); a.status != want {
				t.Errorf("%s, step %d of %v: %s, want %s", test.login, i, test.steps, a.status, want)
			}
		}
	}
}

// The stored time of the last use is never more than an hour old.
func TestSeenIsKnownToTheHour(t *testing.T) {
	m, c := newProbe(), &clock{}
	b := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: m}}, Now: c.now}, map[string]action{
		"/": logsIn("ann", sessions.Login{Remembered: true}), "/read": read,
	}).browser()
	b.get("/")
	for i, want := range []int64{0, 1, 1, 2} {
		c.advance([]time.Duration{59 * time.Minute, 2 * time.Minute, 59 * time.Minute, 2 * time.Minute}[i])
		b.get("/read")
		if got := m.updates.Load(); got != want {
			t.Errorf("read %d: %d renewals, want %d", i, got, want)
		}
	}
}

func TestRememberMistakes(t *testing.T) {
	for want, spec := range map[string]sessions.Spec{
		"RememberIdle is 1m0s, shorter than IdleTimeout":           {IdleTimeout: time.Hour, RememberIdle: time.Minute, Backend: sessions.NewMemory()},
		"RememberAbsolute is 1h0m0s, shorter than AbsoluteTimeout": {RememberAbsolute: time.Hour},
		"RememberIdle is -1s": {RememberIdle: -time.Second},
		"RememberAbsolute is 90ns, less than a millisecond: multiply": {RememberAbsolute: 90},
	} {
		_, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}, Sessions: []sessions.Spec{spec}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	long := sessions.Spec{IdleTimeout: 60 * 24 * time.Hour, AbsoluteTimeout: 365 * 24 * time.Hour, Backend: sessions.NewMemory()}
	if _, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}, Sessions: []sessions.Spec{long}}); err != nil {
		t.Errorf("long timeouts make a mistake of the defaults: %v", err)
	}
}

// A Destroy without any cookie has nothing to delete. With a cookie, whatever its value, the
// deletion is sent.
func TestDestroyDeletesWhatWasBrought(t *testing.T) {
	for _, backend := range []sessions.Backend{nil, sessions.NewMemory()} {
		site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: backend}}}, map[string]action{"/end": end, "/write": write})
		b := site.browser()
		b.get("/write")
		for cookie, want := range map[string]int{"": 0, "other=1": 0, "__Host-session=": 1, "__Host-session=x": 1, b.cookie(): 1} {
			if a := site.browser().send("/end", &cookie); len(a.Header["Set-Cookie"]) != want {
				t.Errorf("%.30q: %q, want %d cookies", cookie, a.Header["Set-Cookie"], want)
			}
		}
	}
}

func TestHEADTakesNoFlashes(t *testing.T) {
	for _, backend := range []sessions.Backend{nil, sessions.NewMemory()} {
		site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: backend}}}, map[string]action{
			"/add":  func(st *sessions.Store, _ *http.Request) string { st.Session().AddFlash("hello", ""); return "" },
			"/show": func(st *sessions.Store, _ *http.Request) string { return fmt.Sprint(st.Session().Flashes()) },
		})
		b := site.browser()
		b.get("/add")
		r, _ := http.NewRequest(http.MethodHead, site.URL+"/show", nil)
		a, err := b.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.Header["Set-Cookie"] != nil {
			t.Errorf("HEAD changes the session: %q", a.Header["Set-Cookie"])
		}
		b.want("/show", "[{hello }]")
		b.want("/show", "[]")
	}
}

type receipt struct {
	Order int
	Paid  time.Time
	Items []string
}

func TestFlashComesBackTyped(t *testing.T) {
	want := receipt{7, time.Unix(1700000000, 5000).UTC(), []string{"tea", "cups"}}
	site := newSite(t, sessions.Config{}, map[string]action{
		"/add": func(st *sessions.Store, _ *http.Request) string { st.Session().AddFlash(want, "info"); return "" },
		"/show": func(st *sessions.Store, _ *http.Request) string {
			for _, f := range st.Session().Flashes() {
				got, ok := sessions.FlashAs[receipt](f)
				_, number := sessions.FlashAs[int](f)
				return fmt.Sprint(ok, number, got.Order, got.Paid.Equal(want.Paid), got.Items)
			}
			return "none"
		},
	})
	b := site.browser()
	b.get("/add")
	b.want("/show", "true false 7 true [tea cups]")
}

// A user has a limited number of sessions. A login ends those that were used least recently,
// and never the new one.
func TestSessionsOfAUserAreBounded(t *testing.T) {
	for most, want := range map[int]int{3: 3, 1: 1, 0: 100, -1: 105} {
		m, c := sessions.NewMemory(), &clock{}
		site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: m, MaxPerUser: most}}, Now: c.now}, map[string]action{
			"/login": logsIn("ann", sessions.Login{Credential: "x"}), "/read": read, "/count": write,
		})
		var browsers []*browser
		for range 105 {
			c.advance(time.Second)
			b := site.browser()
			b.get("/login")
			if a := b.get("/read"); a.status != "loaded" {
				t.Fatalf("at most %d: the new session is %s", most, a.status)
			}
			browsers = append(browsers, b)
		}
		list, err := m.Sessions(t.Context(), "ann")
		if err != nil || len(list) != want {
			t.Errorf("at most %d: %d sessions, %v, want %d", most, len(list), err, want)
		}
		for n, b := range browsers {
			alive := n >= len(browsers)-want
			if a := b.get("/read"); (a.status == "loaded") != alive {
				t.Errorf("at most %d: session %d is %s", most, n, a.status)
			}
		}
	}
}

// The session that ends is the one that was used least recently, not the oldest one.
func TestUsedSessionsOutliveTheSurplus(t *testing.T) {
	m, c := sessions.NewMemory(), &clock{}
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: m, MaxPerUser: 3, IdleTimeout: 5 * time.Hour}}, Now: c.now}, map[string]action{
		"/login": logsIn("ann", sessions.Login{Credential: "x"}), "/read": read,
	})
	var browsers []*browser
	for n := range 4 {
		if n == 3 {
			browsers[0].get("/read")
		}
		b := site.browser()
		b.get("/login")
		browsers = append(browsers, b)
		c.advance(time.Hour)
	}
	for n, b := range browsers {
		if a := b.get("/read"); (a.status == "loaded") != (n != 1) {
			t.Errorf("session %d is %s", n, a.status)
		}
	}
}

// One login ends at most ten sessions, even if there are more too many.
func TestALoginEndsTenSessionsAtMost(t *testing.T) {
	m, c, keys := sessions.NewMemory(), &clock{}, []sessions.Key{sessions.RandomKey()}
	visit := func(most int) (left int) {
		site := newSite(t, sessions.Config{Keys: keys, Sessions: []sessions.Spec{{Backend: m, MaxPerUser: most}}, Now: c.now}, map[string]action{
			"/login": logsIn("ann", sessions.Login{Credential: "x"}),
		})
		site.browser().get("/login")
		list, err := m.Sessions(t.Context(), "ann")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	for range 30 {
		visit(-1)
	}
	for _, want := range []int{21, 12, 3, 3} {
		if left := visit(3); left != want {
			t.Errorf("a login left %d sessions, want %d", left, want)
		}
	}
}

// A login is not refused because the surplus cannot be ended.
func TestLoginDespiteASurplusThatStays(t *testing.T) {
	p := newProbe()
	site := newSite(t, sessions.Config{
		Sessions: []sessions.Spec{{Backend: p, MaxPerUser: 1}}, Log: slog.New(slog.DiscardHandler),
	}, map[string]action{"/login": logsIn("ann", sessions.Login{}), "/read": login})
	site.browser().get("/login")
	p.hook(func(method, _ string) { p.dead.Store(method == "delete") })
	b := site.browser()
	if a := b.get("/login"); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	p.hook(nil)
	p.dead.Store(false)
	b.want("/read", "ann true false    ")
}

// Config.Since ends all sessions of a site that are older, wherever they are kept.
func TestSinceEndsOlderSessions(t *testing.T) {
	keys := []sessions.Key{sessions.RandomKey()}
	for _, backend := range []sessions.Backend{nil, sessions.NewMemory()} {
		began := time.Now()
		before, err := sessions.New(sessions.Config{Keys: keys, Sessions: []sessions.Spec{{Backend: backend}}, Now: func() time.Time { return began }})
		if err != nil {
			t.Fatal(err)
		}
		since := began.Add(time.Millisecond)
		later := func() time.Time { return since.Add(time.Minute) }
		after, err := sessions.New(sessions.Config{Keys: keys, Sessions: []sessions.Spec{{Backend: backend}}, Since: since, Now: later})
		if err != nil {
			t.Fatal(err)
		}
		visit := func(m *sessions.Manager, cookie string, do func(*sessions.Session)) (status, sent string) {
			w, r := recorder()
			r.Header.Set("Cookie", cookie)
			st := m.Store(r)
			status = st.Session().Status().String()
			do(st.Session())
			if err := st.Save(w); err != nil {
				t.Fatal(err)
			}
			for _, c := range w.Result().Cookies() {
				sent = c.String()
			}
			return status, sent
		}
		nothing := func(*sessions.Session) {}
		_, old := visit(before, "", func(s *sessions.Session) { s.LogIn("ann", sessions.Login{}) })
		if status, _ := visit(after, old, nothing); status != "expired" {
			t.Errorf("an older session is %s", status)
		}
		if backend != nil {
			if list, err := after.UserSessions(t.Context(), "", "ann"); err != nil || len(list) != 0 {
				t.Errorf("the list has %v, %v", list, err)
			}
		}
		_, fresh := visit(after, old, func(s *sessions.Session) { s.LogIn("ann", sessions.Login{}) })
		if status, _ := visit(after, fresh, nothing); status != "loaded" {
			t.Errorf("a session after it is %s", status)
		}
	}
	_, err := sessions.New(sessions.Config{Keys: keys, Since: time.Now().Add(time.Hour)})
	if err == nil || !strings.Contains(err.Error(), "Config.Since is 1h0m0s ahead") {
		t.Errorf("%v", err)
	}
}

func TestStoreUsed(t *testing.T) {
	manager, err := sessions.New(sessions.Config{
		Keys: []sessions.Key{sessions.RandomKey()}, Sessions: []sessions.Spec{{}, {Name: "cart"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, use := range []bool{false, true} {
		for _, name := range []string{"", "cart"} {
			_, r := recorder()
			st := manager.Store(r)
			if s := st.Named(name); use {
				s.Get("n")
			}
			if st.Used() != use {
				t.Errorf("%q: used is %v, want %v", name, st.Used(), use)
			}
		}
	}
}

// A tombstone is ignored once it is five seconds old. Its age is taken at the beginning of the
// request, not when the request reads its session. Otherwise a slow upload would overwrite a
// newer cookie.
func TestATombstoneIsAsOldAsTheRequestFindsIt(t *testing.T) {
	for _, wait := range []time.Duration{4 * time.Second, 20 * time.Second} {
		for _, late := range []bool{false, true} { // the Store is made after the wait
			synctest.Test(t, func(t *testing.T) {
				manager := newManager(t, sessions.NewMemory())
				w, r := recorder()
				st := manager.Store(r)
				st.Session().LogIn("ann", sessions.Login{})
				if err := st.Save(w); err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Cookie", w.Result().Cookies()[0].String())
				slow := manager.Store(r)
				logout := manager.Store(r)
				logout.Session().Destroy()
				if err := logout.Save(httptest.NewRecorder()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(wait)
				if late {
					slow = manager.Store(r)
				}
				slow.Session().Set("own", true)
				w = httptest.NewRecorder()
				if err := slow.Save(w); err != nil {
					t.Fatal(err)
				}
				if sent := len(w.Header()["Set-Cookie"]) > 0; sent != (late && wait > 5*time.Second) {
					t.Errorf("%v after the logout, made late %v: a cookie is sent: %v", wait, late, sent)
				}
			})
		}
	}
}

// A login repeats another, and keeps the id, if the user, credential and choice to be
// remembered are the same and the times are close.
func TestRepeatedLogin(t *testing.T) {
	first := sessions.Login{Credential: "x"}
	for name, test := range map[string]struct {
		after time.Duration
		user  string
		login sessions.Login
		keeps bool
	}{
		"the same":              {9 * time.Second, "ann", first, true},
		"later":                 {10 * time.Second, "ann", first, false},
		"a clock a little back": {-4 * time.Second, "ann", first, true},
		"a clock far back":      {-6 * time.Second, "ann", first, false},
		"another user":          {0, "bob", first, false},
		"another credential":    {0, "ann", sessions.Login{Credential: "y"}, false},
		"remembered now":        {0, "ann", sessions.Login{Credential: "x", Remembered: true}, false},
	} {
		c := &clock{}
		site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}}, Now: c.now}, map[string]action{
			"/first": logsIn("ann", first), "/second": logsIn(test.user, test.login), "/who": login,
		})
		b := site.browser()
		b.get("/first")
		c.advance(test.after)
		if kept := b.get("/second").Header["Set-Cookie"] == nil; kept != test.keeps {
			t.Errorf("%s: the id is kept: %v", name, kept)
		}
		if a := b.get("/who"); !strings.HasPrefix(a.body, test.user+" true") {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

// SetUser with an empty user is a logout: the browser's other sessions of the name end too.
func TestSetUserOfNobodyEndsTheOthers(t *testing.T) {
	for _, renewedMeanwhile := range []bool{false, true} {
		c := &clock{}
		manager, err := sessions.New(sessions.Config{
			Keys: []sessions.Key{sessions.RandomKey()}, Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}}, Now: c.now,
		})
		if err != nil {
			t.Fatal(err)
		}
		visit := func(cookies string, do func(*sessions.Session)) (user, cookie string) {
			w, r := recorder()
			r.Header.Set("Cookie", cookies)
			st := manager.Store(r)
			user = st.Session().User()
			do(st.Session())
			if err := st.Save(w); err != nil {
				t.Fatal(err)
			}
			for _, c := range w.Result().Cookies() {
				cookie = c.String()
			}
			return user, cookie
		}
		ann := func(s *sessions.Session) { s.LogIn("ann", sessions.Login{}) }
		_, older := visit("", ann)
		c.advance(time.Second)
		_, newer := visit("", ann)
		both := older + "; " + newer
		visit(both, func(s *sessions.Session) {
			if renewedMeanwhile {
				visit(newer, (*sessions.Session).Renew)
			}
			s.SetUser("")
		})
		if user, _ := visit(older, func(*sessions.Session) {}); user != "" {
			t.Errorf("renewed meanwhile %v: the older cookie is still %s", renewedMeanwhile, user)
		}
	}
}
