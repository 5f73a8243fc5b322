package sessions

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Data of a backend, or of a cookie that is signed with a leaked key, is read without a panic.
// What was read is written unchanged.
func FuzzContents(f *testing.F) {
	c := contents{created: 1, seen: 2, user: "ann"}
	c.set("n", "\x01")
	c.set("list", "\x82\x01\xf6")
	c.flashes = []storedFlash{{number: 7, raw: "\x61x", level: "info"}}
	f.Add(string(c.encode(nil)))
	f.Add(string((&contents{}).encode(nil)))
	f.Fuzz(func(t *testing.T, data string) {
		var c contents
		if err := c.parse(data); err != nil {
			return
		}
		for _, e := range c.values {
			_, _, _ = readAny(e.raw)
			var words []string
			_ = decodeValue(e.raw, &words)
		}
		var again contents
		if err := again.parse(string(c.encode(nil))); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(again.values, c.values) || !slices.Equal(again.flashes, c.flashes) || again.user != c.user {
			t.Errorf("%+v is not %+v", again, c)
		}
	})
}

// A value that was set is returned, and readAny accepts what skip accepts.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{"\x01", "\x82\x61a\xf5", "\xa1\x61k\x40", "\xc0\x74" + "2026-11-24T10:30:15Z", "\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		rest, err := skip(raw, maxDepth)
		if err != nil {
			return
		}
		value, after, err := readAny(raw)
		if err != nil {
			return
		}
		if after != rest {
			t.Fatalf("readAny leaves %q, skip %q", after, rest)
		}
		encoded, err := encodeValue(value)
		if err != nil {
			return // a time after the year 9999, for example
		}
		again, _, err := readAny(encoded)
		if err != nil {
			t.Fatalf("%v: %v", value, err)
		}
		if twice, err := encodeValue(again); err != nil || twice != encoded {
			t.Errorf("%v is %v the second time, %v", value, again, err)
		}
	})
}

// The scan of the Cookie header accepts what net/http accepts. In addition it accepts only
// values with bytes that are invalid in a cookie.
func FuzzCookieValues(f *testing.F) {
	for _, seed := range []string{"n=1", "a=b; n=1; n=2", `n="1"`, " n = x ;n", "n=a b", "n==", "\tn\t=\t1\t;", `n=a\b; n=c`, "N=1", "n;=;n=é", "n=\"a", "nn=1;n =2"} {
		f.Add(seed, "n")
	}
	f.Fuzz(func(t *testing.T, line, name string) {
		if !isToken(name) {
			return
		}
		r := &http.Request{Header: http.Header{"Cookie": {line}}}
		var want []string
		for _, c := range r.CookiesNamed(name) {
			want = append(want, c.Value)
		}
		var got []string
		for cookies := scanCookies(r.Header, name); ; {
			value, ok := cookies.next()
			if !ok {
				break
			}
			if !strings.ContainsFunc(value, forbiddenInCookie) {
				got = append(got, value)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, net/http has %q", line, got, want)
		}
	})
}
