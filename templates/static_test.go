package templates_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/templates"
)

func TestStatic(t *testing.T) {
	tests := []struct{ name, url, contentType string }{
		{"site.css", `^/static/[0-9a-f]{16}/site\.css$`, "text/css; charset=utf-8"},
		{"logo.svg", `^/static/[0-9a-f]{16}/logo\.svg$`, "image/svg+xml"},
		{"fonts/a.woff2", `^/static/[0-9a-f]{16}/fonts/a\.woff2$`, "font/woff2"},
		{"fonts-a.woff2", `^/static/[0-9a-f]{16}/fonts-a\.woff2$`, "font/woff2"},
		{"js/a.mjs", `^/static/[0-9a-f]{16}/js/a\.mjs$`, "text/javascript; charset=utf-8"},
		{"a #1?.txt", `^/static/[0-9a-f]{16}/a%20%231%3F\.txt$`, "text/plain; charset=utf-8"},
		{"README", `^/static/[0-9a-f]{16}/README$`, "application/octet-stream"},
	}
	set := parse(t, files("static/fonts/a.woff2", "w", "static/fonts-a.woff2", "x", "static/js/a.mjs", "m",
		"static/a #1?.txt", "t", "static/README", "r", "static/.hidden", "h"))
	for _, test := range tests {
		address, err := set.StaticURL(test.name)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(test.url).MatchString(address) {
			t.Errorf("%s: address %s", test.name, address)
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		f, ok := set.Static(strings.TrimPrefix(u.Path, templates.StaticPath))
		if !ok || f.Type != test.contentType || len(f.Data) == 0 {
			t.Errorf("%s: %v, %q, %d bytes", test.name, ok, f.Type, len(f.Data))
		}
		if _, ok := set.Static(test.name); ok {
			t.Errorf("%s is served without the hash", test.name)
		}
		for _, old := range []string{test.name, "0123456789abcdef/" + test.name} {
			if now, ok := set.CurrentURL(old); !ok || now != address {
				t.Errorf("%s is now at %q, %v", old, now, ok)
			}
		}
	}
	for _, name := range []string{"", "/", "fonts", "fonts/", "fonts/../site.css", "0123456789abcdef", "0123456789abcdef/", "0123456789abcdef/fonts", "x/site.css", "0123456789abcdef/x/site.css", ".hidden"} {
		if now, ok := set.CurrentURL(name); ok {
			t.Errorf("%q is at %q", name, now)
		}
		if _, ok := set.Static(name); ok {
			t.Errorf("%q is served", name)
		}
	}
	if _, err := set.StaticURL(".hidden"); err == nil || !strings.Contains(err.Error(), "only README, a #1?.txt, fonts-a.woff2, fonts/a.woff2, js/a.mjs, logo.svg, site.css") {
		t.Errorf("hidden file: %v", err)
	}
}

// The addresses change if a name or the contents of a file change, and are the same in every
// process.
func TestStaticAddressesFollowTheContents(t *testing.T) {
	address := func(pairs ...string) string {
		address, err := parse(t, files(pairs...)).StaticURL("site.css")
		if err != nil {
			t.Fatal(err)
		}
		return address
	}
	seen := map[string]int{}
	for at, pairs := range [][]string{
		nil, {"static/site.css", "p{}"}, {"static/a", "bc"}, {"static/ab", "c"}, {"static/a", "b", "static/c", ""}, {"static/x/a", "bc"},
	} {
		a := address(pairs...)
		if other, taken := seen[a]; taken {
			t.Errorf("%d and %d have one address %s", at, other, a)
		}
		seen[a] = at
		if again := address(pairs...); again != a {
			t.Errorf("%d: %s, then %s", at, a, again)
		}
	}
	if a := address("home.html", "x", "root/robots.txt", "x"); seen[a] != 0 {
		t.Error("a page changed the addresses")
	}
}

// A file of the folder root keeps its name. A name that a path would escape, or that belongs
// to the static files, is refused.
func TestRoot(t *testing.T) {
	set := parse(t, files("root/robots.txt", "r", "root/google1.html", "{{ no template", "root/.well-known/security.txt", "s", "root/.hidden", "h", "root/a/.b/c", "h"))
	if names := strings.Join(set.RootFiles(), " "); names != ".well-known/security.txt google1.html robots.txt" {
		t.Error(names)
	}
	for name, want := range map[string]string{"robots.txt": "text/plain; charset=utf-8", "google1.html": "text/html; charset=utf-8"} {
		if f, ok := set.Root(name); !ok || f.Type != want || len(f.Data) == 0 {
			t.Errorf("%s: %v, %q", name, ok, f.Type)
		}
	}
	for name, want := range map[string]string{
		"root/static/site.css": "the path /static/site.css belongs to the static files",
		"root/static":          "the path /static belongs to the static files",
		"root/{a}.txt":         "the name of a file in root is its path",
		"root/a b.txt":         "the name of a file in root is its path",
		"root/ä.txt":           "the name of a file in root is its path",
	} {
		_, err := templates.Parse(files(name, "x"), nil)
		if err == nil || !strings.Contains(err.Error(), "templates: "+name+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The Content-Security-Policy of a site allows neither, so that a page with one would not
// work.
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

// No page has an id twice, with or without the layout, and the layout has no id that the page
// of a site is likely to use. No list has a role.
func TestIDs(t *testing.T) {
	set := parse(t, files("post.html", `<label for="content">Text</label><textarea id="content"></textarea><i id="main"></i>`))
	ids := regexp.MustCompile(` id="([^"]*)"`)
	for _, page := range set.Pages() {
		got := render(t, set, page, &templates.Page{Site: "Shop", User: "ann", Data: builtinData[page],
			Flashes: []templates.Flash{{Message: "m", Level: "info"}}})
		seen := map[string]bool{}
		for _, id := range ids.FindAllStringSubmatch(got, -1) {
			if seen[id[1]] {
				t.Errorf("%s: two elements have the id %q", page, id[1])
			}
			seen[id[1]] = true
		}
		for _, link := range regexp.MustCompile(` (?:href="#|for="|aria-labelledby="|aria-describedby=")([^"]+)"`).FindAllStringSubmatch(got, -1) {
			for id := range strings.FieldsSeq(link[1]) {
				if !seen[id] {
					t.Errorf("%s: nothing has the id %q", page, id)
				}
			}
		}
		if regexp.MustCompile(`<ul[^>]* role=`).MatchString(got) {
			t.Errorf("%s: a list with a role", page)
		}
	}
}
