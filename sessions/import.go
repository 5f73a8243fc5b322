package sessions

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
)

// An Import takes over the sessions of an older system during a migration.
//
// Read is called only if the request has no cookie of the Spec, valid or not. What it
// returns becomes a new session. Every response that sets or deletes the new cookie also
// deletes the old one, so that a logout is final. A copy of the old cookie is valid until
// the Import is removed, because it looks the same as its first use.
type Import struct {
	// Cookie is the name of the old cookie.
	Cookie string
	// Domain and Path are the attributes of the old cookie, as in webapp2's cookie_args. If
	// Domain is empty, it has none; if Path is empty, it is "/". A browser deletes a cookie
	// only if both are right. If they are wrong, the old cookie stays, and the first request
	// after a logout takes it over again. A request with both cookies shows that, and is
	// logged once.
	Domain, Path string
	// Read returns what the old session holds, or the zero Imported if the request has no
	// valid one.
	Read func(*http.Request) Imported
}

// An Imported is the session of an older system.
type Imported struct {
	// Values become the values of the new session. webapp2's flashes, in the key "_flash",
	// become flashes.
	Values map[string]any
	// User is the id of the user who was logged in, or "". The new session then has a
	// [Login] with the Method [MethodImport] and without a Credential. No key of Values
	// logs anybody in.
	User string
}

// MethodImport is the [Login.Method] of a login at an older system.
const MethodImport = "import"

// webapp2Flashes is the key under which webapp2 keeps [value, level] pairs.
const webapp2Flashes = "_flash"

func (i *Import) check() (errs []error) {
	if !isToken(i.Cookie) {
		errs = append(errs, fmt.Errorf("Import.Cookie %q cannot name a cookie: give the older cookie's name", i.Cookie))
	}
	if i.Read == nil {
		errs = append(errs, errors.New("Import.Read is nil: give the function that reads the older cookie"))
	}
	if !validDomain(i.Domain) || i.Domain == "." {
		errs = append(errs, fmt.Errorf("Import.Domain %q is not a domain name: write it as the older system did, as in .example.com", i.Domain))
	}
	if len(i.Cookie) > 7 && strings.EqualFold(i.Cookie[:7], "__Host-") && (i.Domain != "" || i.Path != "" && i.Path != "/") {
		errs = append(errs, fmt.Errorf("Import.Cookie %q was set without a Domain and with the Path \"/\", as its prefix demands: leave Import.Domain and Import.Path out", i.Cookie))
	}
	if i.Path != "" && !validPath(i.Path) {
		errs = append(errs, fmt.Errorf("Import.Path %q must begin with / and contain no control character or semicolon", i.Path))
	}
	return errs
}

func (i *Import) deletion() string {
	path := i.Path
	if path == "" {
		path = "/"
	}
	return i.Cookie + "=" + cookieAttributes(path, i.Domain, isPrefixed(i.Cookie), 0) + expiredAttributes
}

// warnOfOld logs once that the old cookie is still there beside the new one: each response
// that set the new one has deleted it.
func (s *Session) warnOfOld() {
	i := s.spec.Import
	old := scanCookies(s.store.request.Header, i.Cookie)
	if _, found := old.next(); !found {
		return
	}
	s.spec.oldWarning.Do(func() {
		s.spec.manager.log.Warn("sessions: the old cookie was deleted but is still sent, so that a logout is not final: set Import.Domain and Import.Path to those of the old cookie",
			slog.String("cookie", i.Cookie), slog.String("domain", i.Domain), slog.String("path", i.Path))
	})
}

// importOld makes the old session the content of this new one.
func (s *Session) importOld() {
	if s.spec.Import == nil || s.store.saved {
		return
	}
	old := scanCookies(s.store.request.Header, s.spec.Import.Cookie)
	if _, found := old.next(); !found {
		return
	}
	imported := s.spec.Import.Read(s.store.request)
	if len(imported.Values) == 0 && imported.User == "" {
		return
	}
	for key, value := range imported.Values {
		if pairs, ok := value.([]any); ok && key == webapp2Flashes {
			s.importFlashes(pairs)
			continue
		}
		raw, err := encodeValue(value)
		if err != nil {
			s.undecodable("", key, err)
			continue
		}
		s.apply(setOp(key, raw))
	}
	if imported.User != "" {
		l := Login{At: s.now(), Method: MethodImport}
		s.apply(logInOp(imported.User, l))
	}
	s.imported = true
	s.report(Event{Kind: EventImported})
}

func (s *Session) importFlashes(pairs []any) {
	for _, p := range pairs {
		pair, ok := p.([]any)
		if !ok || len(pair) != 2 {
			continue
		}
		raw, err := encodeValue(pair[0])
		if err != nil {
			s.undecodable("", webapp2Flashes, err)
			continue
		}
		level, _ := pair[1].(string)
		s.apply(addFlashOp(newStoredFlash(raw, level, s.now())))
	}
}
