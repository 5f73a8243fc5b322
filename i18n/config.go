package i18n

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-playground/locales"
	"golang.org/x/text/language"
)

// A Format knows how a locale writes numbers and dates. Those of
// github.com/go-playground/locales are Formats: each locale is a package, and only those that
// a program imports are linked.
type Format = locales.Translator

// A Config says which locales an application has. The zero value of each field but Default
// works.
type Config struct {
	// FS holds the catalogues, in the folders that Babel writes:
	// de/LC_MESSAGES/messages.mo. If there is no .mo file, the .po file beside it is read,
	// without its fuzzy entries. If FS is nil, no message is translated.
	FS fs.FS
	// Dir is the folder in FS. If empty, FS itself.
	Dir string
	// Domains are the names of the catalogues. If a message is in several, the first wins.
	// If nil, "messages".
	Domains []string
	// Locales are the locales of the application, such as "de" or "pt_BR". If nil, Default
	// and all folders of Dir.
	Locales []string
	// Default is the locale of a request for which no Source finds one. It must be set. It
	// needs no catalogue if the messages in the source are written in its language.
	Default string
	// Sources say where the locale of a request comes from: the first that names a locale of
	// the application wins. If nil, AcceptLanguage.
	Sources []Source
	// Formats say how the locales write numbers and dates. If nil, dates are written as
	// in ISO 8601, and numbers with a point. Otherwise each locale needs a Format, its
	// own or that of its language.
	Formats []Format
	// TimeZone is the name of the time zone in which times are shown, as "Europe/Berlin". If
	// empty, "UTC". See [Locale.In].
	TimeZone string
}

const (
	maxLocales      = 500
	maxCatalogBytes = 16 << 20
)

// Locales are the locales of an application.
type Locales struct {
	list    []*Locale // the default first
	byName  map[string]*Locale
	matcher language.Matcher
	sources []Source
}

// New reads the catalogues. The error joins every mistake: a locale that is not a
// language tag or has no folder, a domain that a locale lacks, a catalogue that is
// damaged or does not fit its plural rule, a translation that uses a value which its
// message does not have, a locale without a Format, a time zone that does not exist.
func New(c Config) (*Locales, error) {
	var mistakes []error
	report := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf("i18n: "+format, args...)) }

	zone := time.UTC
	if c.TimeZone != "" {
		var err error
		if zone, err = Zone(c.TimeZone); err != nil {
			mistakes = append(mistakes, err)
			zone = time.UTC
		}
	}
	if c.Domains == nil {
		c.Domains = []string{"messages"}
	}
	if c.Sources == nil {
		c.Sources = []Source{AcceptLanguage}
	}
	for i, s := range c.Sources {
		if s.read == nil && !s.stored {
			report("Sources[%d] is the zero Source: use Stored, Cookie, Query, PathPrefix, AcceptLanguage or NewSource", i)
		}
	}
	if c.Default == "" {
		report("Default is empty: say which locale a request gets that asks for none, such as \"en\"")
		return nil, errors.Join(mistakes...)
	}
	folders := map[string]string{} // by normalized name
	if c.FS != nil {
		dir := path.Clean(c.Dir)
		if c.Dir == "" {
			dir = "."
		}
		entries, err := fs.ReadDir(c.FS, dir)
		if err != nil {
			report("the folder of the catalogues cannot be read: %w", err)
		}
		if len(entries) > maxLocales {
			report("the folder %s has %d entries, more than %d: is it the folder of the catalogues?", dir, len(entries), maxLocales)
			entries = nil
		}
		for _, entry := range entries {
			if !entry.IsDir() {
				continue
			}
			if _, err := language.Parse(entry.Name()); err != nil {
				report("the folder %s is no locale: its name is not a language tag such as \"de\" or \"pt_BR\"", path.Join(dir, entry.Name()))
				continue
			}
			folders[normal(entry.Name())] = path.Join(dir, entry.Name())
		}
	}
	names := c.Locales
	if names == nil {
		for name := range folders {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	ls := &Locales{byName: map[string]*Locale{}, sources: c.Sources}
	var tags []language.Tag
	var formats formatList = c.Formats
	for i, name := range append([]string{c.Default}, names...) {
		if ls.byName[normal(name)] != nil {
			continue
		}
		tag, err := language.Parse(name)
		if err != nil || len(name) > maxName {
			report("the locale %.80q is not a language tag such as \"de\" or \"pt_BR\"", name)
			continue
		}
		l := &Locale{name: strings.ReplaceAll(tag.String(), "-", "_"), tag: tag, zone: zone}
		folder, ok := folders[normal(name)]
		if ok {
			var errs []error
			l.catalogs, errs = readCatalogs(c.FS, folder, c.Domains)
			mistakes = append(mistakes, errs...)
		} else if i > 0 {
			report("the locale %s has no folder: make %s/LC_MESSAGES/%s.po, or take it out of Locales", name, path.Join(c.Dir, name), c.Domains[0])
		}
		if c.Formats != nil {
			if l.format = formats.find(tag); l.format == nil {
				report("the locale %s has no Format: import github.com/go-playground/locales/%s and add its New() to Formats", name, l.name)
			} else {
				l.money = newMoneyPattern(l.format)
			}
		}
		ls.list = append(ls.list, l)
		ls.byName[normal(name)] = l
		tags = append(tags, tag)
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	for _, l := range ls.list[1:] {
		l.fallback = ls.list[0].catalogs
	}
	ls.matcher = language.NewMatcher(tags)
	return ls, nil
}

type formatList []Format

// find returns the Format of a locale or, if there is none, that of its language.
func (list formatList) find(tag language.Tag) Format {
	base, _ := tag.Base()
	var byLanguage Format
	for _, f := range list {
		switch {
		case f == nil:
		case normal(f.Locale()) == normal(tag.String()):
			return f
		case normal(f.Locale()) == base.String():
			byLanguage = f
		}
	}
	return byLanguage
}

// normal makes names of locales comparable.
func normal(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

// All returns the locales, the default first, for a menu of languages.
func (ls *Locales) All() []*Locale { return slices.Clone(ls.list) }

// Default returns the default locale.
func (ls *Locales) Default() *Locale { return ls.list[0] }

// Named returns the locale of a name such as "pt_BR" or "pt-br". If there is none, the
// error lists the names that exist. If a user has chosen the name, respond with 400.
func (ls *Locales) Named(name string) (*Locale, error) {
	if l := ls.byName[normal(name)]; l != nil && len(name) <= maxName {
		return l, nil
	}
	var names []string
	for _, l := range ls.list {
		names = append(names, l.name)
	}
	return nil, fmt.Errorf("i18n: there is no locale %.40q; there are %s", name, strings.Join(names, ", "))
}

// Untranslated returns, for each locale, how many of the messages in its catalogues have no
// translation, for a line in the log at startup.
func (ls *Locales) Untranslated() map[string]int {
	counts := map[string]int{}
	for _, l := range ls.list {
		for _, c := range l.catalogs {
			counts[l.name] += c.untranslated
		}
	}
	return counts
}

// Zone returns the time zone of a name such as "Europe/Berlin", also for a name that a
// user has chosen. An empty name and "Local" are errors, because their meaning depends on
// the machine. A program for machines without data of time zones should import
// time/tzdata.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" || len(name) > 64 {
		return nil, fmt.Errorf("i18n: %.70q is not a time zone: write a name such as \"Europe/Berlin\"", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("i18n: there is no time zone %q: write a name such as \"Europe/Berlin\", or import time/tzdata if the machine has no data of time zones", name)
	}
	return zone, nil
}
