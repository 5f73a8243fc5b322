package templates

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

//go:embed builtin
var builtin embed.FS

// A Set is the pages of one site. It is safe for concurrent use.
type Set struct {
	pages   map[string]*template.Template
	layouts []string        // their files' names without .html, sorted
	files   map[string]File // static files
	version string          // the hash of them all
	root    map[string]File // the files of the folder root
	urls    []call          // of url, in the site's own files
	static  bool            // whether any file calls static
	nonce   bool            // whether a layout or a part uses Page.Nonce
	routes  atomic.Pointer[routes]
}

// routes are those of a site, as its templates know them.
type routes struct {
	url   func(name string, pairs ...any) (string, error)
	known func(name string) bool // nil: nobody can tell
}

// Parse reads every file of pages once and returns the set of them, over the
// built-in ones; pages may be nil, and so may funcs, which are added to the
// functions of the templates. It finds at start what html/template would find at the
// first request: what does not parse, a function or template that is not there, and
// what cannot be escaped; and a static file that is not there, where static is given its
// name as a constant. The error is all the mistakes there are, each with the name of its
// file. The names of routes are checked later, by [Set.CheckURLs].
//
// An embed.FS that was given a folder holds that folder: give Parse the inside,
// fs.Sub(files, "pages").
func Parse(pages fs.FS, funcs template.FuncMap) (*Set, error) {
	inside, err := fs.Sub(builtin, "builtin")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	s := &Set{pages: map[string]*template.Template{}, files: map[string]File{}, root: map[string]File{}}
	texts := map[string]string{} // by the file's path without .html
	own := map[string]bool{}     // those of texts that are not built in
	var mistakes []error
	for at, fsys := range []fs.FS{inside, pages} {
		if fsys == nil {
			continue
		}
		var ignored, files []string
		err := walk(fsys, func(file string, data []byte) {
			files = append(files, file)
			if static, ok := strings.CutPrefix(file, "static/"); ok {
				s.addStatic(static, data)
			} else if root, ok := strings.CutPrefix(file, "root/"); ok {
				if err := s.addRoot(root, data); err != nil {
					mistakes = append(mistakes, err)
				}
			} else if name, ok := strings.CutSuffix(file, ".html"); ok {
				texts[name], own[name] = string(data), at == 1
			} else if isTemplate(file) {
				ignored = append(ignored, file)
			}
		})
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("templates: the folder of the pages%s is not there: os.DirFS takes it from the working directory%s, an embed.FS has no such limit: %w", folderOf(fsys), workingFolder(), err)
		case err != nil:
			return nil, fmt.Errorf("templates: %w", err)
		case len(ignored) > 0:
			return nil, fmt.Errorf("templates: %s would be ignored: the name of a page ends in .html", strings.Join(ignored, ", "))
		}
		if folder := outerFolder(files); folder != "" {
			return nil, fmt.Errorf("templates: all files are in the folder %q: give Parse what is inside, as with fs.Sub(files, %[1]q)", folder)
		}
	}
	for name, text := range texts {
		s.nonce = s.nonce || (isLayout(name) || strings.HasPrefix(name, "parts/")) && usesNonce.MatchString(text)
	}
	s.setVersion()
	mistakes = append(mistakes, s.checkCalls(texts, own, funcs)...)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !isLayout(name) {
			continue
		}
		s.layouts = append(s.layouts, name)
		if own[name] && !showsContent(name, texts) {
			mistakes = append(mistakes, fmt.Errorf(`templates: %s.html shows no page: it needs {{template "content" .Data}} where the page's own part belongs`, name))
		}
	}
	all := template.FuncMap{"static": s.StaticURL, "url": s.URL, "hasRoute": s.hasRoute}
	maps.Copy(all, funcs)
	shared, err := parseShared(texts, all)
	if err != nil {
		return nil, errors.Join(append(mistakes, err)...)
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if isLayout(name) || strings.HasPrefix(name, "parts/") {
			continue
		}
		t, err := s.parsePage(shared, name, texts[name])
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("templates: %s.html: %w", name, err))
			continue
		}
		s.pages[name] = t
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return s, nil
}

// isLayout reports whether a file, without its .html, is a layout.
func isLayout(name string) bool { return name == "layout" || strings.HasPrefix(name, "layouts/") }

// isTemplate reports whether a file is named as templates are elsewhere.
func isTemplate(file string) bool {
	switch path.Ext(file) {
	case ".tmpl", ".gohtml", ".tpl", ".htm", ".gotmpl":
		return true
	}
	return false
}

// outerFolder returns the folder in which all files are, as in an embed.FS that was not
// given to fs.Sub; empty: there is none.
func outerFolder(files []string) string {
	if len(files) == 0 {
		return ""
	}
	folder, _, in := strings.Cut(files[0], "/")
	if !in || folder == "parts" || folder == "static" || folder == "root" || folder == "layouts" {
		return ""
	}
	for _, file := range files {
		if !strings.HasPrefix(file, folder+"/") {
			return ""
		}
	}
	return folder
}

// folderOf returns the folder of an os.DirFS, which is its text.
func folderOf(fsys fs.FS) string {
	if v := reflect.ValueOf(fsys); v.Kind() == reflect.String {
		return fmt.Sprintf(" %q", v.String())
	}
	return ""
}

func workingFolder() string {
	folder, err := os.Getwd()
	if err != nil {
		return ""
	}
	return ", which is " + folder
}

// parseShared parses what every page is parsed over: the layouts and the parts.
func parseShared(texts map[string]string, funcs template.FuncMap) (*template.Template, error) {
	shared, err := template.New("layout.html").Funcs(funcs).Parse(texts["layout"])
	if err != nil {
		return nil, fmt.Errorf("templates: layout.html: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if isLayout(name) && name != "layout" {
			if _, err := shared.New(name + ".html").Parse(texts[name]); err != nil {
				return nil, fmt.Errorf("templates: %s.html: %w", name, err)
			}
		}
		part, ok := strings.CutPrefix(name, "parts/")
		if !ok {
			continue
		}
		if err := define(shared, part, name+".html", texts[name]); err != nil {
			return nil, fmt.Errorf("templates: %s.html: %w", name, err)
		}
	}
	return shared, nil
}

// parsePage parses one page over a copy of what is shared, and has it escaped.
func (s *Set) parsePage(shared *template.Template, name, text string) (*template.Template, error) {
	t, err := shared.Clone()
	if err != nil {
		return nil, err
	}
	if err := define(t, "content", name+".html", text); err != nil {
		return nil, err
	}
	if own := t.Lookup("title"); own == nil || own.Tree == nil || strings.TrimSpace(own.Tree.Root.String()) == "" {
		if _, err := t.New("title").Parse(template.HTMLEscapeString(name)); err != nil {
			return nil, err
		}
	}
	// html/template escapes at the first Execute, all that this one reaches; the dot
	// then stops it before anything of the site's runs.
	var escapes []*template.Template
	for _, layout := range s.layouts {
		escape, err := t.New("templates: escape " + layout).Parse(fmt.Sprintf("{{call .}}{{template %q}}", layout+".html"))
		if err != nil {
			return nil, err
		}
		escapes = append(escapes, escape)
	}
	stop := func() (string, error) { return "", errEscaped }
	for _, escape := range escapes {
		if err := escape.Execute(io.Discard, stop); !errors.Is(err, errEscaped) {
			return nil, err
		}
	}
	return t, nil
}

var errEscaped = errors.New("escaped")

// define parses text under the name of its file, which mistakes then say, and makes
// it known as name.
func define(t *template.Template, name, file, text string) error {
	parsed, err := t.New(file).Parse(text)
	if err != nil {
		return err
	}
	_, err = t.AddParseTree(name, parsed.Tree)
	return err
}

// Render writes page within the layout that p names to w. That there is no such page, or
// no such layout, is an error that lists those there are. What a template wrote before it failed stays written:
// w should hold it back, as a framework.Response does.
func (s *Set) Render(w io.Writer, page string, p *Page) error {
	t := s.pages[page]
	if t == nil {
		return fmt.Errorf("templates: there is no page %q, only %s", page, strings.Join(s.Pages(), ", "))
	}
	layout := "layout"
	if p.Layout != "" {
		layout = "layouts/" + p.Layout
	}
	if !slices.Contains(s.layouts, layout) {
		return fmt.Errorf("templates: page %q: there is no layout %q, only %s", page, p.Layout, strings.Join(s.Layouts(), ", "))
	}
	if err := t.ExecuteTemplate(w, layout+".html", p); err != nil {
		return fmt.Errorf("templates: page %q: %w", page, err)
	}
	return nil
}

// Pages lists the names of all pages, sorted.
func (s *Set) Pages() []string { return slices.Sorted(maps.Keys(s.pages)) }

// Layouts lists what Page.Layout may be, besides empty, sorted.
func (s *Set) Layouts() (names []string) {
	for _, layout := range s.layouts {
		if name, ok := strings.CutPrefix(layout, "layouts/"); ok {
			names = append(names, name)
		}
	}
	return names
}

// URL gives the address of the route called name, by the function that SetURL or
// SetRoutes was given. It is the template function url.
func (s *Set) URL(name string, pairs ...any) (string, error) {
	routes := s.routes.Load()
	if routes == nil {
		return "", fmt.Errorf("templates: url %q: the set knows no routes; handlers.Site.Routes makes them known", name)
	}
	return routes.url(name, pairs...)
}

// SetURL makes the routes of a site known to its templates. A set serves one site.
func (s *Set) SetURL(url func(name string, pairs ...any) (string, error)) { s.SetRoutes(url, nil) }

// SetRoutes is SetURL with a function for CheckURLs, which tells whether there is a
// route of a name. It is called when CheckURLs is: routes may be added until then.
func (s *Set) SetRoutes(url func(name string, pairs ...any) (string, error), known func(name string) bool) {
	s.routes.Store(&routes{url, known})
}

// KnowsRoutes reports whether SetURL or SetRoutes was called.
func (s *Set) KnowsRoutes() bool { return s.routes.Load() != nil }

// Uses reports whether a page, the layout or a part calls the function static with a
// constant name, or, of the site's own files, url.
func (s *Set) Uses(function string) bool {
	return function == "static" && s.static || function == "url" && len(s.urls) > 0
}

// UsesNonce reports whether a layout or a part uses Page.Nonce.
func (s *Set) UsesNonce() bool { return s.nonce }

// usesNonce finds .Nonce in an action that is not a comment.
var usesNonce = regexp.MustCompile(`{{-?\s*[^-/}\s][^}]*\.Nonce\b|{{-?\s*\.Nonce\b`)

// hasRoute is a template function: it reports whether there is a route called name, so
// that the built-in files link only to what is there.
func (s *Set) hasRoute(name string) bool {
	routes := s.routes.Load()
	return routes != nil && (routes.known == nil || routes.known(name))
}

// CheckURLs returns a mistake for each url in a file of the site's own with the name of a
// route that is not there; all of them joined. Built-in files link only to routes that are
// there. Only names that are constants are checked, and not the pairs. It returns nil where nobody can tell: before
// SetRoutes, as without handlers.Site.Routes, and after SetURL, whose function may
// take any name.
func (s *Set) CheckURLs() error {
	routes := s.routes.Load()
	if routes == nil || routes.known == nil {
		return nil
	}
	var mistakes []error
	for _, c := range s.urls {
		if !routes.known(c.name) {
			mistakes = append(mistakes, fmt.Errorf("templates: %s: no route is named %[2]q: correct the page, or give the route its name with Name(%[2]q)", c.place, c.name))
		}
	}
	return errors.Join(mistakes...)
}

// wellKnown is a folder that is not hidden, though its name begins with a dot (RFC 8615).
const wellKnown = "root/.well-known"

// walk calls f with every file of fsys that is not hidden.
func walk(fsys fs.FS, f func(file string, data []byte)) error {
	return fs.WalkDir(fsys, ".", func(file string, entry fs.DirEntry, err error) error {
		hidden := entry != nil && strings.HasPrefix(entry.Name(), ".") && file != "." && file != wellKnown
		switch {
		case err != nil:
			return err
		case hidden && entry.IsDir():
			return fs.SkipDir
		case hidden || entry.IsDir():
			return nil
		}
		data, err := fs.ReadFile(fsys, file)
		if err == nil {
			f(file, data)
		}
		return err
	})
}
