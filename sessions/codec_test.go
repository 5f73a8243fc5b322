package sessions

import (
	"crypto/rand"
	"crypto/sha512"
	"strings"
	"testing"

	"github.com/gorilla/securecookie"
)

// library is gorilla/securecookie, which the codec must agree with.
func library(k Key) *securecookie.SecureCookie {
	return securecookie.New(k.Hash, k.Block).SetSerializer(securecookie.NopEncoder{}).MaxAge(0).MaxLength(0)
}

func testKeys() []Key {
	return []Key{
		{Hash: testKey(1, 32)},
		{Hash: testKey(2, 64), Block: testKey(3, 16)},
		{Hash: testKey(4, 33), Block: testKey(5, 32)},
	}
}

// testKey returns a key of n bytes that is the same in every run.
func testKey(seed byte, n int) []byte {
	sum := sha512.Sum512([]byte{seed})
	return sum[:n]
}

// agree compares the codec with the library for one value that comes from outside.
func agree(t *testing.T, c *codec, keys []Key, name, value string) {
	t.Helper()
	payload, _, key, ok := c.open(name, value)
	for i, k := range keys {
		var want []byte
		err := library(k).Decode(name, value, &want)
		if mine := ok && key == i; mine != (err == nil) || mine && payload != string(want) {
			t.Errorf("key %d: %q is %v to the codec, %v to the library", i, value, mine, err)
		}
	}
}

func TestCodecAgreesWithSecurecookie(t *testing.T) {
	keys := testKeys()
	c, err := newCodec(keys)
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, 300)
	rand.Read(payload)
	for _, size := range []int{0, 1, 2, 3, 16, 17, 300} {
		for i, k := range keys {
			sealed, err := library(k).Encode("name", append([]byte(nil), payload[:size]...)) // it encrypts in place
			if err != nil {
				t.Fatal(err)
			}
			agree(t, c, keys, "name", sealed)
			agree(t, c, keys, "other", sealed)
			one, err := newCodec(keys[i : i+1])
			if err != nil {
				t.Fatal(err)
			}
			ours := string(one.seal(nil, "name", 1234567890, payload[:size]))
			agree(t, c, keys, "name", ours)
			for at := 0; at < len(ours); at += 1 + len(ours)/60 {
				agree(t, c, keys, "name", ours[:at])
				agree(t, c, keys, "name", ours[:at]+"\n"+ours[at:])
				agree(t, c, keys, "name", ours[:at]+string(ours[at]^2)+ours[at+1:])
			}
		}
	}
}

// The result of a seal without encryption has the same bytes as the library's of the same
// second.
func TestSealIsTheLibrarys(t *testing.T) {
	keys := testKeys()[:1]
	c, err := newCodec(keys)
	if err != nil {
		t.Fatal(err)
	}
	payload := []byte("the payload")
	want, err := library(keys[0]).Encode("name", payload)
	if err != nil {
		t.Fatal(err)
	}
	_, date, _, ok := c.open("name", want)
	if !ok {
		t.Fatal("not opened")
	}
	if got := string(c.seal(nil, "name", date, payload)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzCodec(f *testing.F) {
	keys := testKeys()
	c, err := newCodec(keys)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("name", []byte("payload"), string(c.seal(nil, "name", 1, []byte("payload"))))
	f.Add("__Host-session d ", []byte{}, "MXx8")
	f.Add("", []byte{0xff}, strings.Repeat("A", 5000))
	f.Fuzz(func(t *testing.T, name string, payload []byte, value string) {
		agree(t, c, keys, name, value)
		for i := range keys {
			one := &codec{keys: c.keys[i : i+1]}
			ours := string(one.seal(nil, name, int64(len(value)), payload))
			agree(t, one, keys[i:i+1], name, ours)
			if strings.Contains(name, "|") {
				continue
			}
			theirs, err := library(keys[i]).Encode(name, append([]byte(nil), payload...))
			if err != nil {
				t.Fatal(err)
			}
			agree(t, one, keys[i:i+1], name, theirs)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	key := testKeys()[0]
	c, err := newCodec([]Key{key})
	if err != nil {
		b.Fatal(err)
	}
	value := string(c.seal(nil, "__Host-session d ", 1e9, make([]byte, 195)))
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, _, ok := c.open("__Host-session d ", value); !ok {
				b.Fatal("not opened")
			}
		}
	})
	b.Run("securecookie", func(b *testing.B) {
		s := library(key)
		b.ReportAllocs()
		for b.Loop() {
			var payload []byte
			if err := s.Decode("__Host-session d ", value, &payload); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	key := testKeys()[0]
	c, err := newCodec([]Key{key})
	if err != nil {
		b.Fatal(err)
	}
	payload, to := make([]byte, 195), make([]byte, 0, 1024)
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.seal(to, "__Host-session d ", 1e9, payload)
		}
	})
	b.Run("securecookie", func(b *testing.B) {
		s := library(key)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Encode("__Host-session d ", payload); err != nil {
				b.Fatal(err)
			}
		}
	})
}
