package handlers_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// securityRecords returns the new records of a JSON log.
func securityRecords(t *testing.T, log *bytes.Buffer) (records []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	log.Reset()
	return records
}

func TestSecurityLog(t *testing.T) {
	var log bytes.Buffer
	s := serve(t, sessions.NewMemory(), func(s *server) {
		stopped(s)
		s.site.SecurityLog = slog.New(slog.NewJSONHandler(&log, nil))
		s.site.Throttle.Failures = 1
		s.site.Throttle.SignUps = 2
	})
	c, other := s.client(t), s.client(t)
	const secret = "hunter2 hunter2"
	var hidden []any
	for _, step := range []struct {
		name  string
		do    func()
		event string
		level string
		has   map[string]any
		lacks []string
	}{
		{"sign-up", func() { c.signUp("Ann") }, "user_created", "INFO", map[string]any{"name": "Ann", "source_ip": "127.0.0.1"}, nil},
		{"logout", func() { c.post("/logout") }, "session_expired", "INFO", map[string]any{"reason": "logout"}, nil},
		{"login", func() { c.login("ann", "correct horse") }, "authn_login_success", "INFO", map[string]any{"name": "Ann"}, nil},
		{"wrong password", func() { other.login("ANN", secret) }, "authn_login_fail", "WARN", map[string]any{"name": "Ann"}, nil},
		{"too often", func() { other.login(" ann", secret) }, "authn_login_lock", "WARN", map[string]any{"reason": "name and address"}, []string{"user", "name"}},
		{"a password as the name", func() { other.login(secret, "x") }, "authn_login_fail", "WARN", nil, []string{"user", "name"}},
		{"an endless name", func() { other.login(strings.Repeat(secret, 1000), "x") }, "authn_login_fail", "WARN", nil, []string{"user", "name"}},
		{"wrong old password", func() { c.post("/account", "action", "password", "old", secret, "new", secret) }, "authn_password_change_fail", "WARN", map[string]any{"name": "Ann"}, nil},
		{"another session", func() { other.login("ann", "correct horse", "Cookie", "known-browser="+c.cookie("known-browser")) }, "authn_login_lock", "WARN", map[string]any{"reason": "known browser"}, nil},
		{"end others", func() { c.post("/account", "action", "end-others") }, "session_expired", "INFO", map[string]any{"reason": "ended by the user", "sessions": "others"}, nil},
		{"a name that is taken", func() { other.post("/signup", "name", "ann", "password", secret) }, "", "", nil, nil},
		{"too many sign-ups", func() { other.post("/signup", "name", "bob", "password", secret) }, "excess_rate_limit_exceeded", "WARN", map[string]any{"reason": "sign-up"}, nil},
		{"change of password", func() {
			s.clock.Advance(16 * time.Minute)
			c.post("/account", "action", "password", "old", "correct horse", "new", secret)
		}, "authn_password_change", "INFO", map[string]any{"name": "Ann"}, nil},
	} {
		t.Run(step.name, func(t *testing.T) {
			step.do()
			if strings.Contains(log.String(), "hunter2") || strings.Contains(log.String(), "argon2") {
				t.Errorf("a secret is logged: %s", &log)
			}
			records := securityRecords(t, &log)
			if step.event == "" {
				if len(records) != 0 {
					t.Errorf("records: %v", records)
				}
				return
			}
			if len(records) != 1 || records[0]["msg"] != step.event || records[0]["level"] != step.level {
				t.Fatalf("records %v, want one %s of level %s", records, step.event, step.level)
			}
			record := records[0]
			for name, want := range step.has {
				if record[name] != want {
					t.Errorf("%s is %v, want %v", name, record[name], want)
				}
			}
			for _, name := range step.lacks {
				if record[name] != nil {
					t.Errorf("%s is %v, want none", name, record[name])
				}
			}
			if record["id"] == "" || record["id"] == nil {
				t.Error("no id of the request")
			}
			if step.has["name"] != nil && (record["user"] == nil || record["user"] == "") {
				t.Error("no id of the user")
			}
			if record["name_hmac"] != nil {
				hidden = append(hidden, record["name_hmac"])
			}
		})
	}
	if len(hidden) < 4 || hidden[0] != hidden[1] || hidden[1] == hidden[2] {
		t.Errorf("the hashes of the names are %v, want the first two equal", hidden)
	}
	if log.Len() > 0 {
		t.Errorf("log: %s", &log)
	}
}

// If SecurityLog is nil, App.Log gets the records.
func TestSecurityLogOfTheApp(t *testing.T) {
	var log bytes.Buffer
	s := serve(t, sessions.NewMemory(), func(s *server) { s.app.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	s.client(t).signUp("ann")
	s.client(t).login("ann", "wrong").shows(t, http.StatusUnauthorized)
	if records := securityRecords(t, &log); len(records) != 2 || records[1]["msg"] != "authn_login_fail" {
		t.Errorf("records: %v", records)
	}
}
