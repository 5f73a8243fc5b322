package framework_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// If App Engine's front end would reject a response, the App sends an error instead and logs
// what was too large.
func TestHeaderBudget(t *testing.T) {
	cookie := func(name string, size int) *http.Cookie {
		return &http.Cookie{Name: name, Value: strings.Repeat("v", size)}
	}
	for name, test := range map[string]struct {
		proxy  framework.Proxy
		came   []*http.Cookie
		set    func(http.Header)
		status int
		log    string // of the refusal
	}{
		"little": {framework.AppEngine, nil, func(h http.Header) { h.Set("X-Little", "x") }, 200, ""},
		"8,000 bytes in all, more than that with the server's own": {framework.AppEngine, nil,
			func(h http.Header) { h.Set("X-Large", strings.Repeat("x", 8000)) }, 500, "of which X-Large has"},
		"elsewhere": {framework.CloudRun, nil, func(h http.Header) { h.Set("X-Large", strings.Repeat("x", 9000)) }, 200, ""},
		"many": {framework.AppEngine, nil, func(h http.Header) {
			for i := range 20 {
				h.Set(fmt.Sprint("X-", i), strings.Repeat("x", 1000))
			}
		}, 500, "framework: the headers of the response have"},
		"cookies in an answer": {framework.AppEngine, nil, func(h http.Header) {
			for _, name := range []string{"a", "b", "c"} {
				h.Add("Set-Cookie", cookie(name, 3000).String())
			}
		}, 500, "of which Set-Cookie has"},
		"cookies together": {framework.AppEngine, []*http.Cookie{cookie("a", 4000)},
			func(h http.Header) { h.Add("Set-Cookie", cookie("b", 4500).String()) }, 500, "Cookie header would have 8"},
		"a cookie in place of another": {framework.AppEngine, []*http.Cookie{cookie("a", 4000), cookie("b", 3900)},
			func(h http.Header) { h.Add("Set-Cookie", cookie("a", 4001).String()) }, 200, ""},
		"a cookie deleted": {framework.AppEngine, []*http.Cookie{cookie("a", 4000), cookie("b", 3900)}, func(h http.Header) {
			h.Add("Set-Cookie", "a=; Path=/; Max-Age=0; Secure")
			h.Add("Set-Cookie", cookie("c", 4001).String())
		}, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			app, log := appOf(t, func(h *action) error {
				test.set(h.Response.Header())
				_, err := io.WriteString(h, "fine")
				return err
			})
			app.TrustedProxy = test.proxy
			r := request(t, "GET", start(t, app).URL, "")
			for _, c := range test.came {
				r.AddCookie(c)
			}
			answer, body, err := fetch(t, r)
			if err != nil || answer.StatusCode != test.status || (test.status == 200) != (body == "fine") {
				t.Fatalf("status %d, %v, want %d\n%.200s", answer.StatusCode, err, test.status, body)
			}
			if test.log != "" && log.records("request failed", test.log) != 1 {
				t.Errorf("no record with %q\n%.400s", test.log, log)
			}
		})
	}
}

// A body too long to be buffered is checked in the Write that would send the header.
func TestHeaderBudgetOfAStream(t *testing.T) {
	var failed error
	app, log := appOf(t, func(h *action) error {
		h.Response.Header().Set("X-Large", strings.Repeat("x", 9000))
		_, failed = io.WriteString(h, strings.Repeat("x", 100_000))
		return nil
	})
	app.TrustedProxy = framework.AppEngine
	answer, _ := get(t, start(t, app).URL)
	if failed == nil || answer.StatusCode != 500 || answer.Header.Get("X-Large") != "" || log.records("X-Large") != 1 {
		t.Errorf("status %d, %v\n%.400s", answer.StatusCode, failed, log)
	}
}

// A redirect that repeats an address that is too long is the client's fault: 414, and no
// record.
func TestRedirectOfALongAddress(t *testing.T) {
	app, log := newApp(t)
	app.TrustedProxy = framework.AppEngine
	app.Handle("/about/", framework.SlashRedirect())
	app.Handle("/next", do(app, func(h *action) error { return h.Redirect("/login?next=" + url.QueryEscape(h.Request.RequestURI)) }))
	app.Handle("/abort", do(app, func(h *action) error { return h.RedirectAbort("/login?"+h.Request.URL.RawQuery, 302) }))
	app.Handle("/own", do(app, func(h *action) error { return h.Redirect("/" + strings.Repeat("x", 9000)) }))
	server := start(t, app)
	for path, want := range map[string]int{
		"/about/?x=1": 308, "/about/?" + strings.Repeat("x", 9000): 414,
		"/next?" + strings.Repeat("x", 9000):  414,
		"/abort?" + strings.Repeat("x", 9000): 414,
		"/own":                                500, "/own?x=1": 500,
	} {
		answer, _ := get(t, server.URL+path)
		if answer.StatusCode != want || len(answer.Header["Location"]) > 0 != (want < 400) {
			t.Errorf("%.10s: %d, want %d", path, answer.StatusCode, want)
		}
	}
	if n := log.records("request failed"); n != 2 {
		t.Errorf("%d records, want those of /own\n%.400s", n, log)
	}
}
