package framework_test

import (
	"fmt"
	"net/http"

	"github.com/webapp2go/webapp2go/framework"
)

// StaffHandler is a base: it sets the layout of every page that embeds it, and decides who may
// see them.
type StaffHandler struct{ framework.RequestHandler }

func (h *StaffHandler) Dispatch() error {
	fmt.Fprint(h, "[")
	err := h.RequestHandler.Dispatch()
	fmt.Fprint(h, "]")
	return err
}

func (h *StaffHandler) Guard() error {
	if h.Request.URL.Query().Get("who") != "ann" {
		return h.RedirectTo("login", "next", h.Request.URL.Path) // a response: Get does not run
	}
	return nil
}

type ReportHandler struct{ StaffHandler }

func (h *ReportHandler) Get() error {
	_, err := fmt.Fprint(h, "the report")
	return err
}

type LoginHandler struct{ framework.RequestHandler }

func (h *LoginHandler) Get() error { return nil }

// A base overrides Dispatch to do something before and after the action. Its Guard
// decides who may use the pages.
func ExampleRequestHandler_Dispatch() {
	app := framework.New()
	app.Handle("/report", framework.To[ReportHandler](app))
	app.Handle("/login", framework.To[LoginHandler](app)).Name("login")

	try(app, "GET", "/report?who=ann")
	try(app, "GET", "/report?who=stranger")
	// Output:
	// GET /report?who=ann: 200 [the report]
	// GET /report?who=stranger: 302 Location: /login?next=%2Freport ]
}

// DocumentHandler responds to some errors itself, and leaves the others to the App.
type DocumentHandler struct{ framework.RequestHandler }

func (h *DocumentHandler) Get() error {
	id, err := h.IntVar("id")
	if err != nil {
		return err
	}
	return h.Abort(http.StatusGone, "document ", id)
}

func (h *DocumentHandler) HandleError(err error) error {
	if framework.Status(err) >= 500 {
		return err
	}
	_, err = fmt.Fprint(h, "sorry: ", err)
	return err
}

func ExampleRequestHandler_HandleError() {
	app := framework.New()
	app.Handle("/documents/{id}", framework.To[DocumentHandler](app))

	try(app, "GET", "/documents/7")
	try(app, "GET", "/documents/seven")
	// Output:
	// GET /documents/7: 410 sorry: 410 Gone: document 7
	// GET /documents/seven: 404 sorry: 404 Not Found: strconv.ParseInt: parsing "seven": invalid syntax
}
