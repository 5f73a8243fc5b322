package auth

import (
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

// Passwords hashes and checks passwords. The zero value works and is what most
// sites want. It is safe for concurrent use, and must not be copied after its
// first use: one value bounds the memory that all logins take together.
type Passwords struct {
	// Params are the costs of new hashes. Raise them and every user's hash is made
	// anew at the next login.
	Params Params
	// MaxParams are the costs up to which a stored hash is computed, if that is more than
	// four times the work or the memory of Params, or than one pass over 46 MiB, the
	// largest row of OWASP's table: for hashes of another system, or from before Params
	// were lowered. Whoever can write a hash into the Store must not be able to take the
	// memory and the processor of the site.
	MaxParams Params
	// MinLength is the shortest password that can be chosen, in characters; 0: 8.
	// OWASP ASVS 5.0 (6.2.1) asks for 8 and strongly recommends 15. The list of common
	// passwords that are refused has those of 8 characters or more.
	MinLength int
	// Rule, if set, is asked about each password that somebody chooses and that the rules
	// of this package let pass, such as whether it is known from a breach. Of u the Name
	// is set. What it returns is returned, wrapped with [ErrRule]: an *InvalidError is shown to the
	// person who chose. The pages of package handlers bound how often one client can make
	// it work, by their Throttle. It must be safe for concurrent use.
	Rule func(ctx context.Context, u *User, password string) error
	// Concurrent is how many hashes run at the same time, the others wait for their
	// turn; 0: one for each processor. Each takes Params.MemoryKiB.
	Concurrent int
	// PerClient is how many hashes of one client, see [WithClient], may wait or run at the
	// same time; one more is [ErrBusy] at once. 0: 16, negative: as many as come.
	PerClient int
	// Wait is how long a hash waits for its turn before [ErrBusy]; 0: 10 seconds.
	Wait time.Duration
	// Log is told of a hash that could not be made anew; nil: slog.Default().
	Log *slog.Logger

	// Webapp2 lets users in whose hash webapp2 made, see [VerifyWebapp2].
	Webapp2 bool
	// Pepper is the one that webapp2's hashes were made with; hashes made here have none.
	Pepper Secret
	// Plain, with Webapp2, accepts the method "plain" too: passwords that were stored
	// in the clear. Only for the time of a migration.
	Plain bool

	once  sync.Once
	turns chan struct{}
	runs  atomic.Int64 // argon2id computations, what a login costs

	mutex   sync.Mutex
	clients map[string]int // how many hashes of each wait or run; those of none are not in it
}

var (
	// ErrCredentials is returned by [Passwords.LogIn] and [Passwords.Change] for an
	// unknown user, a user without a password, and a wrong password alike.
	ErrCredentials error = statusError{"auth: wrong name or password", http.StatusUnauthorized}
	// ErrBusy is returned where too many passwords are being checked at once. Its
	// HTTPStatus is 503.
	ErrBusy error = statusError{"auth: too many passwords to check at once", http.StatusServiceUnavailable}
)

type statusError struct {
	text   string
	status int
}

func (e statusError) Error() string   { return e.text }
func (e statusError) HTTPStatus() int { return e.status }

// Check returns what is wrong with the fields, for a program to find out at its
// start. Hash and SignUp would return it later.
func (p *Passwords) Check() error {
	if err := p.Params.withDefaults().check(); err != nil {
		return err
	}
	if p.MaxParams != (Params{}) {
		if err := p.MaxParams.withDefaults().check(); err != nil {
			return fmt.Errorf("auth: Passwords.MaxParams: %w", err)
		}
	}
	if p.MinLength > MaxPassword {
		return fmt.Errorf("auth: Passwords.MinLength is %d, more than MaxPassword, %d", p.MinLength, MaxPassword)
	}
	if !p.Webapp2 && (p.Plain || p.Pepper != "") {
		return errors.New("auth: Passwords.Plain and Passwords.Pepper mean nothing unless Passwords.Webapp2 is set")
	}
	return nil
}

// Hash returns the hash of a password for User.Password, with a random salt. It
// takes any password up to [MaxPassword]; SignUp and Change ask [Passwords.CheckNew] first.
func (p *Passwords) Hash(password string) (string, error) {
	return p.hash(context.Background(), password)
}

func (p *Passwords) hash(ctx context.Context, password string) (string, error) {
	if len(password) > MaxPassword {
		return "", fmt.Errorf("auth: a password of %d bytes, more than %d", len(password), MaxPassword)
	}
	params := p.Params.withDefaults()
	if err := params.check(); err != nil {
		return "", err
	}
	done, err := p.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	p.runs.Add(1)
	return newArgon2id(params, normal(password)).String(), nil
}

// Verify tells whether password is the one that was hashed, and whether the hash
// is stale: made with lower costs than Params, or by webapp2. False and nil is a
// wrong password; an error is [ErrBusy], or stored is no hash that p knows.
func (p *Passwords) Verify(password, stored string) (ok, stale bool, err error) {
	if len(password) > MaxPassword {
		return false, false, nil
	}
	done, err := p.turn(context.Background())
	if err != nil {
		return false, false, err
	}
	defer done()
	return p.verify(password, stored)
}

// verify is Verify for somebody whose turn it is, and whose password is not too long.
func (p *Passwords) verify(password, stored string) (ok, stale bool, err error) {
	if !strings.HasPrefix(stored, argon2idPrefix) {
		ok, err = p.verifyWebapp2(password, stored)
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
	return ok, ok && h.weaker(p.Params.withDefaults()), nil
}

// affordable returns an error for a stored hash that would cost too much to compute.
func (p *Passwords) affordable(h argon2idHash) error {
	now, most := p.Params.withDefaults(), p.MaxParams
	if most != (Params{}) {
		most = most.withDefaults()
	}
	memory := max(4*uint64(now.MemoryKiB), uint64(most.MemoryKiB), owaspMemoryKiB)
	work := max(4*now.work(), most.work(), owaspMemoryKiB)
	if uint64(h.MemoryKiB) > memory || h.work() > work {
		return fmt.Errorf("auth: the stored hash takes %d passes over %d KiB, more than Passwords.MaxParams allows", h.Time, h.MemoryKiB)
	}
	return nil
}

func (p *Passwords) verifyWebapp2(password, stored string) (bool, error) {
	if !p.Webapp2 {
		return false, errors.New("auth: the stored hash is not of argon2id (a hash of webapp2 needs Passwords.Webapp2)")
	}
	ok, err := VerifyWebapp2(password, stored, string(p.Pepper))
	if p.Plain && errors.Is(err, ErrPlain) {
		return verifyPlain(password, stored)
	}
	return ok, err
}

// normal is the form in which a password is hashed: NFC, so that it does not
// matter how a keyboard composes a letter (RFC 8265 section 4.2).
func normal(password string) string { return norm.NFC.String(password) }
