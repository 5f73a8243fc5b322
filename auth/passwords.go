package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Passwords hashes and checks passwords. The zero value works and is what most sites
// want. It is safe for concurrent use, and must not be copied after its first use: one
// value bounds the memory that all logins take together.
type Passwords struct {
	// Argon2 are the costs of new hashes. If you raise them, the password of each user is
	// hashed again at the next login.
	Argon2 Argon2Params
	// MaxArgon2 raises the bound on the costs of a stored hash. Without it, a login
	// computes hashes of up to four times the work and the memory of Argon2, and always
	// those of one pass over 46 MiB, the largest row of OWASP's table. Set it for hashes
	// of another system, or for those made before Argon2 was lowered. The bound is there
	// so that somebody who can write a hash into the Backend cannot use up the memory and
	// the processor of the site.
	MaxArgon2 Argon2Params
	// MinLength is the shortest password that can be chosen, in characters. If 0, it is 8.
	// OWASP ASVS 5.0 (6.2.1) asks for 8 and strongly recommends 15. The list of common
	// passwords that are refused has those of 8 characters or more.
	MinLength int
	// Words are words of the site that must not be passwords, with or without digits and
	// signs around them: its name, its company, its products (ASVS 6.1.2, 6.2.11).
	Words []string
	// Rule, if set, is called with each password that somebody chooses and that the rules
	// of this package accept. It can look up, for example, whether the password is known
	// from a breach. Its error is returned, wrapped with [ErrRule]; an *[InvalidError] is
	// shown to the person who chose the password. The Throttle of package handlers bounds
	// how often one client can have it called. It must be safe for concurrent use.
	Rule func(ctx context.Context, u *User, password string) error
	// Legacy, if set, verifies hashes of an older system, those that do not begin with
	// "$argon2id$". It reports whether password is the one that was hashed; an error means
	// that stored is not a hash that it knows. Such a hash is replaced at the first login.
	// See package webapp2. It must be safe for concurrent use.
	Legacy func(password, stored string) (bool, error)
	// MaxConcurrent is how many hashes run at the same time; the others wait. If 0, it is
	// one for each processor. Each takes Argon2.MemoryKiB.
	MaxConcurrent int
	// PerClient is how many hashes of one client, see [WithClient], may wait or run at
	// the same time. One more fails with [ErrBusy] at once. If 0, it is 16; if negative,
	// there is no bound.
	PerClient int
	// MaxWait is how long a hash waits for others before it fails with [ErrBusy]. If 0,
	// it is 10 seconds.
	MaxWait time.Duration
	// Log gets a record if a stale hash could not be replaced. If nil, it is
	// slog.Default().
	Log *slog.Logger

	once  sync.Once
	slots chan struct{}
	runs  atomic.Int64 // argon2id computations, for tests of what a login costs

	mutex   sync.Mutex
	clients map[string]int // how many hashes of each client wait or run, of those that have any
}

var (
	// ErrCredentials is returned by [Passwords.LogIn] and [Passwords.Change] for an unknown
	// user, a user without a password, a disabled user and a wrong password alike. Its
	// HTTPStatus is 401.
	ErrCredentials error = statusError{"auth: wrong name or password", http.StatusUnauthorized}
	// ErrDisabled is in the chain of an error with ErrCredentials if a disabled user gave
	// the right password. It is for the log of the site.
	ErrDisabled = errors.New("auth: the user is disabled")
	// ErrBusy is returned if too many passwords are being checked at once. Its HTTPStatus
	// is 503.
	ErrBusy error = statusError{"auth: too many passwords to check at once", http.StatusServiceUnavailable}
	// ErrRule is in the chain of each error that Passwords.Rule has returned, so that a
	// site can bound how often a stranger has Rule called.
	ErrRule = errors.New("auth: Passwords.Rule")
)

type statusError struct {
	text   string
	status int
}

func (e statusError) Error() string   { return e.text }
func (e statusError) HTTPStatus() int { return e.status }

// Check returns what is wrong with the fields, for a program to call at startup.
func (p *Passwords) Check() error {
	if err := p.Argon2.withDefaults().check(); err != nil {
		return fmt.Errorf("auth: Passwords.Argon2: %w", err)
	}
	if p.MaxArgon2 != (Argon2Params{}) {
		if err := p.MaxArgon2.withDefaults().check(); err != nil {
			return fmt.Errorf("auth: Passwords.MaxArgon2: %w", err)
		}
	}
	if p.MinLength > MaxPassword {
		return fmt.Errorf("auth: Passwords.MinLength is %d, more than MaxPassword, %d", p.MinLength, MaxPassword)
	}
	return nil
}

// SignUp creates a user with a password. The caller sets the Name, or an Email that is
// Verified, and any other fields. SignUp returns an *[InvalidError] for a name, an
// address or a password that cannot be used, and an *[ExistsError] for a name that is
// taken. A page that shows the latter tells strangers that the name exists. On success u
// is the user as it is stored.
func (p *Passwords) SignUp(ctx context.Context, b Backend, u *User, password string) error {
	made := u.Clone()
	var err error
	if made.Name != "" || !made.Verified {
		if made.Name, err = ParseName(made.Name); err != nil {
			return err
		}
	}
	if err := made.SetEmail(made.Email, made.Verified); err != nil {
		return err
	}
	if err := p.Set(ctx, made, password); err != nil {
		return err
	}
	if err := b.Create(ctx, made); err != nil {
		return fmt.Errorf("auth: signing up: %w", err)
	}
	*u = *made
	return nil
}

// LogIn returns the user of a name or a verified address, and a password, or
// [ErrCredentials]. An unknown user costs the same work as a wrong password, one call of
// the Backend and one argon2id hash, so that neither response nor time tells who has an
// account. (After Argon2 was raised, a user costs the old amount until the next login.)
//
// A hash with lower costs than Argon2, or of an older system, is replaced. If that fails,
// the user is logged in all the same, and Log gets a record. The user is returned as it
// is stored afterwards.
//
// A user whose stored hash cannot be understood gets ErrCredentials too, with the cause
// wrapped for the log of the site. Any other error is of the Backend, of the context, or
// [ErrBusy].
func (p *Passwords) LogIn(ctx context.Context, b Backend, login, password string) (*User, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if len(login) > MaxName || len(password) > MaxPassword {
		return nil, ErrCredentials
	}
	u, err := b.ByLogin(ctx, login)
	if errors.Is(err, ErrNotFound) {
		u = &User{} // without a password, which costs as much as a wrong one
	} else if err != nil {
		return nil, fmt.Errorf("auth: logging in: %w", err)
	}
	return p.loggedIn(ctx, b, u, password)
}

// loggedIn returns a user as it is stored, if password is the user's. It replaces a stale
// hash.
func (p *Passwords) loggedIn(ctx context.Context, b Backend, u *User, password string) (*User, error) {
	stale, err := p.authenticate(ctx, u, password)
	switch {
	case err != nil:
		return nil, err
	case u.Disabled:
		return nil, fmt.Errorf("%w: user %s: %w", ErrCredentials, u.ID, ErrDisabled)
	case stale:
		p.rehash(ctx, b, u, password)
	}
	return u, nil
}

// Confirm verifies the password of a user who is logged in, with the work, the errors and
// the new hash of LogIn. The user needs no name. On success u is the user as it is stored.
func (p *Passwords) Confirm(ctx context.Context, b Backend, u *User, password string) error {
	if err := p.Check(); err != nil {
		return err
	}
	if len(password) > MaxPassword {
		return ErrCredentials
	}
	now, err := b.ByID(ctx, u.ID)
	if errors.Is(err, ErrNotFound) {
		now = &User{}
	} else if err != nil {
		return fmt.Errorf("auth: confirming a password: %w", err)
	}
	if now, err = p.loggedIn(ctx, b, now, password); err != nil {
		return err
	}
	*u = *now
	return nil
}

// Set gives u a new password and a new stamp, which ends its sessions and tokens once the
// caller stores it. For a password that the user should not choose it returns an
// *[InvalidError], see [Passwords.CheckNew], and leaves u as it was. SignUp, Change and
// Reset call it: no other function sets a password.
func (p *Passwords) Set(ctx context.Context, u *User, password string) error {
	if err := p.Check(); err != nil {
		return err
	}
	if err := p.CheckNew(ctx, u, password); err != nil {
		return err
	}
	hash, err := p.hash(ctx, password)
	if err != nil {
		return err
	}
	u.Password = hash
	u.Restamp()
	return nil
}

// Change gives a user a new password and stores it, if old is the one the user has;
// otherwise it returns [ErrCredentials]. It returns an *[InvalidError] for a new password
// that cannot be used, and [ErrConflict] if somebody else has changed the user at the
// same moment; read it again. On success u is the user as it is now stored. Its
// [User.Credential] has changed, which ends the user's sessions.
func (p *Passwords) Change(ctx context.Context, b Backend, u *User, old, new string) error {
	if err := p.Check(); err != nil {
		return err
	}
	if len(old) > MaxPassword {
		return ErrCredentials // no user has such a password
	}
	// The user that the caller has may be older than the last change of the password.
	now, err := b.ByID(ctx, u.ID)
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
	if err := b.Update(ctx, now); err != nil {
		return fmt.Errorf("auth: changing a password: %w", err)
	}
	*u = *now
	return nil
}

// Reset gives the user of a token for [ResetPassword] a new password, stores it and
// returns the user. It is all that the POST of the page behind the link does. It returns
// [ErrToken], without the work of a hash, for a token that cannot be used, and an
// *[InvalidError] for a password that cannot be used, after which the token can be used
// again.
func (p *Passwords) Reset(ctx context.Context, b Backend, t *Tokens, token, password string) (*User, error) {
	u, _, err := t.Verify(ctx, b, ResetPassword, token)
	if err != nil {
		return nil, err
	}
	if err := p.Set(ctx, u, password); err != nil {
		return nil, err
	}
	hash := u.Password
	return t.Use(ctx, b, ResetPassword, token, func(u *User) error {
		u.Password = hash
		u.Restamp()
		return nil
	})
}

// authenticate returns ErrCredentials unless password is the user's. A failure
// costs one argon2id hash, whatever its cause.
func (p *Passwords) authenticate(ctx context.Context, u *User, password string) (stale bool, err error) {
	done, err := p.slot(ctx)
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

// refuse computes a hash, so that a failure takes as long as a success, and returns
// ErrCredentials.
func (p *Passwords) refuse(password string, cause error) error {
	p.runs.Add(1)
	newArgon2id(p.Argon2.withDefaults(), normal(password))
	if cause != nil {
		return fmt.Errorf("%w: %w", ErrCredentials, cause)
	}
	return ErrCredentials
}

// rehash replaces a stale hash. If another login has done so meanwhile, u becomes the
// user that it has stored, unless the password was changed.
func (p *Passwords) rehash(ctx context.Context, b Backend, u *User, password string) {
	renewed := u.Clone()
	hash, err := p.hash(ctx, password)
	if err == nil {
		renewed.rehashed(hash)
		err = b.Update(ctx, renewed)
	}
	switch {
	case err == nil:
		*u = *renewed
	case errors.Is(err, ErrConflict):
		now, err := b.ByID(ctx, u.ID)
		if err != nil {
			return
		}
		if _, err := p.authenticate(ctx, now, password); err == nil {
			*u = *now
		}
	default:
		log := cmp.Or(p.Log, slog.Default())
		log.WarnContext(ctx, "auth: a stale password hash could not be replaced", "user", u.ID, "error", err)
	}
}

// Hash returns the hash of a password for User.Password, with a random salt. It
// takes any password up to [MaxPassword]: [Passwords.Set] checks the rules as well.
func (p *Passwords) Hash(password string) (string, error) {
	return p.hash(context.Background(), password)
}

func (p *Passwords) hash(ctx context.Context, password string) (string, error) {
	if len(password) > MaxPassword {
		return "", fmt.Errorf("auth: the password has %d bytes, more than %d", len(password), MaxPassword)
	}
	params := p.Argon2.withDefaults()
	if err := params.check(); err != nil {
		return "", err
	}
	done, err := p.slot(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	p.runs.Add(1)
	return newArgon2id(params, normal(password)).String(), nil
}

// Verify reports whether password is the one that was hashed, and whether the hash is
// stale: made with lower costs than Argon2, or by an older system. For a wrong password
// ok is false and err is nil. The error is [ErrBusy], or says that p does not know this
// kind of hash.
func (p *Passwords) Verify(password, stored string) (ok, stale bool, err error) {
	if len(password) > MaxPassword {
		return false, false, nil
	}
	done, err := p.slot(context.Background())
	if err != nil {
		return false, false, err
	}
	defer done()
	return p.verify(password, stored)
}

// verify is like Verify. The caller has a slot, and has checked the length of the
// password.
func (p *Passwords) verify(password, stored string) (ok, stale bool, err error) {
	if !strings.HasPrefix(stored, argon2idPrefix) {
		ok, err = p.verifyLegacy(password, stored)
		return ok, ok, err
	}
	h, err := parseArgon2id(stored)
	if err == nil {
		err = p.affordable(h)
	}
	if err != nil {
		return false, false, err
	}
	p.runs.Add(1)
	ok = h.matches(normal(password))
	return ok, ok && h.weaker(p.Argon2.withDefaults()), nil
}

// affordable returns an error for a stored hash that would cost too much to compute.
func (p *Passwords) affordable(h argon2idHash) error {
	now, most := p.Argon2.withDefaults(), p.MaxArgon2
	if most != (Argon2Params{}) {
		most = most.withDefaults()
	}
	memory := max(4*uint64(now.MemoryKiB), uint64(most.MemoryKiB), owaspMemoryKiB)
	work := max(4*now.work(), most.work(), owaspMemoryKiB)
	if uint64(h.MemoryKiB) > memory || h.work() > work {
		return fmt.Errorf("auth: the stored hash takes %d passes over %d KiB, more than Passwords.MaxArgon2 allows", h.Time, h.MemoryKiB)
	}
	return nil
}

func (p *Passwords) verifyLegacy(password, stored string) (bool, error) {
	if p.Legacy == nil {
		return false, errors.New("auth: the stored hash is not of argon2id (hashes of an older system need Passwords.Legacy)")
	}
	return p.Legacy(password, stored)
}

// normal returns the form of a password that is hashed: NFC, so that it does not matter
// how a keyboard composes a letter (RFC 8265 section 4.2).
func normal(password string) string { return norm.NFC.String(password) }
