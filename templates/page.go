package templates

import "slices"

// NoLayout is the Page.Layout of a page that is rendered alone, such as a part of a page
// that a script asks for. It shows no flashes: they wait for a page that does.
const NoLayout = "none"

// A Page is the dot of the layout. The dot of the page itself is Data. The zero value has
// no title and no user.
type Page struct {
	Site      string         // the name of the site, for the header and the window's title
	Title     string         // the title; if empty, what the page defines as "title", else its name
	User      string         // the name of the user who is logged in; empty if nobody is
	Roles     []string       // the roles of that user
	Path      string         // the path of the request, so that a menu can mark the current page
	Prefix    string         // what comes before every path of the site in a URL, like "/shop"; see the function path
	BodyClass string         // the class of <body>, so that a part of the site can have its own style
	Layout    string         // "print" is layouts/print.html; if empty, layout.html; see NoLayout
	Nonce     string         // the nonce of the Content-Security-Policy; empty if the policy has none
	Values    map[string]any // values for the site's own layout: {{.Values.cart}}; see Set
	Flashes   []Flash        // messages that are shown once
	Locale    Locale         // the language of the page; if nil, or not one of the Set's, the first
	Languages []Locale       // the languages to choose from; empty if there is one
	Here      string         // the path to come back to after another language was chosen
	Data      any            // the dot of the page
}

// A Flash is a message that is shown once.
type Flash struct {
	Message any
	Level   string // a class; the built-in style sheet knows "success", "info", "warning" and "error"
}

// Set gives the layout a value: {{.Values.name}}. A value that was not set is shown as
// nothing, so that one layout works for every page, error pages included.
func (p *Page) Set(name string, value any) {
	if p.Values == nil {
		p.Values = map[string]any{}
	}
	p.Values[name] = value
}

// Has reports whether the user who is logged in has a role, for a menu: {{if .Has "admin"}}.
// It only decides what is shown. The handler's Guard decides who may use a page.
func (p *Page) Has(role string) bool { return slices.Contains(p.Roles, role) }
