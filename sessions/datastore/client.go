package datastore

import (
	"context"
	"errors"
	"fmt"
	"os"

	gcds "cloud.google.com/go/datastore"
)

// Project returns the id of the project to use: the configured one, else that of
// DATASTORE_PROJECT_ID, else that of GOOGLE_CLOUD_PROJECT, which App Engine sets,
// else "local" if DATASTORE_EMULATOR_HOST is set. Without any of them it returns
// an error that says what to set.
//
// The client's own detection is not used: it asks credentials and the metadata
// server, passes over GOOGLE_CLOUD_PROJECT, and takes a second to fail.
func Project(configured string) (string, error) {
	for _, project := range []string{configured, os.Getenv("DATASTORE_PROJECT_ID"), os.Getenv("GOOGLE_CLOUD_PROJECT")} {
		if project != "" {
			return project, nil
		}
	}
	if os.Getenv("DATASTORE_EMULATOR_HOST") != "" {
		return "local", nil
	}
	return "", errors.New("sessions/datastore: which project? Set GOOGLE_CLOUD_PROJECT, or DATASTORE_EMULATOR_HOST for an emulator")
}

// Open returns a client of the default database of a project, chosen as [Project]
// does. Make one in a process and close it at the end; it serves any number of
// Backends, and other kinds of entities too. Nothing is called yet: an unreachable
// Datastore shows at the first use. It honours DATASTORE_EMULATOR_HOST.
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
