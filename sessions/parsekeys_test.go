package sessions_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// A program reads its keys from an environment variable, newest first. `openssl rand
// -base64 32` makes one.
func ExampleParseKeys() {
	text := "1skYnKJf6aJtYiMkbGQAMGg9m5V4qGkJeYnOGrlFX7k=, wgKh3zQOr9wcVuYdgHh2nA5Qa7iE8RNUY5c1ZsMfLtw="
	keys, err := sessions.ParseKeys(text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(keys), keys[0])
	// Output: 2 (secret: Hash of 32 bytes, Block of 0)
}

func TestParseKeys(t *testing.T) {
	hash, block := bytes.Repeat([]byte{0xfb, 0xff, 1}, 11), bytes.Repeat([]byte{0xfe, 2}, 8)
	standard, url := base64.StdEncoding, base64.RawURLEncoding
	for _, test := range []struct {
		name, text string
		keys       int
		encrypts   bool
		fault      string
	}{
		{"one", standard.EncodeToString(hash), 1, false, ""},
		{"with the line end of a file", standard.EncodeToString(hash) + "\n", 1, false, ""},
		{"with the line end of Windows", standard.EncodeToString(hash) + "\r\n" + standard.EncodeToString(hash) + "\r\n", 2, false, ""},
		{"alphabet of URLs, no padding", url.EncodeToString(hash), 1, false, ""},
		{"commas", standard.EncodeToString(hash) + "," + url.EncodeToString(hash) + ", " + url.EncodeToString(hash), 3, false, ""},
		{"with a Block", standard.EncodeToString(hash) + ":" + standard.EncodeToString(block), 1, true, ""},
		{"none", "", 0, false, "sessions: no key is given: make one with `openssl rand -base64 32`"},
		{"only separators", " ,\n", 0, false, "sessions: no key is given"},
		{"not base64", standard.EncodeToString(hash) + ", se$cret", 0, false, "sessions: key 2 is not base64: make one with `openssl rand -base64 32`"},
		{"Block not base64", standard.EncodeToString(hash) + ":se$cret", 0, false, "sessions: key 1 is not base64 after the colon"},
		{"Block empty", standard.EncodeToString(hash) + ":", 0, false, "sessions: key 1 has nothing after the colon: leave the colon out"},
		{"Hash empty", ":" + standard.EncodeToString(hash), 0, false, "sessions: key 1 has nothing before the colon"},
		{"too many", strings.Repeat(standard.EncodeToString(hash)+"\n", 101), 0, false, "sessions: there are more than 100 keys: remove those that no session needs any more"},
	} {
		t.Run(test.name, func(t *testing.T) {
			keys, err := sessions.ParseKeys(test.text)
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) || strings.Contains(err.Error(), "se$cret") || keys != nil {
					t.Fatalf("%d keys, error %q, want one with %q", len(keys), err, test.fault)
				}
				return
			}
			if err != nil || len(keys) != test.keys {
				t.Fatalf("%d keys, error %v, want %d", len(keys), err, test.keys)
			}
			for i, k := range keys {
				if !bytes.Equal(k.Hash, hash) || test.encrypts != (k.Block != nil) || test.encrypts && !bytes.Equal(k.Block, block) {
					t.Errorf("key %d is another", i)
				}
			}
		})
	}
}
