package main

import (
	"cmp"
	"embed"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

//go:embed pages
var pages embed.FS

const (
	shown   = 10   // entries on a page
	longest = 2000 // characters of an entry

	formBytes = 32 << 10 // of the form, in which a character can take 12
)

// bookName is what a guestbook may be called, as the routes have it too.
var bookName = regexp.MustCompile(`^` + bookPattern + `$`)

const bookPattern = `[\w-]{1,40}`

// Home leads to a guestbook: the one asked for, else the one signed last.
type Home struct{ handlers.BaseHandler }

func (h *Home) Get() error {
	signed, _ := sessions.Get[string](h.Session(), "book")
	book := cmp.Or(h.Request.FormValue("book"), signed, "default")
	if !bookName.MatchString(book) {
		return h.Abort(http.StatusBadRequest, "A guestbook's name is up to 40 letters, digits, _ and -.")
	}
	return h.RedirectTo("book", "book", book)
}

// Page shows the newest entries of a guestbook, and takes another.
type Page struct {
	handlers.BaseHandler
	Book Book
}

func (h *Page) Get() error {
	entries, err := h.Book.Newest(h.Context(), h.Var("book"), shown)
	if err != nil {
		return err
	}
	author, err := author(&h.BaseHandler)
	if err != nil {
		return err
	}
	return h.Render("book", struct {
		Name, User, Path string
		Longest          int
		Entries          []Entry
	}{h.Var("book"), author, h.Request.URL.Path, longest, entries})
}

func (h *Page) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	content := strings.TrimSpace(h.Request.PostForm.Get("content"))
	if n := utf8.RuneCountInString(content); n == 0 || n > longest {
		return h.Abort(http.StatusBadRequest, "An entry has between 1 and 2000 characters.")
	}
	author, err := author(&h.BaseHandler)
	if err != nil {
		return err
	}
	if err := h.Book.Sign(h.Context(), h.Var("book"), author, content); err != nil {
		return err
	}
	h.Session().Set("book", h.Var("book"))
	h.Flash("Thank you for signing.", "success")
	return h.RedirectTo("book", "book", h.Var("book"))
}

// Remove takes out an entry of one's own.
type Remove struct {
	handlers.PrivateHandler
	Book Book
}

func (h *Remove) Post() error {
	id, err := h.IntVar("id")
	if err != nil {
		return err
	}
	author, err := author(&h.BaseHandler)
	if err != nil {
		return err
	}
	if err := h.Book.Remove(h.Context(), h.Var("book"), id, author); err != nil {
		return err
	}
	h.Flash("Your entry is gone.", "info")
	return h.RedirectTo("book", "book", h.Var("book"))
}

// HandleError gives an entry that is not there the status it deserves.
func (h *Remove) HandleError(err error) error {
	if errors.Is(err, errNotFound) {
		return framework.Abort(http.StatusNotFound, "There is no such entry of yours.")
	}
	return h.PrivateHandler.HandleError(err)
}

// author is the name of who is logged in, in the form in which webapp2 kept names;
// empty: nobody is. Names that differ in case are one user's.
func author(h *handlers.BaseHandler) (string, error) {
	user, err := h.User()
	if user == nil {
		return "", err
	}
	return strings.ToLower(user.Name), nil
}
