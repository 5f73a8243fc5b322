package webapp2_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

type buildVector struct {
	ID      string
	Routes  []routeSpec
	Name    string
	Args    []any
	Kwargs  json.RawMessage
	Request struct{ Scheme, Host string }
	Expect  struct{ URL, Error string }
}

// TestRoutesBuild builds the URLs that webapp2 built. They must name the same path,
// query and fragment; which characters are escaped is not compared, since net/url
// leaves more of those alone that a path may hold (RFC 3986 section 3.3).
func TestRoutesBuild(t *testing.T) {
	vectors := readVectors[buildVector](t, "testdata/routes_build.json")
	compare(t, "routes_build.json", buildDifferences, len(vectors), func(i int) (id, got, want string) {
		v := vectors[i]
		want = "error"
		if v.Expect.Error == "" {
			u, err := url.Parse(v.Expect.URL)
			if err != nil {
				want = v.Expect.URL
			} else {
				want = unescaped(u)
			}
		}
		return v.ID, v.got(t), want
	})
}

// unescaped spells a URL without percent-encoding in its path.
func unescaped(u *url.URL) string {
	text := u.Path
	if u.Host != "" {
		text = u.Scheme + "://" + u.Host + text
	}
	if u.RawQuery != "" {
		text += "?" + u.Query().Encode()
	}
	if u.Fragment != "" {
		text += "#" + u.Fragment
	}
	return text
}

func (v *buildVector) got(t *testing.T) string {
	table := newTable(v.Routes)
	if table.err != nil {
		return startError
	}
	kwargs := make(map[string]any)
	decoder := json.NewDecoder(bytes.NewReader(v.Kwargs))
	decoder.UseNumber()
	if err := decoder.Decode(&kwargs); err != nil {
		t.Fatal(err)
	}
	var pairs []any
	special := make(map[string]any)
	for name, value := range kwargs {
		if number, ok := value.(json.Number); ok {
			value = goNumber(number)
		}
		switch name {
		case "_full", "_scheme", "_netloc", "_fragment":
			special[name] = value
		default:
			pairs = append(pairs, strings.Trim(name, "_"), value)
			if strings.Trim(name, "_") == "anchor" {
				pairs[len(pairs)-2] = name
			}
		}
	}
	for i, value := range v.Args {
		pairs = append(pairs, strconv.Itoa(i), value)
	}
	table.app.BaseURL = v.Request.Scheme + "://" + v.Request.Host
	build := table.app.URL
	for name := range special {
		if name != "_fragment" && special[name] != "" {
			build = table.app.AbsoluteURL
		}
	}
	u, err := build(v.Name, pairs...)
	if err != nil {
		return "error"
	}
	// What webapp2 had special keywords for are the fields of a url.URL.
	if scheme, _ := special["_scheme"].(string); scheme != "" {
		u.Scheme = scheme
	}
	if host, _ := special["_netloc"].(string); host != "" {
		u.Host = host
	}
	if fragment, _ := special["_fragment"].(string); fragment != "" {
		u.Fragment = fragment
	}
	return unescaped(u)
}

// goNumber is the number that a Go program would write for one of Python's.
func goNumber(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		panic(err)
	}
	return f
}
