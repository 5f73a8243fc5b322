package handlers_test

import (
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/internal/alloctest"
	"github.com/webapp2go/webapp2go/sessions"
)

// cost returns the bytes and the time that one call of f takes, each the least of three.
func cost(f func()) (allocated uint64, took time.Duration) {
	allocated, took = 1<<63, time.Hour
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		f()
		took = min(took, time.Since(start))
		runtime.ReadMemStats(&after)
		allocated = min(allocated, after.TotalAlloc-before.TotalAlloc)
	}
	return allocated, took
}

// shortFields returns a form of size bytes with as many fields as possible: a, b, ..., aa,
// ab, ...
func shortFields(size int) string {
	form, names := make([]byte, 0, size+4), []string{""}
	for i := 0; ; i++ {
		for letter := 'a'; letter <= 'z'; letter++ {
			name := names[i] + string(letter)
			if form = append(append(form, name...), '&'); len(form) >= size {
				return string(form[:size])
			}
			names = append(names, name)
		}
	}
}

// No request of an unknown client costs more than 1 MiB, or more time than the hash of one
// password.
func TestStrangersCostLittle(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) {
		s.site.Throttle.Failures, s.site.Throttle.Address, s.site.Throttle.Name, s.site.Throttle.SignUps = -1, -1, -1, -1
	})
	s.client(t).signUp("ann")

	expensive := strings.Repeat("\ufdfa", 10<<20/3) // NFKC makes it eleven times as long
	fits := strings.Repeat("\ufdfa", 15<<10/3)
	several := func(n int, pair func(i int) string) string {
		var form strings.Builder
		for i := range n {
			form.WriteString(pair(i))
		}
		return form.String()
	}
	parts := func(n int, file string) string {
		return several(n, func(i int) string {
			return fmt.Sprintf("--b\r\nContent-Disposition: form-data; name=\"%d\"%s\r\n\r\nx\r\n", i, file)
		}) + "--b--\r\n"
	}
	const form, mixed = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
	type hostile struct {
		kind, body string
		status     map[string]int // by path; "" is of all others
	}
	all := func(status int) map[string]int { return map[string]int{"": status} }
	requests := map[string]hostile{
		"a name of 10 MiB":               {form, "password=12345678&name=" + expensive, all(413)},
		"a name of 10 MiB, as multipart": {mixed, "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n" + expensive + "\r\n--b--\r\n", all(413)},
		"a name of 15 KiB":               {form, "password=12345678&name=" + fits, map[string]int{"/login": 401, "/signup": 400, "/account": 302}},
		"a password of 15 KiB":           {form, "name=ann&password=" + fits, map[string]int{"/login": 401, "/signup": 400, "/account": 302}},
		"a next of 15 KiB":               {form, "name=ann&password=wrong&next=/" + fits, map[string]int{"/login": 401, "/signup": 400, "/account": 302}},
		"a next of 10 MiB of spaces":     {form, "name=ann&password=12345678&next=/" + strings.Repeat(" ", 10<<20), all(413)},
		"a file":                         {mixed, parts(1, `; filename="f"`), all(400)},
		"files of 10 MiB":                {mixed, "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" + expensive + "\r\n--b--\r\n", all(413)},
		"thousands of fields":            {form, several(2500, func(i int) string { return fmt.Sprintf("%x=1&", i) }), all(413)},
		"thousands of short fields":      {form, shortFields(16_000), all(413)},
		"hundreds of fields":             {form, several(250, func(i int) string { return fmt.Sprintf("%x=1&", i) }), map[string]int{"/login": 401, "/signup": 400}},
		"one field, thousands of times":  {form, strings.Repeat("a&", 8000), all(413)},
		"fields in body and query":       {form, several(2500, func(i int) string { return fmt.Sprintf("%x=1&", i) }), all(413)},
		"two hundred parts":              {mixed, parts(250, ""), map[string]int{"/login": 401, "/signup": 400}},
		"empty parts":                    {mixed, strings.Repeat("--b\r\n\r\n\r\n", 1700), all(413)},
		"a thousand empty parts":         {mixed, strings.Repeat("--b\r\n\r\n\r\n", 990) + "--b--\r\n", map[string]int{"/login": 401, "/signup": 400}},
		"two hundred files":              {mixed, parts(190, `; filename="f"`), all(400)},
		"headers without end":            {mixed, "--b\r\n" + strings.Repeat("a:\r\n", 4000) + "\r\n--b--\r\n", map[string]int{"/login": 401, "/signup": 400}},
	}
	most := uint64(1 << 20)
	if alloctest.RaceEnabled {
		most *= 4
	}
	var passwords auth.Passwords // with OWASP's costs, the minimum for a login
	_, hash := cost(func() {
		if _, err := passwords.Hash("correct horse"); err != nil {
			t.Fatal(err)
		}
	})
	t.Setenv("TMPDIR", t.TempDir())
	for name, test := range requests {
		for _, path := range []string{"/login", "/signup", "/account"} {
			t.Run(name+" "+path, func(t *testing.T) {
				want, ok := test.status[path]
				if !ok {
					want = test.status[""]
				}
				if path == "/account" {
					want = 302 // to the login page, before the form is read
				}
				target := path
				if strings.HasSuffix(name, "query") {
					target += "?" + several(5000, func(i int) string { return fmt.Sprintf("%x&", i) })
				}
				allocated, took := cost(func() {
					r := httptest.NewRequest("POST", target, strings.NewReader(test.body))
					r.Header.Set("Content-Type", test.kind)
					r.Header.Set("Accept", "text/html")
					w := httptest.NewRecorder()
					s.app.ServeHTTP(w, r)
					if w.Code != want {
						t.Errorf("status %d, want %d\n%.500s", w.Code, want, w.Body)
					}
					if w.Body.Len() > 16<<10 {
						t.Errorf("a response of %d KiB", w.Body.Len()>>10)
					}
					if strings.Contains(w.Body.String(), "\ufdfa") {
						t.Error("what was too long is shown again")
					}
				})
				t.Logf("%d KiB, %v (a hash takes %v)", allocated>>10, took, hash)
				if allocated > most {
					t.Errorf("%d KiB were allocated", allocated>>10)
				}
				if took > hash {
					t.Errorf("it took %v, a hash takes %v", took, hash)
				}
				if files, err := os.ReadDir(os.TempDir()); err != nil || len(files) != 0 {
					t.Errorf("in the temporary folder: %v, %v", files, err)
				}
			})
		}
	}
	for name, target := range map[string]string{
		"a next in the query": "/login?next=/" + url.QueryEscape(strings.Repeat("\ufdfa", 3000)),
		"a query of fields":   "/login?" + strings.Repeat("a&", 15000),
		"short fields":        "/login?" + shortFields(31_000),
		"fields of a sign-up": "/signup?" + shortFields(31_000),
		"a private page":      "/account?" + strings.Repeat("a", 30000),
	} {
		t.Run(name, func(t *testing.T) {
			allocated, took := cost(func() {
				w := httptest.NewRecorder()
				r := httptest.NewRequest("GET", target, nil)
				r.Header.Set("Accept", "text/html")
				s.app.ServeHTTP(w, r)
				if w.Code >= 400 || w.Body.Len() > 16<<10 || len(w.Header().Get("Location")) > 8<<10 {
					t.Errorf("status %d, %d bytes, to %.100s", w.Code, w.Body.Len(), w.Header().Get("Location"))
				}
			})
			t.Logf("%d KiB, %v", allocated>>10, took)
			if allocated > most || took > hash {
				t.Errorf("%d KiB were allocated in %v; a hash takes %v", allocated>>10, took, hash)
			}
		})
	}
}

// A user who is logged in has the same bounds, also over a real connection.
func TestAccountFormIsBounded(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	c := s.client(t)
	c.signUp("ann")
	c.post("/account", "action", "password", "old", strings.Repeat("x", 17<<10), "new", "another horse").shows(t, http.StatusRequestEntityTooLarge)
	c.post("/account", "action", "password", "old", strings.Repeat("x", 15<<10), "new", "another horse").shows(t, http.StatusForbidden)

	body, form := multipartForm(t, func(w *multipart.Writer) {
		w.WriteField("action", "end-others")
		file, err := w.CreateFormFile("picture", "me.png")
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(file, "picture")
	})
	res, err := c.Post(s.URL+"/account", form, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d for a file", res.StatusCode)
	}
	body, form = multipartForm(t, func(w *multipart.Writer) { w.WriteField("action", "end-others") })
	if res, err = c.Post(s.URL+"/account", form, strings.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusFound {
		t.Errorf("status %d for a multipart form without files", res.StatusCode)
	}
}

func multipartForm(t *testing.T, fill func(w *multipart.Writer)) (body, contentType string) {
	t.Helper()
	var form strings.Builder
	w := multipart.NewWriter(&form)
	fill(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return form.String(), w.FormDataContentType()
}

// The redirect to the login page has the path as next, unless it is too long for a header of
// App Engine.
func TestLongAddressIsNotRemembered(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	c := s.client(t)
	c.get("/account?x="+strings.Repeat("y", 2000)).redirects(t, "/login?next=%2Faccount%3Fx%3D"+strings.Repeat("y", 2000))
	c.get("/account?x="+strings.Repeat("y", 9000)).redirects(t, "/login")
	c.post("/login", "name", "ann", "password", "wrong", "next", "/"+strings.Repeat("y", 9000)).hides(t, "yyyy")
}
