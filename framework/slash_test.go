package framework_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/webapp2go/webapp2go/framework"
)

func TestSlashRedirect(t *testing.T) {
	tests := map[string]struct{ path, location string }{
		"slash dropped":     {"/about/", "/about"},
		"slash added":       {"/about", "/about/"},
		"query kept":        {"/about/?a=1&a=%2F&b", "/about?a=1&a=%2F&b"},
		"escapes kept":      {"/caf%C3%A9%20%3F/", "/caf%C3%A9%20%3F"},
		"backslash escaped": {"/%5Cevil.example/", "/%5Cevil.example"},
		"the root":          {"/", ""},
		"another site":      {"//evil.example/", ""},
		"another site two":  {"//evil.example", ""},
		"two slashes":       {"//", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{"GET", "POST", "HEAD"} {
				w := httptest.NewRecorder()
				r := httptest.NewRequest(method, "/", nil)
				u, err := r.URL.Parse("http://example.com" + test.path)
				if err != nil {
					t.Fatal(err)
				}
				u.Scheme, u.Host = "", ""
				r.URL = u
				framework.SlashRedirect().ServeHTTP(w, r)
				want := http.StatusPermanentRedirect
				if test.location == "" {
					want = http.StatusNotFound
				}
				if w.Code != want || w.Header().Get("Location") != test.location {
					t.Errorf("%s %s: %d to %q, want %d to %q", method, test.path, w.Code, w.Header().Get("Location"), want, test.location)
				}
			}
		})
	}
}

// TestSlashRedirectKeepsPost posts a form to the other form of a path. webapp2 responded with
// 405, or with a redirect that lost the form.
func TestSlashRedirectKeepsPost(t *testing.T) {
	router := mux.NewRouter()
	router.Path("/form/").Methods("POST").HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Method+" "+r.FormValue("a")+r.FormValue("b"))
	})
	router.Handle("/form", framework.SlashRedirect())
	server := httptest.NewServer(router)
	defer server.Close()
	answer, err := http.Post(server.URL+"/form?b=2", "application/x-www-form-urlencoded", strings.NewReader("a=1"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || string(body) != "POST 12" {
		t.Errorf("%d %q, %v", answer.StatusCode, body, err)
	}
}
