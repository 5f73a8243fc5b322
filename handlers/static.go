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
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/templates"
)

// StaticHandler serves the static files of the site's templates, at addresses that contain
// their hash. Its route has the variable file, for the rest of the path. It reads no session.
// [Site.Pages] adds it.
//
//	app.Handle(templates.StaticPath+"{file:.+}", framework.To[handlers.StaticHandler](app)).Name("static")
type StaticHandler struct{ BaseHandler }

// Ready also reports if the site has no templates, and if they name routes that do not
// exist. A site has one StaticHandler, so each mistake is reported once.
func (h *StaticHandler) Ready() error {
	if err := h.BaseHandler.Ready(); err != nil {
		return err
	}
	if h.Site.Templates == nil {
		return errNoTemplates
	}
	return h.Site.Templates.CheckURLs()
}

// checkTemplates reports that the pages use routes or static files which were not added to
// the App.
func (s *Site) checkTemplates(app *framework.App) error {
	if s.Templates == nil {
		return nil
	}
	switch {
	case s.Templates.Uses("static") && app.Named("static") == nil:
		return errors.New(`handlers: the pages use static files, but no route is named "static": call site.Pages(app), or site.Routes(app), which does so, or serve them with a StaticHandler and Name("static")`)
	case s.Templates.Uses("url") && !s.Templates.KnowsRoutes():
		return errors.New("handlers: the pages use url, but the routes are not known to them: call site.Pages(app), or site.Routes(app), which does so")
	}
	return nil
}

var errNoTemplates = errors.New("handlers: Site.Templates is nil: make it with templates.Parse")

// Get serves a file that browsers may keep for a year, because other contents have another
// address. It redirects from the address of another version of the site, or from one without
// the hash, to the current address. Any other address is 404.
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

// A rootHandler serves a file of the folder root. Its address has no hash, so browsers may
// keep it for an hour.
type rootHandler struct{ BaseHandler }

func (h *rootHandler) Get() error {
	file, ok := h.Site.Templates.Root(strings.TrimPrefix(h.Request.URL.Path, "/"))
	if !ok {
		return h.Abort(http.StatusNotFound)
	}
	return h.sendFile(file, "public, max-age=3600")
}

// sendFile serves a file, as gzip if the client accepts it, or the ranges of it that the
// client asks for.
func (h *BaseHandler) sendFile(file templates.File, control string) error {
	header := h.Response.Header()
	header.Set("Content-Type", file.Type)
	header.Set("Cache-Control", control)
	if gzipped := file.Gzip(); gzipped != nil {
		h.addVary("Accept-Encoding")
		if h.Request.Header.Get("Range") == "" && acceptsGzip(h.Request.Header) {
			header.Set("Content-Encoding", "gzip")
			header.Set("Content-Length", strconv.Itoa(len(gzipped)))
			_, err := h.Response.Write(gzipped)
			return err
		}
	}
	http.ServeContent(h.Response, h.Request, "", time.Time{}, bytes.NewReader(file.Data))
	return nil
}

// acceptsGzip reports whether a client accepts a response in gzip (RFC 9110 section 12.5.3).
func acceptsGzip(header http.Header) bool {
	others := false // whether a coding that the header does not name is accepted
	for _, line := range header["Accept-Encoding"] {
		for element := range strings.SplitSeq(line, ",") {
			coding, weight, _ := strings.Cut(strings.ToLower(element), ";")
			_, q, _ := strings.Cut(weight, "q=")
			yes := strings.Trim(q, " \t0.") != "" || strings.TrimSpace(q) == ""
			switch strings.TrimSpace(coding) {
			case "gzip", "x-gzip":
				return yes
			case "*":
				others = yes
			}
		}
	}
	return others
}

// FileHandler serves the files of a folder that is not part of the templates: a large one,
// one that another program writes, or the uploads of users. It does not list folders, has no
// index pages, and hides files and folders whose name begins with a dot: all of these are
// 404. Its route has the variable file, for the rest of the path.
//
//	app.Handle("/uploads/{file:.+}", framework.From(app, func() *handlers.FileHandler {
//		return &handlers.FileHandler{Files: uploads.FS()} // uploads is an *os.Root
//	}))
//
// The responses have the site's security headers, so that a page that a user has uploaded
// cannot run a script unless the site's CSP allows it. It reads no session.
type FileHandler struct {
	BaseHandler
	// Files are the files. It must be set. A symbolic link can lead out of os.DirFS, but
	// not out of os.Root.FS.
	Files fs.FS
	// CacheControl is the header Cache-Control. If empty, it is "no-cache": browsers ask
	// each time, and get 304 if the file has not changed.
	CacheControl string
}

// Ready also reports if there are no Files.
func (h *FileHandler) Ready() error {
	if err := h.BaseHandler.Ready(); err != nil {
		return err
	}
	if h.Files == nil {
		return errors.New("handlers: FileHandler.Files is nil: set it, for example to the FS of an os.Root")
	}
	return nil
}

// Get serves a file, or the ranges of it that the client asks for.
func (h *FileHandler) Get() error {
	name, ok := h.Vars()["file"]
	if !ok {
		return fmt.Errorf(`handlers: the route %q of a FileHandler has no variable named file: end it with "{file:.+}"`, h.Request.Pattern)
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

// notServed responds with 404 for a file that cannot be opened, unless the machine is at fault. A
// name that leads through a file, or out of the folder, is 404 too.
func (h *FileHandler) notServed(err error) error {
	for _, fault := range []error{syscall.EIO, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, fault) {
			return fmt.Errorf("handlers: a file cannot be served: %w", err)
		}
	}
	return h.Abort(http.StatusNotFound)
}
