// Package framework is the core of webapp2go: handlers that are types, with an
// overridable Dispatch, on routes in the vocabulary of gorilla/mux. It is what webapp2 was for
// App Engine's Python, in Go.
//
//	type HelloHandler struct{ framework.RequestHandler }
//
//	func (h *HelloHandler) Get() error {
//		_, err := fmt.Fprintf(h, "Hello, %s!\n", h.Var("name"))
//		return err
//	}
//
//	func main() {
//		app := framework.New()
//		app.Handle("/hello/{name}", framework.To[HelloHandler](app)).Name("hello")
//		if err := framework.Serve(context.Background(), app); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// # The life of a request
//
//	App.ServeHTTP              one place: match, build, dispatch, respond
//	  match                    cross-origin writes and impossible paths are refused; a tree finds the route
//	  new handler              one value per request, never shared, never pooled
//	  App.Init                 hands it what the site shares
//	  Dispatch                 the outermost override, and so on inwards
//	    RequestHandler.Dispatch   Guard, then the action: Get, Post, ... or the route's method
//	  HandleError              of the outermost handler, only on an error or a panic
//	  App.Errors[status]       the site's error pages
//	  Response.send            hooks run (sessions are saved), then header, then body
//
// # Handlers
//
// A handler embeds [RequestHandler], or a base that does, by value. It serves the verbs
// for which it has a method that is a func() error: Get, Post, Put, Patch, Delete, Head,
// Options. HEAD falls back to Get. A base overrides Dispatch to do something before and
// after, and has a Guard() error to say who may: Guard is asked just before the action,
// and no override above can skip it.
//
// # Errors
//
// Every action returns an error. [Abort] makes one that names its status; a panic
// becomes a [PanicError]; [Status] says what an error answers. An error drops the body
// that was written and keeps headers and cookies.
//
// # Paths
//
// A path is matched as it comes, after percent-decoding. %2F can be part of a variable's
// value and a slash of the path: the first route counts that takes the path in one of the
// two ways. A path that is not UTF-8, or that holds control bytes or a "." or ".." segment,
// is not found, and "//" does not match "/". So an http.Handler that cleans the path by
// itself, as http.FileServer does, must not stand behind a shorter prefix than a guarded
// route of the same files; handlers.FileHandler cleans nothing. Nothing is answered with a
// redirect that no route asked for.
//
// # Middleware
//
// Middleware is any func(http.Handler) http.Handler: given to [Router.Use] it does not run
// for 404 and what a route refuses by its Methods; around the App, main calls [App.Check]
// itself. The table of routes is whole before the first request: it is read without a
// lock.
package framework
