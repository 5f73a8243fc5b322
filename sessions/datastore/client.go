package datastore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"

	gcds "cloud.google.com/go/datastore"
)

// Project returns the id of the project to use. It is the first of these that is not
// empty: configured, the variable DATASTORE_PROJECT_ID, the variable
// GOOGLE_CLOUD_PROJECT, which App Engine sets, and "local" if DATASTORE_EMULATOR_HOST is
// set. If there is none, it returns an error that says what to set.
//
// The detection of the client library is not used: it reads credentials and asks the
// metadata server, ignores GOOGLE_CLOUD_PROJECT, and takes a second to fail.
func Project(configured string) (string, error) {
	for _, project := range []string{configured, os.Getenv("DATASTORE_PROJECT_ID"), os.Getenv("GOOGLE_CLOUD_PROJECT")} {
		if project != "" {
			return project, nil
		}
	}
	if os.Getenv("DATASTORE_EMULATOR_HOST") != "" {
		return "local", nil
	}
	return "", errors.New("sessions/datastore: no project is set: set GOOGLE_CLOUD_PROJECT, or DATASTORE_EMULATOR_HOST for an emulator")
}

// Open returns a client of a database. The project is chosen as [Project] does. The id of
// the database is the one given, else that of the variable DATASTORE_DATABASE, else that of
// the default database, which "(default)" names too. An id that no database can have is an
// error that says what to set.
//
// A process needs one client, for any number of Backends and other kinds of entities, and
// closes it at its end. Open does not call Datastore: that it cannot be reached, or that
// the database does not exist, is noticed at the first use. The client uses the emulator if
// DATASTORE_EMULATOR_HOST is set.
func Open(ctx context.Context, project, database string) (*gcds.Client, error) {
	project, err := Project(project)
	if err != nil {
		return nil, err
	}
	database, err = databaseID(database)
	if err != nil {
		return nil, err
	}
	client, err := gcds.NewClientWithDatabase(ctx, project, database)
	if err != nil {
		return nil, fmt.Errorf("sessions/datastore: project %q: %w", project, err)
	}
	return client, nil
}

// databaseForm is what the Firestore API allows as the id of a database.
var databaseForm = regexp.MustCompile(`^[a-z][a-z0-9-]{2,61}[a-z0-9]$`)

// databaseID returns the id to send: empty for the default database, as the API wants.
func databaseID(configured string) (string, error) {
	id, setting := configured, "the database"
	if id == "" {
		id, setting = os.Getenv("DATASTORE_DATABASE"), "the variable DATASTORE_DATABASE"
	}
	switch {
	case id == "" || id == "(default)":
		return gcds.DefaultDatabaseID, nil
	case !databaseForm.MatchString(id):
		return "", fmt.Errorf("sessions/datastore: %s is %q: the id of a database has 4 to 63 lower-case letters, digits and hyphens, and begins with a letter; (default) is the default database", setting, id)
	}
	return id, nil
}
