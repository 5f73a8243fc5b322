package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// SignUp makes a new user of a name and a password. A name or password that
// cannot be is an *[InvalidError]; a name that is taken is [ErrExists], which
// tells a stranger that the name exists: a site that must hide even that signs
// people up by mail.
func (p *Passwords) SignUp(ctx context.Context, s Store, name, password string) (*User, error) {
	name, err := checkName(name)
	if err != nil {
		return nil, err
	}
	u := &User{Name: name}
	if err := p.CheckNew(ctx, u, password); err != nil {
		return nil, err
	}
	if u.Password, err = p.hash(ctx, password); err != nil {
		return nil, err
	}
	u.Restamp()
	if err := s.Create(ctx, u); err != nil {
		return nil, fmt.Errorf("auth: signing up: %w", err)
	}
	return u, nil
}

// LogIn returns the user of a name and a password, or [ErrCredentials]. An
// unknown user costs the same work as a wrong password, one argon2id hash, so
// that neither answer nor time tells who has an account. (While Params are
// being raised, users who have not logged in since still cost the old amount.)
//
// A hash that is stale is made anew. Where that fails the user is logged in all
// the same, and Passwords.Log has the cause. The user is returned as stored after it.
//
// A user whose stored hash cannot be understood gets ErrCredentials too, with the
// cause wrapped for the log of the site. Any other error is of the Store, of the
// context, or [ErrBusy].
func (p *Passwords) LogIn(ctx context.Context, s Store, name, password string) (*User, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if len(name) > MaxName || len(password) > MaxPassword {
		return nil, ErrCredentials
	}
	u, err := s.ByName(ctx, name)
	if errors.Is(err, ErrNotFound) {
		u = &User{} // has no password, which costs what a wrong one does
	} else if err != nil {
		return nil, fmt.Errorf("auth: logging in: %w", err)
	}
	stale, err := p.authenticate(ctx, u, password)
	if err != nil {
		return nil, err
	}
	if stale {
		p.rehash(ctx, s, u, password)
	}
	return u, nil
}

// Change gives a user a new password, if old is the one the user has; else it
// returns [ErrCredentials]. A new password that cannot be is an *[InvalidError].
// [ErrConflict]: the user was changed by somebody else at the same moment; read
// it again. On success u is the user as it is now stored. Its [User.Credential] is
// another one, so that sessions that compare it have ended.
func (p *Passwords) Change(ctx context.Context, s Store, u *User, old, new string) error {
	if err := p.Check(); err != nil {
		return err
	}
	if len(old) > MaxPassword {
		return ErrCredentials // nobody has such a password
	}
	// The user in hand may be older than the last change of password.
	now, err := s.ByID(ctx, u.ID)
	if err != nil {
		return fmt.Errorf("auth: changing a password: %w", err)
	}
	if err := p.CheckNew(ctx, now, new); err != nil {
		return err
	}
	if _, err := p.authenticate(ctx, now, old); err != nil {
		return err
	}
	if now.Password, err = p.hash(ctx, new); err != nil {
		return err
	}
	now.Restamp()
	if err := s.Update(ctx, now); err != nil {
		return fmt.Errorf("auth: changing a password: %w", err)
	}
	*u = *now
	return nil
}

// authenticate returns ErrCredentials unless password is the user's. A failure
// costs one argon2id hash, whatever its cause.
func (p *Passwords) authenticate(ctx context.Context, u *User, password string) (stale bool, err error) {
	done, err := p.turn(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	if u.Password == "" {
		return false, p.refuse(password, nil)
	}
	ok, stale, err := p.verify(password, u.Password)
	switch {
	case ok:
		return stale, nil
	case err != nil:
		return false, p.refuse(password, fmt.Errorf("user %s: %w", u.ID, err))
	case !strings.HasPrefix(u.Password, argon2idPrefix):
		return false, p.refuse(password, nil)
	}
	return false, ErrCredentials
}

// refuse does the work of a hash for nothing, and returns ErrCredentials.
func (p *Passwords) refuse(password string, cause error) error {
	p.runs.Add(1)
	newArgon2id(p.Params.withDefaults(), normal(password))
	if cause != nil {
		return fmt.Errorf("%w: %w", ErrCredentials, cause)
	}
	return ErrCredentials
}

// rehash stores a hash of today's costs. Losing a race to another login is fine: that
// one stored it, and u becomes what it stored, unless it was another password.
func (p *Passwords) rehash(ctx context.Context, s Store, u *User, password string) {
	renewed := u.Clone()
	hash, err := p.hash(ctx, password)
	if err == nil {
		renewed.rehashed(hash)
		err = s.Update(ctx, renewed)
	}
	switch {
	case err == nil:
		*u = *renewed
	case errors.Is(err, ErrConflict):
		now, err := s.ByID(ctx, u.ID)
		if err != nil {
			return
		}
		if _, err := p.authenticate(ctx, now, password); err == nil {
			*u = *now
		}
	default:
		log := cmp.Or(p.Log, slog.Default())
		log.WarnContext(ctx, "auth: a stale password hash stays", "user", u.ID, "error", err)
	}
}
