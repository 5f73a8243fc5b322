package handlers_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// exampleSite makes a site with one page, whose layout is bare.
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

// A handler embeds BaseHandler, which has the session and renders pages.
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

// A handler that embeds PrivateHandler is for those who are logged in.
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

// A link to a route that is not there is found at start: by App.Check, which Serve calls.
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
	// framework: *handlers.StaticHandler: templates: home.html:1:11: no route is named "crat": correct the page, or give the route its name with Name("crat")
}

// Routes gives a site its pages to log in and out, and makes their names known to the
// templates.
func ExampleSite_Routes() {
	site, app := exampleSite()
	fmt.Println(app.URL("login", "next", "/cart"))
	fmt.Println(site.Templates.URL("account"))
	// Output:
	// /login?next=%2Fcart <nil>
	// /account <nil>
}
