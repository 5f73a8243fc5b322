// Package templates holds the HTML pages of a site: html/template files, each
// parsed once, at start, and rendered within one layout.
//
// A page is a file: "home" is home.html. Its body is the content, whose dot is what
// the handler gave to Render, and it may define "title", the page's title, and
// "head", what the layout puts into <head>. The layout is layout.html, whose dot is
// a [Page]. Files under parts/ are shared by all of them: parts/nav.html is
// {{template "nav" .}}. Files under static/ are served as they are, for a year, in their
// folders, below one folder whose name is the hash of them all: a file finds another by a
// relative reference, as url(../img/bg.png) in a style sheet or import "./util.js" in a
// script. Files under root/ are served at their own names. Files under layouts/ are other
// layouts; see Page.Layout.
//
//	home.html           {{define "title"}}Home{{end}}<h1>Visit {{.}}</h1>
//	layout.html         optional: ... {{template "content" .Data}} ...
//	parts/nav.html      optional
//	layouts/print.html  optional: ... {{template "content" .Data}} ...
//	static/css/shop.css <link rel="stylesheet" href="{{static "css/shop.css"}}">
//	root/robots.txt     /robots.txt; also favicon.ico, .well-known/security.txt
//
// Built in are a layout, its parts nav and footer, the layout none, which is the page
// alone, a style sheet, a logo, and the pages login, signup, account and error. A file of the site's own with the same
// name takes the place of a built-in one.
//
// Two functions are added to html/template's own: static gives the address of a
// static file, and url that of a route, by its name (webapp2's uri_for):
//
//	<a href="{{url "login" "next" "/cart"}}">Log in</a>
//
// A third, hasRoute, reports whether there is a route of a name; the built-in files link
// only to what is there.
//
// A name that is written in a page, as there, is checked at start, of a file by [Parse]
// and of a route by [Set.CheckURLs]; one that is computed, when the page is rendered.
//
// No page here holds a line of script or an inline style, so the site can send a
// Content-Security-Policy that allows neither.
package templates
