package sessions

import (
	"bytes"
	"cmp"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Config declares the sessions of a site. Only Keys is required.
type Config struct {
	// Keys are the site's secrets. The first one signs cookies; all of them verify. To
	// change the key without logging anybody out:
	//
	//  1. Add the new key at the end, and restart every instance.
	//  2. Move the new key to the front, and restart every instance.
	//  3. Remove the old key once the longest AbsoluteTimeout or RememberAbsolute of the
	//     Sessions has passed, and restart every instance.
	//
	// If a key has leaked, replace it at once instead: that ends the sessions signed with it.
	Keys []Key
	// Sessions declares the sessions of the site; the first one is the default. If empty,
	// there is one, of the zero Spec.
	Sessions []Spec
	// Site is bound into the signature, so that the cookies of another site with the same
	// keys are refused. It may be empty. Changing it ends all sessions.
	Site string
	// Log receives what no response can show: values that cannot be read, a change that
	// came too late. If nil, slog.Default().
	Log *slog.Logger
	// Now is the clock of timeouts and of cookie dates. If nil, time.Now. Backends use the
	// real clock.
	Now func() time.Time
	// Since ends every session that was created, or logged in to, before it, in Backends
	// and in signed cookies: for example after a leak. Set it to the present time on every
	// instance, and remove it once the longest absolute timeout has passed. If zero, it
	// ends none. The cookies of an [Import] have no such time: remove the Import as well.
	Since time.Time
	// PersonalCache is the Cache-Control of the responses to a user who is logged in, if
	// the handler has set none. If empty, "no-store", so that the Back button shows nothing
	// after a logout (OWASP Session Management). A site whose pages show no more than a name
	// may set "private, no-cache".
	PersonalCache string
	// OnEvent, if not nil, is called with every [Event], in the goroutine of the request.
	// It must be quick and safe for concurrent use, and must not use the session.
	OnEvent func(Event)
}

// A Key signs cookies. If it has a Block, it also encrypts them. Keep both outside of the
// program and its repository. A Key that is printed or logged shows its lengths only.
type Key struct {
	Hash  []byte // for HMAC-SHA256: at least 32 random bytes
	Block []byte // for AES: 16, 24 or 32 random bytes. If nil, a visitor can read the data of a signed cookie
}

// RandomKey returns a new key without a Block, for development and tests. A program that
// makes its key at each start ends all sessions when it restarts, and two instances of it
// refuse each other's cookies.
func RandomKey() Key {
	hash := make([]byte, minHash)
	rand.Read(hash) // never fails: crypto/rand
	return Key{Hash: hash}
}

// maxKeys bounds what ParseKeys reads.
const maxKeys = 100

// ParseKeys reads keys from the text of an environment variable, a file or a secret. Each
// key is the base64 of its Hash, as `openssl rand -base64 32` prints it; for a key with a
// Block, a colon and the base64 of the Block follow. Commas, spaces or line ends separate
// keys. The order stays: the newest is the first, as in [Config.Keys]. Both alphabets of
// RFC 4648 are accepted, with and without padding.
//
// ParseKeys returns an error if there is no key, if there are more than 100, or if one is
// not base64. The error says which key is wrong and does not contain it. [New] checks
// whether the keys are long and random enough.
func ParseKeys(text string) ([]Key, error) {
	var keys []Key
	separator := func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }
	for entry := range strings.FieldsFuncSeq(text, separator) {
		if len(keys) == maxKeys {
			return nil, fmt.Errorf("sessions: there are more than %d keys: remove those that no session needs any more", maxKeys)
		}
		number := len(keys) + 1
		hash, block, encrypts := strings.Cut(entry, ":")
		var key Key
		var err error
		if hash == "" {
			return nil, fmt.Errorf("sessions: key %d has nothing before the colon: make a Hash with `openssl rand -base64 32`", number)
		}
		if key.Hash, err = decodeKey(hash); err != nil {
			return nil, fmt.Errorf("sessions: key %d is not base64: make one with `openssl rand -base64 32`", number)
		}
		if encrypts && block == "" {
			return nil, fmt.Errorf("sessions: key %d has nothing after the colon: leave the colon out to sign only", number)
		}
		if encrypts {
			if key.Block, err = decodeKey(block); err != nil {
				return nil, fmt.Errorf("sessions: key %d is not base64 after the colon: make a Block with `openssl rand -base64 32`", number)
			}
		}
		keys = append(keys, key)
	}
	if keys == nil {
		return nil, errors.New("sessions: no key is given: make one with `openssl rand -base64 32`")
	}
	return keys, nil
}

func decodeKey(text string) ([]byte, error) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	return base64.RawStdEncoding.DecodeString(text)
}

// Format prints the lengths of Hash and Block and nothing else, for every verb of package
// fmt, and so for package log/slog.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.hidden()) }

// MarshalText returns what Format prints, for packages that encode values, such as
// encoding/json and log/slog. A Key that was encoded cannot be decoded.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.hidden()), nil }

func (k Key) hidden() string {
	return fmt.Sprintf("(secret: Hash of %d bytes, Block of %d)", len(k.Hash), len(k.Block))
}

// A Spec declares one session of the site. The zero Spec is a session in a signed cookie
// named __Host-session that ends with the browser, and after 12 hours at the latest.
type Spec struct {
	// Name is the name of the cookie without its prefix. If empty, "session".
	Name string
	// Backend keeps the data. If nil, the signed cookie holds them. Then the last response
	// to reach the browser wins, and a copy of the cookie is valid until the timeouts, also
	// after Destroy: keep logins in a Backend.
	Backend Backend
	// IdleTimeout ends a session that was not used for this time. If zero, 30 minutes; if
	// Backend is nil too, there is no idle timeout. With a nil Backend each renewal sends
	// the cookie, so that a read may undo what a request at the same time has changed.
	IdleTimeout time.Duration
	// AbsoluteTimeout ends a session this time after it was created, after a LogIn, or
	// after SetUser gave it another user. If zero, 12 hours.
	AbsoluteTimeout time.Duration
	// RememberIdle and RememberAbsolute replace the two timeouts of a session whose [Login]
	// is Remembered. If zero, they are 30 days and 90 days, or the timeout above if that is
	// longer. If RememberIdle is zero and Backend nil, there is no idle timeout.
	RememberIdle, RememberAbsolute time.Duration
	// Persistent lets the cookie outlive the browser, until the absolute timeout.
	Persistent bool
	// Domain and Path say where the browser sends the cookie. If both are empty, to this
	// host and every path, and the name of the cookie has the prefix __Host-; otherwise it
	// has the prefix __Secure-.
	Domain, Path string
	// SameSite is the cookie's attribute. If zero, Lax.
	SameSite http.SameSite
	// Insecure allows plain http, for development: the cookie has neither Secure nor a
	// prefix.
	Insecure bool
	// MaxPerUser is how many sessions a user may have. A LogIn above it ends the least
	// recently used ones, ten at most; two logins at once may leave one more. It needs a
	// [UserBackend]. If zero, 100; if negative, any number.
	MaxPerUser int
	// WhenDown says what happens to a request if the Backend is down. If zero,
	// FailWhenDown.
	WhenDown DownPolicy
	// Import takes over the sessions of an older system. If nil, there is none.
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

// A DownPolicy says what happens to a request that uses a session whose Backend is down.
type DownPolicy int

const (
	// FailWhenDown fails the request: Save returns the error, whose status is 503.
	FailWhenDown DownPolicy = iota
	// EmptyWhenDown shows an empty session to a request that only reads. A request that
	// changes the session still fails. Err returns the error to both.
	EmptyWhenDown
)

// A Manager makes the Store of each request. A program makes one Manager, with [New]. It
// is safe for concurrent use.
type Manager struct {
	specs []*declared
	codec *codec
	log   *slog.Logger
	now   func() time.Time
	event func(Event)

	backed   bool   // a Spec has a Backend
	since    int64  // sessions created before it have ended, in Unix milliseconds
	personal string // the Cache-Control of the pages of users
	notices  notices

	derive func(purpose string) [][]byte
}

// New returns a Manager. It checks all of c and returns every mistake that it finds as one
// joined error, each with how to fix it. Changes of c after New have no effect.
func New(c Config) (*Manager, error) {
	m := &Manager{log: cmp.Or(c.Log, slog.Default()), now: c.Now, event: c.OnEvent, derive: deriver(c.Keys, c.Site)}
	if m.now == nil {
		m.now = time.Now
	}
	codec, err := newCodec(c.Keys)
	m.codec = codec
	errs := []error{err}
	if m.since = math.MinInt64; !c.Since.IsZero() {
		m.since = c.Since.UnixMilli()
		if ahead := c.Since.Sub(m.now()); ahead > maxSkew {
			errs = append(errs, fmt.Errorf("sessions: Config.Since is %v ahead, so that no session would be valid until then: set it to a time that has passed", ahead.Round(time.Second)))
		}
	}
	if m.personal = cmp.Or(c.PersonalCache, "no-store"); m.personal != "no-store" {
		errs = append(errs, checkPersonal(m.personal))
	}
	specs := c.Sessions
	if len(specs) == 0 {
		specs = []Spec{{}}
	}
	for i, spec := range specs {
		d := declare(m, spec, c.Site)
		for _, err := range d.check() {
			errs = append(errs, specError(i, err))
		}
		m.specs = append(m.specs, d)
		m.backed = m.backed || spec.Backend != nil
	}
	errs = append(errs, m.checkNames()...)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Manager) index(name string) int {
	for i, d := range m.specs {
		if d.Name == name {
			return i
		}
	}
	return -1
}

func (m *Manager) undeclared(name string) string {
	var names []string
	for _, d := range m.specs {
		names = append(names, fmt.Sprintf("%q", d.Name))
	}
	return fmt.Sprintf("sessions: no session %q is declared: add a Spec to Config.Sessions, or use one of %s", name, strings.Join(names, ", "))
}

// A declared is a Spec with its defaults, and with what requests need of it.
type declared struct {
	Spec
	manager     *Manager
	kind        byte   // of the cookie's payload
	cookie      string // the cookie's whole name
	bound       string // the name that is signed with the payload
	attributes  string // of Set-Cookie, after the value
	deletion    string // the whole Set-Cookie that deletes it
	oldDeletion string // the one that deletes the older system's; empty if there is none
	oldWarning  sync.Once
}

// The kinds of payload. They are part of the signed name too.
const (
	kindID   = 'i' // the payload is the id of a record in the Backend
	kindData = 'd' // the payload is the data
)

func declare(m *Manager, s Spec, site string) *declared {
	d := &declared{Spec: s, manager: m, kind: kindData}
	if d.Name == "" {
		d.Name = defaultName
	}
	if d.Path == "" {
		d.Path = "/"
	}
	if d.SameSite == 0 || d.SameSite == http.SameSiteDefaultMode {
		d.SameSite = http.SameSiteLaxMode
	}
	if d.Backend != nil {
		d.kind = kindID
		if d.IdleTimeout == 0 {
			d.IdleTimeout = defaultIdle
		}
		if d.RememberIdle == 0 {
			d.RememberIdle = max(defaultRememberIdle, d.IdleTimeout)
		}
	}
	if d.AbsoluteTimeout == 0 {
		d.AbsoluteTimeout = defaultAbsolute
	}
	if d.RememberAbsolute == 0 {
		d.RememberAbsolute = max(defaultRememberAbsolute, d.AbsoluteTimeout)
	}
	switch {
	case d.Insecure:
		d.cookie = d.Name
	case d.Domain != "" || d.Path != "/":
		d.cookie = "__Secure-" + d.Name
	default:
		d.cookie = "__Host-" + d.Name
	}
	// Names contain no spaces, so the concatenation is unambiguous.
	d.bound = fmt.Sprintf("%s %c %s", d.cookie, d.kind, site)
	d.attributes = cookieAttributes(d.Path, d.Domain, !d.Insecure, d.SameSite)
	d.deletion = d.cookie + "=" + d.attributes + expiredAttributes
	if i := d.Import; i != nil {
		d.oldDeletion = i.deletion()
	}
	return d
}

// life returns the idle timeout of the session that c holds (0: there is none), its absolute
// timeout, and whether its cookie outlives the browser.
func (d *declared) life(c *contents) (idle, absolute time.Duration, persistent bool) {
	if c.remembered {
		return d.RememberIdle, d.RememberAbsolute, true
	}
	return d.IdleTimeout, d.AbsoluteTimeout, d.Persistent
}

func (d *declared) check() (errs []error) {
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !isToken(d.Name) || len(d.Name) > maxName {
		mistake("Name %q cannot name a cookie: use at most %d letters, digits, - and _", d.Name, maxName)
	}
	if isPrefixed(d.Name) {
		mistake("Name %q has a prefix: remove it, since New adds the one that fits Domain, Path and Insecure", d.Name)
	}
	for _, t := range []struct {
		name  string
		value time.Duration
	}{{"IdleTimeout", d.IdleTimeout}, {"AbsoluteTimeout", d.AbsoluteTimeout},
		{"RememberIdle", d.RememberIdle}, {"RememberAbsolute", d.RememberAbsolute}} {
		if t.value < 0 {
			mistake("%s is %v: use a positive timeout, or 0 for the default", t.name, t.value)
		} else if t.value != 0 && t.value < time.Millisecond {
			mistake("%s is %v, less than a millisecond: multiply by the unit, as in 30*time.Minute", t.name, t.value)
		}
	}
	if d.RememberIdle > 0 && d.RememberIdle < d.IdleTimeout {
		mistake("RememberIdle is %v, shorter than IdleTimeout, %v: a remembered login must not end sooner than another one: make it longer, or leave it 0", d.RememberIdle, d.IdleTimeout)
	}
	if d.RememberAbsolute > 0 && d.RememberAbsolute < d.AbsoluteTimeout {
		mistake("RememberAbsolute is %v, shorter than AbsoluteTimeout, %v: a remembered login must not end sooner than another one: make it longer, or leave it 0", d.RememberAbsolute, d.AbsoluteTimeout)
	}
	if !validDomain(d.Domain) {
		mistake("Domain %q is not a domain name: write it without scheme, port and path, as in example.com", d.Domain)
	}
	if !validPath(d.Path) {
		mistake("Path %q must begin with / and contain no control character or semicolon", d.Path)
	}
	switch d.SameSite {
	case http.SameSiteLaxMode, http.SameSiteStrictMode:
	case http.SameSiteNoneMode:
		if d.Insecure {
			mistake("SameSite None with Insecure: browsers refuse such a cookie; serve https, or use Lax")
		}
	default:
		mistake("SameSite is %d: use one of net/http's modes, or leave it 0 for Lax", d.SameSite)
	}
	for _, name := range []string{"K_SERVICE", "GAE_ENV"} { // what Cloud Run and App Engine set
		if d.Insecure && os.Getenv(name) != "" {
			mistake("Insecure is not allowed if %s is set: leave it out, since the platform serves https, and the cookie would also be sent over plain http", name)
			break
		}
	}
	if d.WhenDown != FailWhenDown && d.WhenDown != EmptyWhenDown {
		mistake("WhenDown is %d: use FailWhenDown or EmptyWhenDown", d.WhenDown)
	}
	if v := reflect.ValueOf(d.Backend); v.Kind() == reflect.Pointer && v.IsNil() {
		mistake("Backend is a nil %T: check the error of its constructor, or leave Backend out for a signed cookie", d.Backend)
	}
	if d.Import != nil {
		errs = append(errs, d.Import.check()...)
	}
	return errs
}

// checkNames returns the mistakes that concern more than one Spec.
func (m *Manager) checkNames() (errs []error) {
	seen := map[string]int{}
	for i, d := range m.specs {
		if first, twice := seen[d.Name]; twice {
			errs = append(errs, specError(i, fmt.Errorf("has the Name %q of Sessions[%d]: give each its own", d.Name, first)))
			continue
		}
		seen[d.Name] = i
	}
	for i, d := range m.specs {
		for j, other := range m.specs {
			if d.Import != nil && d.Import.Cookie == other.cookie {
				errs = append(errs, specError(i, fmt.Errorf("Import.Cookie %q is the cookie of Sessions[%d] too: give that another Name", other.cookie, j)))
			}
		}
	}
	return errs
}

func specError(i int, err error) error {
	return fmt.Errorf("sessions: Config.Sessions[%d]: %w", i, err)
}

const minHash = 32

func (k Key) check(newer []Key) error {
	if len(k.Hash) < minHash {
		return fmt.Errorf(".Hash has %d bytes, it must have at least %d: make one with `openssl rand -base64 32` and decode it", len(k.Hash), minHash)
	}
	switch len(k.Block) {
	case 16, 24, 32:
	default:
		if k.Block != nil {
			return fmt.Errorf(".Block has %d bytes, AES takes 16, 24 or 32: make one with `openssl rand -base64 32` and decode it, or leave it nil to sign only", len(k.Block))
		}
	}
	if guessable(k.Hash) {
		return errors.New(".Hash has a pattern, so that others can guess it: make one with `openssl rand -base64 32` and decode it")
	}
	if k.Block != nil && guessable(k.Block) {
		return errors.New(".Block has a pattern, so that others can guess it: make one with `openssl rand -base64 32` and decode it, or leave it nil to sign only")
	}
	if k.Block != nil && bytes.HasPrefix(k.Hash, k.Block) {
		return errors.New(".Block is the beginning of its Hash: make one of its own with `openssl rand -base64 32` and decode it, or leave it nil to sign only")
	}
	for i, n := range newer {
		if bytes.Equal(k.Hash, n.Hash) {
			return fmt.Errorf(" has the Hash of Config.Keys[%d]: make a new Hash, or remove one of the two", i)
		}
	}
	return nil
}

// guessable reports whether a key was not made at random: its bytes repeat, count up or
// down, or hardly differ.
func guessable(key []byte) bool {
	for period := 1; period <= len(key)/2; period++ {
		if bytes.Equal(key[period:], key[:len(key)-period]) {
			return true
		}
	}
	counts, different := true, map[byte]bool{}
	for i, b := range key {
		different[b] = true
		counts = counts && (i == 0 || b-key[i-1] == key[1]-key[0])
	}
	return counts || len(different) < 5
}

// checkPersonal returns what is wrong with Config.PersonalCache.
func checkPersonal(control string) error {
	if strings.ContainsFunc(control, func(c rune) bool { return c < ' ' || c >= 0x7f }) {
		return fmt.Errorf("sessions: Config.PersonalCache %q is not a header value: use letters and signs of ASCII", control)
	}
	lines := []string{control}
	if !hasField(lines, "private") && !hasField(lines, "no-store") {
		return errors.New(`sessions: Config.PersonalCache lets shared caches keep the pages of users: use "no-store", or begin with "private"`)
	}
	return nil
}

// Derive returns secrets of 32 bytes for another purpose of the program, such as a cookie
// of its own: one for each of Config.Keys, in the same order. Sign with the first one and
// verify with all, so that a change of keys keeps what was signed. The secrets are made by
// HKDF-SHA256 (RFC 5869) from the Hash of each key, Config.Site and purpose. They reveal
// neither the key nor the secrets of another purpose. Derive is safe for concurrent use.
func (m *Manager) Derive(purpose string) [][]byte { return m.derive(purpose) }

// deriver keeps the keys in a closure, so that a Manager that is printed does not show them.
func deriver(keys []Key, site string) func(purpose string) [][]byte {
	hashes := make([][]byte, len(keys))
	for i, key := range keys {
		hashes[i] = slices.Clone(key.Hash)
	}
	return func(purpose string) [][]byte {
		secrets := make([][]byte, len(hashes))
		for i, hash := range hashes {
			secret, err := hkdf.Key(sha256.New, hash, nil, "webapp2go secret 1\x00"+site+"\x00"+purpose, sha256.Size)
			if err != nil {
				panic("sessions: " + err.Error()) // only for a length that HKDF cannot make
			}
			secrets[i] = secret
		}
		return secrets
	}
}
