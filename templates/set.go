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
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

//go:embed builtin
var builtin embed.FS

// A Set is the pages of one site. It is safe for concurrent use.
type Set struct {
	funcs     template.FuncMap // the site's own functions
	languages Languages        // nil if there is only English
	first     *translation     // in the first language
	byLang    map[string]*translation

	texts   map[string]string // the text of each template, by the name of its file without .html
	layouts []string          // the names of their files without .html, sorted
	files   map[string]File   // the static files
	version string            // the hash of the static files
	root    map[string]File   // the files of the folder root
	urls    []call            // the calls of url in the site's own files
	static  bool              // whether any file calls static
	nonce   bool              // whether a layout or a part uses Page.Nonce
	routes  atomic.Pointer[routes]
	live    *live // nil unless ParseLive made the set
}

// A translation is the pages in one language.
type translation struct {
	locale Locale
	pages  map[string]*template.Template
	shared *template.Template // the layouts and the parts, for prefixed to copy
	texts  map[string]string  // as Set.texts, in the language
	below  sync.Pool          // of *prefixed
}

// routes are the routes of a site.
type routes struct {
	url   func(name string, pairs ...any) (string, error)
	known func(name string) bool // nil if it cannot be known
}

// Parse reads the files of pages, parses them and the built-in ones, and returns the set of
// both. Pages may be nil. The functions in funcs, which may be nil, are added to those of
// the templates.
//
// Parse reports what html/template would report at the first request: a file that does not
// parse, a function or template that does not exist, and text that cannot be escaped. It
// also reports a static file that does not exist, if its name is a constant. The error joins
// all mistakes, each with the name of its file. The names of routes are checked by
// [Set.CheckURLs].
//
// The pages are in English; [ParseIn] is for other languages.
//
// An embed.FS holds the folder that was embedded. Give Parse what is inside of it:
// fs.Sub(files, "pages").
func Parse(pages fs.FS, funcs template.FuncMap) (*Set, error) { return ParseIn(nil, pages, funcs) }

// ParseIn is [Parse] for a site in several languages, as package i18n makes them: the pages are
// parsed for each of them, with its functions. A mistake that only one language has is reported
// with that. If languages is nil, the pages are in English.
func ParseIn(languages Languages, pages fs.FS, funcs template.FuncMap) (*Set, error) {
	inside, err := fs.Sub(builtin, "builtin")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	s := &Set{funcs: funcs, languages: languages, byLang: map[string]*translation{}, files: map[string]File{}, root: map[string]File{}}
	locales := []Locale{English}
	if languages != nil {
		if locales = languages.Languages(); len(locales) == 0 {
			return nil, errors.New("templates: ParseIn was given Languages without a locale: there must be one, the default")
		}
	}
	texts := map[string]string{} // by the names of the files without .html
	mistakes, _, err := s.read(inside, texts)
	if err != nil {
		return nil, err
	}
	own := map[string]bool{} // which of texts are the site's own
	if pages != nil {
		var names []string
		if mistakes, names, err = s.read(pages, texts); err != nil {
			return nil, err
		}
		for _, name := range names {
			own[name] = true
		}
	}
	s.setVersion()

	bare := map[string]string{}
	for name, text := range texts {
		bare[name] = withoutComments(text)
		s.nonce = s.nonce || (isLayout(name) || isPart(name)) && nonce.MatchString(bare[name])
	}
	mistakes = append(mistakes, s.checkNames(bare, own, funcs)...)
	names := slices.Sorted(maps.Keys(texts))
	for _, name := range names {
		if !isLayout(name) {
			continue
		}
		s.layouts = append(s.layouts, name)
		if own[name] && !showsContent(name, bare) {
			mistakes = append(mistakes, fmt.Errorf(`templates: %s.html shows no page: write {{template "content" .Data}} where the page belongs`, name))
		}
	}

	for i, l := range locales {
		t, errs := s.translate(texts, own, l)
		if i == 0 {
			mistakes = append(mistakes, errs...)
			s.first = t
		} else if len(mistakes) == 0 && len(errs) > 0 { // which only this language has
			mistakes = append(mistakes, fmt.Errorf("templates: in the language %s: %w", l.Lang(), errors.Join(errs...)))
		}
		s.byLang[l.Lang()] = t
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, withSource(err, texts)
	}
	s.texts = texts
	return s, nil
}

// translate parses the pages in one language. Own are the site's own files.
func (s *Set) translate(texts map[string]string, own map[string]bool, l Locale) (*translation, []error) {
	t := &translation{locale: l, pages: map[string]*template.Template{}}
	said := make(map[string]string, len(texts))
	for name, text := range texts {
		if said[name] = text; !own[name] {
			said[name] = translated(pieces()[name], l)
		}
	}
	shared, err := parseShared(said, s.functions(l, func(path string) string { return path }))
	if err != nil {
		return t, []error{err}
	}
	t.shared, t.texts = shared, said
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(said)) {
		if isLayout(name) || isPart(name) {
			continue
		}
		if t.pages[name], err = s.parsePage(shared, name, said[name]); err != nil {
			mistakes = append(mistakes, fmt.Errorf("templates: %s.html: %w", name, err))
		}
	}
	return t, mistakes
}

// in returns the pages in a language, or in the first one.
func (s *Set) in(l Locale) *translation {
	if l != nil {
		if t := s.byLang[l.Lang()]; t != nil {
			return t
		}
	}
	return s.first
}

// Languages returns what ParseIn was given, or nil.
func (s *Set) Languages() Languages { return s.languages }

// A sourceError is an error at a line of a template. The error page that App.Debug of
// package framework shows reads the line from it.
type sourceError struct {
	error
	name, text string
	line       int
}

func (e *sourceError) Unwrap() error { return e.error }

// TemplateSource returns the file of the template, its text and the number of the line.
func (e *sourceError) TemplateSource() (name, text string, line int) { return e.name, e.text, e.line }

var sourceLine = regexp.MustCompile(`template: ?([^\s:]+)\.html:(\d+)`)

// withSource returns err with the text of the first template that it names.
func withSource(err error, texts map[string]string) error {
	found := sourceLine.FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	text, ok := texts[found[1]]
	line, _ := strconv.Atoi(found[2])
	if !ok {
		return err
	}
	return &sourceError{err, found[1] + ".html", text, line}
}

// withSource returns the error of a call with the text of its file.
func (c call) withSource(err error, texts map[string]string) error {
	place := strings.Split(c.place, ":") // file:line:column
	line, _ := strconv.Atoi(place[1])
	return &sourceError{err, place[0], texts[strings.TrimSuffix(place[0], ".html")], line}
}

// read adds the files of fsys to the set, and those that are templates to texts. It returns
// the names of the latter, and an error if the files cannot be the pages of a site.
func (s *Set) read(fsys fs.FS, texts map[string]string) (mistakes []error, names []string, err error) {
	var ignored, files []string
	err = walk(fsys, func(file string, data []byte) {
		files = append(files, file)
		if static, ok := strings.CutPrefix(file, "static/"); ok {
			s.files[static] = newFile(static, data)
		} else if root, ok := strings.CutPrefix(file, "root/"); ok {
			if err := s.addRoot(root, data); err != nil {
				mistakes = append(mistakes, err)
			}
		} else if name, ok := strings.CutSuffix(file, ".html"); ok {
			texts[name] = string(data)
			names = append(names, name)
		} else if isTemplate(file) {
			ignored = append(ignored, file)
		}
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("templates: the folder of the pages%s does not exist: os.DirFS looks for it in the working directory%s; an embed.FS can be used from anywhere: %w", folderOf(fsys), workingFolder(), err)
	case err != nil:
		return nil, nil, fmt.Errorf("templates: %w", err)
	case len(ignored) > 0:
		return nil, nil, fmt.Errorf("templates: %s would be ignored: the name of a page ends in .html", strings.Join(ignored, ", "))
	}
	if folder := outerFolder(files); folder != "" {
		return nil, nil, fmt.Errorf("templates: all files are in the folder %q: give Parse what is inside of it, as fs.Sub(files, %[1]q) returns it", folder)
	}
	return mistakes, names, nil
}

// isLayout reports whether a file, by its name without .html, is a layout.
func isLayout(name string) bool { return name == "layout" || strings.HasPrefix(name, "layouts/") }

// isPart reports whether a file, by its name without .html, is a part.
func isPart(name string) bool { return strings.HasPrefix(name, "parts/") }

// isTemplate reports whether a file has an ending that other programs use for templates.
func isTemplate(file string) bool {
	switch path.Ext(file) {
	case ".tmpl", ".gohtml", ".tpl", ".htm", ".gotmpl":
		return true
	}
	return false
}

// outerFolder returns the one folder that holds all files, as in an embed.FS that was not
// given to fs.Sub, or "" if there is none.
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

// folderOf returns the quoted folder of an os.DirFS, which is a string type, else "".
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

// parseShared parses the layouts and the parts, which every page shares.
func parseShared(texts map[string]string, funcs template.FuncMap) (*template.Template, error) {
	shared, err := template.New("layout.html").Funcs(funcs).Parse(texts["layout"])
	if err != nil {
		return nil, fmt.Errorf("templates: layout.html: %w", withUnclosed(err, texts["layout"]))
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if isLayout(name) && name != "layout" {
			if _, err := shared.New(name + ".html").Parse(texts[name]); err != nil {
				return nil, fmt.Errorf("templates: %s.html: %w", name, withUnclosed(err, texts[name]))
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

// composePage parses one page over a copy of what is shared. It does not escape it.
func composePage(shared *template.Template, name, text string) (*template.Template, error) {
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
	return t, nil
}

// parsePage parses one page and escapes it, so that its mistakes are known.
func (s *Set) parsePage(shared *template.Template, name, text string) (*template.Template, error) {
	t, err := composePage(shared, name, text)
	if err != nil {
		return nil, err
	}
	// html/template escapes a template at its first Execute, with all templates that it
	// uses. The function that is the dot stops the execution before any function of the
	// site runs.
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

// define parses text and adds it as name. Errors name the file.
func define(t *template.Template, name, file, text string) error {
	parsed, err := t.New(file).Parse(text)
	if err != nil {
		return withUnclosed(err, text)
	}
	_, err = t.AddParseTree(name, parsed.Tree)
	return err
}

// withUnclosed returns the error of a text that does not parse. If the text ends within a
// block, the error names the block, which html/template does not.
func withUnclosed(err error, text string) error {
	if !strings.HasSuffix(err.Error(), "unexpected EOF") {
		return err
	}
	text = withoutComments(text)
	var open [][2]int // where the blocks begin that have no end yet
	for _, at := range actions(text) {
		switch found := blockWord.FindStringSubmatch(text[at[0]:at[1]]); {
		case found == nil:
		case found[1] == "end":
			open = open[:max(0, len(open)-1)]
		default:
			open = append(open, at)
		}
	}
	if len(open) == 0 {
		return err
	}
	last := open[len(open)-1]
	return fmt.Errorf("%w: %s in line %d has no {{end}}", err, text[last[0]:last[1]], strings.Count(text[:last[0]], "\n")+1)
}

// Render writes a page to w, within the layout that p names. If there is no such page or
// layout, the error lists those that exist. What a template has written before it failed
// stays written, so w should buffer, as a framework.Response does.
func (s *Set) Render(w io.Writer, page string, p *Page) error {
	s, err := s.current()
	if err != nil {
		return err
	}
	pages := s.in(p.Locale)
	t := pages.pages[page]
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
	if p.Prefix != "" {
		below, ok := pages.below.Get().(*prefixed)
		if !ok {
			below = &prefixed{set: s, of: pages}
		}
		defer pages.below.Put(below)
		below.prefix = p.Prefix
		if t, err = below.page(page); err != nil {
			return fmt.Errorf("templates: page %q: %w", page, err)
		}
	}
	if err := t.ExecuteTemplate(w, layout+".html", p); err != nil {
		return withSource(fmt.Errorf("templates: page %q: %w", page, err), s.texts)
	}
	return nil
}

// Pages lists the names of all pages, sorted.
func (s *Set) Pages() []string { return slices.Sorted(maps.Keys(s.first.pages)) }

// Layouts lists the values that Page.Layout may have, other than "", sorted.
func (s *Set) Layouts() (names []string) {
	for _, layout := range s.layouts {
		if name, ok := strings.CutPrefix(layout, "layouts/"); ok {
			names = append(names, name)
		}
	}
	return names
}

// URL returns the path of a route, by the function that SetRoutes was given. It is the
// template function url.
func (s *Set) URL(name string, pairs ...any) (string, error) {
	routes := s.routes.Load()
	if routes == nil {
		return "", fmt.Errorf("templates: url %q: the routes are not known: call handlers.Site.Routes, or SetRoutes", name)
	}
	return routes.url(name, pairs...)
}

// SetRoutes makes the routes of a site known to its templates. A set serves one site.
//
// Known reports whether there is a route of a name. It is called when a page is rendered and
// by CheckURLs, so that routes can be added until then. If known is nil, CheckURLs checks
// nothing, and built-in pages link to all routes that they know.
func (s *Set) SetRoutes(url func(name string, pairs ...any) (string, error), known func(name string) bool) {
	s.routes.Store(&routes{url, known})
}

// KnowsRoutes reports whether SetRoutes was called.
func (s *Set) KnowsRoutes() bool { return s.routes.Load() != nil }

// Uses reports whether the files call a function with a constant name: "static" in any
// file, or "url" in the site's own.
func (s *Set) Uses(function string) bool {
	return function == "static" && s.static || function == "url" && len(s.urls) > 0
}

// UsesNonce reports whether a layout or a part uses Page.Nonce.
func (s *Set) UsesNonce() bool { return s.nonce }

// hasRoute is the template function hasRoute.
func (s *Set) hasRoute(name string) bool {
	routes := s.routes.Load()
	return routes != nil && (routes.known == nil || routes.known(name))
}

// CheckURLs returns a mistake for each url in the site's own files that names a route that
// does not exist, all of them joined. It checks names that are constants, and no pairs. It
// returns nil if the routes are not known.
func (s *Set) CheckURLs() error {
	routes := s.routes.Load()
	if routes == nil || routes.known == nil {
		return nil
	}
	var mistakes []error
	for _, c := range s.urls {
		if !routes.known(c.name) {
			err := fmt.Errorf("templates: %s: no route is named %[2]q: correct the page, or name the route with Name(%[2]q)", c.place, c.name)
			mistakes = append(mistakes, c.withSource(err, s.texts))
		}
	}
	return errors.Join(mistakes...)
}

// wellKnown is read although its name begins with a dot (RFC 8615).
const wellKnown = "root/.well-known"

// walk calls f with every file of fsys whose name, and whose folders' names, do not begin
// with a dot.
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
