package webapp2

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/webapp2go/webapp2go/framework"
)

// Get returns the first value of a name in the request, as webapp2's request.get did: the
// values of the query come before those of the form, and a file that was uploaded is its
// content. If there is no value, Get returns the default.
//
// The form of a POST, PUT or PATCH is read. The body can still be read with [Body],
// unless it is multipart. A form that is malformed or larger than App.MaxBodyBytes ends
// the request, as it did in webapp2: Get panics with an error of status 400 or 413, which
// becomes the response. To handle the error, call h.ParseForm before.
func Get(h framework.Handler, name, defaultValue string) string {
	if values := values(h, name); len(values) > 0 {
		return values[0]
	}
	return defaultValue
}

// GetAll returns all values of a name, see [Get]: those of the query come first. If there is
// none, it returns nil.
func GetAll(h framework.Handler, name string) []string { return values(h, name) }

// GetRange returns the value of a name as a number between two bounds, see [Get]. If there is
// none, or it is not a whole number, the value is the default, which the bounds limit too. Use
// math.MinInt and math.MaxInt for no bound.
func GetRange(h framework.Handler, name string, lowest, highest, defaultValue int) int {
	text := strings.TrimSpace(Get(h, name, ""))
	if strings.HasPrefix(text, "_") || strings.HasSuffix(text, "_") || strings.Contains(text, "__") {
		text = ""
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 0)
	if err != nil && n == 0 { // out of range is the nearest number
		n = int64(defaultValue)
	}
	return max(min(int(n), highest), lowest)
}

// Arguments returns the names that have values, each once: those of the query in its order,
// then those of the form in its order. The names of a multipart form are sorted. See [Get].
func Arguments(h framework.Handler) []string {
	r := parse(h)
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	addEncoded := func(encoded string) {
		for pair := range strings.SplitSeq(encoded, "&") {
			name, _, _ := strings.Cut(pair, "=")
			if name, err := url.QueryUnescape(name); err == nil && pair != "" {
				add(name)
			}
		}
	}
	addEncoded(r.URL.RawQuery)
	if body, ok := r.Body.(*keptBody); ok && isURLEncoded(r) {
		addEncoded(string(body.data))
		return names
	}
	var others []string
	for name := range r.PostForm {
		others = append(others, name)
	}
	if r.MultipartForm != nil {
		for name := range r.MultipartForm.File {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	for _, name := range others {
		add(name)
	}
	return names
}

// Body returns the body of the request, as webapp2's request.body did. It can be called more
// than once, and before or after [Get]. It reads at most App.MaxBodyBytes; the status of the
// error for a larger body is 413. The body of a multipart form is empty after [Get].
func Body(h framework.Handler) ([]byte, error) {
	rh := framework.RequestHandlerOf(h)
	if rh.Request.Body == nil {
		return nil, nil
	}
	if kept, ok := rh.Request.Body.(*keptBody); ok {
		return kept.data, nil
	}
	data, err := io.ReadAll(rh.Request.Body)
	if err != nil {
		return nil, fmt.Errorf("webapp2: reading the body: %w", err)
	}
	rh.Request.Body = &keptBody{bytes.NewReader(data), rh.Request.Body, data}
	return data, nil
}

// keptBody is a body that has been read.
type keptBody struct {
	io.Reader
	io.Closer
	data []byte
}

// values returns the values of a name, those of the query first.
func values(h framework.Handler, name string) []string {
	r := parse(h)
	if r.MultipartForm == nil {
		// r.Form has the values of the body first.
		all, posted := r.Form[name], len(r.PostForm[name])
		if posted == 0 || posted >= len(all) {
			return slices.Clone(all)
		}
		return append(slices.Clone(all[posted:]), all[:posted]...)
	}
	list := slices.Clone(r.URL.Query()[name])
	list = append(list, r.MultipartForm.Value[name]...)
	for _, header := range r.MultipartForm.File[name] {
		file, err := header.Open()
		if err != nil {
			panic(fmt.Errorf("webapp2: reading the uploaded file %q: %w", name, err))
		}
		content, err := io.ReadAll(file)
		file.Close()
		if err != nil {
			panic(fmt.Errorf("webapp2: reading the uploaded file %q: %w", name, err))
		}
		list = append(list, string(content))
	}
	return list
}

// parse reads query and form, and leaves the body to be read again.
func parse(h framework.Handler) *http.Request {
	rh := framework.RequestHandlerOf(h)
	if rh.Request.Form != nil {
		return rh.Request
	}
	var err error
	switch method := rh.Request.Method; {
	case method != http.MethodPost && method != http.MethodPut && method != http.MethodPatch, rh.Request.Body == nil, rh.Request.ContentLength == 0:
		err = parseQuery(rh.Request)
	case isURLEncoded(rh.Request):
		var data []byte
		if data, err = Body(h); err == nil {
			kept, _ := rh.Request.Body.(*keptBody)
			kept.Reader = bytes.NewReader(data) // it may have been read
			err = rh.ParseForm()
			kept.Reader = bytes.NewReader(data)
		}
	case mediaType(rh.Request) == "multipart/form-data":
		err = rh.ParseForm()
	default: // JSON, for example
		err = parseQuery(rh.Request)
	}
	if err != nil {
		panic(err)
	}
	return rh.Request
}

// parseQuery reads the query alone.
func parseQuery(r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &framework.Error{Code: http.StatusBadRequest, Message: "The query is malformed.", Err: err}
	}
	r.Form, r.PostForm = query, url.Values{}
	return nil
}

func mediaType(r *http.Request) string {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind
}

func isURLEncoded(r *http.Request) bool {
	return mediaType(r) == "application/x-www-form-urlencoded"
}

// StrictSlash makes a route for a path, as Router.Handle does, and a second one that redirects
// the other form of the path to it: with a slash at its end, or without. It is webapp2's
// RedirectRoute with strict_slash=True.
//
//	webapp2.StrictSlash(app.Router, "/about", framework.To[About](app)).Name("about")
//
// The path "/" has no other form.
func StrictSlash(rt *framework.Router, path string, h http.Handler) *framework.Route {
	route := rt.Handle(path, h)
	if other := strings.TrimSuffix(path, "/"); other != path && other != "" {
		rt.Handle(other, framework.SlashRedirect())
	} else if other == path && path != "" {
		rt.Handle(path+"/", framework.SlashRedirect())
	}
	return route
}
