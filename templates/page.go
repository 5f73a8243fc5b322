package templates

import "slices"

// NoLayout is the Layout of a Page that is the content alone, such as a part of a page that
// a script asks for. It takes no flashes: they wait for a page that shows them.
const NoLayout = "none"

// A Page is what the layout is given: its dot. The content is given Data alone.
// The zero value is a page without a title, for nobody.
type Page struct {
	Site    string         // the site's name, in the head line and in the window's title
	Title   string         // the page's title; empty: what the page defines as "title", else its name
	User    string         // the name of who is logged in; empty: nobody is
	Roles   []string       // what that user may do
	Path    string         // of the request, so that a menu can mark where one is
	Look    string         // a class for <body>, by which a style sheet tells one part of the site from another
	Layout  string         // "print" is layouts/print.html; NoLayout is the content alone; empty: layout.html
	Nonce   string         // that of the Content-Security-Policy, for <script nonce="{{.Nonce}}">; empty: the policy has none
	Values  map[string]any // what the site's own layout shows: {{.Values.cart}}; see Set
	Flashes []Flash        // messages for this page only
	Data    any            // the content's dot
}

// A Flash is a message that is shown once.
type Flash struct {
	Message any
	Level   string // "success", "info", "warning" and "error" have a look in the built-in style sheet
}

// Set gives the layout a value: {{.Values.name}}. A value that nobody has set is shown as
// nothing, so that a layout works for every page, error pages too.
func (p *Page) Set(name string, value any) {
	if p.Values == nil {
		p.Values = map[string]any{}
	}
	p.Values[name] = value
}

// Has reports whether who is logged in has role, for a menu: {{if .Has "admin"}}.
// What a user may do is for the handler's Guard to say, never for a template.
func (p *Page) Has(role string) bool { return slices.Contains(p.Roles, role) }
