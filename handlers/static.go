package handlers

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/templates"
)

// StaticHandler serves the static files of the site's templates, each under an address
// that holds their hash. Its route has the variable file, for the rest of the path. It
// touches no session. [Site.Pages] adds it.
//
//	app.Handle(templates.StaticPath+"{file:.+}", framework.To[handlers.StaticHandler](app)).Name("static")
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
// another address. An address of another version of the site, or one without the hash,
// leads to the one that the file has now. Any other is 404.
func (h *StaticHandler) Get() error {
	address := h.Var("file")
	if file, ok := h.Site.Templates.Static(address); ok {
		return h.sendFile(file, "public, max-age=31536000, immutable")
	}
	current, ok := h.Site.Templates.CurrentURL(address)
	if !ok {
		return h.Abort(http.StatusNotFound)
	}
	h.Response.Header().Set("Cache-Control", "no-store")
	return h.Redirect(h.Prefix() + current)
}

// A rootHandler serves a file of the folder root at its own name. There is no hash in the
// address, so it is kept for an hour.
type rootHandler struct{ BaseHandler }

func (h *rootHandler) Get() error {
	file, ok := h.Site.Templates.Root(strings.TrimPrefix(h.Request.URL.Path, "/"))
	if !ok {
		return h.Abort(http.StatusNotFound)
	}
	return h.sendFile(file, "public, max-age=3600")
}

// sendFile serves a file, whole or the ranges that the client asks for.
func (h *BaseHandler) sendFile(file templates.File, control string) error {
	header := h.Response.Header()
	header.Set("Content-Type", file.Type)
	header.Set("Cache-Control", control)
	http.ServeContent(h.Response, h.Request, "", time.Time{}, bytes.NewReader(file.Data))
	return nil
}

// FileHandler serves the files of a folder that is not part of the templates: one that is
// large, that another program writes, or that users have filled. It lists no folder, has no
// index pages and shows nothing whose name, or a folder's, begins with a dot; all of these
// are 404. Its route has the variable file, for the rest of the path.
//
//	app.Handle("/uploads/{file:.+}", framework.From(app, func() *handlers.FileHandler {
//		return &handlers.FileHandler{Files: uploads.FS()} // uploads is an *os.Root
//	}))
//
// The responses have the site's security headers, so that a page that a user has uploaded
// can run no script where the Policy allows none. It touches no session.
type FileHandler struct {
	BaseHandler
	// Files are the files; it must be set. Those of os.Root.FS cannot be left by a
	// symbolic link, those of os.DirFS can.
	Files fs.FS
	// CacheControl is the header of that name. If empty, "no-cache": browsers ask each
	// time, and get 304 if the file has not changed since.
	CacheControl string
}

// Ready reports that there are no Files.
func (h *FileHandler) Ready() error {
	if err := h.BaseHandler.Ready(); err != nil {
		return err
	}
	if h.Files == nil {
		return errors.New("handlers: FileHandler.Files is nil: set it, for example to that of os.OpenRoot(folder).FS()")
	}
	return nil
}

// Get serves a file, whole or the ranges that the client asks for.
func (h *FileHandler) Get() error {
	name, ok := h.Vars()["file"]
	if !ok {
		return fmt.Errorf(`handlers: the route %q of a FileHandler has no variable file: end it with "{file:.+}"`, h.Request.Pattern)
	}
	if !fs.ValidPath(name) || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") {
		return h.Abort(http.StatusNotFound)
	}
	file, err := h.Files.Open(name)
	if err != nil {
		return h.notServed(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return h.notServed(err)
	}
	if !info.Mode().IsRegular() {
		return h.Abort(http.StatusNotFound)
	}
	content, ok := file.(io.ReadSeeker)
	if !ok {
		data, err := io.ReadAll(file)
		if err != nil {
			return h.notServed(err)
		}
		content = bytes.NewReader(data)
	}
	h.Response.Header().Set("Cache-Control", cmp.Or(h.CacheControl, "no-cache"))
	http.ServeContent(h.Response, h.Request, path.Base(name), info.ModTime(), content)
	return nil
}

// notServed answers 404, as for a name that leads through a file or by a link out of the
// folder, unless the machine is at fault.
func (h *FileHandler) notServed(err error) error {
	for _, fault := range []error{syscall.EIO, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, fault) {
			return fmt.Errorf("handlers: a file cannot be served: %w", err)
		}
	}
	return h.Abort(http.StatusNotFound)
}
