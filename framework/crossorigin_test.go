package framework_test

import (
	"net/http"
	"strings"
	"testing"
)

// Browsers' writes from other origins are refused before anything of the site runs.
func TestCrossOriginWrites(t *testing.T) {
	trusting := http.NewCrossOriginProtection()
	if err := trusting.AddTrustedOrigin("https://sibling.example.com"); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		verb    string
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
			r := request(t, test.verb, start(t, app).URL+"/", "")
			r.Host = "example.com"
			for name, values := range test.header {
				r.Header[name] = values
			}
			answer, body, err := fetch(t, r)
			if err != nil || answer.StatusCode != test.status || ran != (test.status == 200) {
				t.Errorf("answer %d %q, ran: %v", answer.StatusCode, body, ran)
			}
			if test.status == 403 && !strings.Contains(body, "cross-origin") {
				t.Errorf("page %q", body)
			}
		})
	}
}
