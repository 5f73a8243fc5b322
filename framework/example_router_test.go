package framework_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/framework"
)

type MinutesHandler struct{ framework.RequestHandler }

func (h *MinutesHandler) Get() error    { return h.Text("minutes " + h.Var("id")) }
func (h *MinutesHandler) New() error    { return h.Text("a form") }
func (h *MinutesHandler) Create() error { return h.Text("created") }

// A guard of a Router covers all handlers below it, including a type that forgot its
// base.
func ExampleRouter_Guard() {
	app := framework.New()
	admin := app.PathPrefix("/admin").Subrouter()
	admin.Guard(func(h framework.Handler) error {
		if user, ok := h.(interface{ IsAdmin() bool }); !ok || !user.IsAdmin() {
			return framework.Abort(http.StatusForbidden)
		}
		return nil
	})
	admin.Handle("/minutes/{id}", framework.To[MinutesHandler](app))

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/admin/minutes/7", nil))
	fmt.Println(w.Code)
	// Output:
	// 403
}

// With RequireGuards, Check reports the routes without a guard.
func ExamplePublic() {
	app := framework.New()
	app.RequireGuards = true
	open := app.PathPrefix("/open").Subrouter()
	open.Guard(framework.Public)
	open.Handle("/minutes/{id}", framework.To[MinutesHandler](app))
	app.Handle("/minutes/{id}", framework.To[MinutesHandler](app))

	fmt.Println(app.Check())
	// Output:
	// framework: route "/minutes/{id}" has no guard: give its Router one with Guard (framework.Public lets everybody pass), or its type a Guard method
}

func ExampleToMethods() {
	app := framework.New()
	app.Handle("/minutes/new", framework.ToMethods(app, map[string]func(*MinutesHandler) error{
		"GET": (*MinutesHandler).New, "POST": (*MinutesHandler).Create,
	}))

	try(app, "GET", "/minutes/new")
	try(app, "POST", "/minutes/new")
	// Output:
	// GET /minutes/new: 200 a form
	// POST /minutes/new: 200 created
}

// Middleware can read the route of a request and its variables.
func ExampleRouteOf() {
	app := framework.New()
	app.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Println(framework.RouteOf(w).GetName(), framework.VarOf(w, "id"), r.Pattern)
			next.ServeHTTP(w, r)
		})
	})
	app.Handle("/minutes/{id}", framework.To[MinutesHandler](app)).Name("minutes")

	try(app, "GET", "/minutes/7")
	// Output:
	// minutes 7 /minutes/{id}
	// GET /minutes/7: 200 minutes 7
}

// A handler of To also works in net/http's own router.
func ExampleTo_otherRouter() {
	app := framework.New()
	router := http.NewServeMux()
	router.Handle("GET /minutes/{id}", framework.To[MinutesHandler](app))

	try(router, "GET", "/minutes/7")
	// Output:
	// GET /minutes/7: 200 minutes 7
}

// An App below a path of another router builds URLs with that path.
func ExampleApp_prefix() {
	app := framework.New()
	app.Prefix = "/office"
	app.Handle("/minutes/{id}", framework.To[MinutesHandler](app)).Name("minutes")
	router := http.NewServeMux()
	router.Handle("/office/", app)

	try(router, "GET", "/office/minutes/7")
	fmt.Println(app.URL("minutes", "id", 8))
	// Output:
	// GET /office/minutes/7: 200 minutes 7
	// /office/minutes/8 <nil>
}

// Middleware of a Router runs around its routes and those of the Routers below.
func ExampleRouter_Use() {
	app := framework.New()
	app.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Println("begin", framework.RouteOf(w).GetPathTemplate())
			next.ServeHTTP(w, r)
			fmt.Println("end")
		})
	})
	app.Handle("/minutes/{id}", framework.To[MinutesHandler](app))

	try(app, "GET", "/minutes/7")
	// Output:
	// begin /minutes/{id}
	// end
	// GET /minutes/7: 200 minutes 7
}
