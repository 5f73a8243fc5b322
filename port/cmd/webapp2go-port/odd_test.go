//go:build cgo

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/port/internal/gocode"
	"github.com/webapp2go/webapp2go/port/internal/source"
)

// The sources of small applications with unusual files: other encodings, line ends and
// file names, symbolic links, class statements over several lines, names that are not
// valid in Go.
var (
	oldPython = map[string]string{"main.py": "\ufeff" + strings.ReplaceAll(`# -*- coding: utf-8 -*-
import webapp2
def limit(n):
	return lambda f: f
class Base(webapp2.RequestHandler):
	def dispatch(self):
		print "before",
		super(Base, self).dispatch()
class Shout(Base):
	@admin
	@limit(
		10,
	)
	def get(self, é, a_b, aB=None):
		print >>sys.stderr, "hello %s" % é
		try:
			raise ValueError, "x"
		except ValueError, e:
			exec "print 1" in {}
	post = \
		get
class Numbers(Base):
	def get(self, n=0777L, (x, y)=(1, 2)):
		if n <> 3: pass
app = webapp2.WSGIApplication([
	webapp2.Route(u'/shout/é/<a_b>', Shout, 'shout'),
	(ur'/nümmer/(\d+)', Numbers),
], debug=True)
`, "\n", "\r\n")}

	oddNames = map[string]string{
		"main.py": `
import sys, webapp2
sys.path.insert(0, 'third\\views')
from webapp2_extras import routes as r
app = webapp2.WSGIApplication(debug=True)
app.router.add(webapp2.Route('/a', 'shop.pages.Page:show_all', name='a', methods=['GET']))
app.router.add(webapp2.Route('/b', 'shop.pages.Page:showAll'))
app.router.add(webapp2.Route('/c', handler='shop.pages.Page', handler_method='base'))
app.router.add(r.PathPrefixRoute('/x', [
    r.HandlerPrefixRoute('shop.pages.', [r.NamePrefixRoute('n-', [
        r.PathPrefixRoute('/<lang:de|en>', [webapp2.Route('/p', 'Page', name='p'), webapp2.Route('', 'Page')]),
        r.RedirectRoute('/old', redirect_to='/a', name='old'),
        r.DomainRoute('<sub:[a-z]+>.example.org', [webapp2.Route('/<:.*>', 'Page:get', name='d')]),
    ])])]))
app.router.add(webapp2.Route('/w', 'views_w.W'))
app.router.add(webapp2.Route('no-slash', 'shop.pages.Page'))
app.router.add(webapp2.Route('/limited', 'shop.pages.Page', methods=compute()))
app.router.add(webapp2.Route('/default', 'shop.pages.Page', name='x\ny', defaults={'a\nb': 1}))
`,
		"shop/__init__.py": "",
		"shop/pages.py": `
import webapp2
class base(webapp2.RequestHandler):
    pass
class Page(base):
    def get(self, *args, **kwargs): pass
    def show_all(self): pass
    def showAll(self): pass
    def base(self): pass
`,
		"third/views/views_w.py": "import webapp2\nclass W(webapp2.RequestHandler):\n  def get(self): pass\n",
		"Copy of main (2).py":    "import webapp2\nfrom shop.pages import Page\napplication = webapp2.WSGIApplication([('/copy', Page)])\n",
		"loop":                   "link to ..",
		"link.py":                "link to main.py",
		"dead.py":                "link to nowhere",
		"line\nbreak.py":         "import webapp2\n",
	}

	chain = map[string]string{
		"a.py": `
import webapp2
def make(
   n):
    return webapp2.RequestHandler
class Site(make(
    1)):
    pass
class Root(webapp2.RequestHandler):
    def dispatch(self):
        if self.request.get('x'):
            return self.abort(403)
        webapp2.RequestHandler.dispatch(self)
`,
		"helper.py": "import webapp2\nclass Helper(webapp2.RequestHandler):\n    def call(self):\n        return http.get(handlers.BaseHandler)\n",
		"b.py":      "import a as alias\nclass Middle(alias.Root, object):\n    def get(self): pass\n    post = get\n",
		"c.py":      "from b import Middle as M\nfrom helper import Helper\nclass Sub(Helper):\n    def get(self): pass\nclass Mixin:\n    def patch(self): pass\nclass Guestbook(Mixin, M):\n    pass\nclass Main(M): pass\nclass Get(M):\n    pass\nclass Loop(Loop): pass\n",
		"models.py": "from google.appengine.ext import ndb\nclass Guestbook(ndb.Model):\n    load = ndb.StringProperty()\n    kept = ndb.IntegerProperty('class')\n    été = ndb.DateTimeProperty()\n    odd = ndb.StringProperty('a\\nb')\n",
		"main.py": `
import webapp2, c, a
from c import Guestbook, Main, Get, Sub
BASE = '/v1'
routes = [('/', Main), ('/g', Guestbook), ('/get', Get), ('/h', Sub), ('/s', a.Site), (BASE + '/j', Main)]
if webapp2.DEBUG:
    routes += [('/debug', Main)]
for lang in ('de', 'en'):
    routes.append(webapp2.Route('/%s/home' % lang, handler=Main, name='home-' + lang))
app = webapp2.WSGIApplication(routes); app2 = webapp2.WSGIApplication([('/second', Main)])
unmounted = [(BASE + '/not', Main)]
`}

	expressions = map[string]string{"main.py": `
import webapp2
class H(webapp2.RequestHandler):
    def get(self, *args): pass
app = webapp2.WSGIApplication([
    (r'/a/(?P<year>\d{4})/(?P<slug>[\w-]+)/?$', H),
    (r'^/b/(a|b)/(.*)', H),
    (r'/c(?:/(\d+))?', H),
    (r'/d/((x)y)', H),
    (r'/e/(?!no)', H),
    (r'/f|/g', H),
    ('/l' + unknown(), H),
    ('/m', None),
    ('/n', lambda req: 1),
    ('/o/([^', H),
    ('', H),
    ('/q',),
    'nonsense',
    webapp2.Route(r'/r/<id:(\d+)>', H), webapp2.Route(r'/s/<id:\d{1,>', H),
    webapp2.Route('/t/<a>/<a>', H), webapp2.Route('/v/>x<', H),
    ('/.*', H),
])
`}

	bytesOfFiles = map[string]string{
		"main.py":  "# -*- coding: latin-1 -*-\nimport webapp2\nclass A(webapp2.RequestHandler):\n    def get(self):\n        x = 'gr\xfc\xdfe'\napp = webapp2.WSGIApplication([('/gr\xfc\xdfe', A)])\n",
		"nul.py":   "import webapp2\nclass N(webapp2.RequestHandler):\n    def get(self):\n        s = 'a\x00b\ufeffc'\n        return s\napp = webapp2.WSGIApplication([('/nul', N)])\n",
		"cr.py":    "import webapp2\rclass C(webapp2.RequestHandler):\r    def get(self):\r        pass\rapp = webapp2.WSGIApplication([('/cr', C)])\r",
		"bad.py":   "class (:\n  def\nimport webapp2\nclass Q(webapp2.RequestHandler):\n  def get(self): pass\napp = webapp2.WSGIApplication([('/q', Q), ('/r' Q)])\n",
		"utf16.py": "\xff\xfei\x00m\x00p\x00o\x00r\x00t\x00",
		"é.py":     "import webapp2\nclass E\u0301té(webapp2.RequestHandler):\n  def get(self, é): pass\napp = webapp2.WSGIApplication([webapp2.Route('/e/<é>', E\u0301té)])\n",
		"app.yaml": "handlers: [\n  bad",
	}
)

// A secret that has spaces or is written with escapes is not copied either. Python in a
// comment keeps its quotation marks. A template that is a regular expression is listed.
func TestOddTexts(t *testing.T) {
	dir := folder(t, "", map[string]string{"main.py": `
import os, webapp2
secret_key = 'my own long secret'
API_KEY = u"zz\x79\\zzzzzzz"
password_hint = 'two words'
class A(webapp2.RequestHandler):
    def get(self):
        check('my own long secret', "zz\x79\\zzzzzzz", 'two words')
routes = [('/', A), webapp2.Route(r'/event/(\d+)', A), webapp2.Route('/wiki/A_(letter)', A), webapp2.Route('/b/?', A)]
if os.environ.get('MODE', '') == '':
    routes.append(('/mode', A))
app = webapp2.WSGIApplication(routes, config={'webapp2_extras.sessions': {'session_max_age': 99999999999}})
`})
	app, err := source.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	module, err := gocode.Write(app, gocode.Options{Module: "example.com/x"})
	if err != nil {
		t.Fatal(err)
	}
	all := string(module.Report("", dir))
	for _, data := range module.Files {
		all += string(data)
	}
	for _, unwanted := range []string{"99999999999", "my own long secret", "zzzzzzz", "\u201d"} {
		if strings.Contains(all, unwanted) {
			t.Errorf("%q is in the module", unwanted)
		}
	}
	for _, want := range []string{"'two words'", "if os.environ.get('MODE', '') == '':", `"/wiki/A_(letter)"`, "which no path has: `webapp2.Route(r'/event/(\\d+)', A)`", "which no path has: `webapp2.Route('/b/?', A)`"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in the module", want)
		}
	}
	if t.Failed() {
		t.Log(all)
	}
	if module.Routes != 3 || app.RouteLike != 5 || app.Converted != 3 {
		t.Errorf("%d routes; %d of %d converted", module.Routes, app.Converted, app.RouteLike)
	}
}

// Code that cannot become a route is listed together with all routes below it, so that
// the module builds and Check finds no mistake.
func TestOddRoutes(t *testing.T) {
	const head = `
import webapp2
from webapp2_extras import routes
class A(webapp2.RequestHandler):
    def get(self): pass
app = webapp2.WSGIApplication([('/', A), `
	for code, listed := range map[string]int{
		`(r'/a/(\d{,3})\Z', A)`:                                            0,
		`webapp2.Route(r'/<a:\d{,3}\Z>', A)`:                               0,
		`webapp2.Route('/*', A)`:                                           1,
		`webapp2.Route('/:id', A)`:                                         1,
		`webapp2.Route('/a/../b', A)`:                                      1,
		`('/a/:id', A)`:                                                    1,
		`('/a\tb', A)`:                                                     1,
		`webapp2.Route('/<a:\pL>', A)`:                                     1,
		`routes.RedirectRoute('/r', redirect_to='/a\\b')`:                  1,
		`routes.RedirectRoute('/r', redirect_to='http:///x')`:              1,
		`routes.PathPrefixRoute('/p', [webapp2.Route('x', A), ('/y', A)])`: 1,
		`routes.PathPrefixRoute('/<p:(?=x)>', [webapp2.Route('/x', A), routes.NamePrefixRoute('n-', [webapp2.Route('/y', A)])])`: 4,
		`routes.DomainRoute('<a>.example.com', [routes.PathPrefixRoute('/<a>', [webapp2.Route('/x', A)])])`:                      2,
	} {
		app, err := source.Read(folder(t, "", map[string]string{"main.py": head + code + "])\n"}))
		if err != nil {
			t.Fatal(err)
		}
		module, err := gocode.Write(app, gocode.Options{Module: "example.com/x"})
		if err == nil {
			err = app.Resolve()
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(app.Unconverted) != listed || app.Converted+listed != app.RouteLike {
			t.Errorf("%s: %d of %d converted, and listed: %v", code, app.Converted, app.RouteLike, app.Unconverted)
			t.Logf("%s", module.Files["routes.go"])
		}
	}
}

// A list of routes that the sources reverse is reversed. A list whose order or length
// they change in another way has a note.
func TestOddLists(t *testing.T) {
	app, err := source.Read(folder(t, "", map[string]string{"main.py": `
import webapp2
class A(webapp2.RequestHandler):
    def get(self): pass
names = ['x']
names.sort()
first = [('/1', A), ('/2', A)]
first.reverse()
second = list(reversed([('/3', A), webapp2.Route('/4', A)]))
second.sort()
second.pop()
app = webapp2.WSGIApplication(first + second)
`}))
	if err != nil {
		t.Fatal(err)
	}
	order := ""
	for _, r := range app.Apps[0].Routes {
		order += r.Template
	}
	if order != "/2/1/4/3" || len(app.Notes) != 2 || app.Notes[0].Line != 10 || app.Notes[1].Line != 11 {
		t.Errorf("%s, %v", order, app.Notes)
	}
}

// A source that would need hours or too much memory stops the evaluation. The values that
// are left are unknown.
func TestSourcesWithoutEnd(t *testing.T) {
	const head = "import webapp2\nclass A(webapp2.RequestHandler):\n  def get(self): pass\n"
	const tail = "app = webapp2.WSGIApplication(x)\napp = webapp2.WSGIApplication([('/last', A)])\n"
	again := func(line string) string { return strings.Repeat(line, 60) }
	for name, code := range map[string]string{
		"a list added to itself":      "x = [('/a', A)]\n" + again("x = x + x\n"),
		"a list that grows":           "x = [('/a', A)]\n" + again("x += x\n"),
		"a list extended by itself":   "x = [('/a', A)]\n" + again("x.extend(x)\n"),
		"a text added to itself":      "s = '/aaaa'\n" + again("s = s + s\n") + "x = [(s, A)]\n",
		"a text in a format":          "s = '/aaaa'\n" + again("s = '%s%s' % (s, s)\n") + "x = [(s, A)]\n",
		"a text in another format":    "s = '/aaaa'\n" + again("s = '{0}{0}'.format(s)\n") + "x = [(s, A)]\n",
		"a text joined":               "s = '/aaaa'\n" + again("s = s.join([s, s, s])\n") + "x = [(s, A)]\n",
		"a function that calls twice": "def f(n): return f(n) + f(n)\nx = f(1)\n",
		"loops in loops":              "n = [" + strings.Repeat("1, ", 1000) + "]\nx = []\nfor a in n:\n  for b in n:\n    for c in n:\n      for d in n:\n        x.append(('/%d' % d, A))\n",
		"a comprehension of loops":    "n = [" + strings.Repeat("1, ", 1000) + "]\nx = [('/a', A) for a in n for b in n for c in n if unknown]\n",
		"brackets":                    "x = " + strings.Repeat("(", 100000) + "\n",
		"brackets that close":         "x = " + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + "\n",
		"operators":                   "x = " + strings.Repeat("not ", 50000) + "1\n",
		"sums":                        "x = " + strings.Repeat("[] + ", 50000) + "[]\n",
		"blocks":                      strings.Repeat("if a:\n", 1) + nested(2500) + "x = []\n",
		"a long line":                 "x = [" + strings.Repeat("('/p', 'h.H'), ", 5000) + "]\n",
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			app, err := source.Read(folder(t, "", map[string]string{"main.py": head + code + tail}))
			if err != nil {
				t.Fatal(err)
			}
			module, err := gocode.Write(app, gocode.Options{Module: "example.com/x"})
			if err == nil {
				err = app.Resolve()
			}
			if err != nil && !strings.Contains(err.Error(), "no route was found") {
				t.Error(err)
			}
			if module != nil && len(module.Report("", "")) == 0 {
				t.Error("no report")
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// nested returns n blocks, each in the one before.
func nested(n int) string {
	var b strings.Builder
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "%sif a:\n", strings.Repeat(" ", i))
	}
	return b.String() + strings.Repeat(" ", n) + "pass\n"
}
