package templates_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/templates"
)

func TestStatic(t *testing.T) {
	tests := []struct{ name, url, contentType string }{
		{"site.css", `^/static/site\.[0-9a-f]{16}\.css$`, "text/css; charset=utf-8"},
		{"logo.svg", `^/static/logo\.[0-9a-f]{16}\.svg$`, "image/svg+xml"},
		{"fonts-a.woff2", `^/static/fonts-a\.[0-9a-f]{16}\.woff2$`, "font/woff2"},
		{"README", `^/static/README\.[0-9a-f]{16}$`, "application/octet-stream"},
	}
	set := parse(t, files("static/fonts/a.woff2", "w", "static/README", "r", "static/.hidden", "h"))
	for _, test := range tests {
		url, err := set.StaticURL(test.name)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(test.url).MatchString(url) {
			t.Errorf("%s: address %s", test.name, url)
		}
		f, ok := set.Static(strings.TrimPrefix(url, templates.StaticPath))
		if !ok || f.Type != test.contentType || len(f.Data) == 0 {
			t.Errorf("%s: %v, %q, %d bytes", test.name, ok, f.Type, len(f.Data))
		}
		if _, ok := set.Static(test.name); ok {
			t.Errorf("%s is served without its hash", test.name)
		}
	}
	if _, err := set.StaticURL(".hidden"); err == nil || !strings.Contains(err.Error(), "only README, fonts-a.woff2, logo.svg, site.css") {
		t.Errorf("hidden file: %v", err)
	}
}

func TestStaticOfTheSiteReplacesTheBuiltIn(t *testing.T) {
	before, err := parse(t, nil).StaticURL("site.css")
	if err != nil {
		t.Fatal(err)
	}
	set := parse(t, files("static/site.css", "p{}"))
	after, err := set.StaticURL("site.css")
	if err != nil || after == before {
		t.Errorf("%s, then %s, %v", before, after, err)
	}
	if _, ok := set.Static(strings.TrimPrefix(before, templates.StaticPath)); ok {
		t.Error("the built-in one is still served")
	}
}

// The Content-Security-Policy of the site allows neither, so a page that held one
// would be broken in every browser.
func TestNoInlineStyleOrScript(t *testing.T) {
	set := parse(t, nil)
	inline := regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=|javascript:`)
	for _, page := range set.Pages() {
		got := render(t, set, page, &templates.Page{Site: "Shop", User: "ann", Data: builtinData[page],
			Flashes: []templates.Flash{{Message: "m", Level: "info"}}})
		if found := inline.FindString(got); found != "" {
			t.Errorf("%s holds %q", page, found)
		}
		if !strings.HasPrefix(got, "<!doctype html>") || !strings.Contains(got, `name="viewport"`) {
			t.Errorf("%s has no head", page)
		}
	}
}
