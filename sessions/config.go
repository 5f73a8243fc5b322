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

// A Key signs cookies, and encrypts them too if it has a Block. Both are secrets:
// keep them outside of the program and its repository.
type Key struct {
	Hash  []byte // for HMAC-SHA256: at least 32 random bytes
	Block []byte // for AES: nil, or 16, 24 or 32 random bytes. Without it a browser's user can read a signed cookie's data
}

// RandomKey returns a key that signs, for development and tests: a program that
// starts again with another one has logged everybody out, and two instances of it
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
			return nil, fmt.Errorf("sessions: there are more than %d keys: take out those that no session needs any more", maxKeys)
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

// Format prints whether there is a Hash and a Block, and nothing of what they are, for
// every verb of package fmt, and so for package log/slog.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.hidden()) }

// MarshalText returns what Format prints, for packages that encode values, such as
// encoding/json and log/slog. A Key that was encoded cannot be decoded.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.hidden()), nil }

func (k Key) hidden() string {
	return fmt.Sprintf("(secret: Hash of %d bytes, Block of %d)", len(k.Hash), len(k.Block))
}

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

// A Policy says what a dead backend means for a request that uses its session.
type Policy int

const (
	// Fail answers 503: Save returns the error. It is the default.
	Fail Policy = iota
	// Empty lets a request that only reads see an empty session. One that changes it
	// is still answered 503. Err tells both of the error.
	Empty
)

// A Manager makes the Store of each request. It is made once, by [New], and is safe
// for concurrent use.
type Manager struct {
	specs []*declared
	codec *codec
	log   *slog.Logger
	now   func() time.Time
	event func(Event)

	backed   bool   // a Spec has a Backend
	since    int64  // sessions created before it have ended, in Unix milliseconds
	personal string // the Cache-Control of users' pages
	notices  notices

	derive func(purpose string) [][]byte
}

// New checks the whole of c and reports every mistake it finds, joined, each with how
// to fix it. It keeps nothing of c that the caller may change.
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
			errs = append(errs, fmt.Errorf("sessions: Config.Since is %v ahead: nobody could have a session until then; set it to a time that has passed", ahead.Round(time.Second)))
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

// declared is a Spec whose defaults are filled in, with everything requests need of
// it made once.
type declared struct {
	Spec
	manager     *Manager
	kind        byte   // of the cookie's payload
	cookie      string // the cookie's whole name
	bound       string // what is bound into its signature
	attributes  string // of Set-Cookie, after the value
	deletion    string // the whole Set-Cookie that deletes it
	oldDeletion string // the one for the older system's; empty: there is none
	oldWarning  sync.Once
}

// The kinds of payload, each bound into its cookie's signature as well.
const (
	kindID   = 'i' // the payload is the id of a record in the Backend
	kindData = 'd' // the payload is the data itself
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
	// A name holds no space, so that the three cannot be mistaken for another three.
	d.bound = fmt.Sprintf("%s %c %s", d.cookie, d.kind, site)
	d.attributes = cookieAttributes(d.Path, d.Domain, !d.Insecure, d.SameSite)
	d.deletion = d.cookie + "=" + d.attributes + expiredAttributes
	if i := d.Import; i != nil {
		d.oldDeletion = i.deletion()
	}
	return d
}

// life returns what bounds the session that c holds: how long it may be unused (0: as
// long as it likes), how long it may last, and whether its cookie outlives the browser.
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
		mistake("Name %q has a prefix already: leave it out, it is put there as Domain, Path and Insecure allow", d.Name)
	}
	for _, t := range []struct {
		name  string
		value time.Duration
	}{{"IdleTimeout", d.IdleTimeout}, {"AbsoluteTimeout", d.AbsoluteTimeout},
		{"RememberIdle", d.RememberIdle}, {"RememberAbsolute", d.RememberAbsolute}} {
		if t.value < 0 {
			mistake("%s is %v: leave it 0 for the default, there is no session without end", t.name, t.value)
		} else if t.value != 0 && t.value < time.Millisecond {
			mistake("%s is %v, less than a millisecond: multiply by the unit, as in 30*time.Minute", t.name, t.value)
		}
	}
	if d.RememberIdle > 0 && d.RememberIdle < d.IdleTimeout {
		mistake("RememberIdle is %v, shorter than IdleTimeout, %v: a login that is remembered must not end sooner than another", d.RememberIdle, d.IdleTimeout)
	}
	if d.RememberAbsolute > 0 && d.RememberAbsolute < d.AbsoluteTimeout {
		mistake("RememberAbsolute is %v, shorter than AbsoluteTimeout, %v: a login that is remembered must not end sooner than another", d.RememberAbsolute, d.AbsoluteTimeout)
	}
	if !validDomain(d.Domain) {
		mistake("Domain %q is no domain name: write it without scheme, port and path, as in example.com", d.Domain)
	}
	if !validPath(d.Path) {
		mistake("Path %q must begin with / and hold no control character or semicolon", d.Path)
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
			mistake("Insecure where %s is set: the cookie would also be sent over plain http; leave Insecure out, the platform serves https", name)
			break
		}
	}
	if d.WhenDown != Fail && d.WhenDown != Empty {
		mistake("WhenDown is %d: use Fail or Empty", d.WhenDown)
	}
	if v := reflect.ValueOf(d.Backend); v.Kind() == reflect.Pointer && v.IsNil() {
		mistake("Backend is a nil %T: check the error of its constructor, or leave Backend out for a signed cookie", d.Backend)
	}
	if d.Import != nil {
		errs = append(errs, d.Import.check()...)
	}
	return errs
}

// checkNames finds what only all Specs together show.
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
			return fmt.Errorf(" has the Hash of Config.Keys[%d]: a new key needs a Hash of its own, and an old one stands in the list once", i)
		}
	}
	return nil
}

// guessable reports whether a key was made by hand: one that repeats itself, as zeros do,
// that counts, or that has hardly any different bytes. No random key is such by chance.
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
		return fmt.Errorf("sessions: Config.PersonalCache %q is no header value", control)
	}
	lines := []string{control}
	if !hasField(lines, "private") && !hasField(lines, "no-store") {
		return errors.New(`sessions: Config.PersonalCache lets shared caches keep the pages of users: say "no-store", or begin it with "private"`)
	}
	return nil
}

// Derive returns secrets of 32 bytes for a purpose of the program's own, such as another
// cookie: one for each of Config.Keys, in their order, so that what the second has made
// is still good after a change of keys. They are made by HKDF-SHA256 (RFC 5869) of the
// Hash of each key, Config.Site and the purpose, and say nothing of the key or of the
// secrets of another purpose. Safe for concurrent use.
func (m *Manager) Derive(purpose string) [][]byte { return m.derive(purpose) }

// deriver keeps the keys where no print of a Manager shows them.
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
				panic("sessions: " + err.Error()) // of a length that HKDF cannot make, and this is none
			}
			secrets[i] = secret
		}
		return secrets
	}
}
