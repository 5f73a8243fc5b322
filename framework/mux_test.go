package framework

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/mux"
)

// A twin is a random routing table, made twice: once with this package and once with mux.
type twin struct {
	random *rand.Rand
	app    *App
	plain  *mux.Router
	lines  []string     // how it was made, for a failure's message
	paths  []string     // templates, for paths that match one
	ours   map[int]bool // the numbers of the routes of a type that serves GET and POST
	names  int
}

// twinHandler tells which route it belongs to, and which variables it was given.
type twinHandler struct {
	RequestHandler
	number int
}

func (h *twinHandler) Get() error  { return h.Post() }
func (h *twinHandler) Post() error { say(h.Response, h.number, h.Vars()); return nil }

func say(w http.ResponseWriter, number int, vars map[string]string) {
	if vars == nil {
		vars = map[string]string{}
	}
	w.Header().Set("Said", fmt.Sprintf("%d %q", number, vars))
}

var (
	// The bars are replaced by the names of variables.
	templateParts = []string{
		"a", "b", "ab", "", "é", "a-b", "x$", "{|}", "{|}", "{|:[0-9]+}", "{|:[0-9]*}", "a{|}", "{|}-{|}", "{|:a|b}", "{|:\\d{2}}",
		"{|:[^/]*}", "{|:.*}", "{|:.+}", "{|:a/b}", "{|:\\w+}", "{|:(?:a|ab)}{|:b?}", "{|:(?i)A}", "{|:[é-ü]+}", "{|}b",
	}
	prefixParts = []string{"a", "ab", "b", "{|}", "{|:[0-9]+}", "a{|}", "b/", "/"}
	pathParts   = []string{"a", "b", "ab", "", "é", "a-b", "x$", "7", "42", "A", "a-b-a", "aa", "ba", "abb", "%", "…", "..", "\x01", "\xff"}
	verbLists   = [][]string{{"GET"}, {"GET", "HEAD"}, {"POST"}, {"GET", "POST"}, {"PUT", "PURGE"}, {"HEAD"}, {"OPTIONS", "DELETE"}}
	verbsAsked  = []string{"GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PURGE", "BREW"}
	hostsAsked  = []string{"a.example", "b.example", "a.example:8080", "c"}
)

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

func newTwin(seed uint64) *twin {
	t := &twin{random: rand.New(rand.NewPCG(seed, 1)), app: New(), plain: mux.NewRouter(), ours: map[int]bool{}, paths: []string{"/"}}
	t.plain.SkipClean(true)
	t.app.checked.Store(true) // conflicting routes would be mistakes
	t.fill(t.app.Router, t.plain, "app", 2+t.random.IntN(6), 3)
	return t
}

func (t *twin) maybe(one int) bool { return t.random.IntN(one) == 0 }

// named replaces the bars of a template by names.
func (t *twin) named(template string) string {
	for strings.Contains(template, "|:") || strings.Contains(template, "{|}") {
		t.names++
		at := strings.Index(template, "{|")
		template = template[:at+1] + "v" + strconv.Itoa(t.names) + template[at+2:]
	}
	return template
}

func (t *twin) template(parts []string) string {
	if t.maybe(12) {
		return ""
	}
	var path strings.Builder
	for range 1 + t.random.IntN(3) {
		path.WriteString("/" + pick(t.random, parts))
	}
	return t.named(path.String())
}

// path makes a path. Most have the literal text of some route.
func (t *twin) path(random *rand.Rand) string {
	var path strings.Builder
	for part := range strings.SplitSeq(strings.TrimPrefix(pick(random, t.paths), "/"), "/") {
		if random.IntN(8) == 0 || strings.ContainsAny(part, "{}") {
			part = pick(random, pathParts)
		}
		path.WriteString("/" + part)
	}
	return path.String()
}

func (t *twin) fill(router *Router, plain *mux.Router, name string, routes, depth int) {
	for range t.random.IntN(3) {
		t.use(router, plain, name)
	}
	for i := range routes {
		number := len(t.lines)
		route, other := router.NewRoute(), plain.NewRoute()
		line := name + ":"
		note := func(format string, arguments ...any) { line += fmt.Sprintf(format, arguments...) }
		below := depth > 0 && t.maybe(4)
		conditions := []func(){
			func() {
				switch template := t.template(templateParts); {
				case below && t.maybe(4) || t.maybe(15):
				case below:
					template = t.template(prefixParts)
					route.PathPrefix(template)
					other.PathPrefix(template)
					note(".PathPrefix(%q)", template)
				case t.maybe(6):
					template = t.template(prefixParts)
					route.PathPrefix(template)
					other.PathPrefix(template)
					note(".PathPrefix(%q)", template)
				default:
					route.Path(template)
					other.Path(template)
					note(".Path(%q)", template)
				}
			},
			func() {
				if t.maybe(3) {
					methods := pick(t.random, verbLists)
					route.Methods(methods...)
					if slices.Contains(methods, "GET") {
						methods = append(slices.Clone(methods), "HEAD")
					}
					other.Methods(methods...)
					note(".Methods(%v)", methods)
				}
			},
			func() {
				if host := t.named(pick(t.random, []string{"a.example", "b.example", "{|}.example", "a.example:8080"})); t.maybe(8) && route.host+route.hostName == "" {
					route.Host(host)
					other.Host(host)
					note(".Host(%q)", host)
				}
			},
			func() {
				if value := t.named(pick(t.random, []string{"1", "{|}", "{|:[0-9]+}"})); t.maybe(10) {
					route.Queries("q", value)
					other.Queries("q", value)
					note(".Queries(q, %q)", value)
				}
			},
			func() {
				if t.maybe(12) {
					route.Headers("H", "1")
					other.Headers("H", "1")
					note(".Headers(H, 1)")
				}
			},
			func() {
				if t.maybe(15) {
					route.Schemes("https")
					other.Schemes("https")
					note(".Schemes(https)")
				}
			},
			func() {
				if t.maybe(12) {
					chooses := func(r *http.Request, _ *mux.RouteMatch) bool { return strings.Contains(r.URL.Path, "a") }
					route.MatcherFunc(chooses)
					other.MatcherFunc(chooses)
					note(".MatcherFunc")
				}
			},
		}
		t.random.Shuffle(len(conditions), func(i, j int) { conditions[i], conditions[j] = conditions[j], conditions[i] })
		for _, condition := range conditions {
			condition()
		}
		if route.template != "" {
			t.paths = append(t.paths, route.template)
		}
		if t.maybe(20) {
			route.BuildOnly()
			other.BuildOnly()
			note(".BuildOnly")
		}
		child := name + "." + strconv.Itoa(i)
		t.lines = append(t.lines, "")
		if below {
			note(" is %s", child)
			t.fill(route.Subrouter(), other.Subrouter(), child, t.random.IntN(4), depth-1)
		} else {
			t.ours[number] = !t.maybe(4)
			plainHandler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { say(w, number, mux.Vars(r)) })
			other.Handler(plainHandler)
			if t.ours[number] {
				route.Handler(From(t.app, func() *twinHandler { return &twinHandler{number: number} }))
			} else {
				route.Handler(plainHandler)
				note(" plain")
			}
		}
		if len(route.mistakes) > 0 { // neither takes anything there
			other.BuildOnly()
			note(" is refused: %v", route.mistakes)
		}
		t.lines[number] = strconv.Itoa(number) + " " + line
	}
}

// use adds middleware that sets a header with its name, and sometimes denies.
func (t *twin) use(router *Router, plain *mux.Router, name string) {
	if !t.maybe(3) {
		return
	}
	denies := t.maybe(6)
	name = fmt.Sprint(name, "#", t.random.IntN(100))
	wrap := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Middleware", name)
			if denies {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	router.Use(wrap)
	plain.Use(wrap)
	t.lines = append(t.lines, fmt.Sprint(name, " is used, denies: ", denies))
}

// plainMatch returns mux's handler for a method.
func (t *twin) plainMatch(r *http.Request, method string) (http.Handler, map[string]string) {
	if !validPath(r.URL.Path) {
		return nil, nil
	}
	asked := r.Clone(r.Context())
	asked.Method = method
	var found mux.RouteMatch
	if !t.plain.Match(asked, &found) || found.MatchErr != nil {
		return nil, nil
	}
	return found.Handler, found.Vars
}

// want is the response of mux's table to a request. If it is refused, mux is asked for each
// method, because mux loses a 405 if any matcher of a later route matches.
func (t *twin) want(r *http.Request) string {
	answer := func(method string) (said, middleware string, status int) {
		h, vars := t.plainMatch(r, method)
		if h == nil {
			return "", "", http.StatusNotFound
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, mux.SetURLVars(r, vars))
		said = w.Header().Get("Said")
		number, _ := strconv.Atoi(strings.Fields(said + " x")[0])
		if served := method == "GET" || method == "HEAD" || method == "POST"; w.Code == 200 && t.ours[number] && !served {
			return "", fmt.Sprint(w.Header()["Middleware"]), http.StatusMethodNotAllowed
		}
		return said, fmt.Sprint(w.Header()["Middleware"]), w.Code
	}
	said, middleware, status := answer(r.Method)
	if status == 200 || status == http.StatusUnauthorized {
		return fmt.Sprint(status, said, middleware)
	}
	if status == http.StatusNotFound {
		middleware = "[]"
	}
	if !knownMethod(r.Method) {
		return "501" + middleware
	}
	var allowed []string
	for _, method := range t.app.table().methods {
		h, _ := t.plainMatch(r, method)
		if h == nil {
			continue
		}
		// Middleware that denies does not hide whether the route's type serves the method.
		if number := t.numberOf(r, method); !t.ours[number] || slices.Contains([]string{"GET", "HEAD", "POST"}, method) {
			allowed = append(allowed, method)
		}
	}
	switch {
	case status == http.StatusNotFound && allowed == nil:
		return "404[]"
	case r.Method == "OPTIONS":
		return fmt.Sprint("204", middleware, strings.Join(append(allowed, "OPTIONS"), ", "))
	}
	return fmt.Sprint("405", middleware, strings.Join(append(allowed, "OPTIONS"), ", "))
}

// numberOf returns the number of the route that mux's table has for a method.
func (t *twin) numberOf(r *http.Request, method string) int {
	asked := r.Clone(r.Context())
	asked.Method = method
	var found mux.RouteMatch
	t.plain.Match(asked, &found)
	w := httptest.NewRecorder()
	found.Route.GetHandler().ServeHTTP(w, r)
	number, _ := strconv.Atoi(strings.Fields(w.Header().Get("Said"))[0])
	return number
}

func (t *twin) got(r *http.Request) string {
	w := httptest.NewRecorder()
	t.app.ServeHTTP(w, r)
	middleware := fmt.Sprint(w.Header()["Middleware"])
	switch w.Code {
	case 200, http.StatusUnauthorized:
		return fmt.Sprint(w.Code, w.Header().Get("Said"), middleware)
	case http.StatusMethodNotAllowed, http.StatusNoContent:
		return fmt.Sprint(w.Code, middleware, w.Header().Get("Allow"))
	}
	return fmt.Sprint(w.Code, middleware)
}

func (t *twin) agree(test *testing.T, r *http.Request) (status string) {
	want, got := t.want(r), t.got(r)
	if got != want {
		test.Errorf("%s %q, host %s, query %q, header %q:\nours  %s\nmux's %s\n%s",
			r.Method, r.URL.Path, r.Host, r.URL.RawQuery, r.Header.Get("H"), got, want, strings.Join(t.lines, "\n"))
	}
	return got[:3]
}

func (t *twin) request(random *rand.Rand) *http.Request {
	target := "http://" + pick(random, hostsAsked) + "/" + pick(random, []string{"", "", "?q=1", "?q=x"})
	r := httptest.NewRequest(pick(random, verbsAsked), target, nil)
	r.URL.Scheme, r.URL.Host = "", ""
	if random.IntN(4) == 0 {
		r.Header.Set("H", "1")
	}
	r.URL.Path = t.path(random)
	return r
}

// The table matches what mux matches, with the same variables, middleware and refusals, for
// random tables and requests. MUX_PAIRS sets how many are tried.
func TestSameAsMux(t *testing.T) {
	pairs := 10_000
	if more, err := strconv.Atoi(os.Getenv("MUX_PAIRS")); err == nil {
		pairs = more
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	statuses := map[string]int{}
	for tried := 0; tried < pairs && !t.Failed(); {
		table := newTwin(random.Uint64())
		for range 40 {
			statuses[table.agree(t, table.request(random))]++
			tried++
		}
	}
	t.Logf("seed %d: %v", seed, statuses)
	for _, status := range []string{"200", "204", "401", "404", "405", "501"} {
		if statuses[status] < pairs/2000 {
			t.Errorf("only %d of %d requests are %s: they show nothing", statuses[status], pairs, status)
		}
	}
}

func FuzzSameAsMux(f *testing.F) {
	f.Add(uint64(1), "GET", "/a/b")
	f.Add(uint64(2), "POST", "/a-b/7")
	f.Add(uint64(3), "OPTIONS", "//")
	f.Fuzz(func(t *testing.T, seed uint64, method, path string) {
		if !strings.HasPrefix(path, "/") {
			return
		}
		table := newTwin(seed)
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.URL.Path = method, path
		table.agree(t, r)
	})
}
