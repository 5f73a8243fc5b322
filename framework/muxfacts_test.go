package framework_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// Results of gorilla/mux 1.8.1, from its own tests: a route, a request, whether it matches, and
// with which variables.
var muxFacts = []struct {
	limit       func(r *framework.Route)
	method, url string
	vars        map[string]string
	matches     bool
}{
	{func(r *framework.Route) { r.Host("aaa.bbb.ccc") }, "GET", "http://aaa.bbb.ccc/111/222/333", nil, true},
	{func(r *framework.Route) { r.Host("aaa.bbb.ccc") }, "GET", "http://aaa.222.ccc/111/222/333", nil, false},
	{func(r *framework.Route) { r.Host("aaa.bbb.ccc:1234") }, "GET", "http://aaa.bbb.ccc:1234/111/222/333", nil, true},
	{func(r *framework.Route) { r.Host("aaa.bbb.ccc:1234") }, "GET", "http://aaa.bbb.ccc:9999/111/222/333", nil, false},
	{func(r *framework.Route) { r.Host("aaa.{v1:[a-z]{3}}.ccc") }, "GET", "http://aaa.bbb.ccc/111/222/333", map[string]string{"v1": "bbb"}, true},
	{func(r *framework.Route) { r.Host("aaa.{v1:[a-z]{2}(?:b|c)}.ccc") }, "GET", "http://aaa.bbb.ccc/111/222/333", map[string]string{"v1": "bbb"}, true},
	{func(r *framework.Route) { r.Host("aaa.{v1:[a-z]{3}}.ccc") }, "GET", "http://aaa.222.ccc/111/222/333", nil, false},
	{func(r *framework.Route) { r.Host("{v1:[a-z]{3}}.{v2:[a-z]{3}}.{v3:[a-z]{3}}") }, "GET", "http://aaa.bbb.ccc/111/222/333", map[string]string{"v1": "aaa", "v2": "bbb", "v3": "ccc"}, true},
	{func(r *framework.Route) { r.Host("{v1:[a-z]{3}}.{v2:[a-z]{3}}.{v3:[a-z]{3}}") }, "GET", "http://aaa.222.ccc/111/222/333", nil, false},
	{func(r *framework.Route) { r.Host("aaa.{v-1:[a-z]{3}}.ccc") }, "GET", "http://aaa.bbb.ccc/111/222/333", map[string]string{"v-1": "bbb"}, true},
	{func(r *framework.Route) { r.Host("aaa.{v-1:[a-z]{2}(?:b|c)}.ccc") }, "GET", "http://aaa.bbb.ccc/111/222/333", map[string]string{"v-1": "bbb"}, true},
	{func(r *framework.Route) { r.Host("{v-1:[a-z]{3}}.{v-2:[a-z]{3}}.{v-3:[a-z]{3}}") }, "GET", "http://aaa.bbb.ccc/111/222/333", map[string]string{"v-1": "aaa", "v-2": "bbb", "v-3": "ccc"}, true},
	{func(r *framework.Route) { r.Path("/111/222/333") }, "GET", "http://localhost/111/222/333", nil, true},
	{func(r *framework.Route) { r.Path("/111/") }, "GET", "http://localhost/111/", nil, true},
	{func(r *framework.Route) { r.Path("/111/") }, "GET", "http://localhost/111", nil, false},
	{func(r *framework.Route) { r.Path("/111") }, "GET", "http://localhost/111/", nil, false},
	{func(r *framework.Route) { r.Path("/") }, "GET", "/", nil, true},
	{func(r *framework.Route) { r.Path("/111/222/333") }, "GET", "http://localhost/1/2/3", nil, false},
	{func(r *framework.Route) { r.Path("/111/{v1:[0-9]{3}}/333") }, "GET", "http://localhost/111/222/333", map[string]string{"v1": "222"}, true},
	{func(r *framework.Route) { r.Path("/111/{v1:[0-9]{3}}/333") }, "GET", "http://localhost/111/aaa/333", nil, false},
	{func(r *framework.Route) { r.Path("/{v1:[0-9]{3}}/{v2:[0-9]{3}}/{v3:[0-9]{3}}") }, "GET", "http://localhost/111/222/333", map[string]string{"v1": "111", "v2": "222", "v3": "333"}, true},
	{func(r *framework.Route) { r.Path("/{v1:[0-9]{3}}/{v2:[0-9]{3}}/{v3:[0-9]{3}}") }, "GET", "http://localhost/111/aaa/333", nil, false},
	{func(r *framework.Route) { r.Path("/{category:a|(?:b/c)}/{product}/{id:[0-9]+}") }, "GET", "http://localhost/a/product_name/1", map[string]string{"category": "a", "product": "product_name", "id": "1"}, true},
	{func(r *framework.Route) { r.Path("/111/{v-1:[0-9]{3}}/333") }, "GET", "http://localhost/111/222/333", map[string]string{"v-1": "222"}, true},
	{func(r *framework.Route) { r.Path("/{v-1:[0-9]{3}}/{v-2:[0-9]{3}}/{v-3:[0-9]{3}}") }, "GET", "http://localhost/111/222/333", map[string]string{"v-1": "111", "v-2": "222", "v-3": "333"}, true},
	{func(r *framework.Route) { r.Path("/{product-category:a|(?:b/c)}/{product-name}/{product-id:[0-9]+}") }, "GET", "http://localhost/a/product_name/1", map[string]string{"product-category": "a", "product-name": "product_name", "product-id": "1"}, true},
	{func(r *framework.Route) { r.Path("/{type:(?i:daily|mini|variety)}-{date:\\d{4,4}-\\d{2,2}-\\d{2,2}}") }, "GET", "http://localhost/daily-2016-01-01", map[string]string{"type": "daily", "date": "2016-01-01"}, true},
	{func(r *framework.Route) { r.Path(`/{v1:[0-9]*}{v2:[a-z]*}/{v3:[0-9]*}`) }, "GET", "http://localhost/111/222", map[string]string{"v1": "111", "v2": "", "v3": "222"}, true},
	{func(r *framework.Route) { r.Path("/{category:a|b/c}") }, "GET", "http://localhost/a", map[string]string{"category": "a"}, true},
	{func(r *framework.Route) { r.Path("/{category:a|b/c}") }, "GET", "http://localhost/b/c", map[string]string{"category": "b/c"}, true},
	{func(r *framework.Route) { r.Path("/{category:a|b/c}/{product}/{id:[0-9]+}") }, "GET", "http://localhost/a/product_name/1", map[string]string{"category": "a", "product": "product_name", "id": "1"}, true},
	{func(r *framework.Route) { r.Path("/{category:a|b/c}/{product}/{id:[0-9]+}") }, "GET", "http://localhost/b/c/product_name/1", map[string]string{"category": "b/c", "product": "product_name", "id": "1"}, true},
	{func(r *framework.Route) { r.PathPrefix("/111") }, "GET", "http://localhost/111/222/333", nil, true},
	{func(r *framework.Route) { r.PathPrefix("/1") }, "GET", "http://localhost/111/222/333", nil, true},
	{func(r *framework.Route) { r.PathPrefix("/111") }, "GET", "http://localhost/1/2/3", nil, false},
	{func(r *framework.Route) { r.PathPrefix("/111/{v1:[0-9]{3}}") }, "GET", "http://localhost/111/222/333", map[string]string{"v1": "222"}, true},
	{func(r *framework.Route) { r.PathPrefix("/111/{v1:[0-9]{3}}") }, "GET", "http://localhost/111/aaa/333", nil, false},
	{func(r *framework.Route) { r.PathPrefix("/{v1:[0-9]{3}}/{v2:[0-9]{3}}") }, "GET", "http://localhost/111/222/333", map[string]string{"v1": "111", "v2": "222"}, true},
	{func(r *framework.Route) { r.PathPrefix("/{v1:[0-9]{3}}/{v2:[0-9]{3}}") }, "GET", "http://localhost/111/aaa/333", nil, false},
	{func(r *framework.Route) { r.Host("aaa.bbb.ccc").Path("/111/222/333") }, "GET", "http://aaa.bbb.ccc/111/222/333", nil, true},
	{func(r *framework.Route) { r.Schemes("https").Host("aaa.bbb.ccc").Path("/111/222/333") }, "GET", "https://aaa.bbb.ccc/111/222/333", nil, true},
	{func(r *framework.Route) { r.Host("aaa.bbb.ccc").Path("/111/222/333") }, "GET", "http://aaa.222.ccc/111/222/333", nil, false},
	{func(r *framework.Route) { r.Host("aaa.{v1:[a-z]{3}}.ccc").Path("/111/{v2:[0-9]{3}}/333") }, "GET", "http://aaa.bbb.ccc/111/222/333", map[string]string{"v1": "bbb", "v2": "222"}, true},
	{func(r *framework.Route) {
		r.Schemes("ftp", "ssss").Host("aaa.{v1:[a-z]{3}}.ccc").Path("/111/{v2:[0-9]{3}}/333")
	}, "GET", "ssss://aaa.bbb.ccc/111/222/333", map[string]string{"v1": "bbb", "v2": "222"}, true},
	{func(r *framework.Route) { r.Host("aaa.{v1:[a-z]{3}}.ccc").Path("/111/{v2:[0-9]{3}}/333") }, "GET", "http://aaa.222.ccc/111/222/333", nil, false},
	{func(r *framework.Route) {
		r.Host("{v1:[a-z]{3}}.{v2:[a-z]{3}}.{v3:[a-z]{3}}").Path("/{v4:[0-9]{3}}/{v5:[0-9]{3}}/{v6:[0-9]{3}}")
	}, "GET", "http://aaa.bbb.ccc/111/222/333", map[string]string{"v1": "aaa", "v2": "bbb", "v3": "ccc", "v4": "111", "v5": "222", "v6": "333"}, true},
	{func(r *framework.Route) {
		r.Host("{v1:[a-z]{3}}.{v2:[a-z]{3}}.{v3:[a-z]{3}}").Path("/{v4:[0-9]{3}}/{v5:[0-9]{3}}/{v6:[0-9]{3}}")
	}, "GET", "http://aaa.222.ccc/111/222/333", nil, false},
	{func(r *framework.Route) { r.Methods("GET", "POST") }, "GET", "http://localhost", nil, true},
	{func(r *framework.Route) { r.Methods("GET", "POST") }, "POST", "http://localhost", nil, true},
	{func(r *framework.Route) { r.Methods("GET", "POST") }, "PUT", "http://localhost", nil, false},
	{func(r *framework.Route) { r.Queries("foo", "bar", "baz", "ding") }, "GET", "http://localhost?foo=bar&baz=ding", nil, true},
	{func(r *framework.Route) { r.Host("www.example.com").Path("/api").Queries("foo", "bar", "baz", "ding") }, "GET", "http://www.example.com/api?foo=bar&baz=ding", nil, true},
	{func(r *framework.Route) { r.Host("www.example.com").Path("/api").Queries("foo", "bar", "baz", "ding") }, "GET", "http://www.example.com/api?baz=ding&foo=bar", nil, true},
	{func(r *framework.Route) { r.Queries("foo", "bar", "baz", "ding") }, "GET", "http://localhost?foo=bar&baz=dong", nil, false},
	{func(r *framework.Route) { r.Queries("foo", "{v1}") }, "GET", "http://localhost?foo=bar", map[string]string{"v1": "bar"}, true},
	{func(r *framework.Route) { r.Queries("foo", "{v1}", "baz", "{v2}") }, "GET", "http://localhost?foo=bar&baz=ding", map[string]string{"v1": "bar", "v2": "ding"}, true},
	{func(r *framework.Route) { r.Queries("foo", "{v1:[0-9]+}") }, "GET", "http://localhost?foo=10", map[string]string{"v1": "10"}, true},
	{func(r *framework.Route) { r.Queries("foo", "{v1:[0-9]+}") }, "GET", "http://localhost?foo=a", nil, false},
	{func(r *framework.Route) { r.Queries("foo", "{v1:[0-9]{1}}") }, "GET", "http://localhost?foo=1", map[string]string{"v1": "1"}, true},
	{func(r *framework.Route) { r.Queries("foo", "{v1:[0-9]{1}}") }, "GET", "http://localhost?bar=2&foo=1", map[string]string{"v1": "1"}, true},
	{func(r *framework.Route) { r.Queries("foo", "{v1:[0-9]{1}}") }, "GET", "http://localhost?foo=12", nil, false},
	{func(r *framework.Route) { r.Queries("foo", "{v1:[0-9]{1}(?:a|b)}") }, "GET", "http://localhost?foo=1a", map[string]string{"v1": "1a"}, true},
	{func(r *framework.Route) { r.Queries("foo", "{v-1}") }, "GET", "http://localhost?foo=bar", map[string]string{"v-1": "bar"}, true},
	{func(r *framework.Route) { r.Queries("foo", "{v-1}", "baz", "{v-2}") }, "GET", "http://localhost?foo=bar&baz=ding", map[string]string{"v-1": "bar", "v-2": "ding"}, true},
	{func(r *framework.Route) { r.Queries("foo", "{v-1:[0-9]+}") }, "GET", "http://localhost?foo=10", map[string]string{"v-1": "10"}, true},
	{func(r *framework.Route) { r.Queries("foo", "{v-1:[0-9]{1}(?:a|b)}") }, "GET", "http://localhost?foo=1a", map[string]string{"v-1": "1a"}, true},
	{func(r *framework.Route) { r.Queries("foo", "") }, "GET", "http://localhost?foo=bar", nil, true},
	{func(r *framework.Route) { r.Queries("foo", "") }, "GET", "http://localhost", nil, false},
	{func(r *framework.Route) { r.Queries("foo", "") }, "GET", "http://localhost?foo=", nil, true},
	{func(r *framework.Route) { r.Queries("foo", "bar") }, "GET", "http://localhost?foo=barfoo", nil, false},
	{func(r *framework.Route) { r.Queries("foo", "{bar}") }, "GET", "http://localhost", nil, false},
	{func(r *framework.Route) { r.Queries("foo", "{bar}") }, "GET", "http://localhost?foo=", map[string]string{"bar": ""}, true},
	{func(r *framework.Route) { r.Queries("foo", "bar", "baz", "ding") }, "GET", "http://localhost?fffoo=bar&baz=dingggg", nil, false},
	{func(r *framework.Route) { r.Queries("foo", "{v1}") }, "GET", "http://localhost?foo=%25bar%26%20%2F%3D%3F", map[string]string{"v1": "%bar& /=?"}, true},
	{func(r *framework.Route) { r.Host("localhost") }, "GET", "http://localhost", nil, true},
	{func(r *framework.Route) { r.Schemes("https", "ftp").Host("localhost") }, "GET", "https://localhost", nil, true},
	{func(r *framework.Route) { r.Schemes("https", "ftp").Host("localhost") }, "GET", "ftp://localhost", nil, true},
	{func(r *framework.Route) { r.Schemes("ftp", "https").Host("localhost") }, "GET", "ftp://localhost", nil, true},
	{func(r *framework.Route) { r.Schemes("https", "ftp").Host("localhost") }, "GET", "http://localhost", nil, false},
	{func(r *framework.Route) { r.Methods("POST").PathPrefix("/foo").Subrouter().Path("/") }, "GET", "http://localhost/foo/", nil, false},
	{func(r *framework.Route) { r.Methods("POST").PathPrefix("/foo").Subrouter().Path("/") }, "POST", "http://localhost/foo/", nil, true},
	{func(r *framework.Route) { r.Schemes("https").Subrouter().PathPrefix("/") }, "GET", "http://localhost/", nil, false},
	{func(r *framework.Route) { r.Schemes("http").Subrouter().PathPrefix("/") }, "GET", "http://localhost/", nil, true},
	{func(r *framework.Route) { r.Headers("X-Forwarded-Proto", "https").Subrouter().PathPrefix("/") }, "GET", "http://localhost/", nil, false},
	{func(r *framework.Route) { r.Headers("key", "foobar").Subrouter().PathPrefix("/") }, "GET", "http://localhost/", nil, false},
	{func(r *framework.Route) { r.Queries("key", "foobar").Subrouter().PathPrefix("/") }, "GET", "http://localhost/?key=notfoobar", nil, false},
	{func(r *framework.Route) { r.Queries("key", "foobar").Subrouter().PathPrefix("/") }, "GET", "http://localhost/?key=foobar", nil, true},
	{func(r *framework.Route) { r.Schemes("ftp").Host("google.com").Subrouter().Path("/") }, "GET", "ftp://google.com/", nil, true},
	{func(r *framework.Route) {
		r.Schemes("https", "ftp").Host("google.com").Subrouter().Schemes("ftp").Path("/")
	}, "GET", "ftp://google.com/", nil, true},
}

func TestMuxFacts(t *testing.T) {
	for i, fact := range muxFacts {
		app, _ := newApp(t)
		route := app.NewRoute()
		fact.limit(route)
		route.Handler(telling(app, ""))
		if err := app.Check(); err != nil {
			t.Errorf("%d: %v", i, err)
			continue
		}
		answer := ask2(app, httptest.NewRequest(fact.method, fact.url, nil))
		if matches := answer.Code == 200; matches != fact.matches || matches && fact.method != "HEAD" && answer.Body.String() != fmt.Sprint(fact.vars) {
			t.Errorf("%d: %s %s of %q: %d %q, want %t %v", i, fact.method, fact.url, route.GetPathTemplate(), answer.Code, answer.Body, fact.matches, fact.vars)
		}
	}
}
