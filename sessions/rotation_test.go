package sessions_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

func TestRotation(t *testing.T) {
	oldest, newest := sessions.RandomKey(), sessions.RandomKey()
	newest.Block = bytes.Repeat([]byte{7}, 32) // from signed to encrypted
	memory := sessions.NewMemory()
	for _, backend := range []sessions.Backend{nil, memory} {
		actions := map[string]action{"/write": write, "/read": read}
		with := func(keys ...sessions.Key) *site {
			return newSite(t, sessions.Config{Keys: keys, Sessions: []sessions.Spec{{Backend: backend}}}, actions)
		}
		before, between, after := with(oldest), with(newest, oldest), with(newest)
		b := before.browser()
		b.get("/write")
		old := b.cookie()

		a := between.browser().send("/read", &old)
		if a.status != "loaded" || a.body != "n=1" || a.Header["Set-Cookie"] != nil {
			t.Errorf("a read with the new key: %s %q, cookies %q", a.status, a.body, a.Header["Set-Cookie"])
		}
		a = between.browser().send("/write", &old)
		if a.status != "loaded" || len(a.Header["Set-Cookie"]) != 1 {
			t.Fatalf("a write with the new key: %s, cookies %q", a.status, a.Header["Set-Cookie"])
		}
		signed, _, _ := strings.Cut(a.Header["Set-Cookie"][0], ";")
		if a := after.browser().send("/read", &signed); a.status != "loaded" || a.body != "n=2" {
			t.Errorf("the new cookie without the old key: %s %q", a.status, a.body)
		}
		if a := after.browser().send("/read", &old); a.status != "tampered" {
			t.Errorf("the old cookie without the old key: %s", a.status)
		}
		if a := between.browser().send("/write", &signed); backend != nil && a.Header["Set-Cookie"] != nil {
			t.Errorf("signed again although it is of the newest key: %q", a.Header["Set-Cookie"])
		}
	}
}

// With a Block the browser's user cannot read what is in the cookie, and two cookies
// of one content differ.
func TestEncryption(t *testing.T) {
	key := sessions.RandomKey()
	key.Block = bytes.Repeat([]byte{1}, 16)
	site := newSite(t, sessions.Config{Keys: []sessions.Key{key}}, map[string]action{"/write": write, "/read": read})
	b, other := site.browser(), site.browser()
	b.get("/write")
	other.get("/write")
	b.want("/read", "n=1")
	if b.cookie() == other.cookie() {
		t.Error("two cookies are the same")
	}
}
