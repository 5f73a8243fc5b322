package sessions

import (
	"fmt"
	"net/http"
	"os"
	"reflect"
	"sync"
	"time"
)

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
