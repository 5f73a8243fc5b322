package sessions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// userPatience bounds what is done to all sessions of a user, which may be many.
const userPatience = 10 * time.Second

// UserSessions lists the sessions of user in the backend of the session called name,
// newest first; an empty name is the default one. A backend that several Specs share
// lists them all. Where it is no [UserBackend] the error wraps errors.ErrUnsupported.
func (m *Manager) UserSessions(ctx context.Context, name, user string) ([]Info, error) {
	b, err := m.userBackend(name, user)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, userPatience)
	defer cancel()
	list, err := b.Sessions(ctx, user)
	return slices.DeleteFunc(list, func(i Info) bool { return i.Created.UnixMilli() < m.since }), err
}

// EndUser ends all sessions of user but those whose ids ([Session.ID], [Info]) are
// named in except: after a change of password, all but the one it was changed in. One
// that was being renewed meanwhile is ended too. Errors are those of
// [Manager.UserSessions].
func (m *Manager) EndUser(ctx context.Context, name, user string, except ...string) error {
	b, err := m.userBackend(name, user)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, userPatience)
	defer cancel()
	began := m.now()
	// A renewal in parallel makes a new record that the backend's list may not have
	// seen; where its tombstone came first, only another look finds it. A login that
	// came after the call is no renewal and stays.
	for range 5 {
		if err := b.EndUser(ctx, user, except...); err != nil {
			return err
		}
		left, err := b.Sessions(ctx, user)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(left, func(i Info) bool {
			return i.Created.Before(began) && !slices.Contains(except, i.ID)
		}) {
			return nil
		}
	}
	return fmt.Errorf("sessions: cannot end the sessions of a user: they are renewed again and again: %w", ErrConflict)
}

// EndSession ends the session of user that has this id, as [Manager.UserSessions]
// lists it, or the one that it was renewed into meanwhile. [ErrNotFound]: there is none, or it is another user's.
func (m *Manager) EndSession(ctx context.Context, name, user, id string) error {
	b, err := m.userBackend(name, user)
	if err != nil {
		return err
	}
	if err := CheckID(id); err != nil {
		return errors.Join(ErrNotFound, err)
	}
	ctx, cancel := context.WithTimeout(ctx, userPatience)
	defer cancel()
	id, _, err = bury(ctx, b, record{id: id}, user, true)
	if err != nil {
		return err
	}
	if id == "" {
		return ErrNotFound
	}
	// The tombstone need not stay: the browser that has its cookie may log in anew at
	// once. A request that has read it finds nothing to update, and Update never creates.
	return b.Delete(ctx, id)
}

func (m *Manager) userBackend(name, user string) (UserBackend, error) {
	if name == "" {
		name = m.specs[0].Name
	}
	i := m.index(name)
	if i < 0 {
		return nil, errors.New(m.undeclared(name))
	}
	if user == "" {
		return nil, errors.New("sessions: no user is named: sessions of nobody cannot be listed or ended")
	}
	b, ok := m.specs[i].Backend.(UserBackend)
	if !ok {
		return nil, fmt.Errorf("sessions: the backend %T of session %q does not know users: %w", m.specs[i].Backend, name, errors.ErrUnsupported)
	}
	return b, nil
}
