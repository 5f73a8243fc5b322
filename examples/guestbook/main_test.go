package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

// The program does not start in the cloud with what is for a laptop, and says what to set.
func TestRunRefuses(t *testing.T) {
	const key = "DGnAVHDum83pKiU/ERdhdcP9sPHFvmh7JItNyiNyyX0=" // of 32 random bytes
	for _, c := range []struct {
		name     string
		env      map[string]string
		project  string
		database string
		says     string
	}{
		{"App Engine without a key", map[string]string{"GAE_ENV": "standard"}, "p", "", "without session keys"},
		{"Cloud Run without a key", map[string]string{"K_SERVICE": "guestbook"}, "p", "", "without session keys"},
		{"the cloud without a backend", map[string]string{"GAE_ENV": "standard", "SESSION_KEYS": key}, "", "", "set -project"},
		{"a key that is not base64", map[string]string{"SESSION_KEYS": "?"}, "", "", "SESSION_KEYS: sessions: key 1 is not base64"},
		{"a short key", map[string]string{"SESSION_KEYS": "c2hvcnQ="}, "", "", "32"},
		{"no file with the old secret", map[string]string{"WEBAPP2_SECRET_FILE": "/nowhere"}, "", "", "WEBAPP2_SECRET_FILE"},
		{"an old secret that is empty", map[string]string{"WEBAPP2_SECRET_FILE": "/dev/null"}, "", "", "empty"},
		{"no id of a database", nil, "p", "Restored", `the database is "Restored"`},
		{"no id of a database in the variable", map[string]string{"DATASTORE_DATABASE": "x"}, "p", "", `the variable DATASTORE_DATABASE is "x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"GAE_ENV", "K_SERVICE", "SESSION_KEYS", "WEBAPP2_SECRET_FILE", "DATASTORE_EMULATOR_HOST", "DATASTORE_DATABASE"} {
				t.Setenv(name, c.env[name])
			}
			t.Setenv("PORT", "0")
			t.Setenv("GOOGLE_CLOUD_PROJECT", "p")                           // so that nothing waits for a metadata server
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // for one that starts after all
			defer cancel()
			if err := run(ctx, c.project, c.database); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error that says %q", err, c.says)
			}
		})
	}
}
