package webapp2_test

// A difference is a deliberate one, with the cases that show it and what they do
// here. Cases that are not listed do what webapp2 did.
type difference struct {
	why string
	got map[string]string // case to outcome
}

var matchDifferences = []difference{
	{"webapp2 compiled templates at the first match: a broken one answered 500 to every request that came so far. Here it is an error of Template, before the first request", map[string]string{
		"literal-14":  startError,
		"template-07": startError,
		"template-08": startError,
		"template-10": startError,
		"template-11": startError,
		"template-14": startError,
		"template-15": startError,
	}},
	{"a template whose text is a regular expression, as tuples have, is an error of Template; webapp2 took it for text, which no path has", map[string]string{
		"escape-18": startError,
		"escape-19": startError,
		"escape-27": startError,
	}},
	{"empty path: what http.StripPrefix leaves of the prefix itself is the home page", map[string]string{
		"literal-02":        "H {}",
		"redirect_route-13": "Home {}",
	}},
	{"not-re2: Go's regexp has no lookaround and no backreferences; Template says so and by name", map[string]string{
		"named-53": startError,
		"named-54": startError,
		"named-55": startError,
	}},
	{"unicode-class: \\w, \\d and \\s mean ASCII, as they did to Python 2", map[string]string{
		"unicode-03": "404",
		"unicode-04": "404",
		"unicode-05": "404",
		"unicode-27": "404",
		"simple-25":  "404",
	}},
	{"python-dollar: a path with a control byte is 404, so that the newline that Python's $ lets through never arrives", map[string]string{
		"named-56":  "404",
		"named-57":  "404",
		"simple-22": "404",
	}},
	{"bad-utf8, bad-percent, dot segments: a path that is not UTF-8 is 404 where webapp2 answered 500, as is one with a . or .. segment; net/http answers a broken percent sign with 400", map[string]string{
		"unicode-33": "404",
		"unicode-18": "400",
		"unicode-22": "404",
	}},
	{"a template with a . or .. segment is an error at the start", map[string]string{
		"literal-17": startError,
	}},
	{"an encoded slash is part of a value, so that a URL with such a value comes back", map[string]string{
		"named-39":   `H {"x":"a/b"}`,
		"unicode-14": `H {"x":"a/b"}`,
	}},
	{"capitals of a host do not matter (RFC 9110 section 4.2.3)", map[string]string{
		"domain-04": `Foo {"subdomain":"www"}`,
	}},
	{"reserved-name: names of the form __0__ are not special", map[string]string{
		"mixed-04":    `H {"0":"1","__0__":"2"}`,
		"defaults-07": `H {"__0__":"z"}`,
	}},
	{"mux writes the methods of a route in capitals", map[string]string{
		"methods-06": `H {}`,
	}},
	{"OPTIONS gets 204 and Allow, an unknown method 501; webapp2 responded with 405", map[string]string{
		"methods-09": "204",
		"methods-14": "501",
	}},
	{"a route with build_only and no name is useless, and no error", map[string]string{
		"build_only-02": "404",
	}},
	{"handlers are functions and types: nothing is split at a colon, and a label of the vector that holds one is only a label", map[string]string{
		"handler_method-04": `pkg.mod.H:go.x {}`,
	}},
	{"a whole regex as a route, in the manner of the older webapp, has no counterpart where it is more than text and groups: its meaning has to be written as one or more templates", map[string]string{
		"simple-06": startError,
		"simple-11": startError,
		"simple-12": startError,
		"simple-14": startError,
		"simple-15": startError,
		"simple-18": startError,
		"simple-19": startError,
		"simple-20": startError,
		"simple-21": startError,
		"simple-24": startError,
	}},
	{"prefix-bare-variable: a prefix with a variable that has no regex matches, where webapp2's never did; and so does a route for the prefix itself", map[string]string{
		"path_prefix-04":    `Bare {"username":"joe"}`,
		"path_prefix-11":    `Bare {"username":"joe"}`,
		"path_prefix-16":    `H {"a":"1","b":"2"}`,
		"path_prefix-19":    `H {"0":"joe","b":"x"}`,
		"redirect_route-18": `Hello {}`,
	}},
	{"unnamed variables are counted in each template, so one of the prefix and one of its child have the same name, which is an error at the start", map[string]string{
		"path_prefix-22": startError,
	}},
	{"a prefix may end with a slash or be empty, a route below one may be of any kind and without a name", map[string]string{
		"path_prefix-25": `H {}`,
		"path_prefix-27": `H {}`,
		"path_prefix-32": `H {}`,
		"name_prefix-03": `U {}`,
	}},
	{"a name in both domain and path is an error at the start; in webapp2 the domain's value replaced the path's", map[string]string{
		"domain-16": startError,
	}},
	{"domain-lost: a domain holds for all that is below it, and below another prefix; webapp2 forgot it there. A domain below a domain is an error at the start", map[string]string{
		"domain-23": "404",
		"domain-24": "404",
		"domain-26": startError,
	}},
	{"the route for the other form of a slash needs no name, and keeps the methods and schemes of its twin, which webapp2 dropped", map[string]string{
		"redirect_route-14": `Foo {}`,
		"redirect_route-15": "405",
		"redirect_route-16": "404",
	}},
	{"a route that redirects is given one target, so it cannot be given two", map[string]string{
		"redirect_route-19": "redirect",
	}},
}

var buildDifferences = []difference{
	{"a percent sign in a template is text, also when a URL is built, where webapp2 took it for a format", map[string]string{
		"plain-10": "/100%",
		"plain-11": "/100%/1",
		"plain-13": "/a%20b",
	}},
	{"a URL that its own route would not match is an error", map[string]string{
		"named-35": "error",
	}},
	{"values are printed as Go prints them", map[string]string{
		"named-08": "/true",
		"query-07": "/a?q=true",
		"query-08": "/a?q=5&r=1",
	}},
	{"a list is a pair for each value", map[string]string{
		"query-09": "/a?q=x&q=y",
	}},
	{"a broken template is an error before the first request; so is one that does not begin with a slash", map[string]string{
		"named-41": startError,
		"full-18":  startError,
	}},
	{"a value is given with its name, so one too many is a part of the query", map[string]string{
		"positional-07": "/1?1=2&2=3",
	}},
	{"defaults are fields of the handler, which From sets; a URL is given all its values", map[string]string{
		"positional-15": "error",
		"defaults-01":   "error",
		"defaults-03":   "error",
	}},
	{"the fragment is a field of the URL, whose type the compiler checks", map[string]string{
		"fragment-07": "/a",
	}},
	{"a path that begins with // would lead to another site", map[string]string{
		"full-19": "error",
	}},
	{"absolute URLs are made of BaseURL, never of the Host header", map[string]string{
		"full-20": "error",
	}},
	{"a route below a host builds URLs with that host", map[string]string{
		"which-14": "http://www.app.com/a",
	}},
}
