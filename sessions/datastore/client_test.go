package datastore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	gcds "cloud.google.com/go/datastore"

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
				t.Errorf("the error does not say how to fix it: %v", err)
			}
		})
	}
}

// TestOpen finds an emulator as a separate process would.
func TestOpen(t *testing.T) {
	server := datastoretest.Start(t)
	t.Setenv("DATASTORE_EMULATOR_HOST", server.Addr)
	client, err := datastore.Open(t.Context(), server.Project, "")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	backend := datastore.New(client, datastore.Config{})
	load(t, backend, create(t, backend, record("x")))
}

// TestOpenUnreachable has a client of a port without a server. The first call returns an error
// promptly. The client alone would wait for minutes.
func TestOpenUnreachable(t *testing.T) {
	t.Setenv("DATASTORE_EMULATOR_HOST", "127.0.0.1:1")
	client, err := datastore.Open(t.Context(), "somewhere", "")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	backend := datastore.New(client, datastore.Config{Timeout: 100 * time.Millisecond})
	if _, err := backend.Load(t.Context(), newID()); err == nil || errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Load: %v", err)
	}
}

// TestOpenDatabase has a client of each database that can be named. What one writes, only
// clients of the same database read, as DATASTORE_DATABASE or the program names it.
func TestOpenDatabase(t *testing.T) {
	server := datastoretest.Start(t)
	t.Setenv("DATASTORE_EMULATOR_HOST", server.Addr)
	for _, test := range []struct{ configured, variable, stored string }{
		{"", "", ""},
		{"(default)", "", ""},
		{"", "(default)", ""},
		{"(default)", "restored", ""},
		{"restored", "", "restored"},
		{"", "restored", "restored"},
		{"restored", "another", "restored"},
		{"a-12", "", "a-12"},
	} {
		t.Run(test.configured+" "+test.variable, func(t *testing.T) {
			t.Setenv("DATASTORE_DATABASE", test.variable)
			client, err := datastore.Open(t.Context(), server.Project, test.configured)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			id := create(t, datastore.New(client, datastore.Config{}), record("x"))
			for _, database := range []string{"", "restored", "another", "a-12"} {
				other, err := gcds.NewClientWithDatabase(t.Context(), server.Project, database)
				if err != nil {
					t.Fatal(err)
				}
				defer other.Close()
				_, err = datastore.New(other, datastore.Config{}).Load(t.Context(), id)
				if (err == nil) != (database == test.stored) || err != nil && !errors.Is(err, sessions.ErrNotFound) {
					t.Errorf("database %q: %v, want the session in %q only", database, err, test.stored)
				}
			}
		})
	}
}

func TestOpenRefusesInvalidDatabases(t *testing.T) {
	for _, id := range []string{"x", "abc", "Restored", "default)", "1st-database", "shop_test", "shop-", "projects/p/databases/d", strings.Repeat("a", 64)} {
		t.Setenv("DATASTORE_DATABASE", "")
		if _, err := datastore.Open(t.Context(), "p", id); err == nil || !strings.Contains(err.Error(), `the database is "`+id+`": the id of a database has`) {
			t.Errorf("%q: %v", id, err)
		}
		t.Setenv("DATASTORE_DATABASE", id)
		if _, err := datastore.Open(t.Context(), "p", ""); err == nil || !strings.Contains(err.Error(), `the variable DATASTORE_DATABASE is "`+id+`"`) {
			t.Errorf("%q in the variable: %v", id, err)
		}
	}
}
