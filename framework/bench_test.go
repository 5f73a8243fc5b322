package framework_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/internal/alloctest"
)

type hello struct{ framework.RequestHandler }

func (h *hello) Get() error {
	_, err := h.Response.WriteString("hello")
	return err
}

func route(i int) (template, path string) {
	switch i % 3 {
	case 0:
		return fmt.Sprintf("/area%d/list", i), fmt.Sprintf("/area%d/list", i)
	case 1:
		return fmt.Sprintf("/area%d/{id}", i), fmt.Sprintf("/area%d/%d", i, i)
	}
	return fmt.Sprintf("/area%d/{id}/part/{part}", i), fmt.Sprintf("/area%d/%d/part/x", i, i)
}

// requests picks 50 requests spread over a table of n routes.
func requests(n int) (list []*http.Request) {
	for i := range 50 {
		_, path := route(i * n / 50)
		list = append(list, httptest.NewRequest("GET", path, nil))
	}
	return list
}

// BenchmarkRouting compares a table of n routes with the same one in net/http's
// ServeMux. Compare the two lines of one n in one run.
func BenchmarkRouting(b *testing.B) {
	for _, n := range []int{1, 50, 200, 1000} {
		app, standard := framework.New(), http.NewServeMux()
		for i := range n {
			template, _ := route(i)
			app.Handle(template, framework.To[hello](app))
			standard.HandleFunc(template, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
		}
		for _, contender := range []struct {
			name    string
			handler http.Handler
		}{{"ServeMux", standard}, {"framework", app}} {
			b.Run(fmt.Sprintf("n=%d/%s", n, contender.name), func(b *testing.B) {
				list := requests(n)
				w := alloctest.NewWriter()
				contender.handler.ServeHTTP(w, list[0]) // which makes the table
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					contender.handler.ServeHTTP(w, list[i%len(list)])
					i++
				}
			})
		}
	}
}
