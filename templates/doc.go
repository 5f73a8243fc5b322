// Package templates holds the HTML pages of a site: html/template files that are parsed
// once, at startup, and rendered within a layout.
//
//	package main
//
//	import (
//		"log"
//		"net/http"
//		"os"
//
//		"github.com/webapp2go/webapp2go/templates"
//	)
//
//	func main() {
//		pages, err := templates.Parse(os.DirFS("pages"), nil)
//		if err != nil {
//			log.Fatal(err)
//		}
//		http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
//			if err := pages.Render(w, "home", &templates.Page{Site: "Shop", Data: "Ann"}); err != nil {
//				log.Print(err)
//			}
//		})
//		log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
//	}
//
// Package handlers does this for a site: its BaseHandler has a Render method.
//
// # Files
//
//	home.html           a page: {{define "title"}}Home{{end}}<h1>Hello {{.}}</h1>
//	layout.html         optional: ... {{template "content" .Data}} ...
//	parts/nav.html      optional, for {{template "nav" .}} in any file
//	layouts/print.html  optional: another layout, see Page.Layout
//	static/css/shop.css <link rel="stylesheet" href="{{static "css/shop.css"}}">
//	root/robots.txt     /robots.txt; also favicon.ico, .well-known/security.txt
//
// A page is named after its file: home.html is "home". Its dot is what was given to Render
// as Page.Data. A page may define "title", its title, and "head", which the layout puts
// into <head>. The layout's dot is the [Page]. The part theme has the colours that the
// built-in layout gives to the browser's own bars.
//
// The files of the folder static may be cached for a year, because their addresses have a
// folder whose name is a hash of all of them. They keep their own folders, so that
// relative references work, such as url(../img/bg.png) in a style sheet and import
// "./util.js" in a script. The files of the folder root are served under their own names.
//
// The package has built-in files: the layout, its parts nav and footer, the layout none,
// which is the page alone, a style sheet, a logo, and the pages of package handlers. A file
// of the site with the same name replaces a built-in one.
//
// # Functions
//
// Functions are added to those of html/template. static returns the address of a
// static file. url returns the path of a route, by its name (webapp2's uri_for). path
// returns a path of the site. hasRoute reports whether there is a route of a name; the
// built-in files link only to routes that exist.
//
//	<a href="{{url "login" "next" "/cart"}}">Log in</a>
//	<a href="{{path "/help"}}">Help</a>
//
// Static, url and path put Page.Prefix before a path, so that a page works below a prefix.
//
// The functions t, n, c and nc translate messages, and lang, dir, date and datetime depend on
// the language too: see [Functions]. A site in other languages than English is parsed by
// [ParseIn].
//
//	{{t "Welcome, %(name)s" "name" .User.Name}}, {{n "one entry" "%(num)s entries" .Count}}
//
// A name that is written in a page as a constant, as above, is checked at startup: the name
// of a file by [Parse], the name of a route by [Set.CheckURLs], unless the same file asks
// hasRoute about it. Any other name is checked when the page is rendered.
//
// The built-in files contain no script and no inline style, so that the site can send a
// Content-Security-Policy that allows neither.
//
// See the examples of [Parse], [Page], [Set.CheckURLs] and [Functions].
package templates
