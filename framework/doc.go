// Package framework is a web framework in the manner of webapp2: handlers are types with
// an overridable Dispatch, on routes in the vocabulary of gorilla/mux. This is a whole
// program:
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//
//		"github.com/webapp2go/webapp2go/framework"
//	)
//
//	type HelloHandler struct{ framework.RequestHandler }
//
//	func (h *HelloHandler) Get() error {
//		return h.Text(fmt.Sprintf("Hello, %s!\n", h.Var("name")))
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
// It listens on 127.0.0.1:8080, or on the port of the variable PORT.
//
// # The life of a request
//
//	App.ServeHTTP                 does the following, in this order
//	  the route                   the first that matches; cross-site requests are refused before
//	  a new handler               one value for each request
//	  App.Init                    gives it what the site shares
//	  Dispatch                    the outermost override, which calls the next
//	    RequestHandler.Dispatch   calls Guard, then the action: Get, Post and so on
//	  HandleError                 of the outermost handler, if there is an error or a panic
//	  App.Errors[status]          the site's error page, if the error was returned
//	  Response                    functions of BeforeSend (sessions are saved), header, body
//
// # Handlers
//
// A handler type embeds [RequestHandler], or a base type that does, by value. It serves
// the HTTP methods for which it has a method without arguments that returns an error:
// Get, Post, Put, Patch, Delete, Head, Options. Get serves HEAD too. [To] makes an
// http.Handler of it.
//
// A base type overrides Dispatch to do something before and after the action, and has a
// Guard() error to refuse requests. Guard is called immediately before the action, so no
// override of Dispatch can reach the action without it. See the examples of
// [RequestHandler.Dispatch] and [Router.Guard].
//
// A handler responds with [RequestHandler.Text], [RequestHandler.HTML],
// [RequestHandler.JSON] or [RequestHandler.Redirect], or writes to itself: it is an
// io.Writer. It reads the request with [RequestHandler.Var], [RequestHandler.ParseForm]
// and [RequestHandler.DecodeJSON].
//
// # Errors
//
// Every action returns an error. [Abort] returns an error with a status, a panic becomes
// a [PanicError], and [Status] returns the status of any error. The response to an error
// keeps the headers and cookies that were set, and drops the body. See the example of
// [App] for error pages.
//
// # Paths
//
// A path is matched as it comes, after percent-decoding. An encoded slash, %2F, can be
// part of a value, or separate segments: the first route that matches in either way is
// taken. A path that is not UTF-8, or has control characters or a "." or ".." segment, gets
// a 404, and "//" does not match "/". Nothing is redirected unless a route says so.
//
// An http.Handler that cleans the path by itself, as http.FileServer does, must not have
// a shorter prefix than a route with a guard for the same files. The FileHandler of
// package handlers does not clean the path.
//
// # Middleware
//
// Middleware is a func(http.Handler) http.Handler. [Router.Use] adds it around the routes
// of a Router. Middleware around the App also sees requests without a route; call
// [App.Check] in main then, because [Serve] cannot.
package framework
