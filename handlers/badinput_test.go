package handlers_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// A request with a bad cookie has a new session.
func TestBadCookies(t *testing.T) {
	for name, backend := range backends {
		t.Run(name, func(t *testing.T) {
			s := serve(t, backend(), countVisits)
			elsewhere := serve(t, backend(), countVisits)
			c, stranger := s.client(t), elsewhere.client(t)
			c.get("/visits").shows(t, 200, "1")
			stranger.get("/visits").shows(t, 200, "1")
			good := c.cookie("session")
			middle := len(good) / 2
			flipped := good[:middle] + string(good[middle]^1) + good[middle+1:]
			tests := []struct{ name, header string }{
				{"none", ""},
				{"empty", "session="},
				{"cut", "session=" + good[:middle]},
				{"flipped", "session=" + flipped},
				{"longer", "session=" + good + "A"},
				{"oversized", "session=" + strings.Repeat("A", 60_000)},
				{"of another name", "cart=" + good},
				{"of another key", "session=" + stranger.cookie("session")},
				{"no base64", `session=<>"\`},
				{"not UTF-8", "session=\xff\xfe"},
				{"only signs", "session=|||"},
			}
			for _, test := range tests {
				t.Run(test.name, func(t *testing.T) {
					s.client(t).get("/visits", "Cookie", test.header).shows(t, 200, "1")
				})
			}
			t.Run("double", func(t *testing.T) {
				a := s.client(t).get("/visits", "Cookie", "session="+flipped+"; session="+good)
				if a.status != 200 {
					t.Errorf("status %d", a.status)
				}
			})
			t.Run("of the future", func(t *testing.T) {
				ahead := s.client(t)
				s.clock.Advance(10 * time.Minute)
				ahead.get("/visits").shows(t, 200, "1")
				s.clock.Advance(-10 * time.Minute)
				s.client(t).get("/visits", "Cookie", "session="+ahead.cookie("session")).shows(t, 200, "1")
			})
		})
	}
}

func TestBadForms(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) { s.app.MaxBodyBytes = 1 << 10 })
	tests := []struct {
		name, contentType, body string
		status                  int
	}{
		{"too large", "application/x-www-form-urlencoded", "name=" + strings.Repeat("a", 2<<10), http.StatusRequestEntityTooLarge},
		{"bad escape", "application/x-www-form-urlencoded", "name=%zz", http.StatusBadRequest},
		{"semicolon", "application/x-www-form-urlencoded", "name=a;password=b", http.StatusBadRequest},
		{"of a type that is no form", "application/json", `{"name":"ann"}`, http.StatusUnsupportedMediaType},
		{"multipart without a boundary", "multipart/form-data", "x", http.StatusBadRequest},
		{"multipart cut", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nann", http.StatusBadRequest},
	}
	for _, path := range []string{"/login", "/signup"} {
		for _, test := range tests {
			t.Run(path+" "+test.name, func(t *testing.T) {
				r, err := http.NewRequest(http.MethodPost, s.URL+path, strings.NewReader(test.body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", test.contentType)
				r.Header.Set("Accept", "text/html")
				res, err := s.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				page, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				if res.StatusCode != test.status || !strings.Contains(string(page), "<h1>"+http.StatusText(test.status)) {
					t.Errorf("status %d, want %d\n%s", res.StatusCode, test.status, page)
				}
			})
		}
	}
}

// A well-behaved client cannot send these, so the test writes them to the connection.
func TestBadRequestsOnTheWire(t *testing.T) {
	s := serve(t, sessions.NewMemory(), countVisits)
	tests := []struct {
		name, line, header string
		status             int
	}{
		{"invalid UTF-8", "GET /%ff%fe HTTP/1.1", "", 404},
		{"encoded slash", "GET /login%2Fx HTTP/1.1", "", 404},
		{"encoded slash in a file name", "GET /static/..%2fsite.css HTTP/1.1", "", 404},
		{"double slash", "GET //visits HTTP/1.1", "", 404},
		{"dot segments", "GET /static/../visits HTTP/1.1", "", 404},
		{"encoded dot segments", "GET /static/%2e%2e/visits HTTP/1.1", "", 404},
		{"control bytes", "GET /visits%00 HTTP/1.1", "", 404},
		{"encoded line end", "GET /visits%0d%0aSet-Cookie:x=1 HTTP/1.1", "", 404},
		{"line end in next", "GET /login?next=%0d%0aSet-Cookie:x=1 HTTP/1.1", "", 200},
		{"bare CR in a header", "GET /visits HTTP/1.1", "X-A: b\rSet-Cookie: x=1\r\n", 400},
		{"folded header", "GET /visits HTTP/1.1", "X-A: b\r\n Set-Cookie: x=1\r\n", 0},
		{"zero byte in a header", "GET /visits HTTP/1.1", "X-A: b\x00\r\n", 400},
		{"line end in a cookie", "GET /visits HTTP/1.1", "Cookie: session=a\rb\r\n", 400},
		{"unknown method", "BREW /visits HTTP/1.1", "", 501},
		{"no method", " /visits HTTP/1.1", "", 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			connection, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(connection, "%s\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", test.line, test.header)
			res, err := http.ReadResponse(bufio.NewReader(connection), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if test.status != 0 && res.StatusCode != test.status {
				t.Errorf("status %d, want %d", res.StatusCode, test.status)
			}
			if res.StatusCode >= 500 && res.StatusCode != 501 {
				t.Errorf("status %d", res.StatusCode)
			}
			for _, cookie := range res.Cookies() {
				if cookie.Name == "x" {
					t.Error("the request set a header of the answer")
				}
			}
		})
	}
}
