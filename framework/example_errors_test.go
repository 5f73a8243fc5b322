package framework_test

import (
	"errors"
	"fmt"
	"net/http"
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

// An error of a package that knows nothing of this one may say its status.
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
