package main

import (
	"os"
	"os/exec"
	"testing"
)

// needMemcached skips the test where memcached is not installed.
func needMemcached(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("memcached"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("memcached is not installed")
	}
}

func TestCommandsAreCounted(t *testing.T) {
	needMemcached(t)
	server, err := startMemcached()
	if err != nil {
		t.Fatal(err)
	}
	defer server.stop()
	site := floorMemcachedSite(server.addr)
	for _, test := range []struct {
		scenario scenario
		want     string
	}{
		{untouched, "none"},
		{read, "1 get"},
		{write, "1 get + 1 cas"},
		{login, "1 set or add"},
	} {
		t.Run(test.scenario.name, func(t *testing.T) {
			c, err := test.scenario.newClient(site)
			if err != nil {
				t.Fatal(err)
			}
			got, err := server.commands(c, 20)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("a request costs %q, not %q", got, test.want)
			}
		})
	}
}
