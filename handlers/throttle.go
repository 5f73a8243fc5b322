package handlers

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
)

// A Throttle limits how many passwords can be guessed. Every [Site] has one, which the pages
// of this package use. A handler that verifies passwords itself uses it like this:
//
//	if wait := h.Site.Throttle.Wait(h.Request, name); wait > 0 {
//		// respond with 429 and Retry-After
//	}
//	defer h.Site.Throttle.Done(h.Request)
//	... // verify the password; if it is wrong:
//	h.Site.Throttle.Failed(h.Request, name)
//	... // if it is right:
//	h.Site.Throttle.Succeeded(h.Response, h.Request, user)
//
// Only calls of Failed count, and a login that succeeds resets nothing: otherwise an
// attacker could reset the count of an address with an account of his own. The limits are
//
//	                                             at once   then one each
//	one name from one address                    Failures  window of 15 minutes / Failures
//	one address (IPv6: a /64)                    Address   window of 15 minutes / Address
//	one IPv6 network (/48)                       twice     twice as fast
//	one name, from browsers that are not known   Name      a day / Name
//	a known browser, instead of all the above    Failures  window of 15 minutes / Failures
//	sign-ups and mails asked for by one address  SignUps   an hour / SignUps
//	mails to one address                         Mails     an hour / Mails
//
// A browser is known for a user who has logged in with it before. A cookie says so, which
// survives a logout and ends when the user's password changes (OWASP: device cookies). So
// an attack on a name from many addresses does not lock its user out of a known browser;
// in a new browser the user has to wait. The cookie allows no login. Whoever steals one
// gets the guesses of one more browser.
//
// A Throttle takes at most 5 MiB, allocated when they are needed, however many names and
// addresses there are, and it cannot be made to forget one. Its counts are those of one
// process, unless there is a Counter, and end with the process. The zero value is ready; set
// the fields before the first request. It is safe for concurrent use and must not be copied.
type Throttle struct {
	// Failures is how many wrong passwords one address may send for one name at once, and
	// one known browser. If 0, it is 10. If negative, there is no such limit.
	Failures int
	// Address is how many wrong passwords one address may send at once, for all names. If
	// 0, it is 100. If negative, there is no limit for addresses and networks. Where many
	// people share an address, as in a school, 300 are enough for 5,000 people who log in
	// within 15 minutes.
	Address int
	// Name is how many wrong passwords may be sent for one name in a day, from browsers that
	// are not known. If 0, it is 100. If negative, there is no such limit, and many addresses
	// together can guess without limit.
	Name int
	// SignUps is how many times one address may sign up in an hour, counting names that are
	// taken, passwords that auth.Passwords.Rule refuses, and forms that send a mail. If 0, it
	// is 20. If negative, there is no limit.
	SignUps int
	// Mails is how many mails an hour are sent to one address. If 0, it is 3. If negative,
	// there is no limit.
	Mails int

	// Counter lets several instances of the program count together. If nil, each counts for
	// itself.
	Counter Counter

	// App tells the address of a client behind a proxy, and has the log. If nil, it is the
	// App of the Site. Without either, the address is that of the connection.
	App *framework.App
	// Users are the users that a browser can be known for. If nil, they are those of the
	// Site. Without either, no browser is known.
	Users auth.Backend
	// Sessions has the keys that seal the cookie. If nil, it is that of the Site. Without
	// either, the key is random and ends with the process.
	Sessions *sessions.Manager
	// Now is the clock. If nil, it is time.Now.
	Now func() time.Time

	site atomic.Pointer[throttleSite]
	once sync.Once // makes what follows
	*printedThrottle
}

// A printedThrottle is printed as an address, without the keys and the names that visitors
// have typed. Package fmt follows one pointer in a struct, so there are two.
type printedThrottle struct{ *throttleState }

type throttleState struct {
	codecs   []securecookie.Codec
	mac      []byte
	limits   throttleLimits
	meter    meter
	mu       sync.Mutex // guards what follows
	attempts map[*http.Request][]*attempt
	swept    time.Time
	suspects suspects
	silent   time.Time // when it was last logged that the Counter fails
}

// throttleSite has what the fields of a Throttle do not set.
type throttleSite struct {
	site *Site
	app  *framework.App
}

// throttleLimits are nil if there is no such limit.
type throttleLimits struct {
	pair, address, network, name, browser, signUp, mail *limit
}

// An attempt is a password that is being verified, or a sign-up under way.
type attempt struct {
	name  string // its nameKey
	keys  []counted
	began time.Time
}

// longestAttempt is how long an attempt counts as under way if a handler does not call Done,
// and up to twice as long, because sweep runs once in that time. An attempt that fails later
// is still counted.
const longestAttempt = time.Minute

// mostAtOnce is the largest limit that a site can set.
const mostAtOnce = 1_000_000

// use sets the site of the Throttle, if it has none.
func (t *Throttle) use(site *Site, app *framework.App) {
	if t.site.Load() == nil {
		t.site.CompareAndSwap(nil, &throttleSite{site, app})
	}
}

// prepare makes what depends on the fields, once.
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
		t.attempts = map[*http.Request][]*attempt{}

		make := func(name string, burst, usual int, window time.Duration, table int) *limit {
			if burst = cmp.Or(burst, usual); burst < 0 {
				return nil
			}
			return &limit{name, min(burst, mostAtOnce), window, table}
		}
		address := min(max(t.Address, -1), mostAtOnce) // so that twice as much does not overflow
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

// Wait returns how long this request has to wait before a password for name may be verified.
// If it returns 0, the password may be verified now, and counts as under way until Failed,
// Succeeded or Done is called with the same request, for a minute at most. Call Wait before
// doing any work for the request. A request that has to wait is not counted; respond with
// 429 and Retry-After.
func (t *Throttle) Wait(r *http.Request, name string) time.Duration {
	wait, _ := t.wait(r, name)
	return wait
}

// wait is Wait. It also returns the limit that was reached.
func (t *Throttle) wait(r *http.Request, name string) (time.Duration, *limit) {
	t.prepare()
	key := t.nameKey(name)
	return t.begin(r, key, t.loginKeys(r, name, key))
}

// Failed counts a wrong password for name. Do not call it for failures that are not a guess: a
// backend that is down, too many requests at once, a new password that is too short.
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

// Done ends the attempts of a request, whatever came of them. Call it with defer. After
// Failed and Succeeded it does nothing.
func (t *Throttle) Done(r *http.Request) {
	t.prepare()
	t.mu.Lock()
	attempts := t.attempts[r]
	delete(t.attempts, r)
	t.mu.Unlock()
	for _, a := range attempts {
		t.meter.end(a.keys, false)
	}
}

// WaitSignUp returns how long the client has to wait before it may sign up, or ask for a
// mail, or 0 if it may now. [Throttle.SignedUp] counts the sign-up, and Done ends it, as with Wait.
func (t *Throttle) WaitSignUp(r *http.Request) time.Duration {
	t.prepare()
	wait, _ := t.begin(r, signUpName, t.signUpKeys(r))
	return wait
}

// signUpName is the name of an attempt to sign up. nameKey never returns it.
const signUpName = "\x00sign-up"

// SignedUp counts a sign-up that has made a user, whose name was taken, or whose password
// auth.Passwords.Rule was asked about, and a form that sends a mail.
func (t *Throttle) SignedUp(r *http.Request) {
	t.prepare()
	keys := t.failed(r, signUpName)
	if keys == nil {
		keys = t.signUpKeys(r)
		t.meter.add(keys)
	}
	t.share(r.Context(), keys)
}

// WaitMail counts a mail to address and returns 0, or counts nothing and returns how long
// the mail has to wait. Call it before every mail that a stranger can cause, so that a form
// cannot fill somebody's mailbox.
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

// begin counts an attempt as under way, or returns how long it has to wait.
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
	t.attempts[r] = append(t.attempts[r], &attempt{name, keys, t.now()})
	return 0, nil
}

// failed ends the attempt of a request, counts it, and returns what it has counted, or nil
// if there is no such attempt.
func (t *Throttle) failed(r *http.Request, name string) []counted {
	t.mu.Lock()
	attempts := t.attempts[r]
	for i, a := range attempts {
		if a.name == name {
			if t.attempts[r] = append(attempts[:i], attempts[i+1:]...); len(t.attempts[r]) == 0 {
				delete(t.attempts, r)
			}
			t.mu.Unlock()
			t.meter.end(a.keys, true)
			return a.keys
		}
	}
	t.mu.Unlock()
	return nil
}

// sweep ends the attempts for which Done was not called. It looks at all of them once in
// longestAttempt.
func (t *Throttle) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if now.Sub(t.swept) < longestAttempt {
		return
	}
	t.swept = now
	for r, attempts := range t.attempts {
		if now.Sub(attempts[0].began) < longestAttempt {
			continue
		}
		for _, a := range attempts {
			t.meter.end(a.keys, false)
		}
		delete(t.attempts, r)
	}
}

// loginKeys returns the keys that a password for name is counted under.
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

// keysOf returns the keys that have a limit. It never returns nil.
func keysOf(keys ...counted) []counted {
	kept := keys[:0]
	for _, key := range keys {
		if key.limit != nil {
			kept = append(kept, key)
		}
	}
	return kept
}

// longestName is the longest name that a user can have, in bytes.
const longestName = 254

// nameKey returns the same key for two names or addresses of one user. A text that neither
// can be is not normalized: its beginning is the key.
func (t *Throttle) nameKey(name string) string {
	if len(name) > longestName {
		return "\x00" + name[:longestName]
	}
	if keys := auth.LoginKeys(name); len(keys) > 0 {
		return string(keys[0])
	}
	return ""
}

// addressKeys returns the keys that an address is counted under. For IPv6 those are its /64,
// because a customer gets at least that much, and its /48, because some get that much. A
// link-local address is counted by itself: all of them are in one /64.
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

// noApp trusts no header.
var noApp = new(framework.App)

func (t *Throttle) clientIP(r *http.Request) string { return t.app().ClientIP(r) }

func (t *Throttle) log() *slog.Logger { return cmp.Or(t.app().Log, slog.Default()) }

// hash returns a keyed hash of text, which is the same in all instances of a site.
func (t *Throttle) hash(text string) string {
	t.prepare()
	mac := hmac.New(sha256.New, t.mac)
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// The cookie of a known browser is sealed by gorilla/securecookie. It has a byte for its
// format, and for each user who has logged in with the browser
//
//	user   16 bytes of the hash of the user's id
//	id     16 random bytes, which are counted
//	stamp  16 bytes of the hash of the user's credential
//	date   8 bytes, big-endian: seconds since 1970
const (
	browserCookie  = "known-browser"
	browserFormat  = 1
	browserEntry   = 16 + 16 + 16 + 8
	browserEntries = 5                    // the users of one browser who logged in last
	browserAge     = 400 * 24 * time.Hour // the longest that browsers keep a cookie (RFC 6265bis)
)

// A knownUser is a user that a browser is known for.
type knownUser struct {
	user, id, stamp [16]byte
	date            int64
}

func sum16(text string) (sum [16]byte) {
	all := sha256.Sum256([]byte(text))
	copy(sum[:], all[:])
	return sum
}

// is reports whether k is user, with the password that user has now.
func (k *knownUser) is(user *auth.User) bool {
	return k.user == sum16(user.ID) && k.stamp == sum16(user.Credential())
}

// Succeeded sets the cookie that makes the browser of r known for user, who has just logged
// in, and ends the attempts of r as Done does. Call it before the header is written.
func (t *Throttle) Succeeded(w http.ResponseWriter, r *http.Request, user *auth.User) {
	t.prepare()
	t.Done(r)
	now := knownUser{user: sum16(user.ID), stamp: sum16(user.Credential()), date: t.now().Unix()}
	rand.Read(now.id[:])
	known := []knownUser{now}
	for _, k := range t.knownUsers(r) {
		switch {
		case k.is(user):
			known[0].id = k.id // so that a login resets no count
		case k.user != now.user && len(known) < browserEntries:
			known = append(known, k)
		}
	}
	text := []byte{browserFormat}
	for _, k := range known {
		text = slices.Concat(text, k.user[:], k.id[:], k.stamp[:], binary.BigEndian.AppendUint64(nil, uint64(k.date)))
	}
	name, secure := t.browserCookie(r)
	value, err := securecookie.EncodeMulti(name, text, t.codecs...)
	if err != nil {
		t.log().ErrorContext(r.Context(), "handlers: cannot make the cookie of a known browser", "error", err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(browserAge / time.Second), Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// browserCookie returns the name of the cookie, and whether it is Secure.
func (t *Throttle) browserCookie(r *http.Request) (name string, secure bool) {
	if t.app().Scheme(r) == "https" {
		return "__Host-" + browserCookie, true
	}
	return browserCookie, false
}

// knownUsers returns the users in the cookie of r. The one who logged in last is first.
func (t *Throttle) knownUsers(r *http.Request) []knownUser {
	name, _ := t.browserCookie(r)
	cookie, err := r.Cookie(name)
	if err != nil {
		return nil
	}
	var text []byte
	if securecookie.DecodeMulti(name, cookie.Value, &text, t.codecs...) != nil || len(text) == 0 || text[0] != browserFormat {
		return nil
	}
	var known []knownUser
	oldest := t.now().Add(-browserAge).Unix()
	for entry := range slices.Chunk(text[1:], browserEntry) {
		if len(entry) < browserEntry || len(known) == browserEntries {
			break
		}
		var k knownUser
		rest := entry[copy(k.user[:], entry):]
		rest = rest[copy(k.id[:], rest):]
		rest = rest[copy(k.stamp[:], rest):]
		if k.date = int64(binary.BigEndian.Uint64(rest)); k.date > oldest {
			known = append(known, k)
		}
	}
	return known
}

// browser returns the key that a password for name is counted under if the browser of r is
// known for the user of that name, else "".
func (t *Throttle) browser(r *http.Request, name string) string {
	users := t.Users
	if site := t.site.Load(); site != nil && users == nil {
		users = site.site.Users
	}
	if users == nil || t.limits.browser == nil || len(name) > longestName {
		return ""
	}
	known := t.knownUsers(r)
	if len(known) == 0 {
		return ""
	}
	user, err := users.ByLogin(r.Context(), name)
	if err != nil {
		return "" // no such user, or a backend that is down: the browser is not known
	}
	if i := slices.IndexFunc(known, func(k knownUser) bool { return k.is(user) }); i >= 0 {
		return base64.RawURLEncoding.EncodeToString(known[i].id[:])
	}
	return ""
}

// suspects are the names for which passwords failed from addresses in the network of the
// program. If one address has many, it is probably that of a proxy.
type suspects struct {
	began  time.Time
	names  map[string]map[string]bool // by address
	logged bool
}

const (
	suspectNames     = 8  // the most names of one address in an hour
	suspectAddresses = 64 // the most addresses
)

// suspect records a name, and logs a warning if its address has too many.
func (t *Throttle) suspect(ip, name string) {
	if addr, err := netip.ParseAddr(ip); err == nil && !addr.IsPrivate() && !addr.IsLoopback() && !addr.IsLinkLocalUnicast() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.suspects
	if s.logged {
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
		t.suspects = suspects{logged: true}
		t.log().Warn("handlers: logins with many names fail from one address of this network: if it is a proxy, App.TrustedProxy is wrong, and all clients share the limits of one address. Set App.TrustedProxy to framework.Proxies(n) for n proxies that append to X-Forwarded-For", "address", ip, "names", len(names))
	}
}
