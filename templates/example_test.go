package templates_test

import (
	"fmt"
	"log"
	"os"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/templates"
)

// The pages of a site are an embed.FS in most programs, or os.DirFS("pages").
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
	// templates: there is no page "cart", only account, error, home, login, signup
}

// A static file that is not there is found at start.
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

func ExampleSet_StaticURL() {
	set, err := templates.Parse(fstest.MapFS{"static/shop.css": {Data: []byte("p { color: teal }")}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(set.StaticURL("shop.css"))
	// Output: /static/shop.f1f3f0948c3f3cb4.css <nil>
}

// A menu shows what its reader may use. The handler behind it has a Guard.
func ExamplePage_Has() {
	p := &templates.Page{User: "ann", Roles: []string{"admin"}}
	fmt.Println(p.Has("admin"), p.Has("owner"))
	// Output: true false
}
