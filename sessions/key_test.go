package sessions_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// A value that is printed to a log or a response shows no key.
func TestKeysDoNotShow(t *testing.T) {
	key := sessions.Key{Hash: []byte("a hash key that nobody may see..."), Block: []byte("block of sixteen")}
	config := sessions.Config{Keys: []sessions.Key{key}}
	for what, value := range map[string]any{"key": key, "pointer": &key, "keys": config.Keys, "config": config, "pointer to a config": &config} {
		shown := map[string]string{}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			shown[verb] = fmt.Sprintf(verb, value)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("start", "value", value)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "value", value)
		shown["slog"] = log.String()
		if text, err := json.Marshal(value); err == nil {
			shown["JSON"] = string(text)
		}
		for way, text := range shown {
			for _, secret := range []any{"nobody may", "sixteen", []byte("nobody"), []byte("sixteen")} {
				for _, form := range []string{"%s", "%x", "%X", "%d", "%#v"} {
					if written := strings.Trim(fmt.Sprintf(form, secret), "[]{}byte\""); strings.Contains(text, written) {
						t.Errorf("%s by %s: %s", what, way, text)
					}
				}
			}
		}
	}
	if text := fmt.Sprint(key); text != "(secret: Hash of 33 bytes, Block of 16)" {
		t.Errorf("a key is printed as %s", text)
	}
}

// Keys that were made by hand are refused. The error says how to make a good one.
func TestGuessableKeys(t *testing.T) {
	good := sessions.RandomKey()
	counting, down := make([]byte, 32), make([]byte, 32)
	for i := range counting {
		counting[i], down[i] = byte(i), byte(255-3*i)
	}
	for name, test := range map[string]struct {
		key  sessions.Key
		says string
	}{
		"zeros":              {sessions.Key{Hash: make([]byte, 32)}, ".Hash has a pattern"},
		"one byte":           {sessions.Key{Hash: bytes.Repeat([]byte("x"), 40)}, ".Hash has a pattern"},
		"a word again":       {sessions.Key{Hash: bytes.Repeat([]byte("secret"), 6)}, ".Hash has a pattern"},
		"a word cut":         {sessions.Key{Hash: bytes.Repeat([]byte("secret"), 6)[:32]}, ".Hash has a pattern"},
		"two halves":         {sessions.Key{Hash: bytes.Repeat(good.Hash[:16], 2)}, ".Hash has a pattern"},
		"counting":           {sessions.Key{Hash: counting}, ".Hash has a pattern"},
		"counting down":      {sessions.Key{Hash: down}, ".Hash has a pattern"},
		"few bytes":          {sessions.Key{Hash: []byte("00000000000000100000000000000002")}, ".Hash has a pattern"},
		"zeros as Block":     {sessions.Key{Hash: good.Hash, Block: make([]byte, 32)}, ".Block has a pattern"},
		"Block is Hash":      {sessions.Key{Hash: good.Hash, Block: good.Hash}, ".Block is the beginning of its Hash"},
		"Block is half Hash": {sessions.Key{Hash: good.Hash, Block: good.Hash[:16]}, ".Block is the beginning of its Hash"},
	} {
		_, err := sessions.New(sessions.Config{Keys: []sessions.Key{test.key}})
		if err == nil || !strings.Contains(err.Error(), "Config.Keys[0]"+test.says) || !strings.Contains(err.Error(), "openssl rand") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range 1000 {
		key := sessions.Key{Hash: sessions.RandomKey().Hash, Block: sessions.RandomKey().Hash[:16]}
		if _, err := sessions.New(sessions.Config{Keys: []sessions.Key{key}}); err != nil {
			t.Fatal(err)
		}
	}
}
