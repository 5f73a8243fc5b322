package webapp2_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/webapp2"
)

func TestRedirectHandler(t *testing.T) {
	app := framework.New()
	app.Handle("/old", webapp2.RedirectHandler("/neu/ü", 308))
	app.Handle("/elsewhere", webapp2.RedirectHandler("https://example.com/a?b=c#d", 301))
	for path, want := range map[string]string{"/old?a=b": "/neu/%C3%BC", "/elsewhere": "https://example.com/a?b=c#d"} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			w := httptest.NewRecorder()
			app.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if w.Code < 301 || w.Header().Get("Location") != want || w.Body.Len() > 0 {
				t.Errorf("%s %s: status %d, Location %q, body %q", method, path, w.Code, w.Header().Get("Location"), w.Body)
			}
		}
	}
}

func TestRedirectHandlerRefuses(t *testing.T) {
	for _, test := range []struct {
		to   string
		code int
	}{
		{"/new", 200}, {"/new", 304}, {"", 301}, {"new", 301}, {"//evil.example", 301}, {`/\evil.example`, 301},
		{"https:///new", 301}, {"javascript:alert(1)", 301}, {"ftp://example.com/", 301}, {"/a\r\nb", 301},
	} {
		app := framework.New()
		app.Log = slog.New(slog.DiscardHandler)
		app.Handle("/old", webapp2.RedirectHandler(test.to, test.code))
		if err := app.Check(); err == nil || !strings.Contains(err.Error(), `route "/old": webapp2: RedirectHandler(`) {
			t.Errorf("RedirectHandler(%q, %d): Check returned %v", test.to, test.code, err)
		}
		w := httptest.NewRecorder()
		if app.ServeHTTP(w, httptest.NewRequest("GET", "/old", nil)); w.Code != 500 || w.Header().Get("Location") != "" {
			t.Errorf("RedirectHandler(%q, %d): status %d, Location %q", test.to, test.code, w.Code, w.Header().Get("Location"))
		}
	}
}
