package sessions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// userTimeout bounds a call that concerns all sessions of a user, which may be many.
const userTimeout = 10 * time.Second

// UserSessions lists the sessions of user, newest first. It asks the Backend of the
// session called name. If name is empty, that is the default session. If several Specs
// share the Backend, the list has the sessions of all. If it is not a [UserBackend], the
// error wraps errors.ErrUnsupported.
func (m *Manager) UserSessions(ctx context.Context, name, user string) ([]SessionInfo, error) {
	b, err := m.userBackend(name, user)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, userTimeout)
	defer cancel()
	list, err := b.Sessions(ctx, user)
	return slices.DeleteFunc(list, func(i SessionInfo) bool { return i.Created.UnixMilli() < m.since }), err
}

// EndUser ends all sessions of user except those whose ids ([Session.ID], [SessionInfo])
// are in except: for example, after a change of password, all but the one that changed
// it. It also ends a session that another request is renewing. Errors are those of
// [Manager.UserSessions].
func (m *Manager) EndUser(ctx context.Context, name, user string, except ...string) error {
	b, err := m.userBackend(name, user)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, userTimeout)
	defer cancel()
	began := m.now()
	// A renewal at the same time makes a new record that the Backend's list may not have
	// seen. If its tombstone came first, only a second look finds it. A login after the
	// call is not a renewal, and stays.
	for range 5 {
		if err := b.EndUser(ctx, user, except...); err != nil {
			return err
		}
		left, err := b.Sessions(ctx, user)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(left, func(i SessionInfo) bool {
			return i.Created.Before(began) && !slices.Contains(except, i.ID)
		}) {
			return nil
		}
	}
	return fmt.Errorf("sessions: cannot end the sessions of a user: other requests renew them again and again: %w", ErrConflict)
}

// EndSession ends the session of user with this id, which [Manager.UserSessions] lists. If
// the session has been renewed meanwhile, EndSession ends the new one. It returns
// [ErrNotFound] if there is no such session or if it is another user's.
func (m *Manager) EndSession(ctx context.Context, name, user, id string) error {
	b, err := m.userBackend(name, user)
	if err != nil {
		return err
	}
	if err := CheckID(id); err != nil {
		return errors.Join(ErrNotFound, err)
	}
	ctx, cancel := context.WithTimeout(ctx, userTimeout)
	defer cancel()
	id, _, err = endRecord(ctx, b, recordRef{id: id}, user, true)
	if err != nil {
		return err
	}
	if id == "" {
		return ErrNotFound
	}
	// The tombstone is not needed: the browser with its cookie may log in again at once. A
	// request that has read the session finds nothing to update, and Update never creates.
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
		return nil, errors.New("sessions: the user is empty: sessions without a user cannot be listed or ended")
	}
	b, ok := m.specs[i].Backend.(UserBackend)
	if !ok {
		return nil, fmt.Errorf("sessions: the backend %T of session %q does not list the sessions of users: %w", m.specs[i].Backend, name, errors.ErrUnsupported)
	}
	return b, nil
}
