package framework_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

// Programs depend on these declarations. If a line no longer compiles, the change breaks those
// programs.

type pageContract struct{ framework.RequestHandler }

func (h *pageContract) Get() error { return nil }

var (
	_ func(*framework.App) http.Handler                                           = framework.To[pageContract, *pageContract]
	_ func(*framework.App, func(*pageContract) error) http.Handler                = framework.ToMethod[pageContract, *pageContract]
	_ func(*framework.App, func() *pageContract) http.Handler                     = framework.From[*pageContract]
	_ func(http.ResponseWriter, *http.Request, *framework.App, framework.Handler) = framework.Init
	_ func() *framework.App                                                       = framework.New
	_ func(code int, message ...any) error                                        = framework.Abort
	_ func(error) int                                                             = framework.Status
	_ error                                                                       = framework.ErrHeaderWritten
	_ func(next, fallback string) string                                          = framework.SafeNext
	_ func(context.Context, http.Handler) error                                   = framework.Serve
	_ framework.Handler                                                           = (*pageContract)(nil)
	_ error                                                                       = (*framework.Error)(nil)
	_ error                                                                       = (*framework.PanicError)(nil)
)

var _ interface {
	Dispatch() error
	HandleError(err error) error
	Context() context.Context
	Abort(code int, message ...any) error
	Redirect(to string) error
	RedirectCode(to string, code int) error
	RedirectTo(name string, pairs ...any) error
	RedirectAbort(to string, code int) error
	URL(name string, pairs ...any) (string, error)
	Route() *framework.Route
	Var(name string) string
	Vars() map[string]string
	IntVar(name string) (int64, error)
	ParseForm() error
	ParseFields(limit int64) error
	LimitBody(bytes int64)
	DecodeJSON(v any) error
	Write(p []byte) (int, error)
	JSON(v any) error
} = (*framework.RequestHandler)(nil)

var _ interface {
	ServeHTTP(w http.ResponseWriter, r *http.Request)
	URL(name string, pairs ...any) (*url.URL, error)
	AbsoluteURL(name string, pairs ...any) (*url.URL, error)
	Check() error
	ClientIP(r *http.Request) string
	Scheme(r *http.Request) string
} = (*framework.App)(nil)

var _ interface {
	http.ResponseWriter
	http.Flusher
	io.ReaderFrom
	BeforeSend(f func(http.ResponseWriter) error)
	Commit() error
	Reset()
	Status() int
	HeaderWritten() bool
	Unwrap() http.ResponseWriter
	SetWriteDeadline(deadline time.Time) error
	Hijack() (net.Conn, *bufio.ReadWriter, error)
} = (*framework.Response)(nil)

var _ interface {
	Run(ctx context.Context) error
} = framework.Server{}

// The fields, by name and type.
var (
	_ = framework.App{
		Router:       (*framework.Router)(nil),
		Debug:        false,
		Log:          (*slog.Logger)(nil),
		Init:         func(h framework.Handler) {},
		Errors:       map[int]framework.ErrorHandler{},
		Fallback:     func() framework.Handler { return nil },
		BaseURL:      "",
		BufferSize:   int(0),
		MaxBodyBytes: int64(0),
		CrossOrigin:  (*http.CrossOriginProtection)(nil),
		TrustedProxy: framework.NoProxy,
	}
	_                        = []framework.Proxy{framework.NoProxy, framework.AppEngine, framework.CloudRun, framework.Proxies(1)}
	_                        = framework.Error{Code: int(0), Message: "", Err: errors.New("")}
	_                        = framework.PanicError{Value: any(nil), Stack: []byte(nil)}
	_                        = framework.Server{Handler: http.Handler(nil), Addr: "", DrainTimeout: time.Duration(0)}
	_ framework.ErrorHandler = func(h framework.Handler, err error) error { return err }
)

// The fields of a handler. It has a lock, so that go vet reports a copy.
func _(h *framework.RequestHandler) (*framework.App, *http.Request, *framework.Response) {
	return h.App, h.Request, h.Response
}
