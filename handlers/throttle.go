package handlers

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
)

// A Throttle bounds how many passwords can be guessed. Every [Site] has one, and its
// pages ask it; a handler that checks passwords itself asks it too:
//
//	if wait := h.Site.Throttle.Wait(h.Request, name); wait > 0 {
//		// 429 with Retry-After, and no work
//	}
//	defer h.Site.Throttle.Done(h.Request)
//	... // check the password; if it is wrong:
//	h.Site.Throttle.Failed(h.Request, name)
//	... // if it is right:
//	h.Site.Throttle.Known(h.Response, h.Request, user)
//
// Only what Failed is told counts, and a login that succeeds takes nothing back: else an
// attacker with an account of his own would wash his address with it. The limits are
//
//	                                               at once   then one each
//	one name from one address                      Failures  window of 15 minutes / Failures
//	one address (IPv6: a /64)                      Address   window of 15 minutes / Address
//	one IPv6 network (/48)                         twice     twice as fast
//	one name, from browsers that are not known     Name      a day / Name
//	one known browser, instead of all the others   Failures  window of 15 minutes / Failures
//	sign-ups from one address                      SignUps   an hour / SignUps
//	mails to one address                           Mails     an hour / Mails
//
// A browser is known for a user who has logged in there, by a cookie that outlives
// logout and ends with the user's password (OWASP: device cookies). So those who attack
// a name from many addresses lock nobody out of the browsers that he has used; in a new
// one he waits with them. The cookie allows no login: who steals one gets the guesses of
// one browser more.
//
// It takes 4 MiB, and 1 MiB for sign-ups and mails, made as these come, however many there
// are, and nobody can make it forget. Its counts are those of one process, unless there is a Counter, and end with
// it. The zero value is ready; set the fields before the first request. Safe for
// concurrent use. It must not be copied.
type Throttle struct {
	// Failures is how many wrong passwords one address may give for one name at once, and
	// one known browser; 0: 10, negative: no such limit.
	Failures int
	// Address is how many wrong passwords one address may give at once, whatever the
	// names; 0: 100, negative: no limit for addresses and networks. Many people behind one
	// address, such as a school, need more: 300 are enough for 5,000 who log in within 15
	// minutes.
	Address int
	// Name is how many wrong passwords may be given for one name in a day from browsers
	// that are not known for it; 0: 100, negative: no limit by name, so that many addresses
	// can guess as often as they like together.
	Name int
	// SignUps is how many times one address may sign up in an hour, with names that are
	// taken and passwords that auth.Passwords.Rule refuses; 0: 20, negative: no limit.
	SignUps int
	// Mails is how many mails an hour go to one address; 0: 3, negative: no limit.
	Mails int

	// Counter lets several instances of the program count together; nil: each counts for
	// itself.
	Counter Counter

	// App says who the client is behind a proxy, and gets the warnings. nil: the App of
	// the Site; outside of a Site the client is the connection's.
	App *framework.App
	// Users are those whose browsers can be known. nil: those of the Site; outside of a
	// Site no browser is known.
	Users auth.Store
	// Sessions has the keys that the cookie is sealed with. nil: those of the Site; outside
	// of a Site a random key, which ends with the process.
	Sessions *sessions.Manager
	// Now is the clock; nil: time.Now.
	Now func() time.Time

	site atomic.Pointer[throttleSite]
	once sync.Once // makes what follows
	*printedThrottle
}

// A printedThrottle is all that is printed of a throttleState with a Site: an address, and
// neither keys nor names that visitors typed. For verbs such as %s package fmt follows one
// pointer, so there are two.
type printedThrottle struct{ *throttleState }

type throttleState struct {
	codecs   []securecookie.Codec
	mac      []byte
	limits   throttleLimits
	meter    meter
	mu       sync.Mutex // guards what follows
	tries    map[*http.Request][]*try
	swept    time.Time
	suspects suspects
	silent   time.Time // when it was last said that the Counter is
}

// throttleSite is where a Throttle looks for what its fields do not say.
type throttleSite struct {
	site *Site
	app  *framework.App
}

// throttleLimits are nil if there is no such limit.
type throttleLimits struct {
	pair, address, network, name, browser, signUp, mail *limit
}

// A try is a password that is being checked.
type try struct {
	name  string // as nameKey has it
	keys  []counted
	began time.Time
}

// longestTry is how long a try counts as under way if a handler forgets Done, and up to
// twice as long: sweep looks once in that time. A try that fails later counts all the same.
const longestTry = time.Minute

// mostAtOnce bounds the limits that a site can set.
const mostAtOnce = 1_000_000

// in lets the Throttle of a site find what its fields do not say.
func (t *Throttle) in(site *Site, app *framework.App) {
	if t.site.Load() == nil {
		t.site.CompareAndSwap(nil, &throttleSite{site, app})
	}
}

// prepare makes what depends on the fields.
func (t *Throttle) prepare() {
	t.once.Do(func() {
		t.printedThrottle = &printedThrottle{new(throttleState)}
		manager := t.Sessions
		if site := t.site.Load(); site != nil {
			manager = cmp.Or(manager, site.site.Sessions)
		}
		derive := func(string) [][]byte { return [][]byte{securecookie.GenerateRandomKey(32)} }
		if manager != nil {
			derive = manager.Derive
		}
		blocks := derive("known browser: encrypt")
		for i, hash := range derive("known browser: sign") {
			codec := securecookie.New(hash, blocks[i]).SetSerializer(securecookie.NopEncoder{}).MaxAge(0)
			t.codecs = append(t.codecs, codec)
		}
		t.mac = derive("throttle")[0]
		t.meter.now = t.Now
		t.tries = map[*http.Request][]*try{}

		make := func(name string, burst, usual int, window time.Duration, table int) *limit {
			if burst = cmp.Or(burst, usual); burst < 0 {
				return nil
			}
			return &limit{name, min(burst, mostAtOnce), window, table}
		}
		address := min(max(t.Address, -1), mostAtOnce) // of which twice as much is still a number
		const quarter, day = 15 * time.Minute, 24 * time.Hour
		t.limits = throttleLimits{
			pair:    make("name and address", t.Failures, 10, quarter, 0),
			browser: make("known browser", t.Failures, 10, quarter, 0),
			address: make("address", t.Address, 100, quarter, 1),
			network: make("network", 2*address, 200, quarter, 2),
			name:    make("name", t.Name, 100, day, 3),
			signUp:  make("sign-up", t.SignUps, 20, time.Hour, 4),
			mail:    make("mail", t.Mails, 3, time.Hour, 4),
		}
	})
}

// Wait returns how long this request has to wait before a password for name may be
// checked; 0: it may be checked now, and counts as under way until Failed, Known or Done
// is called with the same request, which may be a minute later at most. Call it before
// any work is done for the request, and answer a wait with 429 and a Retry-After.
// Nothing is counted for who has to wait.
func (t *Throttle) Wait(r *http.Request, name string) time.Duration {
	wait, _ := t.wait(r, name)
	return wait
}

// wait is Wait, and tells which limit has been reached.
func (t *Throttle) wait(r *http.Request, name string) (time.Duration, *limit) {
	t.prepare()
	key := t.nameKey(name)
	return t.begin(r, key, t.loginKeys(r, name, key))
}

// Failed counts a password that was wrong for name. It is not for what is no guess: a
// store that is down, too many requests at once, a new password that is too short.
func (t *Throttle) Failed(r *http.Request, name string) {
	t.prepare()
	key := t.nameKey(name)
	keys := t.failed(r, key)
	if keys == nil {
		keys = t.loginKeys(r, name, key)
		t.meter.add(keys)
	}
	t.share(r.Context(), keys)
	t.suspect(t.clientIP(r), key)
}

// Done says that a request is through with the passwords that it had to check, whatever
// came of it. Call it by defer. After Failed and Known it does nothing.
func (t *Throttle) Done(r *http.Request) {
	t.prepare()
	t.mu.Lock()
	tries := t.tries[r]
	delete(t.tries, r)
	t.mu.Unlock()
	for _, try := range tries {
		t.meter.end(try.keys, false)
	}
}

// WaitSignUp returns how long the client has to wait before it may sign up; 0: it may
// now. [Throttle.SignedUp] counts it, and Done ends it, as with Wait.
func (t *Throttle) WaitSignUp(r *http.Request) time.Duration {
	t.prepare()
	wait, _ := t.begin(r, signUpTry, t.signUpKeys(r))
	return wait
}

// signUpTry stands for the name of a try to sign up. nameKey returns no such name.
const signUpTry = "\x00sign-up"

// SignedUp counts a sign-up that has made a user, has met a name that is taken, or had a
// password that auth.Passwords.Rule was asked about.
func (t *Throttle) SignedUp(r *http.Request) {
	t.prepare()
	keys := t.failed(r, signUpTry)
	if keys == nil {
		keys = t.signUpKeys(r)
		t.meter.add(keys)
	}
	t.share(r.Context(), keys)
}

// WaitMail counts a mail to address and returns 0, or counts nothing and returns how
// long it has to wait, whoever asks for it. Ask it before every mail that a stranger can
// cause: else a form fills the mailbox of anybody.
func (t *Throttle) WaitMail(ctx context.Context, address string) time.Duration {
	t.prepare()
	if t.limits.mail == nil {
		return 0
	}
	keys := []counted{{t.limits.mail, t.nameKey(address)}}
	wait, _ := t.meter.begin(keys)
	if wait > 0 {
		return wait
	}
	wait, _ = t.sharedWait(ctx, keys)
	t.meter.end(keys, wait == 0)
	if wait == 0 {
		t.share(ctx, keys)
	}
	return wait
}

// begin counts a try as under way, or returns how long it has to wait.
func (t *Throttle) begin(r *http.Request, name string, keys []counted) (time.Duration, *limit) {
	t.sweep()
	wait, reached := t.meter.begin(keys)
	if wait > 0 {
		return wait, reached
	}
	if wait, reached = t.sharedWait(r.Context(), keys); wait > 0 {
		t.meter.end(keys, false)
		return wait, reached
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries[r] = append(t.tries[r], &try{name, keys, t.now()})
	return 0, nil
}

// failed ends the try of a request, counts it, and returns what it has counted; nil:
// there is no such try.
func (t *Throttle) failed(r *http.Request, name string) []counted {
	t.mu.Lock()
	tries := t.tries[r]
	for i, try := range tries {
		if try.name == name {
			if t.tries[r] = append(tries[:i], tries[i+1:]...); len(t.tries[r]) == 0 {
				delete(t.tries, r)
			}
			t.mu.Unlock()
			t.meter.end(try.keys, true)
			return try.keys
		}
	}
	t.mu.Unlock()
	return nil
}

// sweep ends the tries that somebody has forgotten to end. It looks at all of them once
// in longestTry.
func (t *Throttle) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if now.Sub(t.swept) < longestTry {
		return
	}
	t.swept = now
	for r, tries := range t.tries {
		if now.Sub(tries[0].began) < longestTry {
			continue
		}
		for _, try := range tries {
			t.meter.end(try.keys, false)
		}
		delete(t.tries, r)
	}
}

// loginKeys are what a password for name, whose nameKey is given, counts for.
func (t *Throttle) loginKeys(r *http.Request, name, nameKey string) []counted {
	l := &t.limits
	if browser := t.browser(r, name); browser != "" {
		return keysOf(counted{l.browser, browser})
	}
	address, network := addressKeys(t.clientIP(r))
	keys := keysOf(counted{l.pair, nameKey + "\n" + address}, counted{l.address, address}, counted{l.name, nameKey})
	if network != "" {
		keys = append(keys, keysOf(counted{l.network, network})...)
	}
	return keys
}

func (t *Throttle) signUpKeys(r *http.Request) []counted {
	address, _ := addressKeys(t.clientIP(r))
	return keysOf(counted{t.limits.signUp, address})
}

// keysOf leaves out those of no limit. It never returns nil.
func keysOf(keys ...counted) []counted {
	kept := keys[:0]
	for _, key := range keys {
		if key.limit != nil {
			kept = append(kept, key)
		}
	}
	return kept
}

// longestName is the longest name that anybody can have, in bytes.
const longestName = 254

// nameKey is the same for two names if they are one user's. A name that is too long to
// be anybody's is not taken apart: the beginning of it will do.
func (t *Throttle) nameKey(name string) string {
	if len(name) <= longestName {
		return auth.NameKey(name)
	}
	return "\x00" + name[:longestName]
}

// addressKeys returns what an address counts as, which is a /64 for IPv6, since that is
// what one customer gets at the least, and its /48, which one may get. A link-local
// address counts by itself: all of them are in one /64.
func addressKeys(ip string) (address, network string) {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Is4() || addr.IsLinkLocalUnicast() {
		return ip, ""
	}
	of64, _ := addr.Prefix(64)
	of48, _ := addr.Prefix(48)
	return of64.String(), of48.String()
}

func (t *Throttle) now() time.Time {
	if t.Now != nil {
		return t.Now()
	}
	return time.Now()
}

func (t *Throttle) app() *framework.App {
	if site := t.site.Load(); site != nil {
		return cmp.Or(t.App, site.app)
	}
	return cmp.Or(t.App, noApp)
}

// noApp believes no header.
var noApp = new(framework.App)

func (t *Throttle) clientIP(r *http.Request) string { return t.app().ClientIP(r) }

func (t *Throttle) log() *slog.Logger { return cmp.Or(t.app().Log, slog.Default()) }

// hidden returns what stands for a text that must not be seen: the same in all
// instances of a site, and of no use to who does not have its keys.
func (t *Throttle) hidden(text string) string {
	t.prepare()
	mac := hmac.New(sha256.New, t.mac)
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// suspects are the names that have failed from addresses of the machine or the network
// of the program: if they are many, the address is that of a proxy.
type suspects struct {
	began time.Time
	names map[string]map[string]bool
	said  bool
}

const (
	suspectNames     = 8  // of one address in an hour
	suspectAddresses = 64 // that are looked at
)

func (t *Throttle) suspect(ip, name string) {
	if addr, err := netip.ParseAddr(ip); err == nil && !addr.IsPrivate() && !addr.IsLoopback() && !addr.IsLinkLocalUnicast() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.suspects
	if s.said {
		return
	}
	if now := t.now(); s.names == nil || now.Sub(s.began) >= time.Hour {
		s.began, s.names = now, map[string]map[string]bool{}
	}
	names := s.names[ip]
	if names == nil {
		if len(s.names) >= suspectAddresses {
			return
		}
		names = map[string]bool{}
		s.names[ip] = names
	}
	if names[strings.Clone(name)] = true; len(names) > suspectNames {
		t.suspects = suspects{said: true}
		t.log().Warn("handlers: logins under many names fail from one address of this network: if it is that of a proxy, App.Proxy is wrong, and all clients share what one address may do. Set App.Proxy to framework.Proxies(n) for n proxies that append to X-Forwarded-For", "address", ip, "names", len(names))
	}
}

// tooLong reports whether a name or a password is longer than anybody's can be.
func tooLong(name, password string) bool {
	return len(name) > longestName || len(password) > auth.MaxPassword
}

// checkPassword lets check do the work of checking a password for name, and counts it
// if the password is wrong, or if Passwords.Rule refuses the new one, since that may have
// been looked up. If the client has to wait it returns how long, sets the
// Retry-After, and does not call check. What is too long to be anybody's is
// auth.ErrCredentials, without work and without a count.
func (h *BaseHandler) checkPassword(name, password string, check func() error) (wait time.Duration, err error) {
	if tooLong(name, password) {
		return 0, auth.ErrCredentials
	}
	throttle := &h.Site.Throttle
	wait, reached := throttle.wait(h.Request, name)
	if wait > 0 {
		h.retryAfter(wait)
		h.logRefusal(LoginLock, name, slog.String("reason", reached.name), slog.Duration("wait", wait))
		return wait, nil
	}
	defer throttle.Done(h.Request)
	if err = check(); errors.Is(err, auth.ErrCredentials) || errors.Is(err, auth.ErrRule) {
		throttle.Failed(h.Request, name)
	}
	return 0, err
}

// retryAfter says in the header when another try makes sense (RFC 9110 section 10.2.3).
func (h *BaseHandler) retryAfter(wait time.Duration) {
	h.Response.Header().Set("Retry-After", strconv.Itoa(seconds(wait)))
}

// seconds rounds up.
func seconds(wait time.Duration) int { return int((wait + time.Second - 1) / time.Second) }

// tryAgain tells somebody who has to wait how long.
func tryAgain(why string, wait time.Duration) string {
	if minutes := (seconds(wait) + 59) / 60; minutes > 1 {
		return fmt.Sprintf("%s Try again in %d minutes.", why, minutes)
	}
	return why + " Try again in a minute."
}

const (
	tooManyFailures = "That was wrong too often."
	tooManySignUps  = "Too many have signed up from your network."
)
