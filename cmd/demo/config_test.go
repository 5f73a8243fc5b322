package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

var goodKey = base64.StdEncoding.EncodeToString([]byte("a key of the tests, never another"))

func environment(pairs []string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestConfigureRefuses(t *testing.T) {
	tests := []struct {
		name        string
		args        []string
		environment []string
		want        []string
	}{
		{"unknown flag", []string{"-nope"}, nil, []string{"flag provided but not defined: -nope", "demo -h"}},
		{"no flag", []string{"serve"}, nil, []string{`"serve" is no flag`}},
		{"kind of sessions", []string{"-sessions=redis"}, nil, []string{`-sessions "redis"`, "cookie, memory"}},
		{"kind of sessions, by variable", nil, []string{"SESSIONS", "redis"}, []string{`-sessions "redis"`}},
		{"kind of users", []string{"-users=cookie"}, nil, []string{`-users "cookie"`}},
		{"no boolean", nil, []string{"DEBUG", "maybe"}, []string{"DEBUG", `"maybe" is neither true nor false`}},
		{"no duration", []string{"-memcached-timeout=100"}, nil, []string{"-memcached-timeout", `"100" is no duration`}},
		{"two places for keys", []string{"-key-file=x"}, []string{"SESSION_KEYS", goodKey}, []string{"SESSION_KEYS and SESSION_KEYS_FILE are set together"}},
		{"no log of that kind", []string{"-log=xml"}, nil, []string{`-log "xml"`, "text, json"}},
		{"no level", nil, []string{"LOG_LEVEL", "loud"}, []string{"LOG_LEVEL", `"loud" is none of debug`}},
		{"no time", nil, []string{"DRAIN_TIMEOUT", "3"}, []string{"DRAIN_TIMEOUT", `"3" is no duration`}},
		{"App Engine without a key", nil, []string{"GAE_ENV", "standard"}, []string{"GAE_ENV is set", "random key", "SESSION_KEYS_SECRET"}},
		{"App Engine with all that is wrong", []string{"-sessions=memory", "-users=memory", "-insecure", "-debug"}, []string{"GAE_ENV", "standard"},
			[]string{"random key", "SESSIONS=datastore", "USERS=datastore", "plain http", "unset DEBUG"}},
		{"Cloud Run without anything", nil, []string{"K_SERVICE", "demo"}, []string{"K_SERVICE is set", "random key"}},
		{"Cloud Run with a key", nil, []string{"K_SERVICE", "demo", "SESSION_KEYS", goodKey, "USERS", "memory"}, []string{"users in memory"}},
		{"insecure in the cloud", []string{"-insecure"}, []string{"K_SERVICE", "demo"}, []string{"plain http"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := configure(test.args, environment(test.environment), new(strings.Builder))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("missing %q in %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
			if strings.Contains(err.Error(), goodKey) {
				t.Errorf("tells the key: %v", err)
			}
		})
	}
}

func TestFlagsWinOverVariables(t *testing.T) {
	c, err := configure([]string{"-sessions=memory", "-debug"}, environment([]string{"SESSIONS", "cookie", "DEBUG", "false", "ADMIN", "ann"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.sessions != "memory" || !c.debug || c.admin != "ann" || !c.insecure.on {
		t.Errorf("%+v", c)
	}
}

func TestCloudDefaults(t *testing.T) {
	for name, proxy := range map[string]framework.Proxy{"GAE_ENV": framework.AppEngine, "K_SERVICE": framework.CloudRun} {
		c, err := configure(nil, environment([]string{name, "x", "SESSION_KEYS_SECRET", "keys"}), nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.sessions != "datastore" || c.users != "datastore" || c.log != "json" || c.insecure.on || c.requests.on || c.proxy != proxy {
			t.Errorf("%s: %+v", name, c)
		}
	}
	c, err := configure(nil, environment([]string{"GOOGLE_CLOUD_PROJECT", "in-a-developers-shell"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.sessions != "memory" || c.users != "memory" || c.log != "text" || !c.insecure.on || !c.requests.on || c.proxy != framework.NoProxy {
		t.Errorf("a laptop: %+v", c)
	}
}

func TestProxiesOfOnesOwn(t *testing.T) {
	for name, variables := range map[string][]string{
		"a laptop":                             {"PROXIES", "2"},
		"Cloud Run behind a balancer of one's": {"PROXIES", "2", "K_SERVICE", "x", "SESSION_KEYS_SECRET", "keys"},
	} {
		c, err := configure(nil, environment(variables), nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.proxy != framework.Proxies(2) {
			t.Errorf("%s: %+v", name, c)
		}
	}
	for _, bad := range []string{"0", "-1", "two", ""} {
		if _, err := configure([]string{"-proxies=" + bad}, environment(nil), nil); err == nil || !strings.Contains(err.Error(), "number of proxies") {
			t.Errorf("-proxies=%s: %v", bad, err)
		}
	}
}

// What is logged at start is every choice and no secret.
func TestChoicesAreLoggedWithoutSecrets(t *testing.T) {
	c, err := configure([]string{"-admin=ann"}, environment([]string{"SESSION_KEYS", goodKey, "GAE_ENV", "standard", "GOOGLE_CLOUD_PROJECT", "shop"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	var text, object strings.Builder
	c.logger(&object, &text).Info("starting", "choices", c)
	if text.Len() > 0 || strings.Contains(object.String(), goodKey) {
		t.Errorf("on stderr: %q, on stdout: %s", &text, &object)
	}
	for _, want := range []string{`"SESSION_KEYS":"set"`, `"admin":"ann"`, `"sessions":"datastore"`, `"project":"shop"`, `"severity":"INFO"`} {
		if !strings.Contains(object.String(), want) {
			t.Errorf("missing %s in %s", want, &object)
		}
	}
}

func TestHelpListsEveryChoice(t *testing.T) {
	var out strings.Builder
	if _, err := configure([]string{"-h"}, environment(nil), &out); err != errHelp {
		t.Fatal(err)
	}
	for _, o := range new(config).options() {
		for _, want := range []string{"-" + o.flag + "=", "$" + o.variable} {
			if len(want) > 2 && !strings.Contains(out.String(), want) {
				t.Errorf("the help does not tell of %s", want)
			}
		}
	}
}

func TestSessionKeys(t *testing.T) {
	block := base64.RawURLEncoding.EncodeToString([]byte("0123456789abcdef"))
	tests := []struct {
		name, list string
		keys       int
		want       string
	}{
		{"one", goodKey, 1, ""},
		{"two", goodKey + "," + goodKey, 2, ""},
		{"one a line", goodKey + "\n" + goodKey + "\r\n", 2, ""},
		{"with encryption", goodKey + ":" + block, 1, ""},
		{"url alphabet without padding", base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xff", 32))), 1, ""},
		{"none", " ,\n", 0, "no key"},
		{"no base64", goodKey + ",***", 0, "key 2 is not base64"},
		{"no base64 after the colon", goodKey + ":***", 0, "after the colon"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "keys")
			if err := os.WriteFile(file, []byte(test.list), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, c := range []config{{keys: test.list}, {keyFile: file}} {
				keys, err := c.sessionKeys(t.Context())
				switch {
				case test.want == "" && (err != nil || len(keys) != test.keys):
					t.Errorf("%d keys, %v", len(keys), err)
				case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
					t.Errorf("got %v, want %q", err, test.want)
				}
			}
		})
	}
	if _, err := (&config{keyFile: "does-not-exist"}).sessionKeys(t.Context()); err == nil || !strings.Contains(err.Error(), "SESSION_KEYS_FILE") {
		t.Errorf("missing file: %v", err)
	}
}
