package framework

import (
	"fmt"
	"net/http"
	"strings"
)

// App Engine's front end answers by itself, and says nothing to the program, where
// headers are larger than this: 502 where it is all those of an answer, 400 where it
// is one of a request, as the Cookie header is, in which all cookies come together.
const (
	headerBudget = 8 << 10
	serverOwn    = 256 // the status line, Date, Content-Length and Content-Type, which come after the check
)

// checkBudget refuses an answer whose headers App Engine would refuse, or whose
// cookies would make the browser's next request one that it refuses. What is too large
// is taken out, so that the error can be answered. It is the client's if a redirect
// repeats the address of a request that is too long: 414.
func (r *Response) checkBudget() error {
	header := r.Header()
	if largest, size, sum := measure(header); sum > headerBudget {
		tooLong := r.core.Request != nil && len(header["Location"]) > 0 && sum-len(r.core.Request.RequestURI) <= headerBudget
		for left := sum; left > headerBudget; {
			name, size, _ := measure(header)
			delete(header, name)
			left -= size
		}
		if tooLong { // a redirect that repeats the address of the request
			return Abort(http.StatusRequestURITooLong)
		}
		return fmt.Errorf("framework: the headers of the answer have %d bytes, of which %s has %d; App Engine refuses more than %d with a 502",
			sum, largest, size, headerBudget)
	}
	if set := header["Set-Cookie"]; len(set) > 0 && r.core.Request != nil {
		if next := nextCookies(r.core.Request, set); next > headerBudget {
			delete(header, "Set-Cookie")
			return fmt.Errorf("framework: with the cookies of this answer the browser's Cookie header would have %d bytes; App Engine refuses more than %d with a 400",
				next, headerBudget)
		}
	}
	return nil
}

// measure returns the name and the bytes of the largest field of a header, and the
// bytes of all.
func measure(header http.Header) (largest string, size, sum int) {
	sum = serverOwn
	for name, values := range header {
		field := 0
		for _, value := range values {
			field += len(name) + len(": \r\n") + len(value)
		}
		if sum += field; field > size {
			largest, size = name, field
		}
	}
	return largest, size, sum
}

// nextCookies returns how long the Cookie header will be that a browser sends after an
// answer, had all its cookies the same domain and path.
func nextCookies(r *http.Request, set []string) int {
	cookies := map[string]int{} // the length of "name=value", by name
	add := func(pair string) {
		pair = strings.TrimSpace(pair)
		name, _, _ := strings.Cut(pair, "=")
		cookies[name] = len(pair)
	}
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			add(pair)
		}
	}
	for _, line := range set {
		pair, attributes, _ := strings.Cut(line, ";")
		add(pair)
		if strings.Contains(strings.ToLower(attributes), "max-age=0") {
			name, _, _ := strings.Cut(pair, "=")
			delete(cookies, strings.TrimSpace(name))
		}
	}
	size := len("Cookie: ")
	for _, length := range cookies {
		size += length + len("; ")
	}
	return size
}
