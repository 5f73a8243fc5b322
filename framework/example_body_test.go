package framework_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"

	"github.com/webapp2go/webapp2go/framework"
)

type SignHandler struct{ framework.RequestHandler }

func (h *SignHandler) Post() error {
	if err := h.ParseForm(); err != nil {
		return err
	}
	_, err := fmt.Fprint(h, "signed by ", h.Request.PostForm.Get("name"))
	return err
}

func (h *SignHandler) Put() error {
	var guest struct {
		Name string `json:"name"`
	}
	if err := h.DecodeJSON(&guest); err != nil {
		return err
	}
	return h.JSON(guest)
}

func ExampleRequestHandler_ParseForm() {
	app := framework.New()
	app.Handle("/", framework.To[SignHandler](app))

	r := httptest.NewRequest("POST", "/", strings.NewReader("name=Ann"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, r)
	fmt.Println(answer.Code, answer.Body)
	// Output:
	// 200 signed by Ann
}

// SubscribeHandler takes a form with one short field.
type SubscribeHandler struct{ framework.RequestHandler }

func (h *SubscribeHandler) Post() error {
	if err := h.ParseFields(1 << 10); err != nil {
		return err
	}
	_, err := fmt.Fprint(h, "thank you, ", h.Request.PostForm.Get("name"))
	return err
}

func ExampleRequestHandler_ParseFields() {
	app := framework.New()
	app.Handle("/", framework.To[SubscribeHandler](app))

	for _, name := range []string{"Ann", strings.Repeat("Ann", 1000)} {
		r := httptest.NewRequest("POST", "/", strings.NewReader("name="+name))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		app.ServeHTTP(answer, r)
		fmt.Println(answer.Code)
	}
	// Output:
	// 200
	// 413
}

// NoteHandler takes a note of up to 4 KiB as its body.
type NoteHandler struct{ framework.RequestHandler }

func (h *NoteHandler) Put() error {
	h.LimitBody(4 << 10)
	note, err := io.ReadAll(h.Request.Body)
	if err != nil {
		return err // responds with 413 if it is longer
	}
	_, err = fmt.Fprintf(h, "%d bytes", len(note))
	return err
}

func ExampleRequestHandler_LimitBody() {
	app := framework.New()
	app.Handle("/", framework.To[NoteHandler](app))

	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, httptest.NewRequest("PUT", "/", strings.NewReader("buy milk")))
	fmt.Println(answer.Code, answer.Body)
	// Output:
	// 200 8 bytes
}

func ExampleRequestHandler_DecodeJSON() {
	app := framework.New()
	app.Handle("/", framework.To[SignHandler](app))

	for _, body := range []string{`{"name":"Ann"}`, `{"name":7}`} {
		r := httptest.NewRequest("PUT", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json")
		answer := httptest.NewRecorder()
		app.ServeHTTP(answer, r)
		fmt.Print(answer.Code, " ", answer.Body)
	}
	// Output:
	// 200 {"name":"Ann"}
	// 400 {"status":400,"error":"Bad Request","message":"The JSON cannot be read."}
}
