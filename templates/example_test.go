package templates_test

import (
	"fmt"
	"log"
	"os"
	"regexp"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/templates"
)

// Most programs use an embed.FS or os.DirFS("pages").
func ExampleParse() {
	pages := fstest.MapFS{
		"home.html":   {Data: []byte(`{{define "title"}}Home{{end}}<h1>Visit {{.}}</h1>`)},
		"layout.html": {Data: []byte("<title>{{template \"title\" .Data}}</title>{{template \"content\" .Data}}\n")},
	}
	set, err := templates.Parse(pages, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := set.Render(os.Stdout, "home", &templates.Page{Data: 3}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(set.Render(os.Stdout, "cart", &templates.Page{}))
	// Output:
	// <title>Home</title><h1>Visit 3</h1>
	// templates: there is no page "cart", only account, confirm, error, forgot, home, link, link-failed, login, reset, sent, signup, signup-email, signup-finish
}

// A static file that does not exist is reported at startup.
func ExampleParse_mistakes() {
	pages := fstest.MapFS{
		"home.html":       {Data: []byte(`<link rel="stylesheet" href="{{static "sohp.css"}}">`)},
		"static/shop.css": {Data: []byte("p { color: teal }")},
	}
	_, err := templates.Parse(pages, nil)
	fmt.Println(err)
	// Output:
	// templates: home.html:1:31: there is no static file "sohp.css", only logo.svg, shop.css, site.css
}

// The path contains a hash of all static files, so that browsers can keep them for ever.
// Relative references such as url(../img/bg.png) work.
func ExampleSet_StaticURL() {
	set, err := templates.Parse(fstest.MapFS{
		"static/css/shop.css": {Data: []byte("body { background: url(../img/bg.png) }")},
		"static/img/bg.png":   {Data: []byte("...")},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	css, err := set.StaticURL("css/shop.css")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(regexp.MustCompile("[0-9a-f]{16}").ReplaceAllString(css, "0123456789abcdef"))
	_, err = set.StaticURL("shop.css")
	fmt.Println(err)
	// Output:
	// /static/0123456789abcdef/css/shop.css
	// templates: there is no static file "shop.css", only css/shop.css, img/bg.png, logo.svg, site.css
}

// A menu shows the pages that a user may use. Their handlers have a Guard.
func ExamplePage_Has() {
	p := &templates.Page{User: "ann", Roles: []string{"admin"}}
	fmt.Println(p.Has("admin"), p.Has("owner"))
	// Output: true false
}

// A page in three layouts. The fourth does not exist.
func ExamplePage_layout() {
	set, err := templates.Parse(fstest.MapFS{
		"layout.html":        {Data: []byte("<menu>{{.Values.count}}</menu>{{template \"content\" .Data}}\n")},
		"layouts/print.html": {Data: []byte("<h1>{{.Site}}</h1>{{template \"content\" .Data}}\n")},
		"cart.html":          {Data: []byte("<p>{{.}}</p>")},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, layout := range []string{"", "print", templates.NoLayout, "fancy"} {
		p := &templates.Page{Site: "Shop", Layout: layout, Data: "a pencil"}
		p.Set("count", 1)
		if err := set.Render(os.Stdout, "cart", p); err != nil {
			fmt.Printf("\n%v\n", err)
		}
	}
	// Output:
	// <menu>1</menu><p>a pencil</p>
	// <h1>Shop</h1><p>a pencil</p>
	// <p>a pencil</p>
	// templates: page "cart": there is no layout "fancy", only none, print
}

// A link to a route that does not exist is reported at startup.
func ExampleSet_CheckURLs() {
	set, err := templates.Parse(fstest.MapFS{
		"home.html": {Data: []byte(`<a href="{{url "crat"}}">Cart</a>`)},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	url := func(name string, pairs ...any) (string, error) { return "/" + name, nil }
	set.SetRoutes(url, func(name string) bool { return name == "cart" })
	fmt.Println(set.CheckURLs())
	// Output:
	// templates: home.html:1:11: no route is named "crat": correct the page, or name the route with Name("crat")
}

// A file of the folder root is served under its own name.
func ExampleSet_Root() {
	set, err := templates.Parse(fstest.MapFS{"root/robots.txt": {Data: []byte("User-agent: *")}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	file, ok := set.Root("robots.txt")
	fmt.Printf("%v, %s, %v\n", set.RootFiles(), file.Type, ok)
	// Output: [robots.txt], text/plain; charset=utf-8, true
}

// In development the pages are read from their folder, and otherwise from the program.
func ExampleParseLive() {
	folder, err := os.MkdirTemp("", "pages")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	write := func(name, text string) {
		if err := os.WriteFile(folder+"/"+name, []byte(text), 0o600); err != nil {
			log.Fatal(err)
		}
	}
	write("layout.html", "{{template \"content\" .Data}}\n")
	write("home.html", "<h1>Hello</h1>")
	set, err := templates.ParseLive(os.DirFS(folder), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"<h1>Good morning</h1>", "<h1>{{if}}</h1>"} {
		write("home.html", text)
		if err := set.Render(os.Stdout, "home", new(templates.Page)); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// <h1>Good morning</h1>
	// templates: home.html: template: home.html:1: missing value for if
}

// A layout shows the flashes, and links by the name of a route. Package handlers calls
// SetRoutes.
func ExampleSet_SetRoutes() {
	set, err := templates.Parse(fstest.MapFS{
		"layout.html": {Data: []byte(`{{range .Flashes}}<p class="{{.Level}}">{{.Message}}</p>{{end}}{{template "content" .Data}}` + "\n")},
		"home.html":   {Data: []byte(`<a href="{{url "book" "id" .}}">Book</a>`)},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	url := func(name string, pairs ...any) (string, error) { return fmt.Sprintf("/%s/%v", name, pairs[1]), nil }
	set.SetRoutes(url, func(name string) bool { return name == "book" })
	p := &templates.Page{Flashes: []templates.Flash{{Message: "Saved.", Level: "success"}}, Data: 7}
	if err := set.Render(os.Stdout, "home", p); err != nil {
		log.Fatal(err)
	}
	// Output:
	// <p class="success">Saved.</p><a href="/book/7">Book</a>
}
