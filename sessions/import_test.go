package sessions_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

func TestImport(t *testing.T) {
	const expired = "old=; Path=/app; Domain=example.com; HttpOnly; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
	for _, backend := range []*probe{nil, newProbe()} {
		asked, c := 0, &clock{}
		spec := sessions.Spec{AbsoluteTimeout: time.Hour, Import: &sessions.Import{
			Cookie: "old", Domain: "example.com", Path: "/app",
			Read: func(r *http.Request) sessions.Imported {
				asked++
				cookie, err := r.Cookie("old")
				if err != nil || cookie.Value != "valid" {
					return sessions.Imported{}
				}
				return sessions.Imported{Values: map[string]any{
					"user": "ann", "n": 41,
					"_flash": []any{[]any{"welcome back", "info"}, "broken", []any{func() {}, ""}},
					"func":   func() {},
				}}
			},
		}}
		if backend != nil {
			spec.Backend = backend
		}
		site := newSite(t, sessions.Config{Sessions: []sessions.Spec{spec}, Log: slog.New(slog.DiscardHandler), Now: c.now}, map[string]action{
			"/read": read, "/write": write, "/end": end, "/untouched": untouched,
			"/clear": func(st *sessions.Store, _ *http.Request) string { st.Session().Clear(); return "" },
			"/flash": func(st *sessions.Store, _ *http.Request) string { return fmt.Sprint(st.Session().Flashes()) },
		})
		old := func(more string) *string { more = "old=valid" + more; return &more }
		ours := func(a answer) (pair string, deletesOld bool) {
			for _, line := range a.Header["Set-Cookie"] {
				deletesOld = deletesOld || line == expired
				if p, _, _ := strings.Cut(line, ";"); strings.HasPrefix(p, "__Host-session=") {
					pair = p
				}
			}
			return pair, deletesOld
		}
		b := site.browser()
		if b.send("/untouched", old("")); asked != 0 {
			t.Error("asked for a session that nobody used")
		}
		if a := b.send("/read", new("")); asked != 0 || a.Header["Set-Cookie"] != nil {
			t.Error("asked without the old cookie")
		}
		if a := b.send("/read", new("old=broken")); asked != 1 || a.status != "new" || a.Header["Set-Cookie"] != nil {
			t.Errorf("an old cookie that is not valid: asked %d times, %s", asked, a.status)
		}
		a := b.send("/read", old(""))
		mine, deletes := ours(a)
		if a.body != "n=41 user=ann" || a.status != "new" || mine == "" || !deletes {
			t.Fatalf("taken over: %q %s, %q", a.body, a.status, a.Header["Set-Cookie"])
		}
		asked = 0
		if a := b.send("/flash", old("; "+mine)); asked != 0 || a.body != "[{welcome back info}]" {
			t.Errorf("with both cookies: asked %d times, %s", asked, a.body)
		}
		a = b.send("/end", old("; "+mine))
		if pair, deletes := ours(a); pair != "__Host-session=" || !deletes {
			t.Errorf("ended: %q", a.Header["Set-Cookie"])
		}
		// A dead cookie of this package prevents the import of the old cookie.
		for _, dead := range []string{"tampered", "", `not\valid`} {
			if a := b.send("/read", old("; __Host-session="+dead)); asked != 0 || a.body != "" {
				t.Errorf("%q: asked %d times, %q", dead, asked, a.body)
			}
		}
		if backend == nil {
			c.advance(2 * time.Hour)
		} else if err := backend.Memory.Delete(context.Background(), backend.ids[len(backend.ids)-1]); err != nil {
			t.Fatal(err)
		}
		if a := b.send("/read", old("; "+mine)); asked != 0 || a.status == "new" {
			t.Errorf("our session has ended: asked %d times, %s", asked, a.status)
		}
		// Destroy in the first request also ends the older session.
		if pair, deletes := ours(b.send("/end", old(""))); pair != "__Host-session=" || !deletes {
			t.Error("the old cookie outlives a logout")
		}
		// So does deleting all its values. Otherwise the next request would import it again.
		if _, deletes := ours(b.send("/clear", old(""))); !deletes {
			t.Error("the old cookie outlives what it had")
		}
	}
}

// Browsers accept no cookie with a prefixed name without Secure, not even a deletion.
func TestImportOfAPrefixedCookie(t *testing.T) {
	for _, name := range []string{"__Host-old", "__Secure-old", "__host-old"} {
		site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Import: &sessions.Import{
			Cookie: name, Read: func(*http.Request) sessions.Imported {
				return sessions.Imported{Values: map[string]any{"n": 1}}
			},
		}}}}, map[string]action{"/read": read})
		want := name + "=; Path=/; Secure; HttpOnly; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
		if a := site.browser().send("/read", new(name+"=x")); !slices.Contains(a.Header["Set-Cookie"], want) {
			t.Errorf("%s: %q", name, a.Header["Set-Cookie"])
		}
	}
}

// A session that is first read after the header was written imports nothing, because it can no
// longer be saved.
func TestImportAfterSave(t *testing.T) {
	manager, err := sessions.New(sessions.Config{
		Keys: []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Import: &sessions.Import{Cookie: "old", Read: func(*http.Request) sessions.Imported {
			return sessions.Imported{Values: map[string]any{"n": 1}}
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w, r := recorder()
	r.Header.Set("Cookie", "old=valid")
	st := manager.Store(r)
	if err := st.Save(w); err != nil {
		t.Fatal(err)
	}
	if s := st.Session(); s.Get("n") != nil || s.Err() != nil {
		t.Errorf("n is %v, %v", s.Get("n"), s.Err())
	}
}

// A browser with a jar: with the Domain of the older cookie, a logout lasts. Without it, the
// cookie stays, which is logged once.
func TestImportOfADomainCookie(t *testing.T) {
	for domain, lasts := range map[string]bool{".example.com": true, "example.com": true, "": false} {
		t.Run(domain, func(t *testing.T) {
			var log strings.Builder
			manager, err := sessions.New(sessions.Config{
				Keys: []sessions.Key{sessions.RandomKey()},
				Log:  slog.New(slog.NewTextHandler(&log, nil)),
				Sessions: []sessions.Spec{{Backend: sessions.NewMemory(), Insecure: true, Import: &sessions.Import{
					Cookie: "auth", Domain: domain,
					Read: func(*http.Request) sessions.Imported {
						return sessions.Imported{Values: map[string]any{"user": "ann"}}
					},
				}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			site := &url.URL{Scheme: "http", Host: "www.example.com", Path: "/"}
			jar.SetCookies(site, []*http.Cookie{{Name: "auth", Value: "old", Domain: ".example.com", Path: "/"}})
			visit := func(do func(*sessions.Session)) (user any) {
				r := httptest.NewRequest("GET", site.String(), nil)
				for _, cookie := range jar.Cookies(site) {
					r.AddCookie(cookie)
				}
				w := httptest.NewRecorder()
				store := manager.Store(r)
				user = store.Session().Get("user")
				if do != nil {
					do(store.Session())
				}
				if err := store.Save(w); err != nil {
					t.Error(err)
				}
				jar.SetCookies(site, w.Result().Cookies())
				return user
			}
			if user := visit(nil); user != "ann" {
				t.Fatalf("the first request has the user %v", user)
			}
			visit(nil)
			if user := visit((*sessions.Session).Destroy); user != "ann" {
				t.Fatalf("before the logout: %v", user)
			}
			if user := visit(nil); (user == nil) != lasts {
				t.Errorf("after the logout: %v", user)
			}
			visit(nil)
			if warned := strings.Count(log.String(), "set Import.Domain and Import.Path"); (warned == 0) != lasts || warned > 1 {
				t.Errorf("%d warnings:\n%s", warned, &log)
			}
		})
	}
}
