package framework_test

import (
	"net/http"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// What a request costs is promised: its Response, its handler, and what the route's
// variables need. The hook that a session hangs on the Response costs nothing more
// than itself.
func TestAllocations(t *testing.T) {
	for name, test := range map[string]struct {
		path string
		most float64
	}{
		"hello":      {"/hello", 3},
		"a variable": {"/hello/7", 5},
		"a hook":     {"/hooked", 2},
	} {
		t.Run(name, func(t *testing.T) {
			app := framework.New()
			app.Handle("/hello", framework.To[hello](app))
			app.Handle("/hello/{id}", framework.To[hello](app))
			app.Handle("/hooked", framework.To[hooked](app))
			r, err := http.NewRequest("GET", test.path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			w := &reused{header: http.Header{}}
			allocations := testing.AllocsPerRun(1000, func() {
				clear(w.header)
				app.ServeHTTP(w, r)
			})
			t.Logf("%v allocations", allocations)
			if allocations > test.most {
				t.Errorf("%v allocations, at most %v are promised", allocations, test.most)
			}
		})
	}
}

// hooked is a hello with a hook.
type hooked struct{ hello }

func (h *hooked) Dispatch() error {
	h.Response.BeforeSend(leaveAlone)
	return h.hello.Dispatch()
}

func leaveAlone(http.ResponseWriter) error { return nil }
