package webapp2cookie_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/webapp2cookie"
)

func TestImportRefuses(t *testing.T) {
	tests := map[string]struct {
		secret, name string
		maxAge       time.Duration
		says         string
	}{
		"no secret":        {"", "session", time.Hour, "empty secret"},
		"one byte":         {"x", "session", time.Hour, "can be guessed"},
		"seven bytes":      {"seven77", "session", time.Hour, "a secret of 7 bytes"},
		"one byte again":   {"xxxxxxxxxxxxxxxx", "session", time.Hour, "can be guessed"},
		"no limit":         {secret, "session", 0, "maxAge"},
		"negative":         {secret, "session", -time.Hour, "maxAge"},
		"no name":          {secret, "", time.Hour, "cookie_name"},
		"a name with ;":    {secret, "a;b", time.Hour, "cookie_name"},
		"a name and space": {secret, "my session", time.Hour, "cookie_name"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := webapp2cookie.Import([]byte(test.secret), test.name, test.maxAge)
			if got != nil || err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("Import = %v, %v, want an error that says %q", got, err, test.says)
			}
		})
	}
}

func mustImport(t testing.TB, name string, maxAge time.Duration) *sessions.Import {
	t.Helper()
	i, err := webapp2cookie.Import([]byte(secret), name, maxAge)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func signedNow(name, data string) string {
	return sign(secret, name, data, fmt.Sprint(time.Now().Unix()))
}

func TestImportReads(t *testing.T) {
	now := time.Now().Unix()
	good := signedNow("session", `{"n":1}`)
	tests := map[string]struct {
		header string
		ok     bool
	}{
		"good":            {"session=" + good, true},
		"quoted":          {`session="` + good + `"`, true},
		"second of two":   {"session=rubbish; session=" + good, true},
		"none":            {"other=1", false},
		"another name":    {"auth=" + good, false},
		"tampered":        {"session=" + good[:len(good)-1] + "x", false},
		"expired":         {"session=" + sign(secret, "session", `{"n":1}`, fmt.Sprint(now-7200)), false},
		"another secret":  {"session=" + sign("other", "session", `{"n":1}`, fmt.Sprint(now)), false},
		"no dictionary":   {"session=" + signedNow("session", `[1]`), false},
		"oversized":       {"session=" + signedNow("session", `{"n":"`+strings.Repeat("x", 9000)+`"}`), false},
		"only an id":      {"session=" + signedNow("session", `{"_sid":"9999999999999999999999"}`), false},
		"an id among all": {"session=" + signedNow("session", `{"_sid":"x","n":1}`), true},
	}
	read := mustImport(t, "session", time.Hour).Read
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Cookie", test.header)
			if got := read(r); (got.Values != nil) != test.ok {
				t.Errorf("Read = %v", got)
			}
		})
	}
}

// site serves a session that takes over the old one: /show answers it as JSON and
// /end destroys it.
func site(t *testing.T, backend sessions.Backend) (server *httptest.Server, browser *http.Client) {
	t.Helper()
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Name: "new", Backend: backend, Import: mustImport(t, "session", time.Hour)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		store := manager.Store(r)
		answer := map[string]any{}
		switch s := store.Session(); r.URL.Path {
		case "/show":
			maps.Insert(answer, s.All())
			for _, f := range s.Flashes() {
				answer["flash "+f.Level] = f.Value
			}
		case "/end":
			s.Destroy()
		}
		if err := store.Save(w); err != nil {
			t.Error(err)
		}
		json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	browser = server.Client()
	if browser.Jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	return server, browser
}

func giveOldCookie(t *testing.T, server *httptest.Server, browser *http.Client, data string) {
	t.Helper()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	browser.Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: signedNow("session", data), Path: "/"}})
}

// get returns the body, and the names of the cookies that the browser then has.
func get(t *testing.T, server *httptest.Server, browser *http.Client, path string) (body, cookies string) {
	t.Helper()
	answer, err := browser.Get(server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range browser.Jar.Cookies(answer.Request.URL) {
		names = append(names, c.Name)
	}
	return strings.TrimSpace(string(text)), strings.Join(names, " ")
}

func TestImportMovesOver(t *testing.T) {
	for name, backend := range map[string]sessions.Backend{"cookie": nil, "backend": sessions.NewMemory()} {
		t.Run(name, func(t *testing.T) {
			server, browser := site(t, backend)
			giveOldCookie(t, server, browser, `{"n":1,"l":[1,2.5,{"k":null}],"_flash":[["hello","info"],["bye",null]]}`)

			body, cookies := get(t, server, browser, "/nothing")
			if body != "{}" || cookies != "session" {
				t.Errorf("untouched: %s, cookies %q, want the old one only", body, cookies)
			}
			body, cookies = get(t, server, browser, "/show")
			if want := `{"flash ":"bye","flash info":"hello","l":[1,2.5,{"k":null}],"n":1}`; body != want {
				t.Errorf("the first touch shows %s, want %s", body, want)
			}
			if cookies != "__Host-new" {
				t.Errorf("cookies %q, want ours alone", cookies)
			}
			body, _ = get(t, server, browser, "/show")
			if want := `{"l":[1,2.5,{"k":null}],"n":1}`; body != want {
				t.Errorf("the next request shows %s, want %s", body, want)
			}
		})
	}
}

// TestImportStaysLoggedOut shows that a logout ends the old session too, even where
// it is the first request, and even where the old cookie comes back.
func TestImportStaysLoggedOut(t *testing.T) {
	for name, backend := range map[string]sessions.Backend{"cookie": nil, "backend": sessions.NewMemory()} {
		for _, first := range []string{"/show", "/end"} {
			t.Run(name+first, func(t *testing.T) {
				server, browser := site(t, backend)
				giveOldCookie(t, server, browser, `{"n":1}`)
				get(t, server, browser, first)
				_, cookies := get(t, server, browser, "/end")
				if cookies != "" {
					t.Errorf("cookies %q after the logout", cookies)
				}
				if body, _ := get(t, server, browser, "/show"); body != "{}" {
					t.Errorf("the session is back: %s", body)
				}
			})
		}
	}
}

// TestImportOnlyFirst shows that the old cookie is not looked at once there is one
// of ours, whatever became of it.
func TestImportOnlyFirst(t *testing.T) {
	server, browser := site(t, nil)
	giveOldCookie(t, server, browser, `{"n":1}`)
	u, _ := url.Parse(server.URL)
	browser.Jar.SetCookies(u, []*http.Cookie{{Name: "__Host-new", Value: "rubbish", Path: "/", Secure: true}})
	if body, _ := get(t, server, browser, "/show"); body != "{}" {
		t.Errorf("the old cookie was read beside ours: %s", body)
	}
}
