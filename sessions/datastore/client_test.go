package datastore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/datastore"
)

func TestProject(t *testing.T) {
	for _, tt := range []struct{ name, configured, datastore, google, emulator, want string }{
		{"configured", "a", "b", "c", "d", "a"},
		{"DATASTORE_PROJECT_ID", "", "b", "c", "d", "b"},
		{"GOOGLE_CLOUD_PROJECT", "", "", "c", "d", "c"},
		{"emulator", "", "", "", "localhost:1", "local"},
		{"nothing", "", "", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DATASTORE_PROJECT_ID", tt.datastore)
			t.Setenv("GOOGLE_CLOUD_PROJECT", tt.google)
			t.Setenv("DATASTORE_EMULATOR_HOST", tt.emulator)
			got, err := datastore.Project(tt.configured)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("Project: %q, %v, want %q", got, err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), "GOOGLE_CLOUD_PROJECT") {
				t.Errorf("the error names no cure: %v", err)
			}
		})
	}
}

// TestOpen finds an emulator as another process would.
func TestOpen(t *testing.T) {
	server := datastoretest.Start(t)
	t.Setenv("DATASTORE_EMULATOR_HOST", server.Addr)
	client, err := datastore.Open(t.Context(), server.Project)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	backend := datastore.New(client, datastore.Config{})
	load(t, backend, create(t, backend, record("x")))
}

// TestOpenUnreachable has a client of a port where nobody listens: the error of
// the first call is prompt, where the client alone would wait for minutes.
func TestOpenUnreachable(t *testing.T) {
	t.Setenv("DATASTORE_EMULATOR_HOST", "127.0.0.1:1")
	client, err := datastore.Open(t.Context(), "somewhere")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	backend := datastore.New(client, datastore.Config{Timeout: 100 * time.Millisecond})
	if _, err := backend.Load(t.Context(), newID()); err == nil || errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Load: %v", err)
	}
}
