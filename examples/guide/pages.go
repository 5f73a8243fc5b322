package main

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/webapp2go/webapp2go/handlers"
)

// Home shows the board.
type Home struct {
	handlers.BaseHandler
	Notes *Notes
}

func (h *Home) Get() error {
	return h.Render("home", h.Notes.List())
}

const (
	maxText  = 500     // characters
	maxPhoto = 1 << 20 // bytes
)

// writeForm is what the page "write" shows: what was typed, and what is wrong with it.
type writeForm struct {
	Text   string
	Errors map[string]string // by the name of the field
}

// Write is the form for a new note. Its PrivateHandler asks for a login first.
type Write struct {
	handlers.PrivateHandler
	Notes *Notes
}

// Get shows an empty form.
func (h *Write) Get() error { return h.Render("write", writeForm{}) }

// Post puts the note on the board, or shows the form again with its errors.
func (h *Write) Post() error {
	h.LimitBody(maxPhoto + 64<<10)
	if err := h.ParseForm(); err != nil {
		return err
	}
	form := writeForm{Text: strings.TrimSpace(h.Request.PostForm.Get("text")), Errors: map[string]string{}}
	switch n := utf8.RuneCountInString(form.Text); {
	case n == 0:
		form.Errors["text"] = "A note needs a text."
	case n > maxText:
		form.Errors["text"] = "A note has at most 500 characters."
	}
	photo, problem := readPhoto(h.Request)
	if problem != "" {
		form.Errors["photo"] = problem
	}
	if len(form.Errors) > 0 {
		h.Response.WriteHeader(http.StatusUnprocessableEntity)
		return h.Render("write", form)
	}
	user, err := h.User()
	if err != nil {
		return err
	}
	h.Notes.Add(user.Name, form.Text, photo)
	h.Flash("Your note is on the board.", "success")
	return h.RedirectTo("home")
}

// readPhoto returns the file of the field "photo", or an empty Photo if none was chosen,
// and what is wrong with it. The type is what the bytes say, whatever the client says.
func readPhoto(r *http.Request) (photo Photo, problem string) {
	file, _, err := r.FormFile("photo")
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return Photo{}, ""
	}
	if err != nil {
		return Photo{}, "The photo did not arrive. Please choose it again."
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxPhoto+1))
	if err != nil || len(data) > maxPhoto {
		return Photo{}, "A photo has at most 1 MB."
	}
	kind := http.DetectContentType(data)
	if !slices.Contains([]string{"image/jpeg", "image/png", "image/webp"}, kind) {
		return Photo{}, "A photo must be a JPEG, PNG or WebP."
	}
	return Photo{Type: kind, Data: data}, ""
}

// PhotoPage serves the photo of a note.
type PhotoPage struct {
	handlers.BaseHandler
	Notes *Notes
}

func (h *PhotoPage) Get() error {
	id, err := h.IntVar("id")
	if err != nil {
		return err
	}
	note, ok := h.Notes.Find(id)
	if !ok || !note.HasPhoto {
		return h.Abort(http.StatusNotFound)
	}
	header := h.Response.Header()
	header.Set("Content-Type", note.Photo.Type)
	header.Set("Cache-Control", "public, max-age=86400")
	_, err = h.Write(note.Photo.Data)
	return err
}
