package handlers_test

import (
	"html/template"
	"io/fs"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// Other programs use these declarations. A change that makes a line fail to compile breaks
// them.

var (
	_ func(pages fs.FS, funcs template.FuncMap) (*templates.Set, error) = templates.Parse

	_ = handlers.Site{
		Sessions:  (*sessions.Manager)(nil),
		Templates: (*templates.Set)(nil),
		Users:     auth.Backend(nil),
	}
	_ interface {
		Init(h framework.Handler)
		Routes(app *framework.App)
	} = (*handlers.Site)(nil)

	_ interface {
		framework.Handler
		Ready() error
		Store() *sessions.Store
		Session() *sessions.Session
		User() (*auth.User, error)
		Flash(message any, level string)
		Render(page string, data any) error
	} = (*handlers.BaseHandler)(nil)

	_ interface {
		framework.Handler
		Guard() error
	} = (*handlers.PrivateHandler)(nil)
)

func _(h *handlers.PrivateHandler) (*handlers.Site, *handlers.BaseHandler, *framework.RequestHandler) {
	return h.Site, &h.BaseHandler, &h.RequestHandler
}
