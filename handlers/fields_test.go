package handlers_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
)

var (
	inputs    = regexp.MustCompile(`<input[^>]*>`)
	inputName = regexp.MustCompile(` name="([^"]*)"`)
)

// marked returns the names of the inputs that have an attribute.
func (a answer) marked(attribute string) (names []string) {
	for _, input := range inputs.FindAllString(a.body, -1) {
		if strings.Contains(input, attribute) {
			names = append(names, inputName.FindStringSubmatch(input)[1])
		}
	}
	return names
}

// An error is shown at its field. Only that field is marked, and it has the focus (WCAG 2.2,
// 3.3.1). An error that is not about a field is shown above the form, and no field is marked.
func TestErrorIsShownAtItsField(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	ann := s.client(t)
	ann.signUp("ann")
	for name, test := range map[string]struct {
		path    string
		form    []string
		status  int
		message string
		field   string // whose; empty: of none
		focus   string
	}{
		"a short password":     {"/signup", []string{"name", "bert", "password", "short"}, 400, "A password must have at least 8 characters.", "password", "password"},
		"a common password":    {"/signup", []string{"name", "bert", "password", "password1"}, 400, "Many people have this password", "password", "password"},
		"a name that is taken": {"/signup", []string{"name", "ann", "password", "correct horse"}, 409, "This name is taken.", "name", "name"},
		"no name":              {"/signup", []string{"name", " ", "password", "correct horse"}, 400, "", "name", "name"},
		"a wrong login":        {"/login", []string{"name", "ann", "password", "wrong"}, 401, "name or the password is wrong", "", "password"},
		"a short new password": {"/account", []string{"action", "password", "old", "correct horse", "new", "short"}, 400, "A password must have at least 8 characters.", "new", "new"},
		"a wrong password now": {"/account", []string{"action", "password", "old", "wrong", "new", "another horse"}, 403, "That is not your current password.", "old", "old"},
		"the name as password": {"/account", []string{"action", "password", "old", "correct horse", "new", "ann"}, 400, "", "new", "new"},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.client(t)
			if test.path == "/account" {
				c = ann
			}
			a := c.post(test.path, test.form...)
			a.shows(t, test.status, test.message)
			var field []string
			if test.field != "" {
				field = []string{test.field}
				at := regexp.MustCompile(`(?s) name="` + test.field + `"[^>]*>\s*<p class="wrong" role="alert" id="problem">[^<]+</p>`)
				if !at.MatchString(a.body) {
					t.Errorf("the message is not at %q:\n%s", test.field, a.body)
				}
			} else if !strings.Contains(a.body, `<p class="problem" role="alert" id="problem">`) {
				t.Errorf("no message:\n%s", a.body)
			}
			if got := a.marked(`aria-invalid="true"`); !slices.Equal(got, field) {
				t.Errorf("marked are %q, want %q", got, field)
			}
			if got := a.marked(` autofocus`); !slices.Equal(got, []string{test.focus}) {
				t.Errorf("the focus is on %q, want %q", got, test.focus)
			}
			if n := strings.Count(a.body, `id="problem"`); n != 1 {
				t.Errorf("%d messages", n)
			}
		})
	}
}

// A form shows the rule for passwords before it is broken.
func TestFormShowsTheRuleForPasswords(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) { s.site.Passwords.MinLength = 11 })
	c := s.client(t)
	c.get("/signup").shows(t, 200, "At least 11 characters.", `minlength="11"`, `maxlength="254"`)
	c.signUp("ann")
	c.get("/account").shows(t, 200, "At least 11 characters.", `minlength="11"`)
}

// failHandler responds with the status in the query.
type failHandler struct{ visitsHandler }

func (h *failHandler) Get() error {
	code := map[string]int{"gone": 410, "teapot": 418, "often": 429, "busy": 503, "broken": 500, "gateway": 502}[h.Request.URL.RawQuery]
	return h.Abort(code)
}

func (h *failHandler) Post() error { return h.Get() }

// Every error page has a message, and a link to try again if that may work.
func TestErrorPagesHaveAMessage(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) {
		s.app.Handle("/", framework.To[failHandler](s.app))
		s.app.Handle("/fail", framework.To[failHandler](s.app))
	})
	const again, front = `">Try again</a>`, `<a href="/">Go to the front page</a>`
	for name, test := range map[string]struct {
		method, path string
		status       int
		message      string
		shows, hides []string
	}{
		"gone":                   {"GET", "/fail?gone", 410, "What was here has been removed.", []string{front}, []string{again}},
		"a status of its own":    {"GET", "/fail?teapot", 418, "We cannot answer this request.", []string{front}, []string{again}},
		"too often":              {"GET", "/fail?often", 429, "You did that too often.", []string{front, `href="/fail?often` + again}, nil},
		"a store is down":        {"GET", "/fail?busy", 503, "try again in a moment", []string{front, `href="/fail?busy` + again}, nil},
		"a gateway":              {"GET", "/fail?gateway", 502, "Something went wrong on our side.", []string{again}, nil},
		"broken":                 {"GET", "/fail?broken", 500, "Something went wrong on our side.", []string{front}, []string{again}},
		"a form":                 {"POST", "/fail?busy", 503, "try again in a moment", []string{front}, []string{again}},
		"a page for forms alone": {"GET", "/logout", 405, "receives forms and has no page to show", []string{front}, []string{again}},
		"no page for forms":      {"DELETE", "/login", 405, "does not accept what was sent", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.client(t).do(test.method, test.path, nil)
			a.shows(t, test.status, append(test.shows, `<p class="lead">`, test.message)...)
			a.hides(t, test.hides...)
		})
	}
}

// The error page of the front page has no link to the front page.
func TestErrorOfTheFrontPage(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) { s.app.Handle("/", framework.To[downHandler](s.app)) })
	a := s.client(t).get("/")
	a.shows(t, 503, `<a class="button primary" href="/">Try again</a>`)
	a.hides(t, "Go to the front page")
}

type downHandler struct{ visitsHandler }

func (h *downHandler) Get() error { return h.Abort(http.StatusServiceUnavailable) }
