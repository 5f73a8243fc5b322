package templates

import (
	"html/template"
	"maps"
	"strings"
)

// A prefixed renders pages whose addresses begin with a prefix. It renders one page at a
// time, because the functions of html/template belong to a template and not to one
// execution.
type prefixed struct {
	set    *Set
	of     *translation
	prefix string
	pages  map[string]*template.Template // by name, made when they are first rendered
}

// page returns a page whose functions put the prefix before the paths that they return.
func (p *prefixed) page(name string) (*template.Template, error) {
	if page := p.pages[name]; page != nil {
		return page, nil
	}
	page, err := composePage(p.of.shared, name, p.of.texts[name])
	if err != nil {
		return nil, err
	}
	page.Funcs(p.set.functions(p.of.locale, p.join))
	if p.pages == nil {
		p.pages = map[string]*template.Template{}
	}
	p.pages[name] = page
	return page, nil
}

// join puts the prefix before a path. The URL of a route that has a host stays as it is.
func (p *prefixed) join(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return path
	}
	return p.prefix + path
}

// functions returns the functions of the templates in a language. The paths that they return
// go through join.
func (s *Set) functions(l Locale, join func(path string) string) template.FuncMap {
	all := maps.Clone(l.Funcs())
	all["static"] = func(name string) (string, error) {
		path, err := s.StaticURL(name)
		return join(path), err
	}
	all["url"] = func(name string, pairs ...any) (string, error) {
		path, err := s.URL(name, pairs...)
		return join(path), err
	}
	all["path"] = join
	all["hasRoute"] = s.hasRoute
	for _, name := range translating {
		all[ours+name] = all[name]
	}
	maps.Copy(all, s.funcs)
	return all
}
