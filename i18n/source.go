package i18n

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/webapp2go/webapp2go/templates"
)

// maxName is the longest name of a locale that is looked at, and maxHeader the longest
// Accept-Language.
const (
	maxName   = 64
	maxHeader = 1000
)

// A Source is a place that may say in which locale a request wants its response. Make one with
// [Cookie], [Query], [PathPrefix] or [NewSource], or use [Stored] or [AcceptLanguage].
type Source struct {
	read   func(r *http.Request) string
	vary   string // the request's header that it reads
	stored bool
	list   bool // it is a list as Accept-Language has it
}

// Stored is what the application itself keeps for the visitor: the function that
// [Locales.ForRequest] gets. In package handlers it is Site.Language, such as a value of the
// session, and the cookie of its LanguageHandler.
var Stored = Source{stored: true}

// AcceptLanguage is the header that browsers send.
var AcceptLanguage = Source{read: func(r *http.Request) string { return strings.Join(r.Header.Values("Accept-Language"), ",") }, vary: "Accept-Language", list: true}

// Cookie is a cookie whose value is the name of a locale.
func Cookie(name string) Source {
	return Source{vary: "Cookie", read: func(r *http.Request) string {
		if c, err := r.Cookie(name); err == nil {
			return c.Value
		}
		return ""
	}}
}

// Query is a parameter of the query.
func Query(name string) Source {
	return Source{read: func(r *http.Request) string { return r.URL.Query().Get(name) }}
}

// PathPrefix is the first segment of the path, as in /de/about.
var PathPrefix = Source{read: func(r *http.Request) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return first
}}

// NewSource is a place of the application's own: read returns the name of a locale, or "".
// Vary is the header of the request that read looks at, such as "Cookie"; empty if it looks
// at none.
func NewSource(vary string, read func(r *http.Request) string) Source {
	return Source{read: read, vary: vary}
}

// ForRequest returns the locale of a request: that of the first Source that names a
// locale of the application, or a near one, as "de" is for "de-AT". If no Source names
// one, it is the default.
//
// Stored is asked at the place of [Stored] in the Sources; it may be nil.
//
// Vary are the request's headers that were read: the response's Vary header must name them
// (RFC 9110 section 12.5.5).
func (ls *Locales) ForRequest(r *http.Request, stored func() string) (l *Locale, vary []string) {
	for _, s := range ls.sources {
		wanted := ""
		switch {
		case s.stored:
			if stored != nil {
				wanted = stored()
			}
		default:
			wanted = s.read(r)
		}
		if s.vary != "" && !slices.Contains(vary, s.vary) { // also if it says nothing: with another value it would
			vary = append(vary, s.vary)
		}
		if found := ls.match(wanted, s.list); found != nil {
			return found, vary
		}
	}
	return ls.list[0], vary
}

// Language is ForRequest, for [templates.Languages].
func (ls *Locales) Language(r *http.Request, stored func() string) (l templates.Locale, vary []string) {
	return ls.ForRequest(r, stored)
}

// Languages is All, for [templates.Languages].
func (ls *Locales) Languages() []templates.Locale {
	all := make([]templates.Locale, len(ls.list))
	for i, l := range ls.list {
		all[i] = l
	}
	return all
}

// accepted returns the languages of an Accept-Language, the most wanted first. It leaves out
// what it cannot read, and keeps the rest.
func accepted(header string) []language.Tag {
	type wish struct {
		tag    language.Tag
		weight float32
	}
	var wishes []wish
	for part := range strings.SplitSeq(header, ",") {
		tags, weights, err := language.ParseAcceptLanguage(part)
		if err == nil && len(tags) == 1 && weights[0] > 0 && weights[0] <= 1 { // and not NaN
			wishes = append(wishes, wish{tags[0], weights[0]})
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.weight, a.weight) })
	tags := make([]language.Tag, len(wishes))
	for i, w := range wishes {
		tags[i] = w.tag
	}
	return tags
}

// match returns the locale for a name, or for a list as in Accept-Language, nil if there
// is none.
func (ls *Locales) match(wanted string, list bool) *Locale {
	if wanted == "" || !list && len(wanted) > maxName || len(wanted) > maxHeader {
		return nil
	}
	var tags []language.Tag
	if list {
		tags = accepted(wanted)
	} else {
		if l := ls.byName[normal(wanted)]; l != nil {
			return l
		}
		tag, err := language.Parse(wanted)
		if err != nil {
			return nil
		}
		tags = []language.Tag{tag}
	}
	// The confidence is low for Chinese in the other script, and none if nothing matches.
	if _, i, confidence := ls.matcher.Match(tags...); confidence >= language.High {
		return ls.list[i]
	}
	return nil
}
