package framework_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// Cross-origin writes of browsers are refused before any code of the site runs.
func TestCrossOriginWrites(t *testing.T) {
	trusting := http.NewCrossOriginProtection()
	if err := trusting.AddTrustedOrigin("https://sibling.example.com"); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		method  string
		header  http.Header
		trusted *http.CrossOriginProtection
		status  int
	}{
		"no browser":            {"POST", nil, nil, 200},
		"same origin":           {"POST", http.Header{"Sec-Fetch-Site": {"same-origin"}}, nil, 200},
		"typed by the user":     {"POST", http.Header{"Sec-Fetch-Site": {"none"}}, nil, 200},
		"another site":          {"POST", http.Header{"Sec-Fetch-Site": {"cross-site"}}, nil, 403},
		"a sibling":             {"POST", http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://sibling.example.com"}}, nil, 403},
		"a trusted sibling":     {"POST", http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://sibling.example.com"}}, trusting, 200},
		"Origin of this host":   {"POST", http.Header{"Origin": {"http://example.com"}}, nil, 200},
		"Origin of another":     {"POST", http.Header{"Origin": {"http://evil.example"}}, nil, 403},
		"Origin null":           {"POST", http.Header{"Origin": {"null"}}, nil, 403},
		"reading":               {"GET", http.Header{"Sec-Fetch-Site": {"cross-site"}}, nil, 200},
		"WebSocket's handshake": {"GET", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Upgrade": {"websocket"}, "Connection": {"Upgrade"}}, nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			ran := false
			app, _ := appOf(t, func(h *action) error { ran = true; return nil })
			app.CrossOrigin = test.trusted
			r := request(t, test.method, start(t, app).URL+"/", "")
			r.Host = "example.com"
			for name, values := range test.header {
				r.Header[name] = values
			}
			answer, body, err := fetch(t, r)
			if err != nil || answer.StatusCode != test.status || ran != (test.status == 200) {
				t.Errorf("answer %d %q, ran: %v", answer.StatusCode, body, ran)
			}
		})
	}
}

// The user gets a plain message. The error of net/http is its cause, for the site's own error
// page and for Debug.
func TestCrossOriginWriteIsRefusedInPlainWords(t *testing.T) {
	const told = "This request came from another site, so nothing was done. Open this site and try again from there."
	const asHTML = "<h1>Forbidden</h1>\n<p>" + told + "</p>\n</main>\n</body>\n</html>\n"
	const asJSON = `{"status":403,"error":"Forbidden","message":"` + told + `"`
	headers := map[string]http.Header{
		"Sec-Fetch-Site": {"Sec-Fetch-Site": {"cross-site"}},
		"Origin":         {"Origin": {"http://evil.example"}},
	}
	for name, header := range headers {
		for _, test := range []struct {
			accept string
			debug  bool
			want   func(cause string) string
		}{
			{"text/html", false, func(string) string { return asHTML }},
			{"application/json", false, func(string) string { return asJSON + "}\n" }},
			{"text/html", true, func(cause string) string {
				return "<h1>403 Forbidden: " + told + ": " + cause + "</h1>"
			}},
			{"application/json", true, func(cause string) string {
				return asJSON + `,"detail":"403 Forbidden: ` + told + ": " + cause + `","debug":{`
			}},
		} {
			t.Run(fmt.Sprintf("%s/%s/Debug %v", name, test.accept, test.debug), func(t *testing.T) {
				app, _ := appOf(t, func(h *action) error { return nil })
				app.Debug = test.debug
				seen := make(chan error, 1)
				app.Errors = map[int]framework.ErrorHandler{403: func(_ framework.Handler, err error) error {
					seen <- err
					return err
				}}
				r := request(t, "POST", start(t, app).URL+"/", "")
				r.Header = header.Clone()
				r.Header.Set("Accept", test.accept)
				cause := http.NewCrossOriginProtection().Check(r)
				answer, body, err := fetch(t, r)
				if err != nil || answer.StatusCode != 403 || !strings.Contains(body, test.want(cause.Error())) || !test.debug && strings.Contains(body, cause.Error()) {
					t.Errorf("answer %d\n%q\nwant\n%q, %v", answer.StatusCode, body, test.want(cause.Error()), err)
				}
				if err := <-seen; !errors.Is(err, cause) {
					t.Errorf("error %v, want the cause %v", err, cause)
				}
			})
		}
	}
}
