// Package webapp2 holds what only programs that come from webapp2, the framework of App
// Engine's Python years, need.
//
// [Template] translates the route templates of webapp2, so that they can stay as they are:
//
//	path, err := webapp2.Template(`/archive/<year:\d{4}>/<slug>`)
//	if err != nil {
//		return err
//	}
//	app.Handle(path, framework.To[Archive](app)).Name("archive")
//
// [RedirectHandler] is webapp2's handler of the same name.
//
// docs/migrating.md has the rest: what each part of webapp2 is here.
package webapp2
