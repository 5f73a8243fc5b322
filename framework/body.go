package framework

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// ParseForm reads the query and the form of the request into h.Request.Form, PostForm and
// MultipartForm. The status of its error is 400 if the form is malformed, 413 if it is
// larger than App.MaxBodyBytes, and 415 if the body is not a form. If there is no folder for
// temporary files, a form with more than 1 MiB of files is a 500. The body of a GET,
// HEAD, DELETE or OPTIONS has no meaning (RFC 9110 section 9.3): ParseForm reads the
// query of such a request, and returns an error with status 400 if it has a form.
func (h *RequestHandler) ParseForm() error { return h.parseForm(formMemory) }

// ParseFields is like [RequestHandler.ParseForm], for a form of a few fields without
// files, such as a login. Limit bounds the query and the body together, in bytes;
// together they may have 256 fields. If there is more, the status of the error is 413. A
// form with a file is 400. No file is written to the temporary folder.
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
		h.Request.Body = &fewFields{h.Request.Body, fields} // LimitBody has copied the request
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

// DecodeJSON reads the body, one JSON value, into v. The status of its error is 400 if
// the body is malformed or does not fit v, 413 if it is larger than App.MaxBodyBytes, and
// 415 if its Content-Type is not JSON.
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

// LimitBody bounds what is read of the body from now on, in bytes. A read beyond it
// returns an *[http.MaxBytesError], whose status is 413. Call it before the body is read.
// It cannot raise the limit of App.MaxBodyBytes.
func (h *RequestHandler) LimitBody(bytes int64) {
	if r := h.Request; r.Body != nil && r.Body != http.NoBody {
		h.Request = withLimit(h.Response, r, bytes)
	}
}

// formMemory is how much of a multipart form is kept in memory. Larger files are written
// to the temporary folder, which on App Engine is memory too.
const formMemory = 1 << 20

// urlEncoded is the Content-Type of a form without files.
const urlEncoded = "application/x-www-form-urlencoded"

// maxFields bounds the fields of ParseFields. A parsed field takes a hundred times the
// memory of its two bytes.
const maxFields = 256

var errManyFields = Abort(http.StatusRequestEntityTooLarge, fmt.Sprintf("More than %d fields.", maxFields))

// A fewFields is the body of a form. Reading more than left fields is an error.
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

// withLimit returns a copy of a request with a bounded body. It is a copy because
// net/http inspects the body of its own request to handle "Expect: 100-continue" (RFC
// 9110 section 10.1.1).
func withLimit(w *Response, r *http.Request, bytes int64) *http.Request {
	limited := *r
	limited.Body = http.MaxBytesReader(w.writer, r.Body, bytes)
	return &limited
}

// removingUploads returns a handler that removes the uploads of a request after h has
// served it. It is next to each http.Handler, so that it sees the copies that middleware
// makes. In a mux.Router, it wraps each handler.
func removingUploads(h http.Handler) http.Handler {
	if other, ok := h.(*mux.Router); ok {
		// The function returns no error.
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

// parseForm is ParseForm, with files of up to memory bytes in total kept in memory.
func (h *RequestHandler) parseForm(memory int64) error {
	r := h.Request
	if !hasBody(r) {
		if r.ContentLength != 0 && isForm(r) && r.PostForm == nil { // unless middleware has read it, such as one that overrides the method
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

// hasBody reports whether a request has a body that ParseForm reads.
func hasBody(r *http.Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
	}
	return false
}

// formKind returns the media type of a request's body, without parameters.
func formKind(r *http.Request) string {
	kind := r.Header.Get("Content-Type")
	if kind != urlEncoded {
		kind, _, _ = mime.ParseMediaType(kind)
	}
	return kind
}

// isForm reports whether the Content-Type of a request is a form's.
func isForm(r *http.Request) bool {
	kind := formKind(r)
	return kind == urlEncoded || kind == "multipart/form-data"
}

// bodyError gives an error of reading a body its status.
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
	if file, ok := errors.AsType[*fs.PathError](err); ok { // the client has done nothing wrong
		return fmt.Errorf("framework: a file of a form cannot be kept: it needs a folder for temporary files with room, such as /tmp or that of TMPDIR: %w", file)
	}
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Error{Code: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("More than %d bytes.", large.Limit), Err: err}
	}
	return &Error{Code: http.StatusBadRequest, Message: "The " + what + " cannot be read.", Err: err}
}
