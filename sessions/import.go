package sessions

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
)

// An Import takes over the sessions of an older system during a migration, as
// webapp2cookie.Import does for webapp2's.
//
// Read is asked only where a request has no cookie of ours at all, not even one that
// is expired or refused: what it returns becomes a new session. From then on every
// answer that sets or deletes our cookie deletes the older one as well, so that a
// logout stays one; so does an answer that leaves nothing of what was taken over. A copy
// of the old cookie works until the Import is taken out: nothing here can tell it from the
// first use.
type Import struct {
	// Cookie is the older cookie's name.
	Cookie string
	// Domain and Path are those that the older system set the cookie with, as webapp2's
	// cookie_args say them; an empty Domain is none, an empty Path is "/". A browser
	// deletes a cookie only under the Domain and Path that it has, so with others the old
	// cookie stays, and the first request after a logout takes it over again. A request
	// that brings both cookies shows that; it is told once in the log.
	Domain, Path string
	// Read returns what the older session holds; the zero Imported if the request has
	// none that is valid.
	Read func(*http.Request) Imported
}

// Imported is what an older system knew of a visitor.
type Imported struct {
	// Values become those of the new session. webapp2's flashes, under the key "_flash",
	// become flashes.
	Values map[string]any
	// User is the id of the user whom the older system had logged in; empty: nobody. The
	// new session is that user's, with a [Login] whose Method is [MethodImport] and that
	// has no Credential. No key of Values makes anybody a user.
	User string
}

// MethodImport is the [Login.Method] of a login that an older system has made.
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
		errs = append(errs, fmt.Errorf("Import.Domain %q is no domain name: write it as the older system did, as in .example.com", i.Domain))
	}
	if len(i.Cookie) > 7 && strings.EqualFold(i.Cookie[:7], "__Host-") && (i.Domain != "" || i.Path != "" && i.Path != "/") {
		errs = append(errs, fmt.Errorf("Import.Cookie %q was set without a Domain and with the Path \"/\", as its prefix demands: leave Import.Domain and Import.Path out", i.Cookie))
	}
	if i.Path != "" && !validPath(i.Path) {
		errs = append(errs, fmt.Errorf("Import.Path %q must begin with / and hold no control character or semicolon", i.Path))
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

// warnOfOld says once that the older cookie is still there beside ours: each response
// that set ours has deleted it.
func (s *Session) warnOfOld() {
	i := s.spec.Import
	old := scanCookies(s.store.request.Header, i.Cookie)
	if _, found := old.next(); !found {
		return
	}
	s.spec.oldWarning.Do(func() {
		s.spec.manager.log.Warn("sessions: the older cookie was deleted and is still sent, so that a logout does not last: set Import.Domain and Import.Path to those that the older system set it with",
			slog.String("cookie", i.Cookie), slog.String("domain", i.Domain), slog.String("path", i.Path))
	})
}

// importOld makes the older system's session the content of this new one.
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
		s.apply(setting(key, raw))
	}
	if imported.User != "" {
		l := Login{At: s.now(), Method: MethodImport}
		s.apply(loggingIn(imported.User, l))
	}
	s.imported = true
	s.event(Event{Kind: EventImported})
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
		s.apply(adding(newNote(raw, level)))
	}
}
