package vectors

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A requestSpec is a request of a vector.
type requestSpec struct {
	Method     string
	Path       string
	Headers    [][2]string
	Cookie     string // in place of what the jar has
	Clock      int    // seconds after the vectors' clock, from here on
	Replay     *int   // the Cookie header of an earlier request
	Tamper     [2]string
	Scheme     string
	Host       string
	ScriptName string `json:"script_name"`
}

// A browser sends requests as they stand, which net/http's client would not, and
// keeps cookies by name.
type browser struct {
	plain, secure *httptest.Server
	site          *sessionSite
	jar           []kept
	sent          []string // the Cookie header of every request
}

type kept struct {
	name, value string
	until       time.Time // zero: for good
}

// An answer is a response with its whole body.
type answer struct {
	*http.Response
	body string
	site *sessionSite
}

func (b *browser) send(t *testing.T, v *vector, i int) answer {
	t.Helper()
	spec := v.Requests[i]
	if spec.Clock != 0 {
		b.site.now = time.Unix(clock+int64(spec.Clock), 0)
	}
	cookie := b.cookieHeader(spec)
	b.sent = append(b.sent, cookie)
	host := spec.Host
	if host == "" {
		host = "localhost"
	}
	var request strings.Builder
	fmt.Fprintf(&request, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", spec.Method, spec.ScriptName+spec.Path, host)
	for _, header := range spec.Headers {
		fmt.Fprintf(&request, "%s: %s\r\n", header[0], header[1])
	}
	if cookie != "" {
		fmt.Fprintf(&request, "Cookie: %s\r\n", cookie)
	}
	request.WriteString("\r\n")
	response := b.roundTrip(t, spec, request.String())
	response.site = b.site
	for _, c := range response.Cookies() {
		b.keep(c)
	}
	return response
}

func (b *browser) roundTrip(t *testing.T, spec requestSpec, request string) answer {
	t.Helper()
	var conn net.Conn
	var err error
	if spec.Scheme == "https" {
		conn, err = tls.Dial("tcp", b.secure.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	} else {
		conn, err = net.Dial("tcp", b.plain.Listener.Addr().String())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: spec.Method})
	if err != nil {
		t.Fatalf("%s %s: %v", spec.Method, spec.Path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{Response: response, body: string(body)}
}

// cookieHeader is what the browser sends. A cookie that the case gives is one of
// webapp2's; one that is rubbish is sent under our name as well.
func (b *browser) cookieHeader(spec requestSpec) string {
	if spec.Cookie != "" {
		if strings.Contains(spec.Cookie, "7ca2a144d744226aa32a213025b667d243f22707") && !strings.Contains(spec.Cookie, "%") {
			return spec.Cookie
		}
		return spec.Cookie + "; " + strings.ReplaceAll(spec.Cookie, "session=", "__Host-session=")
	}
	if spec.Replay != nil {
		return b.sent[*spec.Replay]
	}
	var pairs []string
	for _, c := range b.jar {
		if c.until.IsZero() || b.site.now.Before(c.until) {
			pairs = append(pairs, c.name+"="+c.value)
		}
	}
	header := strings.Join(pairs, "; ")
	switch {
	case spec.Tamper[0] == "":
		return header
	case strings.Contains(header, spec.Tamper[0]):
		return strings.Replace(header, spec.Tamper[0], spec.Tamper[1], 1)
	}
	// What the case would change in webapp2's value is not in ours: change its middle.
	at := len(header) / 2
	other := byte('A')
	if header[at] == other {
		other = 'B'
	}
	return header[:at] + string(other) + header[at+1:]
}

func (b *browser) keep(c *http.Cookie) {
	for i, old := range b.jar {
		if old.name == c.Name {
			b.jar = append(b.jar[:i], b.jar[i+1:]...)
			break
		}
	}
	if c.MaxAge < 0 {
		return
	}
	k := kept{name: c.Name, value: c.Value}
	switch {
	case c.MaxAge > 0:
		k.until = b.site.now.Add(time.Duration(c.MaxAge) * time.Second)
	case !c.Expires.IsZero():
		k.until = c.Expires
	}
	if k.until.IsZero() || b.site.now.Before(k.until) {
		b.jar = append(b.jar, k)
	}
}
