package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

var goodKey = base64.StdEncoding.EncodeToString([]byte("a key of the tests, never another"))

// setenv sets variables for a test, and empties those that tell where the program runs.
func setenv(t *testing.T, pairs ...string) {
	t.Helper()
	for _, name := range []string{"GAE_ENV", "K_SERVICE", "GOOGLE_CLOUD_PROJECT", "SESSION_KEYS", "DATA"} {
		t.Setenv(name, "")
	}
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
}

// An error of the settings is one line that names the flag, or the variable, and says how
// to fix it.
func TestConfigureRefuses(t *testing.T) {
	tests := []struct {
		name        string
		args        []string
		environment []string
		want        []string
	}{
		{"unknown flag", []string{"-nope"}, nil, []string{"unknown flag --nope", "demo --help lists the flags"}},
		{"not a flag", []string{"serve"}, nil, []string{"unexpected argument serve", "demo --help"}},
		{"flag without a value", []string{"--addr"}, nil, []string{"--addr has no value: write --addr=VALUE"}},
		{"sessions", []string{"-sessions=redis"}, nil, []string{`--sessions must be one of "auto","sql"`, `"redis"`}},
		{"sessions, by variable", nil, []string{"SESSIONS", "redis"}, []string{`--sessions must be one of "auto"`, "from the variable SESSIONS"}},
		{"users", []string{"-users=cookie"}, nil, []string{`--users must be one of "auto","sql"`, `"cookie"`}},
		{"not a boolean", nil, []string{"DEBUG", "maybe"}, []string{`DEBUG="maybe"`, "bool value must be true, 1, yes, false, 0 or no"}},
		{"not a duration", []string{"-memcached-timeout=100"}, nil, []string{"--memcached-timeout", `"100" must be a duration above zero, such as 100ms`}},
		{"not a duration, by variable", nil, []string{"DRAIN_TIMEOUT", "3"}, []string{`DRAIN_TIMEOUT="3"`, "such as 100ms or 3s"}},
		{"negative duration", nil, []string{"DRAIN_TIMEOUT", "-3s"}, []string{"DRAIN_TIMEOUT", "above zero"}},
		{"log", []string{"-log=xml"}, nil, []string{`--log must be one of "text","json"`}},
		{"level", nil, []string{"LOG_LEVEL", "loud"}, []string{`--log-level must be one of "debug","info"`, "from the variable LOG_LEVEL"}},
		{"no proxies", []string{"--proxies=-1"}, nil, []string{"--proxies is -1: it must be the number of proxies"}},
		{"proxies in words", nil, []string{"PROXIES", "two"}, []string{`PROXIES="two"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			setenv(t, test.environment...)
			_, err := configure(test.args, new(strings.Builder))
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
		})
	}
}

func TestFlagsWinOverVariables(t *testing.T) {
	setenv(t, "SESSIONS", "cookie", "DEBUG", "false", "ADMIN", "ann", "NAMESPACE", "", "DRAIN_TIMEOUT", "")
	c, err := configure([]string{"-sessions=memory", "--debug", "-memcached", "a:1,b:2"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Sessions != "memory" || !c.Debug || c.Admin != "ann" || !c.Insecure || strings.Join(c.Memcached, " ") != "a:1 b:2" || time.Duration(c.Drain) != 2500*time.Millisecond {
		t.Errorf("%+v", c)
	}
}

func TestDefaultsDependOnThePlatform(t *testing.T) {
	for name, proxy := range map[string]framework.Proxy{"GAE_ENV": framework.AppEngine, "K_SERVICE": framework.CloudRun} {
		setenv(t, name, "x")
		c, err := configure(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Sessions != "datastore" || c.Users != "datastore" || c.Log != "json" || c.Insecure || c.RequestLog || c.proxy() != proxy {
			t.Errorf("%s: %+v", name, c)
		}
	}
	setenv(t, "GOOGLE_CLOUD_PROJECT", "in-a-developers-shell")
	c, err := configure(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Sessions != "sql" || c.Users != "sql" || c.Log != "text" || !c.Insecure || !c.RequestLog || c.proxy() != framework.NoProxy {
		t.Errorf("a laptop: %+v", c)
	}
	if c, err = configure([]string{"-sessions=cached"}, nil); err != nil || c.Users != "datastore" {
		t.Errorf("users of a site with sessions in Datastore: %+v, %v", c, err)
	}
}

func TestProxies(t *testing.T) {
	for name, variables := range map[string][]string{
		"a laptop":                       {"PROXIES", "2"},
		"Cloud Run behind another proxy": {"PROXIES", "2", "K_SERVICE", "x"},
	} {
		setenv(t, variables...)
		c, err := configure(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.proxy() != framework.Proxies(2) {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// The page /session is only for use on a laptop.
func TestWatch(t *testing.T) {
	for _, test := range []struct {
		variables []string
		args      []string
		watch     bool
		mistake   string
	}{
		{nil, nil, true, ""},
		{nil, []string{"-watch=false"}, false, ""},
		{[]string{"WATCH", "false"}, nil, false, ""},
		{[]string{"INSECURE", "false"}, nil, false, ""},
		{nil, []string{"-proxies=1"}, false, ""},
		{[]string{"INSECURE", "false", "WATCH", "true"}, nil, true, ""},
		{nil, []string{"-proxies=1", "-watch"}, true, ""},
		{nil, []string{"-proxies=1", "-watch=true"}, true, ""},
		{[]string{"K_SERVICE", "x"}, nil, false, ""},
		{[]string{"K_SERVICE", "x"}, []string{"-watch"}, false, "leave it out on Cloud Run"},
		{[]string{"GAE_ENV", "standard", "WATCH", "true"}, nil, false, "from the variable WATCH"},
	} {
		t.Run(fmt.Sprint(test.variables, test.args), func(t *testing.T) {
			setenv(t, test.variables...)
			c, err := configure(test.args, nil)
			if test.mistake == "" && (err != nil || c.Watch != test.watch) {
				t.Errorf("%+v, %v", c, err)
			}
			if test.mistake != "" && (err == nil || !strings.Contains(err.Error(), test.mistake)) {
				t.Errorf("%v, want %q", err, test.mistake)
			}
		})
	}
}

// The log at startup has the settings that have a value, and no key.
func TestSettingsAreLogged(t *testing.T) {
	setenv(t, "SESSION_KEYS", goodKey, "GAE_ENV", "standard", "GOOGLE_CLOUD_PROJECT", "shop")
	c, err := configure([]string{"-admin=ann"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var text, object strings.Builder
	c.logger(&object, &text).Info("starting", "settings", c)
	if text.Len() > 0 || strings.Contains(object.String(), goodKey) {
		t.Errorf("on stderr: %q, on stdout: %s", &text, &object)
	}
	for _, want := range []string{`"SESSION_KEYS":"set"`, `"admin":"ann"`, `"sessions":"datastore"`, `"project":"shop"`, `"memcached-timeout":"100ms"`, `"debug":false`, `"severity":"INFO"`} {
		if !strings.Contains(object.String(), want) {
			t.Errorf("missing %s in %s", want, &object)
		}
	}
	for _, unwanted := range []string{`"addr"`, `"proxies"`, `"help"`, `0s`} {
		if strings.Contains(object.String(), unwanted) {
			t.Errorf("%s in %s", unwanted, &object)
		}
	}
}

func TestHelpListsEverySetting(t *testing.T) {
	setenv(t)
	var out strings.Builder
	if _, err := configure([]string{"-h"}, &out); err != errHelp {
		t.Fatal(err)
	}
	for name := range known(t) {
		if !strings.Contains(out.String(), "$"+name) {
			t.Errorf("the help does not list %s\n%s", name, &out)
		}
	}
}

// known returns the variables that the demo reads.
func known(t *testing.T) map[string]bool {
	t.Helper()
	c, err := configure(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"SESSION_KEYS_SECRET": true, "SESSION_KEYS_FILE": true, "SESSION_KEYS": true}
	for _, f := range c.parser.Model.Flags {
		for _, name := range f.Envs {
			names[name] = true
		}
	}
	return names
}
