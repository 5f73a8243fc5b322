package sessions

import (
	"log/slog"
	"net/http"
	"time"
)

// A Config says what sessions a site has. Only Keys must be given.
type Config struct {
	// Keys, newest first: the first signs, all verify. To change keys, put the new one
	// before the old and take the old one out when the longest session made with it
	// has ended.
	Keys []Key
	// Sessions that the site has; the first is the default. Empty: one zero Spec.
	Sessions []Spec
	// Site is bound into the signature: a cookie of another site that has the same
	// keys is refused. It may be empty, and to change it ends all sessions.
	Site string
	// Log gets what no answer can tell: values that cannot be read, a change that came
	// too late. nil: slog.Default().
	Log *slog.Logger
	// Now is the clock of timeouts and of cookie dates. nil: time.Now.
	Now func() time.Time
	// Since ends every session that was created, or logged in to, before it, in a Backend
	// and in signed cookies alike: after a leak, say. Set it to the present time on every
	// instance, and take it out once the longest absolute timeout has passed. If zero,
	// none is ended. Cookies of an [Import] have no such time: take it out as well.
	Since time.Time
	// PersonalCache is the Cache-Control of a response to somebody whose session has a
	// user, if the handler has set none. If empty, "no-store", so that the Back button
	// shows nothing after a logout (OWASP Session Management). A site whose pages show
	// no more than a name may say "private, no-cache".
	PersonalCache string
	// OnEvent, if set, is told of every [Event], in the goroutine of the request. It
	// must be quick, safe for concurrent use, and must not use the session.
	OnEvent func(Event)
}

// A Policy says what a dead backend means for a request that uses its session.
type Policy int

const (
	// Fail answers 503: Save returns the error. It is the default.
	Fail Policy = iota
	// Empty lets a request that only reads see an empty session. One that changes it
	// is still answered 503. Err tells both of the error.
	Empty
)

// A Spec declares one session of the site. Its zero value is a session of its
// browser, in a signed cookie named __Host-session, of at most 12 hours.
type Spec struct {
	// Name of the cookie, without prefix. Empty: "session".
	Name string
	// Backend keeps the data. nil: the cookie itself holds it, signed. Then the last
	// answer to reach the browser wins, and a copied cookie works until its timeouts,
	// also after Destroy: keep logins in a Backend.
	Backend Backend
	// IdleTimeout ends a session that was not used for so long. 0: 30 minutes; with
	// Backend nil: none. With Backend nil it is renewed by an answer's cookie, so that
	// a read may undo what a parallel request has written.
	IdleTimeout time.Duration
	// AbsoluteTimeout ends a session so long after it was created, after a LogIn, or
	// after SetUser made it another user's. 0: 12 hours.
	AbsoluteTimeout time.Duration
	// RememberIdle and RememberAbsolute take the place of the two timeouts in a session
	// whose [Login] is Remembered. If zero, 30 days and 90 days, or the timeout above if
	// that is longer. With Backend nil a zero RememberIdle is none, as IdleTimeout.
	RememberIdle, RememberAbsolute time.Duration
	// Persistent lets the cookie outlive the browser, until the absolute timeout.
	Persistent bool
	// Domain and Path widen or narrow where the browser sends the cookie. Empty: this
	// host, every path, and the cookie's name gets the prefix __Host-; else __Secure-.
	Domain, Path string
	// SameSite; 0: Lax.
	SameSite http.SameSite
	// Insecure allows plain http, for development: no Secure, no name prefix.
	Insecure bool
	// MaxPerUser is how many sessions a user may have: a LogIn beyond it ends the least
	// recently used ones, ten at most. Two logins at once may leave one more. It needs a
	// [UserBackend].
	// If zero, 100; negative: as many as they like.
	MaxPerUser int
	// WhenDown says what a dead Backend means.
	WhenDown Policy
	// Import takes over the sessions of an older system. nil: there is none.
	Import *Import
}

const (
	defaultName             = "session"
	defaultIdle             = 30 * time.Minute
	defaultAbsolute         = 12 * time.Hour
	defaultRememberIdle     = 30 * 24 * time.Hour
	defaultRememberAbsolute = 90 * 24 * time.Hour
	defaultMaxPerUser       = 100
)
