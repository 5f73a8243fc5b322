package vectors

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/webapp2go/webapp2go/framework"
)

// A step is one operation of a declared handler.
type step struct {
	Op      string
	Session string
	Key     string
	Value   json.RawMessage
	Default json.RawMessage
	MaxAge  int `json:"max_age"`
	Level   string
	Name    string
	Text    string
	Type    string
	Message string
	Detail  string
	Code    *int
	Status  int
	Headers [][2]string

	URI, Location    string
	Permanent, Abort bool
	Return           *bool
	Args             []any
	Kwargs           map[string]any
	Body             json.RawMessage // text, or the steps of a try
	Except           []step
}

func (s step) code() int {
	if s.Code == nil {
		return 0
	}
	return *s.Code
}

// errEnd ends a list of steps that has answered: what return does in Go.
var errEnd = errors.New("end of steps")

// run runs steps in order. cause is the error that HandleError or an error handler
// was given.
func (s *script) run(steps []step, cause error) error {
	for _, step := range steps {
		err := s.step(step, cause)
		if errors.Is(err, errEnd) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *script) step(op step, cause error) error {
	w := s.Response
	switch op.Op {
	case "write":
		fmt.Fprint(s, op.Text)
	case "write_error":
		fmt.Fprintf(s, "[%v]", cause)
	case "write_error_code":
		code := "none"
		if e, ok := errors.AsType[*framework.Error](cause); ok {
			code = strconv.Itoa(e.Code)
		}
		fmt.Fprintf(s, "[%s]", code)
	case "set_header":
		w.Header().Set(op.Name, op.text())
	case "set_cookie":
		http.SetCookie(w, &http.Cookie{Name: op.Name, Value: op.text(), Path: "/"})
	case "set_status":
		w.WriteHeader(op.code())
	case "clear":
		w.Reset()
	case "error": // webapp2's error(): the status, an empty body, and on it goes
		w.Reset()
		w.WriteHeader(op.code())
	case "raise":
		return fmt.Errorf("%s: %s", op.Type, op.Message)
	case "abort":
		return s.abort(op)
	case "return_response": // there is one Response: it is filled
		w.Reset()
		if op.Status != 0 {
			w.WriteHeader(op.Status)
		}
		fmt.Fprint(s, op.bodyText())
		return errEnd
	case "redirect":
		return s.redirect(op.URI, op)
	case "redirect_to":
		to, err := s.build(op)
		if err != nil {
			return err
		}
		return s.redirect(to, redirectOptions(op.Kwargs))
	case "uri_for":
		to, err := s.build(op)
		if err != nil {
			return err
		}
		fmt.Fprint(s, to)
	case "super":
		if cause != nil {
			return s.RequestHandler.HandleError(cause)
		}
		return s.RequestHandler.Dispatch()
	case "try":
		var body []step
		if err := json.Unmarshal(op.Body, &body); err != nil {
			return err
		}
		if err := s.run(body, cause); err != nil {
			return s.run(op.Except, err)
		}
	default:
		return s.sessionStep(op)
	}
	return nil
}

// text is a value that is text.
func (s step) text() string {
	var text string
	if json.Unmarshal(s.Value, &text) != nil {
		return ""
	}
	return text
}

func (s step) bodyText() string {
	var text string
	if json.Unmarshal(s.Body, &text) != nil {
		return ""
	}
	return text
}

// abort responds with an error. A redirect that aborts has a function of its own.
func (s *script) abort(step step) error {
	if step.Location != "" {
		if step.code() == http.StatusFound {
			return s.RedirectAbort(step.Location, http.StatusFound)
		}
		return s.RedirectCode(step.Location, step.code())
	}
	for _, header := range step.Headers {
		s.Response.Header().Add(header[0], header[1])
	}
	if step.Detail != "" {
		return s.Abort(step.code(), step.Detail)
	}
	return s.Abort(step.code())
}

func redirectCode(code int, permanent bool) int {
	switch {
	case code != 0:
		return code
	case permanent:
		return http.StatusMovedPermanently
	}
	return http.StatusFound
}

// redirect does what webapp2's does with its options; to abort is to return.
func (s *script) redirect(to string, options step) error {
	code := redirectCode(options.code(), options.Permanent)
	if options.Code != nil {
		code = options.code()
	}
	if options.Abort && code == http.StatusFound {
		return s.RedirectAbort(to, http.StatusFound)
	}
	if err := s.RedirectCode(to, code); err != nil {
		return err
	}
	fmt.Fprint(s, options.bodyText())
	if options.Return != nil && !*options.Return {
		return nil
	}
	return errEnd
}

// redirectOptions are those of webapp2's redirect_to, among its keywords.
func redirectOptions(kwargs map[string]any) step {
	var options step
	options.Permanent, _ = kwargs["_permanent"].(bool)
	options.Abort, _ = kwargs["_abort"].(bool)
	if code, ok := kwargs["_code"].(float64); ok {
		n := int(code)
		options.Code = &n
	}
	if body, ok := kwargs["_body"].(string); ok {
		options.Body, _ = json.Marshal(body)
	}
	return options
}

// build makes the URL of a named route: positional values by their number, special
// keywords as fields of the URL.
func (s *script) build(step step) (string, error) {
	var pairs []any
	for name, value := range step.Kwargs {
		if name[0] != '_' {
			pairs = append(pairs, name, value)
		}
	}
	args := step.Args
	if len(args) > 4 {
		args = args[4:] // after the four options of redirect_to
	}
	for i, value := range args {
		pairs = append(pairs, strconv.Itoa(i), value)
	}
	u, err := s.App.URL(step.Name, pairs...)
	if err != nil {
		return "", err
	}
	if host, ok := step.Kwargs["_netloc"].(string); ok {
		u.Host = host
		u.Scheme, _ = step.Kwargs["_scheme"].(string)
	}
	return u.String(), nil
}
