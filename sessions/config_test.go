package sessions_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// Every mistake is reported at startup, by a message that says how to fix it.
func TestMistakes(t *testing.T) {
	good := sessions.RandomKey()
	spec := func(s ...sessions.Spec) sessions.Config {
		return sessions.Config{Keys: []sessions.Key{good}, Sessions: s}
	}
	keys := func(k ...sessions.Key) sessions.Config { return sessions.Config{Keys: k} }
	none := func(*http.Request) sessions.Imported { return sessions.Imported{} }
	tests := []struct {
		name   string
		config sessions.Config
		want   string
	}{
		{"no key", sessions.Config{}, "Config.Keys is empty: give one Key with a Hash of 32 secret random bytes (`openssl rand -base64 32`), or RandomKey() in development"},
		{"empty key", keys(sessions.Key{}), "Config.Keys[0].Hash has 0 bytes, it must have at least 32"},
		{"short key", keys(sessions.Key{Hash: []byte("secret")}), "Config.Keys[0].Hash has 6 bytes, it must have at least 32: make one with `openssl rand -base64 32`"},
		{"short older key", keys(good, sessions.Key{Hash: []byte("secret")}), "Config.Keys[1].Hash has 6 bytes"},
		{"wrong block", keys(sessions.Key{Hash: good.Hash, Block: []byte("seventeen bytes..")}), "Config.Keys[0].Block has 17 bytes, AES takes 16, 24 or 32"},
		{"empty block that is not nil", keys(sessions.Key{Hash: good.Hash, Block: []byte{}}), "Config.Keys[0].Block has 0 bytes"},
		{"a key twice", keys(good, good), "Config.Keys[1] has the Hash of Config.Keys[0]"},
		{"bad name", spec(sessions.Spec{Name: "my session"}), `Config.Sessions[0]: Name "my session" cannot name a cookie`},
		{"name with a separator", spec(sessions.Spec{Name: "a;b"}), "cannot name a cookie"},
		{"long name", spec(sessions.Spec{Name: strings.Repeat("n", 300)}), "use at most 256"},
		{"prefixed name", spec(sessions.Spec{Name: "__host-session"}), "has a prefix: remove it"},
		{"duplicate name", spec(sessions.Spec{Name: "a"}, sessions.Spec{Name: "a", Path: "/x"}), `Config.Sessions[1]: has the Name "a" of Sessions[0]: give each its own`},
		{"duplicate default name", spec(sessions.Spec{}, sessions.Spec{Name: "session"}), `has the Name "session" of Sessions[0]`},
		{"negative idle", spec(sessions.Spec{IdleTimeout: -1}), "IdleTimeout is -1ns: use a positive timeout, or 0 for the default"},
		{"negative absolute", spec(sessions.Spec{AbsoluteTimeout: -time.Hour}), "AbsoluteTimeout is -1h0m0s"},
		{"timeout without unit", spec(sessions.Spec{IdleTimeout: 30}), "IdleTimeout is 30ns, less than a millisecond: multiply by the unit, as in 30*time.Minute"},
		{"none and insecure", spec(sessions.Spec{Insecure: true, SameSite: http.SameSiteNoneMode}), "SameSite None with Insecure"},
		{"SameSite of nowhere", spec(sessions.Spec{SameSite: 9}), "SameSite is 9"},
		{"domain with scheme", spec(sessions.Spec{Domain: "https://example.com"}), `Domain "https://example.com" is not a domain name`},
		{"domain with port", spec(sessions.Spec{Domain: "example.com:8080"}), "write it without scheme, port and path"},
		{"domain of a dot", spec(sessions.Spec{Domain: "a..b"}), "is not a domain name"},
		{"relative path", spec(sessions.Spec{Path: "shop"}), `Path "shop" must begin with /`},
		{"path with attribute", spec(sessions.Spec{Path: "/;Secure"}), "no control character or semicolon"},
		{"policy of nowhere", spec(sessions.Spec{WhenDown: 7}), "WhenDown is 7: use FailWhenDown or EmptyWhenDown"},
		{"nil pointer for a backend", spec(sessions.Spec{Backend: (*sessions.Memory)(nil)}), "Backend is a nil *sessions.Memory: check the error of its constructor"},
		{"import of nothing", spec(sessions.Spec{Import: &sessions.Import{}}), `Import.Cookie "" cannot name a cookie`},
		{"import without Read", spec(sessions.Spec{Import: &sessions.Import{Cookie: "old"}}), "Import.Read is nil"},
		{"import with a dot for a domain", spec(sessions.Spec{Import: &sessions.Import{Cookie: "old", Domain: ".", Read: none}}), `Import.Domain "."`},
		{"import of a host's cookie with a domain", spec(sessions.Spec{Import: &sessions.Import{Cookie: "__host-old", Domain: "example.com", Read: none}}), "leave Import.Domain and Import.Path out"},
		{"import of a host's cookie with a path", spec(sessions.Spec{Import: &sessions.Import{Cookie: "__Host-old", Path: "/app", Read: none}}), "leave Import.Domain and Import.Path out"},
		{"import with a bad domain", spec(sessions.Spec{Import: &sessions.Import{Cookie: "old", Domain: "a b", Read: none}}), `Import.Domain "a b"`},
		{"import with a bad path", spec(sessions.Spec{Import: &sessions.Import{Cookie: "old", Path: "x", Read: none}}), `Import.Path "x"`},
		{"import of our own cookie", spec(sessions.Spec{Insecure: true, Import: &sessions.Import{Cookie: "session", Read: none}}), `Import.Cookie "session" is the cookie of Sessions[0] too: give that another Name`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			manager, err := sessions.New(test.config)
			if err == nil || manager != nil {
				t.Fatal("it was taken")
			}
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "sessions: Config.") {
					t.Errorf("the message does not say where: %s", line)
				}
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, err := sessions.New(sessions.Config{Sessions: []sessions.Spec{{Name: "a b", Path: "c", IdleTimeout: -1}, {Domain: "?"}}})
	if err == nil {
		t.Fatal("it was taken")
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 5 {
		t.Errorf("%d mistakes, want 5:\n%v", n, err)
	}
}

func TestUndeclaredName(t *testing.T) {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{}, {Name: "cart"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, r := recorder()
	st := manager.Store(r)
	if st.Named("") != st.Session() || st.Named("session") != st.Session() || st.Named("cart") == st.Session() {
		t.Error("the names are mixed up")
	}
	defer func() {
		const want = `sessions: no session "kart" is declared: add a Spec to Config.Sessions, or use one of "session", "cart"`
		if got := recover(); got != want {
			t.Errorf("panic %v, want %s", got, want)
		}
	}()
	st.Named("kart")
}

// Changes that the caller makes to a Config afterwards do not affect the Manager.
func TestConfigIsCopied(t *testing.T) {
	c := sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}, Sessions: []sessions.Spec{{}}}
	site := newSite(t, c, map[string]action{"/": write, "/read": read})
	b := site.browser()
	b.get("/")
	clear(c.Keys[0].Hash)
	c.Sessions[0].Name = "other"
	b.want("/read", "n=1")
}
