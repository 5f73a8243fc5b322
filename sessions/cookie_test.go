package sessions_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

func write(st *sessions.Store, _ *http.Request) string { st.Session().Incr("n", 1); return "" }
func read(st *sessions.Store, _ *http.Request) string {
	st.Session().Get("n")
	return show(st.Session())
}
func loggingIn(st *sessions.Store, _ *http.Request) string { st.Session().SetUser("ann"); return "" }
func end(st *sessions.Store, _ *http.Request) string       { st.Session().Destroy(); return "" }
func untouched(st *sessions.Store, _ *http.Request) string { st.Session(); return "" }

func TestCookieAttributes(t *testing.T) {
	tests := []struct {
		name string
		spec sessions.Spec
		want string // name, then the attributes
	}{
		{"by default", sessions.Spec{}, "__Host-session; Path=/; Secure; HttpOnly; SameSite=Lax"},
		{"named", sessions.Spec{Name: "cart"}, "__Host-cart; Path=/; Secure; HttpOnly; SameSite=Lax"},
		{"domain", sessions.Spec{Domain: ".example.com"}, "__Secure-session; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax"},
		{"path", sessions.Spec{Path: "/shop"}, "__Secure-session; Path=/shop; Secure; HttpOnly; SameSite=Lax"},
		{"strict", sessions.Spec{SameSite: http.SameSiteStrictMode}, "__Host-session; Path=/; Secure; HttpOnly; SameSite=Strict"},
		{"none", sessions.Spec{SameSite: http.SameSiteNoneMode}, "__Host-session; Path=/; Secure; HttpOnly; SameSite=None"},
		{"net/http's default mode is ours", sessions.Spec{SameSite: http.SameSiteDefaultMode}, "__Host-session; Path=/; Secure; HttpOnly; SameSite=Lax"},
		{"insecure", sessions.Spec{Insecure: true}, "session; Path=/; HttpOnly; SameSite=Lax"},
		{"persistent", sessions.Spec{Persistent: true, AbsoluteTimeout: time.Hour}, "__Host-session; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=3600"},
	}
	for _, test := range tests {
		for _, backend := range []sessions.Backend{nil, sessions.NewMemory()} {
			t.Run(test.name, func(t *testing.T) {
				test.spec.Backend = backend
				var fixed = time.Now()
				site := newSite(t, sessions.Config{
					Sessions: []sessions.Spec{test.spec},
					Now:      func() time.Time { return fixed },
				}, map[string]action{"/": write, "/end": end})
				b := site.browser()
				lines := b.get("/").Header["Set-Cookie"]
				if len(lines) != 1 {
					t.Fatalf("cookies: %q", lines)
				}
				name, rest, _ := strings.Cut(lines[0], "=")
				value, attributes, _ := strings.Cut(rest, ";")
				if got := name + ";" + attributes; got != test.want || value == "" {
					t.Errorf("got  %s\nwant %s", got, test.want)
				}
				if _, err := http.ParseSetCookie(lines[0]); err != nil {
					t.Error(err)
				}
				sent := name + "=" + value // a jar would not send all of them to this host and path
				gone := b.send("/end", &sent).Header["Set-Cookie"]
				attributes, _, _ = strings.Cut(attributes, "; Max-Age")
				want := name + "=;" + attributes + "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
				if len(gone) != 1 || gone[0] != want {
					t.Errorf("ended: %q\nwant    %q", gone, want)
				}
			})
		}
	}
}

func TestACookieThatBrowsersWouldDrop(t *testing.T) {
	// The largest value that fits and the smallest that does not differ by one byte, with the
	// name counted.
	const name = "my-application-session"
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{}, {Name: name}}}, map[string]action{
		"/": func(st *sessions.Store, r *http.Request) string {
			n, _ := strconv.Atoi(r.URL.RawQuery)
			st.Named(name).Set("blob", strings.Repeat("x", n))
			st.Session().Set("other", true)
			return ""
		},
	})
	longest := 0
	for n := 2000; n < 2400; n++ {
		a := site.browser().get("/?" + strconv.Itoa(n))
		if a.StatusCode == http.StatusOK {
			for _, line := range a.Header["Set-Cookie"] {
				pair, _, _ := strings.Cut(line, ";")
				longest = max(longest, len(pair)-1)
			}
			continue
		}
		if longest > 4096 || longest < 4090 {
			t.Errorf("the longest cookie that was sent has %d bytes", longest)
		}
		if a.StatusCode != http.StatusInternalServerError || !strings.Contains(a.body, "4096") || !strings.Contains(a.body, "its name has 29 bytes") {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
		if lines := a.Header["Set-Cookie"]; len(lines) != 1 || !strings.HasPrefix(lines[0], "__Host-session=") {
			t.Errorf("the other session's cookie is lost, or the too long one is sent: %.60q", lines)
		}
		return
	}
	t.Error("nothing was too long")
}

func TestCacheHeaders(t *testing.T) {
	own := func(control string) func(*sessions.Store, http.ResponseWriter) {
		return func(_ *sessions.Store, w http.ResponseWriter) { w.Header().Set("Cache-Control", control) }
	}
	tests := []struct {
		name          string
		before        func(st *sessions.Store, w http.ResponseWriter)
		do            action
		control, vary string
	}{
		{"untouched", nil, untouched, "", ""},
		{"read", nil, read, "private, no-cache", "Cookie"},
		{"written", nil, write, "no-store", "Cookie"},
		{"ended, and there was none", nil, end, "private, no-cache", "Cookie"},
		{"read, the handler has its own", own("max-age=60"), read, "max-age=60", "Cookie"},
		{"written, the handler lets others keep it", own("max-age=60"), write, "no-store", "Cookie"},
		{"written, the handler says public", own("public, max-age=60"), write, "no-store", "Cookie"},
		{"written, the handler keeps it private", own("private, max-age=60"), write, "private, max-age=60", "Cookie"},
		{"read, the handler says public", own("public, max-age=60"), read, "public, max-age=60", "Cookie"},
		{"other Vary", vary("Accept, Accept-Encoding"), read, "private, no-cache", "Accept, Accept-Encoding,Cookie"},
		{"same Vary", vary("Accept, cookie"), read, "private, no-cache", "Accept, cookie"},
		{"every Vary", vary("*"), read, "private, no-cache", "*"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
			if err != nil {
				t.Fatal(err)
			}
			w, r := recorder()
			st := manager.Store(r)
			if test.before != nil {
				test.before(st, w)
			}
			test.do(st, r)
			if err := st.Save(w); err != nil {
				t.Fatal(err)
			}
			if got := w.Header().Get("Cache-Control"); got != test.control {
				t.Errorf("Cache-Control %q, want %q", got, test.control)
			}
			if got := strings.Join(w.Header()["Vary"], ","); got != test.vary {
				t.Errorf("Vary %q, want %q", got, test.vary)
			}
		})
	}
}

func vary(value string) func(*sessions.Store, http.ResponseWriter) {
	return func(_ *sessions.Store, w http.ResponseWriter) { w.Header().Set("Vary", value) }
}

func TestOneCookiePerName(t *testing.T) {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		t.Fatal(err)
	}
	w, r := recorder()
	w.Header().Add("Set-Cookie", "__Host-session=of the handler's own")
	w.Header().Add("Set-Cookie", "other=1")
	st := manager.Store(r)
	st.Session().Set("a", 1)
	for range 2 { // the second has nothing left to do
		if err := st.Save(w); err != nil {
			t.Fatal(err)
		}
	}
	lines := w.Header()["Set-Cookie"]
	if len(lines) != 2 || lines[0] != "other=1" || strings.Contains(lines[1], "own") {
		t.Errorf("%q", lines)
	}
}

func TestNoCookieThatSaysWhatTheBrowserHas(t *testing.T) {
	same := map[string]action{
		"/":     write,
		"/read": read,
		"/same": func(st *sessions.Store, _ *http.Request) string { st.Session().Set("n", 1); return "" },
		"/back": func(st *sessions.Store, _ *http.Request) string {
			st.Session().Set("x", 1)
			st.Session().Delete("x")
			return ""
		},
		"/delete": func(st *sessions.Store, _ *http.Request) string { st.Session().Delete("none"); return "" },
		"/flash":  func(st *sessions.Store, _ *http.Request) string { st.Session().Flashes(); return "" },
		"/clear":  func(st *sessions.Store, _ *http.Request) string { st.Session().Clear(); return "" },
		"/touch":  untouched,
	}
	p := newProbe()
	for _, backend := range []sessions.Backend{nil, p} {
		site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: backend}}}, same)
		if a := site.browser().get("/clear"); a.Header["Set-Cookie"] != nil || p.calls() != 0 {
			t.Errorf("an empty session was kept: %q", a.Header["Set-Cookie"])
		}
		b := site.browser()
		b.get("/")
		updates := p.updates.Load()
		for path := range same {
			if path == "/" || path == "/clear" {
				continue
			}
			if a := b.get(path); a.Header["Set-Cookie"] != nil || p.updates.Load() != updates {
				t.Errorf("%s: %q, %d updates", path, a.Header["Set-Cookie"], p.updates.Load()-updates)
			}
		}
		b.want("/read", "n=1")
	}
}

// An empty session in a cookie is deleted, not kept forever.
func TestAnEmptiedCookieIsDeleted(t *testing.T) {
	site := newSite(t, sessions.Config{}, map[string]action{
		"/flash": func(st *sessions.Store, _ *http.Request) string { st.Session().AddFlash("hello", ""); return "" },
		"/show":  func(st *sessions.Store, _ *http.Request) string { st.Session().Flashes(); return "" },
	})
	b := site.browser()
	b.get("/flash")
	if b.cookie() == "" {
		t.Fatal("no cookie")
	}
	b.get("/show")
	if left := b.cookie(); left != "" {
		t.Errorf("left: %s", left)
	}
}
