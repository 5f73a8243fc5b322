package memcache_test

import (
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions/memcache"
)

func TestConfigMistakes(t *testing.T) {
	good := []string{"127.0.0.1:11211"}
	for name, c := range map[string]struct {
		config memcache.Config
		want   string
	}{
		"no servers":       {memcache.Config{}, "memcache: Servers is empty: name one at least, such as 127.0.0.1:11211"},
		"empty server":     {memcache.Config{Servers: []string{"127.0.0.1:11211", ""}}, `Servers[1] is "": write host:port`},
		"no port":          {memcache.Config{Servers: []string{"127.0.0.1"}}, `Servers[0] is "127.0.0.1": write host:port`},
		"no host":          {memcache.Config{Servers: []string{":11211"}}, "it has no host: write 127.0.0.1:11211"},
		"bare IPv6":        {memcache.Config{Servers: []string{"::1:11211"}}, "[::1]:11211"},
		"port 0":           {memcache.Config{Servers: []string{"127.0.0.1:0"}}, `"0" is not a port`},
		"port too high":    {memcache.Config{Servers: []string{"127.0.0.1:65536"}}, `"65536" is not a port`},
		"named port":       {memcache.Config{Servers: []string{"127.0.0.1:http"}}, `"http" is not a port`},
		"a list in one":    {memcache.Config{Servers: []string{"127.0.0.1:11211,127.0.0.1:11212"}}, "write host:port"},
		"unknown name":     {memcache.Config{Servers: []string{"no-such-host.invalid:11211"}}, "no-such-host.invalid"},
		"space":            {memcache.Config{Servers: []string{" 127.0.0.1:11211"}}, `Servers[0] is " 127.0.0.1:11211"`},
		"twice":            {memcache.Config{Servers: []string{"localhost:11211", "LOCALHOST:11211"}}, `Servers[1] is "LOCALHOST:11211", which is there twice`},
		"long socket":      {memcache.Config{Servers: []string{"/" + strings.Repeat("x", 200)}}, "a socket has 103 bytes at most"},
		"long prefix":      {memcache.Config{Servers: good, Prefix: strings.Repeat("x", 208)}, "Prefix has 208 bytes: memcached's keys leave room for 207"},
		"space in prefix":  {memcache.Config{Servers: good, Prefix: "my app:"}, `Prefix "my app:" has a space`},
		"newline":          {memcache.Config{Servers: good, Prefix: "app:\r\nflush_all\r\n"}, "control character"},
		"negative timeout": {memcache.Config{Servers: good, Timeout: -time.Second}, "Timeout is -1s: give a positive one, or 0 for 100ms"},
		"negative idle":    {memcache.Config{Servers: good, MaxIdle: -1}, "MaxIdle is -1"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := memcache.New(c.config)
			if err == nil || b != nil || !strings.HasPrefix(err.Error(), "memcache: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want one with %q", err, c.want)
			}
		})
	}
}

func TestConfigMistakesAreReportedTogether(t *testing.T) {
	_, err := memcache.New(memcache.Config{Servers: []string{"a b", "127.0.0.1"}, Prefix: " ", Timeout: -1})
	for _, want := range []string{"Servers[0]", "Servers[1]", "Prefix", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %q says nothing of %s", err, want)
		}
	}
}

func TestConfigAccepts(t *testing.T) {
	for name, c := range map[string]memcache.Config{
		"one":      {Servers: []string{"127.0.0.1:11211"}},
		"several":  {Servers: []string{"127.0.0.1:11211", "[::1]:11211", "/run/memcached.sock"}, Prefix: strings.Repeat("é", 103)},
		"relative": {Servers: []string{"./memcached.sock"}, Timeout: time.Second, MaxIdle: 1},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := memcache.New(c)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
