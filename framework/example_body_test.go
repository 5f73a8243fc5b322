package framework_test

import (
	"fmt"
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
