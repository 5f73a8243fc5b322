package framework

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// ParseForm reads the query and the form of the request, multipart too, so that
// h.Request.Form, PostForm and MultipartForm hold them. The errors answer 400 for one
// that is malformed, 413 for one larger than App.MaxBodyBytes, 415 for a body that is no
// form. The body of a GET, HEAD, DELETE or OPTIONS has no meaning (RFC 9110 section 9.3.5):
// of those the query alone is read, and one that comes with a form answers 400.
func (h *RequestHandler) ParseForm() error { return h.parseForm(formMemory) }

// ParseFields is [RequestHandler.ParseForm] for a form of a few fields and no files, as
// to log in. Query and body may have limit bytes and 256 fields together; more answers
// 413, before it is parsed unless it is multipart. A file answers 400, and none is written
// to the temporary folder.
func (h *RequestHandler) ParseFields(limit int64) error {
	query := h.Request.URL.RawQuery
	left := limit - int64(len(query))
	if left < 0 {
		return Abort(http.StatusRequestEntityTooLarge, fmt.Sprintf("More than %d bytes.", limit))
	}
	fields := maxFields
	if query != "" {
		fields -= strings.Count(query, "&") + 1
	}
	if fields < 0 {
		return errManyFields
	}
	h.LimitBody(left)
	if hasBody(h.Request) && formKind(h.Request) == urlEncoded {
		h.Request.Body = &fewFields{h.Request.Body, fields} // LimitBody has made the copy
	}
	if err := h.parseForm(limit); err != nil {
		return err
	}
	fields = maxFields
	for _, values := range h.Request.Form {
		fields -= len(values)
	}
	if fields < 0 {
		return errManyFields
	}
	if form := h.Request.MultipartForm; form != nil && len(form.File) > 0 {
		return Abort(http.StatusBadRequest, "This form takes no files.")
	}
	return nil
}

// DecodeJSON reads the body, one JSON value, into v. The errors answer 400 for one that
// is malformed or does not fit v, 413 for one larger than App.MaxBodyBytes, 415 for a body
// that is not sent as JSON.
func (h *RequestHandler) DecodeJSON(v any) error {
	r := h.Request
	h.Response.json = true
	if !isJSON(r.Header.Get("Content-Type")) {
		return Abort(http.StatusUnsupportedMediaType, "JSON is expected.")
	}
	if r.Body == nil {
		return bodyError(io.EOF, "JSON")
	}
	decoder := json.NewDecoder(r.Body)
	if err := decoder.Decode(v); err != nil {
		if _, ok := errors.AsType[*json.InvalidUnmarshalError](err); ok {
			return fmt.Errorf("framework: DecodeJSON: %w", err)
		}
		return bodyError(err, "JSON")
	}
	if _, err := decoder.Token(); err != io.EOF {
		if err == nil {
			err = errors.New("more than one value")
		}
		return bodyError(err, "JSON")
	}
	return nil
}

// LimitBody bounds what is read of the request's body from now on: a read beyond it
// fails with an *[http.MaxBytesError], which answers 413. Call it before the body is
// read. It lowers App.MaxBodyBytes for this request and cannot raise it.
func (h *RequestHandler) LimitBody(bytes int64) {
	if r := h.Request; r.Body != nil && r.Body != http.NoBody {
		h.Request = withLimit(h.Response, r, bytes)
	}
}

// Text responds with plain text, in UTF-8. A Content-Type that was set before is kept.
//
//	return h.Text("hello")
func (h *RequestHandler) Text(s string) error {
	h.Response.contentType("text/plain; charset=utf-8")
	_, err := h.Response.WriteString(s)
	return err
}

// HTML responds with a page that is made, in UTF-8. It escapes nothing: use html/template
// for what came with a request. A Content-Type that was set before is kept.
func (h *RequestHandler) HTML(s string) error {
	h.Response.contentType("text/html; charset=utf-8")
	_, err := h.Response.WriteString(s)
	return err
}

// JSON writes v as the body, with the Content-Type application/json unless the handler
// has set another. A v that cannot be encoded is an error, and nothing is written.
func (h *RequestHandler) JSON(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("framework: JSON: %w", err)
	}
	h.Response.contentType("application/json")
	_, err = h.Write(append(body, '\n'))
	return err
}

// formMemory is how much of a multipart form is kept in memory; larger files go to
// the temporary folder, which on App Engine is memory as well.
const formMemory = 1 << 20

// urlEncoded is the Content-Type of a form, as browsers send it.
const urlEncoded = "application/x-www-form-urlencoded"

// maxFields bounds the fields of ParseFields: a field of two bytes costs a hundred times
// as much when it is parsed.
const maxFields = 256

var errManyFields = Abort(http.StatusRequestEntityTooLarge, fmt.Sprintf("More than %d fields.", maxFields))

// fewFields is the body of a form, whose reading fails if it has more than left fields.
type fewFields struct {
	io.ReadCloser
	left int
}

func (f *fewFields) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	f.left -= bytes.Count(p[:n], []byte("&"))
	if n > 0 && f.left <= 0 { // n fields have n-1 separators
		return 0, errManyFields
	}
	return n, err
}

// withLimit returns a copy of a request whose body can be read up to a limit. It is a copy
// because the server looks at the body of its own request to decide whether it may
// respond before it has read it, as it must if the client waits for 100 Continue before
// it sends any (RFC 9110 section 10.1.1).
func withLimit(w *Response, r *http.Request, bytes int64) *http.Request {
	limited := *r
	limited.Body = http.MaxBytesReader(w.writer, r.Body, bytes)
	return &limited
}

// removeUploads removes the temporary files of a request's form. The server does so only
// for the request that it made itself, and handlers are given copies of it.
func removeUploads(r *http.Request) {
	if r != nil && r.MultipartForm != nil {
		_ = r.MultipartForm.RemoveAll() // the temporary folder keeps what cannot be removed
	}
}

// removingUploads removes the uploads of a request when its handler has served it. It
// stands right before each http.Handler, so that it sees the copies of middleware.
// In another Router that is such a handler, it stands before each of its handlers.
func removingUploads(h http.Handler) http.Handler {
	if other, ok := h.(*mux.Router); ok {
		// The function returns no error, so Walk does not.
		_ = other.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
			if h := route.GetHandler(); h != nil {
				route.Handler(removingUploads(h))
			}
			return nil
		})
	}
	return uploads{h}
}

type uploads struct{ handler http.Handler }

func (u uploads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer removeUploads(r) // also if the handler panics
	u.handler.ServeHTTP(w, r)
}

// parseForm keeps files of up to memory bytes, all together, out of the temporary folder.
func (h *RequestHandler) parseForm(memory int64) error {
	r := h.Request
	if !hasBody(r) {
		if r.ContentLength != 0 && isForm(r) && r.PostForm == nil { // else middleware has read it, as one that changes the method does
			return Abort(http.StatusBadRequest, "The form of a ", r.Method, " is not read: put the values into the query.")
		}
		return bodyError(r.ParseForm(), "form")
	}
	switch formKind(r) {
	case urlEncoded:
		return bodyError(r.ParseForm(), "form")
	case "multipart/form-data":
		return bodyError(r.ParseMultipartForm(memory), "form")
	}
	return Abort(http.StatusUnsupportedMediaType, "A form is expected.")
}

// hasBody tells whether a request brings a body that ParseForm would read.
func hasBody(r *http.Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
	}
	return false
}

// formKind returns the media type of a request's body without its parameters.
func formKind(r *http.Request) string {
	kind := r.Header.Get("Content-Type")
	if kind != urlEncoded {
		kind, _, _ = mime.ParseMediaType(kind)
	}
	return kind
}

// isForm reports whether the body of a request is said to be a form.
func isForm(r *http.Request) bool {
	kind := formKind(r)
	return kind == urlEncoded || kind == "multipart/form-data"
}

// bodyError gives the error of reading a body its status.
func bodyError(err error, what string) error {
	if err == nil {
		return nil
	}
	if err == errManyFields {
		return err
	}
	if errors.Is(err, multipart.ErrMessageTooLarge) {
		return &Error{Code: http.StatusRequestEntityTooLarge, Message: "The form has too many or too large fields.", Err: err}
	}
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Error{Code: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("More than %d bytes.", large.Limit), Err: err}
	}
	return &Error{Code: http.StatusBadRequest, Message: "The " + what + " cannot be read.", Err: err}
}
