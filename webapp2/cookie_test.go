package webapp2_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/webapp2"
)

const secret = "my-super-secret-key"

// sign makes the value of a cookie as webapp2 does. Only tests write such cookies.
func sign(secret, name, data string, seconds string) string {
	data = base64.StdEncoding.EncodeToString([]byte(data))
	mac := hmac.New(sha1.New, []byte(secret))
	fmt.Fprintf(mac, "%s|%s|%s", name, data, seconds)
	return data + "|" + seconds + "|" + hex.EncodeToString(mac.Sum(nil))
}

type cookieVector struct {
	ID, Op, Secret, Name, Cookie, JSON string
	Timestamp, Now                     int64
	MaxAge                             *int64 `json:"max_age"`
	Flags                              []string
	Expect                             struct {
		OK         bool
		Value      any
		Serialized string
	}
}

// cookieDiffers says where Decode deliberately answers otherwise than webapp2 did, and
// why. Each of these is refused with an error.
var cookieDiffers = map[string]string{
	"serialize-33": "not a dictionary: no session, where webapp2 answered 500",
	"serialize-34": "not a dictionary: no session, where webapp2 answered 500",
	"serialize-35": "not a dictionary: no session, where webapp2 answered 500",
	"accept-21":    "not a dictionary: no session, where webapp2 answered 500",
	"accept-22":    "not a dictionary: no session, where webapp2 answered 500",
	"accept-23":    "not a dictionary: no session, where webapp2 answered 500",
	"accept-24":    "not a dictionary: no session, where webapp2 answered 500",
}

// TestCookieVectors holds Decode to what webapp2 3.0.0 answered. The cookies it wrote
// must be read; those it refused or raised an exception for must be errors.
func TestCookieVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/securecookie.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		CaseCount int `json:"case_count"`
		Cases     []cookieVector
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != file.CaseCount {
		t.Fatalf("%d cases, the file says %d", len(file.Cases), file.CaseCount)
	}
	passed, different := 0, 0
	for _, v := range file.Cases {
		t.Run(v.ID, func(t *testing.T) {
			value, now, want := v.Cookie, v.Now, v.Expect.Value
			if v.Op == "serialize" {
				value, now = v.Expect.Serialized, v.Timestamp
				v.Expect.OK = true
				if err := json.Unmarshal([]byte(v.JSON), &want); err != nil {
					t.Fatal(err)
				}
			}
			got, err := webapp2.DecodeCookie([]byte(v.Secret), v.Name, value, duration(v.MaxAge), time.Unix(now, 0))
			if reason, ok := cookieDiffers[v.ID]; ok {
				different++
				if got != nil || err == nil || !v.Expect.OK {
					t.Errorf("%v, %v: not the difference that is listed: %s", got, err, reason)
				}
				return
			}
			if !v.Expect.OK {
				if got != nil || err == nil {
					t.Fatalf("Decode = %v, want an error", got)
				}
				passed++
				return
			}
			if err != nil {
				t.Fatalf("Decode: %v", err)
			}
			if !reflect.DeepEqual(plain(t, got), want) {
				t.Fatalf("Decode = %#v, want %#v", got, want)
			}
			passed++
		})
	}
	t.Logf("securecookie.json: %d passed, %d deliberate differences", passed, different)
	if passed+different != len(file.Cases) || different != len(cookieDiffers) {
		t.Errorf("%d passed and %d of %d differences seen, of %d cases", passed, different, len(cookieDiffers), len(file.Cases))
	}
}

// duration turns webapp2's max_age into Decode's. 0 means no limit here, so the
// shortest age there is stands for it.
func duration(seconds *int64) time.Duration {
	switch {
	case seconds == nil:
		return 0
	case *seconds == 0:
		return 1
	}
	return time.Duration(*seconds) * time.Second
}

// plain turns a dictionary into what encoding/json makes of it, with all numbers
// float64. TestCookieNumbers looks at their types.
func plain(t *testing.T, dictionary map[string]any) any {
	text, err := json.Marshal(dictionary)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCookieNumbers(t *testing.T) {
	tests := map[string]any{
		"0":                    int64(0),
		"-1":                   int64(-1),
		"9007199254740993":     int64(9007199254740993),
		"9223372036854775807":  int64(math.MaxInt64),
		"-9223372036854775808": int64(math.MinInt64),
		"9223372036854775808":  uint64(1 << 63),
		"18446744073709551616": float64(1 << 64),
		"1.0":                  1.0,
		"1.5":                  1.5,
		"1e+22":                1e22,
		"1E2":                  100.0,
		"[1,[2.0]]":            []any{int64(1), []any{2.0}},
		`{"k":{"n":7}}`:        map[string]any{"k": map[string]any{"n": int64(7)}},
		"null":                 nil,
		"true":                 true,
		`"1"`:                  "1",
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			got, err := webapp2.DecodeCookie([]byte(secret), "session", sign(secret, "session", `{"v":`+text+`}`, "1"), 0, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got["v"], want) {
				t.Errorf("%T %v, want %T %v", got["v"], got["v"], want, want)
			}
		})
	}
}

func TestSignedCookieRubbish(t *testing.T) {
	tests := map[string]struct{ data, says string }{
		"oversized":       {`{"a":"` + strings.Repeat("x", 8000) + `"}`, "bytes"},
		"deep":            {`{"a":` + strings.Repeat("[", 400) + strings.Repeat("]", 400) + `}`, "nested"},
		"something after": {`{} {}`, "follows"},
		"NaN":             {`{"a":NaN}`, "JSON"},
		"a huge exponent": {`{"a":1e999}`, "range"},
		"nothing":         {``, "JSON"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := webapp2.DecodeCookie([]byte(secret), "session", sign(secret, "session", test.data, "1"), 0, time.Now())
			if got != nil || err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("Decode = %v, %v, want an error that says %q", got, err, test.says)
			}
		})
	}
}

// FuzzDecodeCookie shows that no value panics, and that none is taken without the secret.
func FuzzDecodeCookie(f *testing.F) {
	f.Add("eyJhIjoiYiJ9|1300000000|82cbbb6479af67ef2055a596ccd6096097b98359", `{"a":[1,{"b":null}]}`)
	f.Add("||", "[]")
	f.Fuzz(func(t *testing.T, value, data string) {
		if got, err := webapp2.DecodeCookie([]byte("another secret"), "session", value, 0, time.Now()); err == nil {
			t.Errorf("took %q without its secret: %v", value, got)
		}
		webapp2.DecodeCookie([]byte(secret), "session", sign(secret, "session", data, "1"), time.Hour, time.Now())
	})
}

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
			got, err := webapp2.ImportCookies([]byte(test.secret), test.name, test.maxAge)
			if got != nil || err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("Import = %v, %v, want an error that says %q", got, err, test.says)
			}
		})
	}
}

func mustImport(t testing.TB, name string, maxAge time.Duration) *sessions.Import {
	t.Helper()
	i, err := webapp2.ImportCookies([]byte(secret), name, maxAge)
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

func TestImportReadsTheUser(t *testing.T) {
	tests := map[string]struct {
		json, id string
	}{
		"number":     {`{"_user":[5629499534213120,true,"tok",1704164645,1704164645]}`, "5629499534213120"},
		"string":     {`{"_user":["joe",1,"tok",1704164645,1704164645,"Joe"]}`, "joe"},
		"logged out": {`{}`, ""},
		"empty list": {`{"_user":[]}`, ""},
		"empty id":   {`{"_user":[""]}`, ""},
		"no list":    {`{"_user":"joe"}`, ""},
		"null":       {`{"_user":null}`, ""},
		"null id":    {`{"_user":[null]}`, ""},
		"fraction":   {`{"_user":[1.5]}`, ""},
		"list":       {`{"_user":[["joe"]]}`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Cookie", "auth="+signedNow("auth", test.json))
			got := mustImport(t, "auth", time.Hour).Read(r)
			if got.User != test.id {
				t.Errorf("user %q, want %q", got.User, test.id)
			}
			if _, left := got.Values["_user"]; left {
				t.Error("the user is left among the values")
			}
		})
	}
}
