package sessions_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/webapp2go/webapp2go/sessions"
)

// Invalid data in a cookie gives a new session, never an error, and never reaches a backend.
func TestHostileCookies(t *testing.T) {
	key, other := sessions.RandomKey(), sessions.RandomKey()
	encrypted := sessions.RandomKey()
	encrypted.Block = sessions.RandomKey().Hash
	value := func(backend sessions.Backend, c sessions.Config, name string) string {
		c.Sessions = []sessions.Spec{{Name: name, Backend: backend}}
		b := newSite(t, c, map[string]action{"/": write}).browser()
		b.get("/")
		_, value, _ := strings.Cut(b.cookie(), "=")
		return value
	}
	for _, backend := range []*probe{nil, newProbe()} {
		var kept sessions.Backend
		if backend != nil {
			kept = backend
		}
		mine := sessions.Config{Keys: []sessions.Key{key}, Site: "mine"}
		good := value(kept, mine, "")
		cookie := func(value string) string { return "__Host-session=" + value }
		future := mine
		future.Now = func() time.Time { return time.Now().Add(61*time.Second + 500*time.Millisecond) }
		slightly := mine
		slightly.Now = func() time.Time { return time.Now().Add(50 * time.Second) }
		var otherKind sessions.Backend = sessions.NewMemory()
		if backend != nil {
			otherKind = nil
		}
		tests := []struct{ name, header, want string }{
			{"none", "", "new"},
			{"good", cookie(good), "loaded"},
			{"good in quotes", cookie(`"` + good + `"`), "loaded"},
			{"good among others", "a=b; ;;=; x; " + cookie(good) + "; c=d", "loaded"},
			{"good after a bad one of its name", cookie("bad") + "; " + cookie(good), "loaded"},
			{"good after many bad ones", strings.Repeat(cookie("bad")+"; ", 1000) + cookie(good), "loaded"},
			{"good before a bad one", cookie(good) + "; " + cookie("bad"), "loaded"},
			{"empty", cookie(""), "tampered"},
			{"no value", "__Host-session", "tampered"},
			{"cut", cookie(good[:len(good)-8]), "tampered"},
			{"cut at the front", cookie(good[4:]), "tampered"},
			{"flipped", cookie(good[:20] + string(good[20]^1) + good[21:]), "tampered"},
			{"flipped in the signature", cookie(good[:len(good)-6] + string(good[len(good)-6]^1) + good[len(good)-5:]), "tampered"},
			{"twice in one", cookie(good + good), "tampered"},
			{"longer than a cookie", cookie(strings.Repeat("A", 8000)), "tampered"},
			{"no base64", cookie("!$%&/()=?"), "tampered"},
			{"control characters", cookie("a\tb"), "tampered"},
			{"not ASCII", cookie("é"), "tampered"},
			{"backslash", cookie(`a\b`), "tampered"},
			{"webapp2's", cookie("eyJhIjoxfQ==|1700000000|0123456789abcdef0123456789abcdef01234567"), "tampered"},
			{"under another name", "session=" + good, "new"},
			{"under the name in capitals", "__HOST-SESSION=" + good, "new"},
			{"of another name", cookie(value(kept, mine, "other")), "tampered"},
			{"of another key", cookie(value(kept, sessions.Config{Keys: []sessions.Key{other}, Site: "mine"}, "")), "tampered"},
			{"of another key, encrypted", cookie(value(kept, sessions.Config{Keys: []sessions.Key{encrypted}, Site: "mine"}, "")), "tampered"},
			{"of another site", cookie(value(kept, sessions.Config{Keys: []sessions.Key{key}, Site: "theirs"}, "")), "tampered"},
			{"of another kind", cookie(value(otherKind, mine, "")), "tampered"},
			{"of the future", cookie(value(kept, future, "")), "clock"},
			{"of a clock that is a little ahead", cookie(value(kept, slightly, "")), "loaded"},
		}
		mine.Sessions = []sessions.Spec{{Backend: kept}}
		site := newSite(t, mine, map[string]action{"/read": read, "/write": write})
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				var before int64
				if backend != nil {
					before = backend.calls()
				}
				a := site.browser().send("/read", &test.header)
				if a.StatusCode != http.StatusOK || a.status != test.want {
					t.Errorf("status %d, session %s, want %s", a.StatusCode, a.status, test.want)
				}
				if a.Header["Set-Cookie"] != nil {
					t.Errorf("a read sets %q", a.Header["Set-Cookie"])
				}
				if backend != nil && test.want != "loaded" && backend.calls() != before {
					t.Error("it has reached the backend")
				}
				a = site.browser().send("/write", &test.header)
				if a.StatusCode != http.StatusOK {
					t.Errorf("write: status %d", a.StatusCode)
				}
				if backend != nil && test.want == "loaded" {
					return // the cookie is not changed
				}
				want := 1
				if test.want == "clock" { // the cookie will be valid again, and is kept
					want = 0
				}
				if n := len(a.Header["Set-Cookie"]); n != want {
					t.Errorf("write: %d cookies, want %d", n, want)
				}
			})
		}
	}
}

func TestManyCookiesOfOneName(t *testing.T) {
	site := newSite(t, sessions.Config{}, map[string]action{"/": read})
	header := strings.Repeat("__Host-session=AAAA; ", 20000)
	if a := site.browser().send("/", &header); a.StatusCode != http.StatusOK || a.status != "tampered" {
		t.Errorf("status %d, session %s", a.StatusCode, a.status)
	}
}

// A cookie that no browser would have stored is refused before any cryptography, even if it is
// signed.
func TestSignedAndTooLarge(t *testing.T) {
	key, p := sessions.RandomKey(), newProbe()
	for size, want := range map[int]string{1000: "loaded", 5000: "tampered"} {
		newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: p}}}, map[string]action{
			"/": func(st *sessions.Store, _ *http.Request) string { st.Session().Set("x", make([]byte, size)); return "" },
		}).browser().get("/")
		r, err := p.Memory.Load(t.Context(), p.ids[len(p.ids)-1])
		if err != nil {
			t.Fatal(err)
		}
		library := securecookie.New(key.Hash, nil).SetSerializer(securecookie.NopEncoder{}).MaxLength(0)
		value, err := library.Encode("__Host-session d ", append([]byte("\x01d"), r.Data...))
		if err != nil {
			t.Fatal(err)
		}
		cookie := "__Host-session=" + value
		site := newSite(t, sessions.Config{Keys: []sessions.Key{key}}, map[string]action{"/": read})
		if a := site.browser().send("/", &cookie); a.status != want {
			t.Errorf("%d bytes: %s, want %s", size, a.status, want)
		}
	}
}
