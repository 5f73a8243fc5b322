package framework_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

type statusError int

func (e statusError) Error() string   { return fmt.Sprint("asks for ", int(e)) }
func (e statusError) HTTPStatus() int { return int(e) }

func TestStatus(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"nil":                        {nil, 200},
		"any error":                  {io.EOF, 500},
		"Abort":                      {framework.Abort(404), 404},
		"Abort wrapped":              {fmt.Errorf("page: %w", framework.Abort(409)), 409},
		"Abort joined":               {errors.Join(io.EOF, framework.Abort(410)), 410},
		"the lowest":                 {framework.Abort(300), 300},
		"the highest":                {framework.Abort(599), 599},
		"below":                      {framework.Abort(299), 500},
		"above":                      {framework.Abort(600), 500},
		"zero":                       {framework.Abort(0), 500},
		"a nil *Error":               {(*framework.Error)(nil), 500},
		"HTTPStatus":                 {statusError(503), 503},
		"HTTPStatus wrapped":         {fmt.Errorf("save: %w", statusError(503)), 503},
		"HTTPStatus out of range":    {statusError(200), 500},
		"Error before HTTPStatus":    {&framework.Error{Code: 404, Err: statusError(503)}, 404},
		"too large a body":           {fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 1}), 413},
		"HTTPStatus before 413":      {errors.Join(&http.MaxBytesError{Limit: 1}, statusError(400)), 400},
		"a panic":                    {&framework.PanicError{Value: "x"}, 500},
		"a panic with an Abort":      {&framework.PanicError{Value: framework.Abort(404)}, 404},
		"a panic with another error": {&framework.PanicError{Value: io.EOF}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			if got := framework.Status(test.err); got != test.want {
				t.Errorf("Status(%v) is %d, want %d", test.err, got, test.want)
			}
		})
	}
}

func TestErrorTexts(t *testing.T) {
	for want, err := range map[string]error{
		"404 Not Found":                                  framework.Abort(404),
		"409 Conflict: ann is taken":                     framework.Abort(409, "ann", " is taken"),
		"409 Conflict: taken: EOF":                       &framework.Error{Code: 409, Message: "taken", Err: io.EOF},
		"500 Internal Server Error: EOF":                 &framework.Error{Code: 500, Err: io.EOF},
		"framework: panic: oh":                           &framework.PanicError{Value: "oh"},
		"framework: nil *Error":                          (*framework.Error)(nil),
		"framework: the header has been written already": framework.ErrHeaderWritten,
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
	if !errors.Is(&framework.Error{Code: 500, Err: io.EOF}, io.EOF) || !errors.Is(&framework.PanicError{Value: io.EOF}, io.EOF) {
		t.Error("the cause is not found")
	}
	if (*framework.Error)(nil).Unwrap() != nil || errors.Is(framework.Abort(404), io.EOF) {
		t.Error("a cause is found where there is none")
	}
}

// foreignSent is the error of a package that does not know framework.
type foreignSent struct{}

func (foreignSent) Error() string    { return "sessions: too late" }
func (foreignSent) HeaderSent() bool { return true }
func (foreignSent) Is(target error) bool {
	_, same := target.(interface{ HeaderSent() bool })
	return same
}

func TestErrHeaderWrittenMatchesThoseOfOtherPackages(t *testing.T) {
	if !errors.Is(fmt.Errorf("save: %w", foreignSent{}), framework.ErrHeaderWritten) || !errors.Is(fmt.Errorf("page: %w", framework.ErrHeaderWritten), foreignSent{}) {
		t.Error("errors of the same meaning do not match")
	}
	if errors.Is(framework.ErrHeaderWritten, io.EOF) || errors.Is(io.EOF, framework.ErrHeaderWritten) {
		t.Error("other errors match")
	}
}
