package framework_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// pathApp has routes of every kind that respond with their variables.
func pathApp(t testing.TB) *framework.App {
	app := framework.New()
	say := func(name string) http.Handler {
		return framework.From(app, func() *action {
			return &action{do: func(h *action) error {
				_, err := fmt.Fprint(h, name, h.Vars())
				return err
			}}
		})
	}
	app.Handle("/", say("home"))
	app.Handle("/a", say("a"))
	app.Handle("/a/{id:[0-9]+}", say("number"))
	app.Handle("/a/{name}", say("name"))
	app.Handle("/a/{name}/", say("slash"))
	app.Handle("/files/{rest:.*}", say("files"))
	app.PathPrefix("/prefix").Handler(say("prefix"))
	sub := app.PathPrefix("/sub/{x}").Subrouter()
	sub.Handle("/y", say("sub"))
	app.Handle("/get", framework.ToMethod(app, (*onlyGet).Get)).Methods("GET", "HEAD")
	return app
}

// Paths are matched as they are sent over the network.
func TestPaths(t *testing.T) {
	server := start(t, pathApp(t))
	for path, want := range map[string]string{ // empty: 404
		"/":                  "homemap[]",
		"/a":                 "amap[]",
		"/a/7":               "numbermap[id:7]",
		"/a/x":               "namemap[name:x]",
		"/a/x/":              "slashmap[name:x]",
		"/a/%C3%BC":          "namemap[name:ü]",
		"/a/a%20b":           "namemap[name:a b]",
		"/a/%25":             "namemap[name:%]",
		"/a/...":             "namemap[name:...]",
		"/a/.b":              "namemap[name:.b]",
		"/a%2Fx":             "namemap[name:x]",
		"/files/a//b":        "filesmap[rest:a//b]",
		"/files/":            "filesmap[rest:]",
		"/sub/1/y":           "submap[x:1]",
		"/prefix/any/thing":  "prefixmap[]",
		"/a/":                "",
		"//":                 "",
		"//a":                "",
		"/a//x":              "",
		"/a/x//":             "",
		"/A":                 "",
		"/a/.":               "",
		"/a/..":              "",
		"/..":                "",
		"/../a":              "",
		"/a/../a":            "",
		"/./a":               "",
		"/a/%2e":             "",
		"/a/%2E%2e/a":        "",
		"/files/..%2f..%2fx": "",
		"/prefix/../a":       "",
		"/a/%00":             "",
		"/a/%0a":             "",
		"/a/x%0d%0aSet:%20y": "",
		"/a/%7f":             "",
		"/a/%ff":             "",
		"/a/%c3%28":          "",
		"/a/%ed%a0%80":       "",
		"/files/a%09b":       "",
		"/nowhere?/a":        "",
	} {
		for _, method := range []string{"GET", "POST"} {
			r := request(t, method, server.URL, "")
			opaque, query, _ := strings.Cut(path, "?")
			r.URL = &url.URL{Scheme: "http", Host: r.URL.Host, Opaque: "//" + r.URL.Host + opaque, RawQuery: query}
			answer, body, err := fetch(t, r)
			if err != nil {
				t.Fatal(err)
			}
			if want == "" && answer.StatusCode != 404 || want != "" && (answer.StatusCode != 200 || body != want) {
				t.Errorf("%s %s: answer %d %q", method, path, answer.StatusCode, body)
			}
		}
	}
}

// The server responds with 400 to an invalid request.
func TestInvalidRequests(t *testing.T) {
	server := start(t, pathApp(t))
	for line, want := range map[string]int{
		"GET /a/x\x00y HTTP/1.1\r\nHost: a\r\n\r\n":                 400,
		"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n":                      400,
		"GET /a HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n":             400,
		"GET /a HTTP/1.1\r\nHost: a\r\nX\x01: a\r\n\r\n":            400,
		"GET /a HTTP/1.1\r\n\r\n":                                   400,
		"GET a HTTP/1.1\r\nHost: a\r\n\r\n":                         400,
		"G\x00T / HTTP/1.1\r\nHost: a\r\n\r\n":                      400,
		"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n": 400,
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n":                     200,
		"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n":                 404,
		"GET http://b/a HTTP/1.1\r\nHost: a\r\n\r\n":                200,
		"GET /a HTTP/1.0\r\n\r\n":                                   200,
	} {
		connection, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(connection, line)
		answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Errorf("%q: %v", line, err)
		} else if answer.StatusCode != want {
			t.Errorf("%q: answer %d", line, answer.StatusCode)
		}
		connection.Close()
	}
}

// Any bytes in the method and the path cause no panic, no server error except 501 for an
// unknown method, and no redirect, because no route here asks for one.
func FuzzPath(f *testing.F) {
	for _, path := range []string{
		"/", "/a", "/a/7", "/a/x/", "/files/a//b", "//", "/../a", "/a/%2e%2e", "/a/\xff", "/a/\x00", "/sub/x/y",
		"", "*", "/prefix/./", "/a/{id}", "/get", "/%", "/a/ü", "/..//", "a", "/a/x?y", strings.Repeat("/", 100),
	} {
		f.Add("GET", path, "")
		f.Add("POST", path, "/raw%2F")
		f.Add("BREW", path, "")
	}
	app := pathApp(f)
	f.Fuzz(func(t *testing.T, method, path, raw string) {
		recorder := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.URL = method, &url.URL{Path: path, RawPath: raw}
		app.ServeHTTP(recorder, r)
		answer := recorder.Result()
		if code := answer.StatusCode; code >= 300 && code < 400 || code >= 500 && code != http.StatusNotImplemented {
			t.Errorf("%q %q: answer %d to %q", method, path, code, answer.Header.Get("Location"))
		}
		if answer.StatusCode == http.StatusOK && strings.ContainsAny(path, "\x00\r\n\x7f") {
			t.Errorf("%q is served", path)
		}
	})
}
