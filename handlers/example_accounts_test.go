package handlers_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/mail"
	"github.com/webapp2go/webapp2go/sessions"
)

// exampleMailSite is exampleSite with mails, which go to an outbox.
func exampleMailSite(signUp handlers.SignUp) (*handlers.Site, *framework.App, *mail.Outbox) {
	made, _ := exampleSite()
	outbox := new(mail.Outbox)
	site := &handlers.Site{
		Name: "Example", Sessions: made.Sessions, Templates: made.Templates, Users: made.Users,
		SignUp: signUp, Mail: outbox,
	}
	app := framework.New()
	app.Init, app.BaseURL = site.Init, "https://www.example.com"
	site.Routes(app)
	return site, app, outbox
}

var exampleToken = regexp.MustCompile(`t=(\S+)`)

// A site whose users sign up by a verified address. Nothing is stored before the link in the
// mail is used.
func ExampleSignUp() {
	_, app, outbox := exampleMailSite(handlers.SignUpByEmail)
	fmt.Println(app.Check())
	server := httptest.NewServer(app)
	defer server.Close()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(path string, form url.Values) {
		res, err := browser.PostForm(server.URL+path, form)
		if err != nil {
			log.Fatal(err)
		}
		res.Body.Close()
		fmt.Println(res.Status, res.Header.Get("Location"))
	}
	post("/signup", url.Values{"email": {"ann@example.com"}})
	sent := outbox.Messages()[0]
	fmt.Println(sent.To, sent.Subject)
	token := exampleToken.FindStringSubmatch(sent.Text)[1]
	post("/signup/finish", url.Values{"t": {token}, "name": {"ann"}, "password": {"correct horse"}})
	post("/login", url.Values{"name": {"ann@example.com"}, "password": {"correct horse"}})
	// Output:
	// <nil>
	// 302 Found /sent
	// ann@example.com Your account at Example
	// 302 Found /
	// 302 Found /
}

// A site replaces a text of its mails. reset.html beside it would be the HTML of the mail.
func ExampleMailData() {
	site, app, outbox := exampleMailSite(handlers.SignUpOpen)
	site.MailTexts = fstest.MapFS{"reset-unknown.txt": {Data: []byte("Subject: {{.Site}}\n\nNo account here. {{.Home}}\n")}}
	server := httptest.NewServer(app)
	defer server.Close()
	res, err := http.PostForm(server.URL+"/forgot", url.Values{"email": {"eve@example.com"}})
	if err != nil {
		log.Fatal(err)
	}
	res.Body.Close()
	fmt.Println(strings.TrimSpace(outbox.Messages()[0].Text))
	// Output: No account here. https://www.example.com
}

// ExampleReports is for administrators.
type ExampleReports struct{ handlers.PrivateHandler }

func (h *ExampleReports) Guard() error { return h.RequireRole("admin") }

func (h *ExampleReports) Get() error { return h.Text("All reports") }

// A handler requires a role in its Guard, which no override of Dispatch can skip.
func ExamplePrivateHandler_RequireRole() {
	site, app := exampleSite()
	app.Handle("/reports", framework.To[ExampleReports](app))
	app.Handle("/enter/{name}", framework.ToMethod(app, func(h *handlers.BaseHandler) error {
		user := &auth.User{Name: h.Var("name")}
		if user.Name == "boss" {
			user.Roles = []string{"admin"}
		}
		if err := site.Users.Create(h.Context(), user); err != nil {
			return err
		}
		h.LogIn(user, sessions.Login{Method: "test"})
		return nil
	})).Methods("GET")
	server := httptest.NewServer(app)
	defer server.Close()
	for _, name := range []string{"ann", "boss"} {
		jar, _ := cookiejar.New(nil)
		browser := &http.Client{Jar: jar}
		res, err := browser.Get(server.URL + "/enter/" + name)
		if err != nil {
			log.Fatal(err)
		}
		res.Body.Close()
		if res, err = browser.Get(server.URL + "/reports"); err != nil {
			log.Fatal(err)
		}
		res.Body.Close()
		fmt.Println(name, res.Status)
	}
	// Output:
	// ann 403 Forbidden
	// boss 200 OK
}

// ExampleExport is for a user whose login is less than 15 minutes old. A browser is asked for
// the password again.
type ExampleExport struct{ handlers.RecentHandler }

func (h *ExampleExport) Get() error { return h.Text("everything") }

// ExampleForum is for users with a verified mail address.
type ExampleForum struct{ handlers.VerifiedHandler }

func (h *ExampleForum) Get() error { return h.Text("welcome") }

// Handlers embed RecentHandler and VerifiedHandler as they embed PrivateHandler.
func ExampleRecentHandler() {
	_, app := exampleSite()
	app.Handle("/export", framework.To[ExampleExport](app))
	app.Handle("/forum", framework.To[ExampleForum](app))
	for _, path := range []string{"/export", "/forum"} {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Println(path, w.Code)
	}
	// Output:
	// /export 401
	// /forum 401
}

// ExampleInvite is the form of a team.
type ExampleInvite struct{ handlers.PrivateHandler }

func (h *ExampleInvite) Post() error {
	if err := h.ParseFields(4 << 10); err != nil {
		return err
	}
	if err := h.Invite(h.Request.PostForm.Get("email")); err != nil {
		return err
	}
	return h.Text("invited")
}

// A handler sends an invitation in the name of the user who is logged in.
func ExampleBaseHandler_Invite() {
	site, app, outbox := exampleMailSite(handlers.SignUpByInvitation)
	app.Handle("/team", framework.To[ExampleInvite](app))
	boss := &auth.User{Name: "boss"}
	if err := site.Passwords.SignUp(context.Background(), site.Users, boss, "correct horse"); err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(app)
	defer server.Close()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	for _, form := range []url.Values{{"name": {"boss"}, "password": {"correct horse"}, "next": {"/sent"}}, {"email": {"ann@example.com"}}} {
		path := "/team"
		if form.Has("name") {
			path = "/login"
		}
		res, err := browser.PostForm(server.URL+path, form)
		if err != nil {
			log.Fatal(err)
		}
		res.Body.Close()
	}
	fmt.Println(outbox.Messages()[0].To, outbox.Messages()[0].Subject)
	// Output: ann@example.com You are invited to Example
}

// ExampleTheme keeps a property of the user.
type ExampleTheme struct{ handlers.PrivateHandler }

func (h *ExampleTheme) Post() error {
	user, err := h.User()
	if err != nil {
		return err
	}
	return h.UpdateUser(user, func(u *auth.User) error { return u.Set("theme", "dark") })
}

// UpdateUser stores a change of a user, also if another request changes the user at the same
// moment.
func ExampleBaseHandler_UpdateUser() {
	site, app, _ := exampleMailSite(handlers.SignUpOpen)
	app.Handle("/theme", framework.To[ExampleTheme](app))
	server := httptest.NewServer(app)
	defer server.Close()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{"/signup", "/theme"} {
		res, err := browser.PostForm(server.URL+path, url.Values{"name": {"ann"}, "password": {"correct horse"}})
		if err != nil {
			log.Fatal(err)
		}
		res.Body.Close()
	}
	user, err := site.Users.ByLogin(context.Background(), "ann")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(auth.Get[string](user, "theme"))
	// Output: dark true
}
