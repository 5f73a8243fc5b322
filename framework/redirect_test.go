package framework_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// A redirect keeps headers and cookies, and drops the body.
func TestRedirect(t *testing.T) {
	for name, test := range map[string]struct {
		redirect func(h *action) error
		status   int
		location string
	}{
		"Redirect":            {func(h *action) error { return h.Redirect("/there?a=b#c") }, 302, "/there?a=b#c"},
		"RedirectCode":        {func(h *action) error { return h.RedirectCode("/there", 308) }, 308, "/there"},
		"RedirectTo":          {func(h *action) error { return h.RedirectTo("home", "x", 1) }, 302, "/?x=1"},
		"RedirectTo nowhere":  {func(h *action) error { return h.RedirectTo("nowhere") }, 500, ""},
		"RedirectAbort":       {func(h *action) error { return h.RedirectAbort("/there", http.StatusFound) }, 302, "/there"},
		"RedirectAbort, deep": {func(h *action) error { return errors.Join(io.EOF, h.RedirectAbort("/there", http.StatusFound)) }, 302, "/there"},
		"thrown":              {func(h *action) error { panic(h.RedirectAbort("/there", http.StatusFound)) }, 302, "/there"},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := newApp(t)
			app.Handle("/", do(app, func(h *action) error {
				h.Response.Header().Set("X-Kept", "yes")
				h.Response.Header().Set("Content-Type", "image/png")
				h.Response.Header().Set("Content-Length", "4")
				http.SetCookie(h.Response, &http.Cookie{Name: "kept", Value: "yes"})
				io.WriteString(h, "half")
				return test.redirect(h)
			})).Name("home")
			answer, body := get(t, start(t, app).URL+"/")
			if answer.StatusCode != test.status || answer.Header.Get("Location") != test.location {
				t.Errorf("answer %d to %q", answer.StatusCode, answer.Header.Get("Location"))
			}
			if answer.Header.Get("X-Kept") != "yes" || len(answer.Cookies()) != 1 {
				t.Errorf("header %v", answer.Header)
			}
			if test.status < 400 && (body != "" || answer.Header.Get("Content-Type") != "" || answer.ContentLength != 0) {
				t.Errorf("%d bytes of %q: %q", answer.ContentLength, answer.Header.Get("Content-Type"), body)
			}
		})
	}
}

func TestRedirectTargets(t *testing.T) {
	for to, want := range map[string]string{ // if empty, it is refused with a 400
		"/":                       "/",
		"/a/b?c=d&e#f":            "/a/b?c=d&e#f",
		"./other":                 "./other",
		"#there":                  "#there",
		"?page=2":                 "?page=2",
		"https://example.com/a":   "https://example.com/a",
		"/a b/ü":                  "/a%20b/%C3%BC",
		"/100%25":                 "/100%25",
		"/\xff":                   "/%FF",
		"mailto:ann@example.com":  "mailto:ann@example.com",
		"":                        "",
		"//evil.example":          "",
		`/\evil.example`:          "",
		`\\evil.example`:          "",
		`\/evil.example`:          "",
		"/a\r\nSet-Cookie: b=c":   "",
		"/a\nb":                   "",
		"/a\x00":                  "",
		"/a\tb":                   "",
		"/a\x7f":                  "",
		"javascript:alert(1)":     "",
		"JavaScript:alert(1)":     "",
		"data:text/html,<script>": "",
		"vbscript:msgbox(1)":      "",
		"java\nscript:alert(1)":   "",
	} {
		for name, redirect := range map[string]func(h *action) error{
			"Redirect":      func(h *action) error { return h.Redirect(to) },
			"RedirectAbort": func(h *action) error { return h.RedirectAbort(to, http.StatusFound) },
		} {
			app, _ := appOf(t, redirect)
			answer := ask(app, "GET", "/")
			location, status := answer.Header().Get("Location"), http.StatusFound
			if want == "" {
				status = http.StatusBadRequest
			}
			if answer.Code != status || location != want {
				t.Errorf("%s(%q): answer %d to %q", name, to, answer.Code, location)
			}
		}
	}
}

func TestRedirectCodes(t *testing.T) {
	for code := 300; code < 320; code++ {
		app, _ := appOf(t, func(h *action) error { return h.RedirectCode("/there", code) })
		want := http.StatusInternalServerError
		switch code {
		case 301, 302, 303, 307, 308:
			want = code
		}
		if answer := ask(app, "GET", "/"); answer.Code != want {
			t.Errorf("%d: answer %d", code, answer.Code)
		}
	}
}

// If an action does not return the error of a redirect and continues, its page must not look
// like the intended response.
func TestRedirectThatFailsUnreturned(t *testing.T) {
	for name, test := range map[string]struct {
		redirect func(h *action)
		want     int
	}{
		"no place":         {func(h *action) { h.Redirect("//evil.example") }, 400},
		"no such code":     {func(h *action) { h.RedirectCode("/there", 304) }, 500},
		"no slash":         {func(h *action) { h.Redirect("login") }, 500},
		"a port":           {func(h *action) { h.Redirect("localhost:8080/login") }, 302},
		"no such route":    {func(h *action) { h.RedirectTo("nowhere") }, 500},
		"and one that can": {func(h *action) { h.Redirect(""); h.Redirect("/there") }, 302},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := appOf(t, func(h *action) error {
				test.redirect(h)
				_, err := fmt.Fprint(h, "the page")
				return err
			})
			if answer := ask(app, "GET", "/"); answer.Code != test.want {
				t.Errorf("answer %d", answer.Code)
			}
		})
	}
}

func TestRedirectAfterSending(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		h.Response.Flush()
		for name, err := range map[string]error{
			"Redirect":      h.Redirect("/there"),
			"RedirectCode":  h.RedirectCode("/there", 303),
			"RedirectAbort": h.RedirectAbort("/there", http.StatusFound),
		} {
			if !errors.Is(err, framework.ErrHeaderWritten) {
				t.Errorf("%s returned %v", name, err)
			}
		}
		return nil
	})
	ask(app, "GET", "/")
}

func TestSafeNext(t *testing.T) {
	for next, safe := range map[string]bool{
		"/":                     true,
		"/account":              true,
		"/a/b?c=d&e=%2F#f":      true,
		"/search?next=//evil":   true,
		"/a b":                  true,
		"/ü":                    true,
		"/a:b":                  true,
		"":                      false,
		"account":               false,
		"?a=b":                  false,
		"#a":                    false,
		"//evil.example":        false,
		"///evil.example":       false,
		`/\evil.example`:        false,
		`\\evil.example`:        false,
		`/a\b`:                  false,
		"/%2Fevil.example":      false,
		"/%5Cevil.example":      true, // browsers do not treat it as a slash
		"/.//evil.example":      false,
		"/..//evil.example":     false,
		"/%2e%2e//evil.example": false,
		"/\t/evil.example":      false,
		"/a\r\nSet-Cookie: b=c": false,
		"/a%0d%0aSet-Cookie:b":  false,
		"/a\x00":                false,
		"/a%00":                 false,
		"/%ff":                  false,
		"/\xff":                 false,
		"/%zz":                  false,
		"https://evil.example":  false,
		"javascript:alert(1)":   false,
		" /a":                   false,
	} {
		want := next
		if !safe {
			want = "/home"
		}
		if got := framework.SafeNext(next, "/home"); got != want {
			t.Errorf("SafeNext(%q) is %q", next, got)
		}
	}
}
