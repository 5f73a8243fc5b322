package framework_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/webapp2go/webapp2go/framework"
)

func ExampleAbort() {
	err := framework.Abort(http.StatusConflict, "the name ", "ann", " is taken")
	fmt.Println(framework.Status(err), err)
	// Output:
	// 409 409 Conflict: the name ann is taken
}

func ExampleError() {
	_, cause := os.ReadFile("no such file")
	err := fmt.Errorf("page: %w", &framework.Error{Code: http.StatusNotFound, Message: "There is no such page.", Err: cause})
	fmt.Println(framework.Status(err), errors.Is(err, os.ErrNotExist))
	// Output:
	// 404 true
}

type QuotaError struct{}

func (QuotaError) Error() string   { return "no more today" }
func (QuotaError) HTTPStatus() int { return http.StatusTooManyRequests }

// An error of a package that does not import this one can have a status.
func ExampleStatus() {
	fmt.Println(framework.Status(nil), framework.Status(errors.New("any other")), framework.Status(QuotaError{}))
	// Output:
	// 200 500 429
}

func ExampleSafeNext() {
	for _, next := range []string{"/cart?page=2", "//evil.example", "https://evil.example", ""} {
		fmt.Println(framework.SafeNext(next, "/account"))
	}
	// Output:
	// /cart?page=2
	// /account
	// /account
	// /account
}

// APIHandler is the base of the handlers that programs ask: their errors are JSON.
type APIHandler struct{ framework.RequestHandler }

func (h *APIHandler) IsAPI() bool { return true }

type PriceHandler struct{ APIHandler }

func (h *PriceHandler) Get() error { return h.Abort(http.StatusNotFound, "There is no such price.") }

func ExampleRequestHandler_IsAPI() {
	app := framework.New()
	app.Handle("/prices/{id}", framework.To[PriceHandler](app))

	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, httptest.NewRequest("GET", "/prices/7", nil))
	fmt.Print(answer.Body)
	// Output:
	// {"status":404,"error":"Not Found","message":"There is no such price."}
}

// An ErrorHandler writes to the handler that it is given, or calls a method of it.
func ExampleErrorHandler() {
	app := framework.New()
	app.Errors[http.StatusNotFound] = func(h framework.Handler, err error) error {
		_, failed := fmt.Fprintln(h.(io.Writer), "We have no such price.")
		return failed
	}
	app.Handle("/prices/{id}", framework.To[PriceHandler](app))

	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, httptest.NewRequest("GET", "/prices/7", nil))
	fmt.Print(answer.Code, " ", answer.Body)
	// Output:
	// 404 We have no such price.
}
