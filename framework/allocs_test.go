package framework_test

import (
	"net/http"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/internal/alloctest"
)

// The allocations of a request are documented: one for its handler and its Response, also
// behind middleware, one for a hook, none for a Saver in the handler. Dispatch, a variable, the
// type of Text, the buffered body and its length need none.
func TestAllocations(t *testing.T) {
	for name, test := range map[string]struct {
		path string
		most float64
	}{
		"hello":      {"/hello", 1},
		"a variable": {"/hello/7", 1},
		"Text":       {"/text/7", 1},
		"middleware": {"/used/text/7", 1},
		"a hook":     {"/hooked", 2},
		"a Saver":    {"/saved", 1},
	} {
		t.Run(name, func(t *testing.T) {
			app := framework.New()
			app.Handle("/hello", framework.To[hello](app))
			app.Handle("/hello/{id}", framework.To[hello](app))
			app.Handle("/hooked", framework.To[hooked](app))
			app.Handle("/text/{id}", framework.To[textHello](app))
			used := app.PathPrefix("/used").Subrouter()
			used.Use(passOnAtRequest)
			used.Handle("/text/{id}", framework.To[textHello](app))
			app.Handle("/saved", framework.To[savedHello](app))
			r, err := http.NewRequest("GET", test.path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			w := alloctest.NewWriter()
			alloctest.Check(t, test.most, func() {
				w.Reset()
				app.ServeHTTP(w, r)
			})
		})
	}
}

// textHello responds with its variable.
type textHello struct{ framework.RequestHandler }

func (h *textHello) Get() error { return h.Text(h.Var("id")) }

func passOnAtRequest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
}

// hooked is a hello with a hook.
type hooked struct{ hello }

func (h *hooked) Dispatch() error {
	h.Response.BeforeSend(leaveAlone)
	return h.hello.Dispatch()
}

// savedHello is a hello with a Saver, like a handler that keeps its session store.
type savedHello struct {
	hello
	saver leavesAlone
}

func (h *savedHello) Dispatch() error {
	h.Response.SaveWith(&h.saver)
	return h.hello.Dispatch()
}

type leavesAlone struct{ _ int }

func (*leavesAlone) Save(http.ResponseWriter) error { return nil }

func leaveAlone(http.ResponseWriter) error { return nil }
