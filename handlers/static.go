package handlers

import (
	"errors"
	"net/http"

	"github.com/webapp2go/webapp2go/framework"
)

// StaticHandler serves the static files of the site's templates, each under a name
// that holds the hash of its content. It touches no session.
type StaticHandler struct{ BaseHandler }

// Ready reports what is wrong with the site's templates, at start: that there are none,
// and, where [Site.Routes] was called, the names in them that no route has. Routes adds
// this handler once, so each is reported once.
func (h *StaticHandler) Ready() error {
	if err := h.BaseHandler.Ready(); err != nil {
		return err
	}
	if h.Site.Templates == nil {
		return errNoTemplates
	}
	return h.Site.Templates.CheckURLs()
}

// checkTemplates reports pages that could not be shown: they name routes and static files,
// and nobody has added those to the App.
func (s *Site) checkTemplates(app *framework.App) error {
	if s.Templates == nil {
		return nil
	}
	switch {
	case s.Templates.Uses("static") && app.Named("static") == nil:
		return errors.New(`handlers: the pages use static files and no route is named "static": call site.Pages(app), or site.Routes(app) which does, or serve them with a StaticHandler and Name("static")`)
	case s.Templates.Uses("url") && !s.Templates.KnowsRoutes():
		return errors.New("handlers: the pages use url and know no routes: call site.Pages(app), or site.Routes(app) which does")
	}
	return nil
}

var errNoTemplates = errors.New("handlers: Site.Templates is nil: make it with templates.Parse")

// Get serves a file to be kept for a year without asking again: another content has
// another name. Any other name is 404.
func (h *StaticHandler) Get() error {
	file, ok := h.Site.Templates.Static(h.Var("file"))
	if !ok {
		return h.Abort(http.StatusNotFound)
	}
	header := h.Response.Header()
	header.Set("Content-Type", file.Type)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, err := h.Write(file.Data)
	return err
}
