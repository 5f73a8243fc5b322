package handlers_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// exampleSite makes a site with one page and a short layout.
func exampleSite() (*handlers.Site, *framework.App) {
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory(), Insecure: true}},
	})
	if err != nil {
		log.Fatal(err)
	}
	pages, err := templates.Parse(fstest.MapFS{
		"layout.html": {Data: []byte(`{{range .Flashes}}[{{.Message}}] {{end}}{{template "content" .Data}}`)},
		"home.html":   {Data: []byte(`Visit {{.}}`)},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	site := &handlers.Site{Sessions: manager, Templates: pages, Users: auth.NewMemory()}
	app := framework.New()
	app.Init = site.Init
	site.Routes(app)
	return site, app
}

// show prints what a browser sees.
func show(browser *http.Client, url string) {
	res, err := browser.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d %s\n", res.StatusCode, page)
}

type ExampleHome struct{ handlers.BaseHandler }

func (h *ExampleHome) Get() error {
	visits := h.Session().Incr("visits", 1)
	if visits == 1 {
		h.Flash("Welcome!", "success")
	}
	return h.Render("home", visits)
}

// A handler embeds BaseHandler to use the session and to render pages.
func ExampleBaseHandler() {
	_, app := exampleSite()
	app.Handle("/", framework.To[ExampleHome](app)).Name("home")
	server := httptest.NewServer(app)
	defer server.Close()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	show(browser, server.URL)
	show(browser, server.URL)
	// Output:
	// 200 [Welcome!] Visit 1
	// 200 Visit 2
}

type ExampleSecret struct{ handlers.PrivateHandler }

func (h *ExampleSecret) Get() error {
	user, err := h.User()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(h, "Only for %s.", user.Name)
	return err
}

// A handler embeds PrivateHandler if its users must be logged in.
func ExamplePrivateHandler() {
	_, app := exampleSite()
	app.Handle("/secret", framework.To[ExampleSecret](app))
	server := httptest.NewServer(app)
	defer server.Close()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}

	res, err := browser.Get(server.URL + "/secret")
	if err != nil {
		log.Fatal(err)
	}
	res.Body.Close()
	fmt.Println(res.Status)

	res, err = browser.PostForm(server.URL+"/signup", url.Values{
		"name": {"ann"}, "password": {"correct horse"}, "next": {"/secret"},
	})
	if err != nil {
		log.Fatal(err)
	}
	res.Body.Close()
	show(browser, server.URL+"/secret")
	// Output:
	// 401 Unauthorized
	// 200 Only for ann.
}

// A link to a route that does not exist is reported at startup, by App.Check, which Serve calls.
func ExampleStaticHandler_Ready() {
	site, _ := exampleSite()
	pages, err := templates.Parse(fstest.MapFS{"home.html": {Data: []byte(`<a href="{{url "crat"}}">Cart</a>`)}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	site.Templates = pages
	app := framework.New()
	app.Init = site.Init
	site.Routes(app)
	fmt.Println(app.Check())
	// Output:
	// framework: templates: home.html:1:11: no route is named "crat": correct the page, or name the route with Name("crat")
}

// Routes adds the pages of accounts and makes the names of routes known to the templates.
func ExampleSite_Routes() {
	site, app := exampleSite()
	fmt.Println(app.URL("login", "next", "/cart"))
	fmt.Println(site.Templates.URL("account"))
	// Output:
	// /login?next=%2Fcart <nil>
	// /account <nil>
}

// A site can have error pages of its own. They are set before Routes.
func ExampleSite_Routes_errors() {
	site, _ := exampleSite()
	app := framework.New()
	app.Init = site.Init
	app.Errors[http.StatusNotFound] = func(h framework.Handler, err error) error {
		return h.(interface{ Render(string, any) error }).Render("home", "none")
	}
	site.Routes(app)
	server := httptest.NewServer(app)
	defer server.Close()
	show(http.DefaultClient, server.URL+"/nowhere")
	// Output:
	// 404 Visit none
}

// ExampleMe allows requests from scripts of another site.
type ExampleMe struct{ handlers.PrivateHandler }

func (h *ExampleMe) Dispatch() error {
	header := h.Response.Header()
	header.Set("Access-Control-Allow-Origin", "https://app.example.com")
	header.Set("Access-Control-Allow-Credentials", "true")
	header.Add("Vary", "Origin")
	return h.PrivateHandler.Dispatch()
}

func (h *ExampleMe) Get() error {
	user, err := h.User()
	if err != nil {
		return err
	}
	return h.JSON(user.Name)
}

// Options answers the preflight request, which has no cookies and passes the Guard.
func (h *ExampleMe) Options() error {
	h.Response.Header().Set("Access-Control-Allow-Methods", "GET")
	h.Response.Header().Set("Access-Control-Allow-Headers", "Content-Type")
	h.Response.WriteHeader(http.StatusNoContent)
	return nil
}

func ExamplePrivateHandler_preflight() {
	_, app := exampleSite()
	app.Handle("/me", framework.To[ExampleMe](app))

	r := httptest.NewRequest("OPTIONS", "/me", nil)
	r.Header.Set("Origin", "https://app.example.com")
	r.Header.Set("Access-Control-Request-Method", "GET")
	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, r)
	fmt.Println(answer.Code, answer.Header().Get("Access-Control-Allow-Origin"))

	answer = httptest.NewRecorder()
	app.ServeHTTP(answer, httptest.NewRequest("GET", "/me", nil))
	fmt.Println(answer.Code)
	// Output:
	// 204 https://app.example.com
	// 401
}

// A site sets its Content-Security-Policy and its security headers.
func ExampleSite_headers() {
	site, _ := exampleSite()
	site.CSP = "default-src 'self'"
	site.Headers = map[string]string{"Referrer-Policy": "no-referrer", "Permissions-Policy": ""}
	app := framework.New()
	app.Init = site.Init
	app.Handle("/", framework.To[ExampleHome](app))

	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	for _, name := range []string{"Content-Security-Policy", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy"} {
		fmt.Printf("%s: %s\n", name, answer.Header().Get(name))
	}
	// Output:
	// Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'
	// X-Frame-Options: DENY
	// Referrer-Policy: no-referrer
	// Permissions-Policy:
}

// Uploads are served with the site's security headers. Folders are not listed.
func ExampleFileHandler() {
	site, _ := exampleSite()
	uploads := fstest.MapFS{"cats/tom.txt": {Data: []byte("meow")}, "cats/.secret": {Data: []byte("x")}}
	app := framework.New()
	app.Init = site.Init
	site.Pages(app)
	app.Handle("/uploads/{file:.+}", framework.From(app, func() *handlers.FileHandler {
		return &handlers.FileHandler{Files: uploads}
	}))
	for _, path := range []string{"/uploads/cats/tom.txt", "/uploads/cats/.secret", "/uploads/cats"} {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Println(w.Code, w.Header().Get("X-Content-Type-Options"))
	}
	// Output:
	// 200 nosniff
	// 404 nosniff
	// 404 nosniff
}

// The layout shows values of the site on every page, also on the login page and on error
// pages, which have no handler of the site's own.
func ExampleSite_layoutValues() {
	site, _ := exampleSite()
	pages, err := templates.Parse(fstest.MapFS{
		"layout.html": {Data: []byte(`<html lang="{{.Values.lang}}">{{template "content" .Data}}`)},
		"error.html":  {Data: []byte("{{.Status}}\n")},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	site.Templates = pages
	site.LayoutValues = func(h *handlers.BaseHandler) (map[string]any, error) {
		lang := "en"
		if strings.HasPrefix(h.Request.Header.Get("Accept-Language"), "de") {
			lang = "de"
		}
		return map[string]any{"lang": lang}, nil
	}
	app := framework.New()
	app.Init = site.Init
	site.Pages(app)
	r := httptest.NewRequest(http.MethodGet, "/nowhere", nil)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", "de")
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	fmt.Print(w.Body)
	// Output: <html lang="de">404
}

// A site can have no sign-up page.
func ExampleSite_Accounts() {
	site, _ := exampleSite()
	site.SignUp = handlers.SignUpClosed
	app := framework.New()
	app.Init = site.Init
	site.Accounts(app)
	site.Pages(app)
	fmt.Println(app.Check(), app.Named("login") != nil, app.Named("signup") != nil)
	// Output: <nil> true false
}

// A site without accounts calls Pages for its static files and error pages.
func ExampleSite_Pages() {
	site, _ := exampleSite()
	app := framework.New()
	app.Init = site.Init
	app.Handle("/", framework.To[ExampleHome](app))
	site.Pages(app)
	fmt.Println(app.Check(), app.Named("static") != nil, app.Named("signup") != nil)
	// Output:
	// <nil> true false
}
