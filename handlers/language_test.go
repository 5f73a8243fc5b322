package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/fr"
	"golang.org/x/net/html"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/i18n"
	"github.com/webapp2go/webapp2go/i18n/builtin"
	"github.com/webapp2go/webapp2go/i18n/extract"
	"github.com/webapp2go/webapp2go/mail"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// threeLanguages are English, German and French.
func threeLanguages(t *testing.T, sources ...i18n.Source) *i18n.Locales {
	t.Helper()
	locales, err := i18n.New(i18n.Config{
		Default: "en", Libraries: []fs.FS{builtin.Messages}, Sources: sources,
		Formats: []i18n.Format{en.New(), de.New(), fr.New()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return locales
}

// serveLanguages starts a site that sends mails, in languages.
func serveLanguages(t *testing.T, languages templates.Languages, signUp handlers.SignUp, change func(site *handlers.Site), more func(s *server)) (*server, *postman) {
	t.Helper()
	post := &postman{}
	return serveAccounts(t, sessions.NewMemory(), func(site *handlers.Site) {
		pages, err := templates.ParseIn(languages, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		site.Templates, site.SignUp, site.Mail = pages, signUp, post
		if change != nil {
			change(site)
		}
	}, func(s *server) {
		s.app.BaseURL = "https://www.example.com"
		s.site.Throttle.Mails, s.site.Throttle.SignUps = 1000, 1000
		s.app.Handle("/private", framework.To[rolePage](s.app))
		s.app.Handle("/broken", framework.To[brokenPage](s.app))
		if more != nil {
			more(s)
		}
	}), post
}

type rolePage struct{ handlers.PrivateHandler }

func (h *rolePage) Get() error  { return h.RequireRole("admin") }
func (h *rolePage) Post() error { return h.RequireVerified() }

type brokenPage struct{ handlers.BaseHandler }

func (h *brokenPage) Get() error {
	code, _ := strconv.Atoi(h.Request.URL.Query().Get("code"))
	if code == 500 {
		return errors.New("broken")
	}
	return h.Abort(code)
}

// visit requests every built-in page in every state that a visitor can cause, and returns the
// pages and the mails. Accept is the Accept-Language of all requests.
func visit(t *testing.T, languages templates.Languages, accept string) (pages map[string]answer, mails []mail.Message) {
	t.Helper()
	pages = map[string]answer{}
	keep := func(name string, a answer) answer {
		if _, ok := pages[name]; ok {
			t.Fatalf("two pages are named %q", name)
		}
		pages[name] = a
		return a
	}
	take := func(post *postman) []mail.Message {
		taken := post.take()
		mails = append(mails, taken...)
		return taken
	}
	linkIn := func(mails []mail.Message) string { // the newest with a token
		for _, m := range slices.Backward(mails) {
			if found := mailedLink.FindStringSubmatch(m.Text); found != nil && strings.Contains(found[1], "?t=") {
				return found[1]
			}
		}
		t.Fatalf("no link in %+v", mails)
		return ""
	}
	in := func(c *client) *client {
		c.Transport = acceptLanguage(accept)
		return c
	}

	s, post := serveLanguages(t, languages, handlers.SignUpByEmail, func(site *handlers.Site) {
		site.LoginProviders = []handlers.LoginProvider{{Name: "google", Title: "Google"}}
	}, nil)
	c := in(s.client(t))
	keep("login", c.get("/login"))
	keep("login first", c.get("/login?next=/account&unprocessed=1"))
	keep("logged out", c.get("/login?out=1"))
	keep("deleted", c.get("/login?out=deleted"))
	keep("wrong", c.post("/login", "name", "ann", "password", "wrong"))
	keep("signup", c.get("/signup"))
	keep("bad address", c.post("/signup", "email", "ann"))
	keep("forgot", c.get("/forgot"))
	c.post("/forgot", "email", "nobody@example.com").redirects(t, "/sent")
	take(post)
	keep("sent", c.get("/sent"))
	keep("link failed", c.get("/reset?t=x"))
	c.post("/signup", "email", "ann@example.com").redirects(t, "/sent")
	link := linkIn(take(post))
	keep("finish", c.get(link))
	for name, password := range map[string]string{"short": "x", "long": strings.Repeat("x", 2000), "common": "password1", "own": "ann12345", "UTF-8": "correct\xff horse"} {
		keep("finish "+name, c.post("/signup/finish", "t", token(t, link), "name", "ann", "password", password))
	}
	for i, name := range []string{"a@b", "\u2800", strings.Repeat("x", 300), "\xff", "!", "аa", "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301"} {
		keep(fmt.Sprint("name ", i), c.post("/signup/finish", "t", token(t, link), "name", name, "password", "correct horse"))
	}
	c.post("/signup/finish", "t", token(t, link), "name", "ann", "password", "correct horse").redirects(t, "/")
	keep("account", c.get("/account"))
	c.post("/signup", "email", "ann@example.com")
	take(post)
	other := in(s.client(t))
	other.post("/login", "name", "ann", "password", "correct horse", "remember", "1")
	keep("account of two", c.get("/account"))
	other.post("/signup", "email", "bob@example.com")
	bobs := linkIn(take(post))
	keep("finish of another", c.get(bobs))
	in(s.client(t)).post("/signup/finish", "t", token(t, bobs), "password", "correct horse")
	keep("used", in(s.client(t)).post("/signup/finish", "t", token(t, bobs), "password", "correct horse"))
	keep("wrong old", c.post("/account", "action", "password", "old", "x", "new", "battery staple"))
	keep("short new", c.post("/account", "action", "password", "old", "correct horse", "new", "x"))
	c.post("/account", "action", "password", "old", "correct horse", "new", "battery staple").redirects(t, "/account")
	keep("changed", c.get("/account"))
	keep("session expired", other.get("/login"))
	keep("same address", c.post("/account", "action", "email", "email", "ann@example.com"))
	c.post("/account", "action", "email", "email", "bob@example.com")
	take(post)
	c.post("/account", "action", "email", "email", "ann@new.example")
	link = linkIn(take(post))
	keep("change address", c.get(link))
	keep("change address elsewhere", in(s.client(t)).get(link))
	keep("change address wrong", in(s.client(t)).post("/email", "t", token(t, link), "password", "x"))
	c.post("/email", "t", token(t, link)).redirects(t, "/account")
	keep("address changed", c.get("/account"))
	keep("no address", c.post("/account", "action", "verify"))
	keep("bad action", c.post("/account", "action", "x"))
	c.post("/account", "action", "end", "session", "x")
	keep("no session", c.get("/account"))
	c.post("/account", "action", "end-others")
	keep("others ended", c.get("/account"))
	keep("forbidden", c.get("/private"))
	keep("wrong delete", c.post("/account", "action", "delete", "password", "x"))
	s.clock.Advance(20 * time.Minute)
	keep("confirm", c.get("/confirm?unprocessed=1"))
	keep("confirm wrong", c.post("/confirm", "password", "x"))
	keep("reset known", c.post("/forgot", "email", "ann@new.example"))
	link = linkIn(take(post))
	keep("reset", c.get(link))
	keep("reset of another", in(loggedIn(t, s, "bob@example.com")).get(link))
	keep("reset short", c.post("/reset", "t", token(t, link), "password", "x"))
	c.post("/reset", "t", token(t, link), "password", "horse battery")
	keep("after reset", c.get("/account"))
	c.post("/account", "action", "delete", "password", "horse battery").redirects(t, "/login?out=deleted")
	take(post)

	for _, code := range []int{400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451,
		500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511} {
		keep(fmt.Sprint(code), c.get(fmt.Sprint("/broken?code=", code)))
	}
	keep("no page", c.get("/nowhere"))
	keep("GET of logout", c.get("/logout"))
	keep("DELETE", c.do("DELETE", "/login", nil))
	keep("cross site", c.do("POST", "/login", url.Values{}, "Sec-Fetch-Site", "cross-site"))
	keep("too large", c.post("/login", "name", strings.Repeat("x", 20<<10)))
	keep("too many fields", c.do("POST", "/login?"+strings.Repeat("&a", 300), url.Values{"name": {"x"}}))
	keep("no form", c.do("POST", "/login", url.Values{"a": {"b"}}, "Content-Type", "text/plain"))
	keep("bad form", c.do("POST", "/login", url.Values{"a": {"b"}}, "Content-Type", "multipart/form-data; boundary=x"))
	keep("bad language", c.post("/language", "language", "tlh"))

	post.down.Store(true)
	keep("mail down", in(s.client(t)).post("/forgot", "email", "bob@example.com"))
	post.down.Store(false)
	s.site.Throttle.SignUps = 0
	bob := in(loggedIn(t, s, "bob@example.com"))
	s.clock.Advance(20 * time.Minute)
	bob.post("/confirm", "action", "link").redirects(t, "/sent")
	link = linkIn(take(post))
	keep("login link", in(s.client(t)).get(link))
	bob.post("/login/link", "t", token(t, link))
	keep("logged in by link", bob.get("/account"))

	open, _ := serveLanguages(t, languages, handlers.SignUpOpen, func(site *handlers.Site) { site.Throttle.SignUps = 1 }, func(s *server) {
		s.site.Throttle.SignUps = 1
	})
	c = in(open.client(t))
	keep("open signup", c.get("/signup"))
	c.post("/signup", "name", "cid", "password", "correct horse").redirects(t, "/")
	keep("open account", c.get("/account"))
	c = in(open.client(t))
	keep("too many", c.post("/signup", "name", "dan", "password", "correct horse"))
	keep("too many mails", c.post("/forgot", "email", "dan@example.com"))
	for range 30 {
		if a := c.post("/login", "name", "cid", "password", "wrong"); a.status == 429 {
			keep("throttled", a)
			break
		}
	}
	return pages, mails
}

func loggedIn(t *testing.T, s *server, name string) *client {
	t.Helper()
	c := s.client(t)
	c.post("/login", "name", name, "password", "correct horse").redirects(t, "/")
	return c
}

// acceptLanguage sends requests with a header Accept-Language.
type acceptLanguage string

func (a acceptLanguage) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept-Language", string(a))
	return http.DefaultTransport.RoundTrip(r)
}

// A marking locale puts brackets around every translation, so that a test sees untranslated
// text.
type marking struct{ templates.Locale }

func (m marking) Lang() string { return "eo" }
func (m marking) Name() string { return "eo" }
func (m marking) T(message string, pairs ...any) string {
	return "⟦" + templates.English.T(message, pairs...) + "⟧"
}
func (m marking) N(one, more string, n int, pairs ...any) string {
	return "⟦" + templates.English.N(one, more, n, pairs...) + "⟧"
}
func (m marking) C(_, message string, pairs ...any) string { return m.T(message, pairs...) }
func (m marking) NC(_, one, more string, n int, pairs ...any) string {
	return m.N(one, more, n, pairs...)
}
func (m marking) Funcs() template.FuncMap { return templates.Functions(m) }

type markingLanguages struct{}

func (markingLanguages) Languages() []templates.Locale {
	return []templates.Locale{marking{templates.English}, templates.English}
}
func (markingLanguages) Language(_ *http.Request, stored func() string) (templates.Locale, []string) {
	stored()
	return marking{templates.English}, nil
}

// words returns the text that a page displays or that a screen reader reads.
func words(t *testing.T, page string) (texts []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			texts = append(texts, n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "aria-label" || a.Key == "title" || a.Key == "placeholder" || a.Key == "alt" {
				texts = append(texts, a.Val)
			}
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child)
		}
	}
	walk(root)
	return texts
}

var (
	markedText = regexp.MustCompile(`⟦[^⟦⟧]*(⟦[^⟦⟧]*⟧[^⟦⟧]*)*⟧`)
	aWord      = regexp.MustCompile(`[A-Za-z]{2,}`)
)

// Every sentence of every page and mail is translated to the language of the request.
func TestEverySentenceCanBeTranslated(t *testing.T) {
	data := regexp.MustCompile(`\b(Test|Google|English|[a-z]+@[a-z.]+|ann|bob|cid|https://\S+|eo)\b`) // names, and the labels of languages
	pages, mails := visit(t, markingLanguages{}, "eo")
	if len(pages) < 90 || len(mails) < 10 {
		t.Errorf("%d pages, %d mails", len(pages), len(mails))
	}
	for name, a := range pages {
		if !strings.Contains(a.body, "<") {
			continue // a redirect
		}
		text := strings.Join(words(t, a.body), "\n") // a message with an element in it is several texts
		if left := data.ReplaceAllString(markedText.ReplaceAllString(text, ""), ""); aWord.MatchString(left) {
			t.Errorf("%s: %q", name, strings.Fields(left))
		}
	}
	for _, m := range mails {
		if left := data.ReplaceAllString(markedText.ReplaceAllString(m.Subject+"\n"+m.Text, ""), ""); aWord.MatchString(left) {
			t.Errorf("mail %q: %q", m.Subject, left)
		}
	}
}

// No page or mail in German or French has an English sentence of the catalogue, and each
// declares its language.
func TestPagesAreTranslated(t *testing.T) {
	locales := threeLanguages(t)
	for _, language := range []string{"de", "fr"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			locale, err := locales.Named(language)
			if err != nil {
				t.Fatal(err)
			}
			pot, _, err := extract.Messages(os.DirFS("."), extract.Options{})
			if err != nil {
				t.Fatal(err)
			}
			more, _, err := extract.Messages(os.DirFS("../templates/builtin"), extract.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var english []string // sentences and labels whose translation differs
			for _, m := range append(pot, more...) {
				for part := range strings.SplitSeq(placeholders.ReplaceAllString(m.ID, "\n"), "\n") {
					if part = strings.TrimSpace(part); len(strings.Fields(part)) >= 2 && locale.C(m.Context, m.ID) != m.ID {
						english = append(english, part)
					}
				}
			}
			if len(english) < 150 {
				t.Fatalf("only %d sentences", len(english))
			}
			pages, mails := visit(t, locales, language+"-CH,en;q=0.5")
			for name, a := range pages {
				if a.status < 300 || a.status >= 400 {
					if got := a.header.Get("Content-Language"); got != language || !strings.Contains(a.body, `<html lang="`+language+`" dir="ltr">`) {
						t.Errorf("%s: Content-Language %q\n%.300s", name, got, a.body)
					}
					vary := strings.Join(a.header.Values("Vary"), ", ")
					if !strings.Contains(vary, "Accept-Language") || !strings.Contains(vary, "Cookie") {
						t.Errorf("%s: Vary %q", name, vary)
					}
				}
				text := " " + strings.Join(words(t, a.body), " \n ") + " "
				for _, sentence := range english {
					if strings.Contains(text, " "+sentence+" ") || len(sentence) > 12 && strings.Contains(text, sentence) {
						t.Errorf("%s: has %q", name, sentence)
					}
				}
			}
			for _, m := range mails {
				text := strings.Join(strings.Fields(m.Subject+" "+m.Text), " ")
				for _, sentence := range english {
					if len(sentence) > 12 && strings.Contains(text, sentence) {
						t.Errorf("mail %q: has %q", m.Subject, sentence)
					}
				}
				if len(mails) < 10 {
					t.Errorf("%d mails", len(mails))
				}
				for line := range strings.Lines(m.Text) {
					if len([]rune(line)) > 77 && !strings.HasPrefix(line, "https://") {
						t.Errorf("mail %q has a long line: %q", m.Subject, line)
					}
				}
			}
		})
	}
}

var placeholders = regexp.MustCompile(`%\([a-z]+\)s`)

func TestPlaces(t *testing.T) {
	s, _ := serveLanguages(t, threeLanguages(t, i18n.PathPrefix, i18n.Query("hl"), i18n.Stored, i18n.Cookie("lang"), i18n.AcceptLanguage), handlers.SignUpOpen, func(site *handlers.Site) {
		site.Language = func(h *handlers.BaseHandler) string {
			name, _ := sessions.Get[string](h.Session(), "language")
			return name
		}
	}, func(s *server) {
		s.app.Handle("/{language}/keep", framework.To[keepPage](s.app))
	})
	for _, test := range []struct {
		name, path string
		header     []string
		want       string
	}{
		{"nothing", "/login", nil, "en"},
		{"Accept-Language", "/login", []string{"Accept-Language", "de-AT"}, "de"},
		{"a cookie before that", "/login", []string{"Accept-Language", "de", "Cookie", "lang=fr"}, "fr"},
		{"the switch before that", "/login", []string{"Accept-Language", "en", "Cookie", "lang=fr; language=de"}, "de"},
		{"the query before that", "/login?hl=fr", []string{"Cookie", "language=de"}, "fr"},
		{"the path before that", "/de/nowhere?hl=fr", nil, "de"},
		{"an unknown language", "/login?hl=tlh", []string{"Accept-Language", "tlh", "Cookie", "language=tlh; lang=../../etc"}, "en"},
		{"a path for a name", "/login", []string{"Cookie", "language=../de"}, "en"},
		{"HTML for a name", "/login", []string{"Cookie", `language=<script>; lang="><i>`}, "en"},
		{"q=nan", "/login", []string{"Accept-Language", "de;q=nan,fr;q=1e999"}, "en"},
		{"10 KB", "/login", []string{"Accept-Language", strings.Repeat("de,", 3400)}, "en"},
		{"a long tag", "/login", []string{"Accept-Language", "de-" + strings.Repeat("x", 900)}, "en"},
		{"many tags", "/login", []string{"Accept-Language", strings.Repeat("xx;q=0.1,", 100) + "fr"}, "fr"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := s.client(t).get(test.path, test.header...)
			if got := a.header.Get("Content-Language"); got != test.want || !strings.Contains(a.body, `<html lang="`+test.want+`"`) {
				t.Errorf("%s, want %s\n%.200s", got, test.want, a.body)
			}
		})
	}
	c := s.client(t)
	c.get("/xx/keep?to=fr").shows(t, 200)
	if got := c.get("/login").header.Get("Content-Language"); got != "fr" {
		t.Errorf("the session says fr, the page is in %q", got)
	}
}

// keepPage keeps a language in the session.
type keepPage struct{ handlers.BaseHandler }

func (h *keepPage) Get() error {
	h.Session().Set("language", h.Request.URL.Query().Get("to"))
	return nil
}

// A header of the largest size that the server accepts costs no more than any other.
func TestHostileAcceptLanguageIsBounded(t *testing.T) {
	locales := threeLanguages(t)
	r := httptest.NewRequest("GET", "/", nil)
	find := func(header string) uint64 {
		r.Header.Set("Accept-Language", header)
		allocated, _ := cost(func() {
			for range 100 {
				locales.Language(r, nil)
			}
		})
		return allocated
	}
	short := find("xx,yy;q=0.5,de-AT;q=0.1")
	for name, header := range map[string]string{
		"30 KB": strings.Repeat("de-x-a,", 30<<10/7), "nan": strings.Repeat("de;q=nan,", 100), "tags": strings.Repeat("zz-Latn-ZZ,", 90), "deep": "de" + strings.Repeat("-x", 400),
	} {
		if got := find(header); got > 100*short+1<<20 {
			t.Errorf("%s: %d bytes, a short one %d", name, got, short)
		}
	}
}

// The language switch is a form that works without scripts. The choice is remembered, and the
// switch does not redirect to another site.
func TestLanguageSwitch(t *testing.T) {
	s, _ := serveLanguages(t, threeLanguages(t), handlers.SignUpOpen, nil, nil)
	c := s.client(t)
	c.get("/login?next=%2Faccount").shows(t, 200, `<form method="post" action="/language" class="languages" aria-label="Language">`,
		`name="next" value="/login?next=%2Faccount"`, `name="language" value="de" lang="de">Deutsch</button>`, `value="en" lang="en" aria-current="true">English</button>`, `>Français<`)
	c.post("/language", "language", "de", "next", "/login?next=%2Faccount").redirects(t, "/login?next=%2Faccount")
	c.get("/login").shows(t, 200, `<html lang="de"`, "<h1>Anmelden</h1>", `value="de" lang="de" aria-current="true"`)
	c.get("/nowhere?x=1").shows(t, 404, "Nicht gefunden", `name="next" value="/nowhere?x=1"`)
	c.post("/login", "name", "ann", "password", "wrong").shows(t, 401, "Der Benutzername oder das Passwort ist falsch.", `name="next" value="/login"`)
	c.do("DELETE", "/logout", nil).shows(t, 405, `name="next" value="/"`)

	for _, next := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, "javascript:alert(1)", "", "\r\nSet-Cookie: a=b", strings.Repeat("/x", 3000)} {
		c.post("/language", "language", "fr", "next", next).redirects(t, "/")
	}
	for _, name := range []string{"", "tlh", "../de", "de\r\nx: y", `"><script>`, "DE", strings.Repeat("d", 5000)} {
		a := s.client(t).post("/language", "language", name)
		a.shows(t, 400, "There is no such language here.")
		if a.header.Get("Set-Cookie") != "" {
			t.Errorf("%.20q: a cookie %q", name, a.header.Get("Set-Cookie"))
		}
	}
	a := c.do("POST", "/language", url.Values{"language": {"en"}}, "Sec-Fetch-Site", "cross-site")
	a.shows(t, 403, "Cette requête vient d’un autre site")
	if a.header.Get("Set-Cookie") != "" {
		t.Error("another site has chosen the language")
	}
	c.get("/language").shows(t, 405)
	cookie, err := http.ParseSetCookie(c.post("/language", "language", "de").header.Get("Set-Cookie"))
	if err != nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Value != "de" || cookie.MaxAge < 1e6 {
		t.Errorf("%v, %v", cookie, err)
	}
	if vary := c.get("/static/x").header.Values("Vary"); slices.Contains(vary, "Accept-Language") && c.get("/static/x").header.Get("Content-Language") == "" {
		t.Errorf("Vary %q", vary)
	}
}

// A site with one language has no language switch, and does not mention languages.
func TestOneLanguage(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	a := s.client(t).get("/login", "Accept-Language", "de", "Cookie", "language=de")
	a.shows(t, 200, `<html lang="en" dir="ltr">`, "<h1>Log in</h1>")
	a.hides(t, "languages")
	if a.header.Get("Content-Language") != "" || strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Accept-Language") {
		t.Errorf("%v", a.header)
	}
	s.client(t).post("/language", "language", "de").shows(t, 404)
}

// A flash is shown in the language of the page that shows it, and mails are in that of their
// reader.
func TestReadersLanguage(t *testing.T) {
	s, post := serveLanguages(t, threeLanguages(t), handlers.SignUpByEmail, nil, nil)
	german, french := s.client(t), s.client(t)
	german.Transport, french.Transport = acceptLanguage("de"), acceptLanguage("fr")
	german.post("/signup", "email", "ann@example.com")
	link := post.link(t, "ann@example.com", "Ihr Konto bei Test")
	german.post("/signup/finish", "t", token(t, link), "name", "ann <i>", "password", "correct horse").redirects(t, "/")
	german.get("/account", "Accept-Language", "x").shows(t, 200, "Willkommen, ann &lt;i&gt;.")
	german.post("/account", "action", "end", "session", "x")
	german.Transport = acceptLanguage("fr")
	german.get("/account").shows(t, 200, "Cette session est déjà fermée.", "Membre depuis le <time datetime=")

	french.post("/forgot", "email", "ann@example.com")
	post.link(t, "ann@example.com", "Neues Passwort bei Test")
	french.post("/forgot", "email", "nobody@example.com")
	if mails := post.take(); len(mails) != 1 || mails[0].Subject != "Un nouveau mot de passe sur Test" {
		t.Errorf("%+v", mails)
	}
	german.post("/language", "language", "fr").redirects(t, "/")
	french.Transport = acceptLanguage("de")
	french.post("/forgot", "email", "ann@example.com")
	post.link(t, "ann@example.com", "Un nouveau mot de passe sur Test")
}

// A catalogue cannot put HTML or an action into a page.
func TestCatalogsAreText(t *testing.T) {
	evil := `<script>alert(1)</script>{{.}}{{template \"nav\"}}\" onload=\"x`
	po := "msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\n\"\n"
	for _, id := range []string{"Log in", "Password", "Skip to the content", "If you report it, mention %(id)s.", "Log in with %(provider)s", "Not Found", "The name or the password is wrong.", "Language"} {
		po += fmt.Sprintf("\nmsgid %q\nmsgstr \"%s\"\n", id, evil+placeholders.FindString(id))
	}
	po += fmt.Sprintf("\nmsgctxt \"navigation\"\nmsgid \"Site\"\nmsgstr \"%s\"\n", evil)
	locales, err := i18n.New(i18n.Config{FS: fstest.MapFS{"de/LC_MESSAGES/messages.po": {Data: []byte(po)}}, Default: "en"})
	if err != nil {
		t.Fatal(err)
	}
	s, _ := serveLanguages(t, locales, handlers.SignUpOpen, func(site *handlers.Site) {
		site.LoginProviders = []handlers.LoginProvider{{Name: "google", Title: `<b>"Google"`}}
	}, nil)
	c := s.client(t)
	c.Transport = acceptLanguage("de")
	for _, a := range []answer{c.get("/login"), c.get("/nowhere"), c.get("/broken?code=500"), c.post("/login", "name", "x", "password", "y")} {
		a.shows(t, a.status, "&lt;script&gt;alert(1)&lt;/script&gt;", `&#34; onload=&#34;x`)
		a.hides(t, "<script", `" onload="`, "<b>")
	}
	c.get("/broken?code=500").shows(t, 500, "x<code>")
}

// Requests in three languages at once do not affect each other.
func TestLanguagesRace(t *testing.T) {
	s, _ := serveLanguages(t, threeLanguages(t), handlers.SignUpOpen, nil, nil)
	titles := map[string]string{"en": "<h1>Log in</h1>", "de": "<h1>Anmelden</h1>", "fr": "<h1>Se connecter</h1>"}
	languages := slices.Sorted(maps.Keys(titles))
	below := http.StripPrefix("/shop", s.app)
	var wait sync.WaitGroup
	for i := range 99 {
		wait.Go(func() {
			language := languages[i%3]
			for _, handler := range []http.Handler{s.app, below} {
				path := "/login"
				if handler != http.Handler(s.app) {
					path = "/shop/login"
				}
				r := httptest.NewRequestWithContext(context.Background(), "GET", path, nil)
				r.Header.Set("Accept-Language", language)
				r.Header.Set("Accept", "text/html")
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if !strings.Contains(w.Body.String(), titles[language]) || strings.Contains(path, "shop") && !strings.Contains(w.Body.String(), `action="/shop/language"`) {
					t.Errorf("%s %s: %.300s", path, language, w.Body)
				}
			}
		})
	}
	wait.Wait()
}

// Mistakes are reported at startup.
func TestMistakesOfLanguages(t *testing.T) {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := templates.ParseIn(threeLanguages(t, i18n.AcceptLanguage), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	site := &handlers.Site{Sessions: manager, Templates: pages}
	app := framework.New()
	app.Init = site.Init
	site.Pages(app)
	if err := app.Check(); err == nil || !strings.Contains(err.Error(), "add i18n.Stored to the Sources") {
		t.Error(err)
	}
	english, err := templates.Parse(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	site = &handlers.Site{Sessions: manager, Templates: english}
	app = framework.New()
	app.Init = site.Init
	app.Handle("/language", framework.To[handlers.LanguageHandler](app))
	site.Pages(app)
	if err := app.Check(); err == nil || !strings.Contains(err.Error(), "the pages have one language") {
		t.Error(err)
	}
}

// A site's own texts of mails are translated too, and a mistake in them is an error at startup.
func TestMailTextsInLanguages(t *testing.T) {
	s, post := serveLanguages(t, threeLanguages(t), handlers.SignUpOpen, func(site *handlers.Site) {
		site.MailTexts = fstest.MapFS{
			"reset-unknown.txt":  {Data: []byte("Subject: {{t \"Password\"}} {{lang}}\n\n{{t \"Your account at %(site)s\" \"site\" .Site}}\n")},
			"reset-unknown.html": {Data: []byte("<p>{{t \"Your account at %(site)s\" \"site\" \"<b>\"}}")},
		}
	}, nil)
	c := s.client(t)
	c.Transport = acceptLanguage("fr")
	c.post("/forgot", "email", "nobody@example.com").redirects(t, "/sent")
	if mails := post.take(); len(mails) != 1 || mails[0].Subject != "Mot de passe fr" || mails[0].Text != "Votre compte sur Test\n" || mails[0].HTML != "<p>Votre compte sur &lt;b&gt;" {
		t.Errorf("%+v", mails)
	}
}

// The sentences that package framework sends have translations.
func TestFrameworkMessagesAreKnown(t *testing.T) {
	var known []string
	file, err := parser.ParseFile(gotoken.NewFileSet(), "language.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == gotoken.STRING {
			text, _ := strconv.Unquote(literal.Value)
			known = append(known, placeholders.ReplaceAllString(text, "%"))
		}
		return true
	})
	found := 0
	inspect := func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != gotoken.STRING {
			return true
		}
		text, _ := strconv.Unquote(literal.Value)
		if sentence.MatchString(text) {
			found++
			if text = strings.ReplaceAll(text, "%d", "%"); !slices.Contains(known, text) {
				t.Errorf("%q is not in frameworkMessages", text)
			}
		}
		return true
	}
	files, err := filepath.Glob("../framework/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "/debug.go") || strings.HasSuffix(name, "/traces.go") { // whose pages are for developers
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, inspect)
	}
	if found < 5 {
		t.Errorf("only %d sentences", found)
	}
}

var sentence = regexp.MustCompile(`^[A-Z][^\n<>:]*[a-z]\.$`)

func TestStatusTexts(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) { s.app.Handle("/broken", framework.To[brokenPage](s.app)) })
	for code := 400; code < 600; code++ {
		if text := http.StatusText(code); text != "" && code != 500 {
			a := s.client(t).get(fmt.Sprint("/broken?code=", code))
			a.shows(t, code, "<h1>"+template.HTMLEscapeString(text)+"</h1>")
		}
	}
}

func TestLanguageOfAHandler(t *testing.T) {
	s, _ := serveLanguages(t, threeLanguages(t), handlers.SignUpOpen, nil, func(s *server) {
		s.app.Handle("/talk", framework.To[talkPage](s.app))
	})
	a := s.client(t).get("/talk", "Accept-Language", "de", "Accept", "application/json")
	a.shows(t, 200, "Passwort von ann, 2 Stunden, €")
	if vary := a.header.Values("Vary"); !slices.Contains(vary, "Accept-Language") {
		t.Errorf("Vary %q", vary)
	}
}

// talkPage responds in the language of the request.
type talkPage struct{ handlers.BaseHandler }

func (h *talkPage) Get() error {
	money := h.Locale().(*i18n.Locale).Money(5, "EUR")
	return h.Text(h.T("Password of %(name)s", "name", "ann") + ", " + h.N("1 hour", "%(num)s hours", 2) + ", " + money[len(money)-len("€"):])
}
