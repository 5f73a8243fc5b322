package sessions_test

import (
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// Cookies for plain http are for development on a laptop. If the program runs on a platform,
// they are a mistake.
func TestInsecureInTheCloud(t *testing.T) {
	for name, test := range map[string]struct {
		variable string
		insecure bool
		want     string
	}{
		"Cloud Run":          {"K_SERVICE", true, "Insecure is not allowed if K_SERVICE is set"},
		"App Engine":         {"GAE_ENV", true, "Insecure is not allowed if GAE_ENV is set"},
		"a laptop":           {"", true, ""},
		"Cloud Run, Secure":  {"K_SERVICE", false, ""},
		"App Engine, Secure": {"GAE_ENV", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("K_SERVICE", "")
			t.Setenv("GAE_ENV", "")
			if test.variable != "" {
				t.Setenv(test.variable, "standard")
			}
			_, err := sessions.New(sessions.Config{
				Keys:     []sessions.Key{sessions.RandomKey()},
				Sessions: []sessions.Spec{{Insecure: test.insecure}},
			})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("New returned %v, want %q", err, test.want)
			}
		})
	}
}
