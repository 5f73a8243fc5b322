package framework

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/mux"
)

// A table is a random routing table, drawn from parts that clash a lot.
type table struct {
	random *rand.Rand
	app    *App
	tame   bool     // most routes are such that the index knows them
	lines  []string // how it was made, for a failure's message
	paths  []string // templates, for paths that match one
}

// tableHandler says which route it is of, and what variables it was given.
type tableHandler struct {
	RequestHandler
	number int
}

func (h *tableHandler) Get() error  { return h.Post() }
func (h *tableHandler) Post() error { return say(h, h.number, h.Vars) }

func say(w io.Writer, number int, vars map[string]string) error {
	_, err := fmt.Fprintf(w, "%d %q", number, vars)
	return err
}

var (
	templateParts = []string{
		"a", "b", "ab", "", "é", "a-b", "x$", "{x}", "{y}", "{n:[0-9]+}", "{n:[0-9]*}", "a{x}", "{x}-{y}", "{x:a|b}",
		"{x:[^/]*}", "{p:.*}", "{p:a/b}", "{w:\\w+}", "{c:(?:a|ab)}{d:b?}", "{i:(?i)A}", `{-percent:\x25}`,
	}
	pathParts = []string{"a", "b", "ab", "", "é", "a-b", "x$", "7", "42", "A", "a-b-a", "aa", "ba", "abb", "%", "…"}
	verbLists = [][]string{nil, nil, {"GET", "HEAD"}, {"POST"}, {"GET", "HEAD", "POST"}}
)

func newTable(random *rand.Rand) *table {
	t := &table{random: random, app: New(), tame: random.IntN(2) == 0}
	t.fill(t.app.Router, "app", 1+random.IntN(12), 2)
	return t
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

func (t *table) template() string {
	var path strings.Builder
	for range 1 + t.random.IntN(3) {
		path.WriteString("/" + pick(t.random, templateParts))
	}
	t.paths = append(t.paths, path.String())
	return path.String()
}

// path makes a path, most of them with the literal text of some route.
func (t *table) path() string {
	var path strings.Builder
	for part := range strings.SplitSeq(pick(t.random, t.paths)[1:], "/") {
		if t.random.IntN(8) == 0 || strings.Contains(part, "{") {
			part = pick(t.random, pathParts)
		}
		path.WriteString("/" + part)
	}
	return path.String()
}

// fill adds routes to a router: plain ones, and now and then one with something that
// the index does not know.
func (t *table) fill(router *mux.Router, name string, routes, depth int) {
	note := func(format string, arguments ...any) {
		t.lines = append(t.lines, name+fmt.Sprintf(format, arguments...))
	}
	for i := range routes {
		template := t.template()
		number := len(t.lines)
		handler := From(t.app, func() *tableHandler { return &tableHandler{number: number} })
		if t.random.IntN(6) == 0 {
			handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = say(w, number, mux.Vars(r)) })
		}
		route := router.NewRoute()
		kind := t.random.IntN(20)
		if t.tame && kind < 7 {
			kind = 19
		}
		switch {
		case kind == 0:
			route.PathPrefix(template).Handler(handler)
			note(".PathPrefix(%q)", template)
		case kind == 1:
			route.Path(template).Host("other.example").Handler(handler)
			note(".Path(%q).Host", template)
		case kind == 2:
			route.Path(template).Queries("q", "1").Handler(handler)
			note(".Path(%q).Queries", template)
		case kind == 3:
			route.Path(template).MatcherFunc(func(r *http.Request, _ *mux.RouteMatch) bool { return r.Method == "POST" }).Handler(handler)
			note(".Path(%q).MatcherFunc", template)
		case kind == 4:
			route.Path(template)
			note(".Path(%q) without a handler", template)
		case kind == 5:
			route.Path(template).BuildOnly().Handler(handler)
			note(".Path(%q).BuildOnly", template)
		case kind == 6:
			route.Path("/a").Path(template).Handler(handler)
			note(".Path(/a).Path(%q)", template)
		case kind <= 9 && depth > 0:
			prefix := pick(t.random, []string{"/a", "/a/", "/{x}", "/b//", "", "/a/{n:[0-9]+}"})
			var sub *mux.Router
			if prefix == "" {
				sub = route.Subrouter()
			} else {
				sub = route.PathPrefix(prefix).Subrouter()
			}
			child := name + "." + strconv.Itoa(i)
			note(".PathPrefix(%q) is %s", prefix, child)
			t.fill(sub, child, t.random.IntN(4), depth-1)
			if t.random.IntN(3) == 0 {
				sub.Use(deny)
				note(" %s has middleware", child)
			}
		case kind == 10 && depth > 0:
			other := mux.NewRouter()
			route.PathPrefix(pick(t.random, []string{"/a", "/b"})).Handler(other)
			note(".mounts a router")
			t.fill(other, name+".m"+strconv.Itoa(i), t.random.IntN(3), 0)
		default:
			route.Path(template).Handler(handler)
			if verbs := pick(t.random, verbLists); verbs != nil {
				route.Methods(verbs...)
				note(".Path(%q).Methods(%v)", template, verbs)
			} else {
				note(".Path(%q)", template)
			}
		}
	}
}

func deny(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
}

// agree compares the answers of an App and of one with the same table that leaves
// every request to mux. It tells whether the route was one of ours, and whether the
// index found it.
func agree(t *testing.T, indexed, plain *table, r *http.Request) (ours, found bool) {
	var match mux.RouteMatch
	if plain.app.Router.Match(r, &match) && match.MatchErr == nil {
		_, ours = match.Handler.(*route)
	}
	var path splitPath
	found = path.split(r.URL.Path) && indexed.app.table().find(r.Method, &path) != nil
	plain.app.index.Store(&index{invented: true})
	got, want := httptest.NewRecorder(), httptest.NewRecorder()
	indexed.app.ServeHTTP(got, r)
	plain.app.ServeHTTP(want, r)
	if got.Code != want.Code || got.Body.String() != want.Body.String() || !reflect.DeepEqual(got.Header(), want.Header()) {
		t.Errorf("%s %s: with the index %d %v %s\nwith mux alone %d %v %s\n%s", r.Method, r.URL.Path,
			got.Code, got.Header(), got.Body, want.Code, want.Header(), want.Body, strings.Join(indexed.lines, "\n"))
	}
	return ours, found
}

// The index never says anything but what mux says, over random tables and paths. The
// variable INDEX_PAIRS sets how many are tried.
func TestIndexAgreesWithMux(t *testing.T) {
	pairs := 20_000
	if more, err := strconv.Atoi(os.Getenv("INDEX_PAIRS")); err == nil {
		pairs = more
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	var ours, found int
	for tried := 0; tried < pairs && !t.Failed(); {
		indexed, plain := twoTables(random.Uint64())
		for range 50 {
			r := httptest.NewRequest(pick(random, []string{"GET", "HEAD", "POST", "PUT"}), "/", nil)
			r.URL.Path = indexed.path()
			isOurs, wasFound := agree(t, indexed, plain, r)
			ours += count(isOurs)
			found += count(wasFound)
			tried++
		}
	}
	t.Logf("seed %d: of %d requests a handler of ours took %d, of which the index found %d", seed, pairs, ours, found)
	if found < ours/4 {
		t.Errorf("the index found only %d of %d: it does nothing", found, ours)
	}
}

func twoTables(seed uint64) (indexed, plain *table) {
	return newTable(rand.New(rand.NewPCG(seed, 1))), newTable(rand.New(rand.NewPCG(seed, 1)))
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func FuzzIndex(f *testing.F) {
	f.Add(uint64(1), "/a/b")
	f.Add(uint64(2), "/a-b/7")
	f.Fuzz(func(t *testing.T, seed uint64, path string) {
		if !strings.HasPrefix(path, "/") {
			return
		}
		indexed, plain := twoTables(seed)
		for _, verb := range []string{"GET", "POST", "PUT"} {
			r := httptest.NewRequest(verb, "/", nil)
			r.URL.Path = path
			agree(t, indexed, plain, r)
		}
	})
}
