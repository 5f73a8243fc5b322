package handlers

import (
	"context"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
)

// TraceBackend returns a backend whose calls are steps of the request in which they are made,
// of the kind "backend", for App.Trace, App.Traces and the debug page; see
// [framework.BeginStep]. The name of a step is the call, such as "load". The backend can list
// the sessions of a user if b can. It is safe for concurrent use.
//
//	sessions.Spec{Backend: handlers.TraceBackend(backend)}
func TraceBackend(b sessions.Backend) sessions.Backend {
	traced := &tracedBackend{b}
	if users, ok := b.(sessions.UserBackend); ok {
		return &tracedUsers{traced, users}
	}
	return traced
}

type tracedBackend struct{ backend sessions.Backend }

// tracedUsers is for a backend that lists and ends the sessions of a user.
type tracedUsers struct {
	*tracedBackend
	users sessions.UserBackend
}

// LoadIsCurrent implements sessions.CurrentBackend.
func (b *tracedBackend) LoadIsCurrent() bool {
	current, ok := b.backend.(sessions.CurrentBackend)
	return ok && current.LoadIsCurrent()
}

func begin(ctx context.Context, call string) (end func(error)) {
	return framework.BeginStep(ctx, "backend", call)
}

// Load implements sessions.Backend.
func (b *tracedBackend) Load(ctx context.Context, id string) (sessions.Record, error) {
	end := begin(ctx, "load")
	r, err := b.backend.Load(ctx, id)
	end(err)
	return r, err
}

// Create implements sessions.Backend.
func (b *tracedBackend) Create(ctx context.Context, id string, r sessions.Record) error {
	end := begin(ctx, "create")
	err := b.backend.Create(ctx, id, r)
	end(err)
	return err
}

// Update implements sessions.Backend.
func (b *tracedBackend) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	end := begin(ctx, "update")
	version, err := b.backend.Update(ctx, id, r)
	end(err)
	return version, err
}

// Delete implements sessions.Backend.
func (b *tracedBackend) Delete(ctx context.Context, id string) error {
	end := begin(ctx, "delete")
	err := b.backend.Delete(ctx, id)
	end(err)
	return err
}

// Sessions implements sessions.UserBackend.
func (b *tracedUsers) Sessions(ctx context.Context, user string) ([]sessions.SessionInfo, error) {
	end := begin(ctx, "list the sessions of a user")
	list, err := b.users.Sessions(ctx, user)
	end(err)
	return list, err
}

// EndUser implements sessions.UserBackend.
func (b *tracedUsers) EndUser(ctx context.Context, user string, except ...string) error {
	end := begin(ctx, "end the sessions of a user")
	err := b.users.EndUser(ctx, user, except...)
	end(err)
	return err
}
