package datastore

import (
	"context"
	"errors"
	"fmt"
	"os"

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

// Open returns a client of the default database of a project, chosen as [Project] does. A
// process needs one client, for any number of Backends and other kinds of entities, and
// closes it at its end. Open does not call Datastore: that it cannot be reached is
// noticed at the first use. The client uses the emulator if DATASTORE_EMULATOR_HOST is
// set.
func Open(ctx context.Context, project string) (*gcds.Client, error) {
	project, err := Project(project)
	if err != nil {
		return nil, err
	}
	client, err := gcds.NewClient(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("sessions/datastore: project %q: %w", project, err)
	}
	return client, nil
}
