package webapp2_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"testing"
)

type matchVector struct {
	ID      string
	Routes  []routeSpec
	Request struct {
		Method, Path, Scheme, Host, Query string
		ScriptName                        string `json:"script_name"`
	}
	Flags  []string
	Expect struct {
		SetupError    string `json:"setup_error"`
		Matched       bool
		Status        int
		Handler       string
		HandlerMethod string `json:"handler_method"`
		Args          []*string
		Kwargs        map[string]any
	}
}

// TestRoutesMatch declares the routes that webapp2 was given and sends them the
// request. What the handler gets must be what webapp2's got, or listed.
func TestRoutesMatch(t *testing.T) {
	vectors := readVectors[matchVector](t, "testdata/routes_match.json")
	compare(t, "routes_match.json", matchDifferences, len(vectors), func(i int) (id, got, want string) {
		v := vectors[i]
		return v.ID, v.got(), v.want()
	})
}

func (v *matchVector) want() string {
	e := v.Expect
	switch {
	case e.SetupError != "":
		return startError
	case !e.Matched:
		return strconv.Itoa(e.Status)
	case e.Handler == "RedirectHandler":
		return "redirect"
	}
	label := e.Handler
	if e.HandlerMethod != "" {
		label += "." + e.HandlerMethod
	}
	vars := make(map[string]string)
	for name, value := range e.Kwargs {
		vars[name] = fmt.Sprint(value)
	}
	for i, value := range e.Args {
		if value != nil {
			vars[strconv.Itoa(i)] = *value
		}
	}
	return matched(label, vars)
}

// startError is the outcome of a table with a mistake that is found at the start.
const startError = "error at start"

func (v *matchVector) got() string {
	table := newTable(v.Routes)
	if table.err != nil {
		return startError
	}
	table.app.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	r := httptest.NewRequest(v.Request.Method, "/", nil)
	r.Host = v.Request.Host
	target := v.Request.ScriptName + v.Request.Path
	if target == "" {
		r.URL = &url.URL{} // no server makes such a request
	} else {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return "400" // from net/http
		}
		r.URL = u
	}
	r.URL.RawQuery = v.Request.Query
	if v.Request.Scheme == "https" {
		r.TLS = new(tls.ConnectionState)
	}
	w := httptest.NewRecorder()
	table.app.ServeHTTP(w, r)
	switch {
	case w.Header().Get("Location") != "":
		return "redirect"
	case w.Header().Get("Matched") != "":
		return w.Header().Get("Matched")
	}
	return strconv.Itoa(w.Code)
}

func readVectors[V any](t *testing.T, path string) []V {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		CaseCount int `json:"case_count"`
		Cases     []V
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != file.CaseCount {
		t.Fatalf("%s has %d cases and says %d", path, len(file.Cases), file.CaseCount)
	}
	return file.Cases
}

// compare runs n cases. Each must do what webapp2 did, or be listed with what it
// does instead; and each that is listed must do just that.
func compare(t *testing.T, name string, differences []difference, n int, run func(i int) (id, got, want string)) {
	listed := make(map[string]difference)
	for _, d := range differences {
		for id, got := range d.got {
			if _, twice := listed[id]; twice {
				t.Errorf("%s is listed twice", id)
			}
			listed[id] = difference{why: d.why, got: map[string]string{id: got}}
		}
	}
	passed, different := 0, 0
	for i := range n {
		id, got, want := run(i)
		d, isListed := listed[id]
		delete(listed, id)
		switch {
		case isListed && got == want:
			t.Errorf("%s: %s, as in webapp2, but listed as a difference: %s", id, got, d.why)
		case isListed && got != d.got[id]:
			t.Errorf("%s: %s, listed with %s: %s", id, got, d.got[id], d.why)
		case isListed:
			different++
		case got != want:
			t.Errorf("%s: %s, in webapp2 %s", id, got, want)
		default:
			passed++
		}
	}
	for id := range listed {
		t.Errorf("%s is listed and no case", id)
	}
	t.Logf("%s: %d passed, %d deliberate differences, %d unexplained", name, passed, different, n-passed-different)
}
