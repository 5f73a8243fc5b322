package sessions_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/gorilla/securecookie"

	"github.com/webapp2go/webapp2go/sessions"
)

func TestRotation(t *testing.T) {
	oldest, newest := sessions.RandomKey(), sessions.RandomKey()
	newest.Block = sessions.RandomKey().Hash // from signed to encrypted
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

// With a Block the user of the browser cannot read the cookie, and two cookies with the same
// content differ.
func TestEncryption(t *testing.T) {
	key := sessions.RandomKey()
	key.Block = sessions.RandomKey().Hash[:16]
	site := newSite(t, sessions.Config{Keys: []sessions.Key{key}}, map[string]action{"/write": write, "/read": read})
	b, other := site.browser(), site.browser()
	b.get("/write")
	other.get("/write")
	b.want("/read", "n=1")
	if b.cookie() == other.cookie() {
		t.Error("two cookies are the same")
	}
}

// Decodes the format as the package documentation describes it, only with the libraries.
func TestFormat(t *testing.T) {
	key, site := sessions.RandomKey(), "mine"
	verify := func(b *browser, name string) []byte {
		_, value, _ := strings.Cut(b.cookie(), "=")
		var payload []byte
		library := securecookie.New(key.Hash, nil).SetSerializer(securecookie.NopEncoder{})
		if err := library.Decode(name, value, &payload); err != nil {
			t.Fatal(err)
		}
		return payload
	}
	p := newProbe()
	for _, backend := range []sessions.Backend{nil, p} {
		b := newSite(t, sessions.Config{Keys: []sessions.Key{key}, Site: site, Sessions: []sessions.Spec{{Backend: backend}}},
			map[string]action{"/": write}).browser()
		b.get("/")
		var data []byte
		if backend == nil {
			payload := verify(b, "__Host-session d mine")
			if string(payload[:2]) != "\x01d" {
				t.Errorf("the payload begins with %q", payload[:2])
			}
			data = payload[2:]
		} else {
			payload := verify(b, "__Host-session i mine")
			if string(payload[:2]) != "\x01i" || len(payload) != 34 {
				t.Errorf("the payload is %q", payload)
			}
			r, err := p.Memory.Load(t.Context(), p.ids[0])
			if err != nil {
				t.Fatal(err)
			}
			data = r.Data
		}
		var fields struct {
			_             struct{} `cbor:",toarray"`
			Created, Seen int64
			Values        map[string]cbor.RawMessage
			Flashes       []any
			User          string
		}
		if err := cbor.Unmarshal(data[1:], &fields); err != nil {
			t.Fatal(err)
		}
		if age := time.Since(time.UnixMilli(fields.Created)); data[0] != 1 || age < 0 || age > time.Minute || string(fields.Values["n"]) != "\x01" {
			t.Errorf("version %d, %+v", data[0], fields)
		}
	}
}
