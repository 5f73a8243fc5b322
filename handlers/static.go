package handlers

import "net/http"

// StaticHandler serves the static files of the site's templates, each under a name
// that holds the hash of its content. It touches no session.
type StaticHandler struct{ BaseHandler }

// Get serves a file to be kept for a year without asking again: another content has
// another name. Any other name is 404.
func (h *StaticHandler) Get() error {
	file, ok := h.Site.Templates.Static(h.Vars["file"])
	if !ok {
		return h.Abort(http.StatusNotFound)
	}
	header := h.Response.Header()
	header.Set("Content-Type", file.Type)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, err := h.Write(file.Data)
	return err
}
