package memcachetest_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
)

func TestServer(t *testing.T) {
	s := memcachetest.Start(t)
	client := memcache.New(s.Addr)
	set := func() {
		t.Helper()
		if err := client.Set(&memcache.Item{Key: "key", Value: []byte("value")}); err != nil {
			t.Fatal(err)
		}
	}
	missing := func() {
		t.Helper()
		if _, err := client.Get("key"); !errors.Is(err, memcache.ErrCacheMiss) {
			t.Fatalf("error %v, want a miss", err)
		}
	}

	set()
	before := s.Stats()
	if _, err := client.Get("key"); err != nil {
		t.Fatal(err)
	}
	after := s.Stats()
	if after["cmd_get"]-before["cmd_get"] != 1 || after["cmd_set"] != before["cmd_set"] || after["curr_items"] != 1 {
		t.Errorf("one get has moved the statistics from %v to %v", before, after)
	}

	s.Flush()
	missing()

	set()
	s.Restart()
	client.Close() // its connections are those of the killed server
	missing()

	s.Pause()
	var timeout net.Error
	if _, err := client.Get("key"); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("error %v of a paused server, want a timeout", err)
	}
	s.Resume()
	missing()

	s.Stop()
	s.Stop()
	if _, err := client.Get("key"); err == nil {
		t.Error("a stopped server answers")
	}
	if err := client.Close(); err != nil && !errors.Is(err, syscall.EPIPE) {
		t.Error(err)
	}
}

func TestServersAreApart(t *testing.T) {
	one, two := memcachetest.Start(t), memcachetest.Start(t, "-I", "512k")
	if one.Addr == two.Addr {
		t.Errorf("two servers at %s", one.Addr)
	}
	client := memcache.New(two.Addr)
	if err := client.Add(&memcache.Item{Key: "key", Value: make([]byte, 600<<10)}); err == nil {
		t.Error("the argument -I 512k did nothing")
	}
	if got := one.Stats()["cmd_set"]; got != 0 {
		t.Errorf("%d sets on the other server", got)
	}
}
