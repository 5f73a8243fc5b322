package i18n

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
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
	// Libraries hold the catalogues of packages whose pages and messages are written in
	// English, in folders as those of FS, with a domain of any name: builtin.Messages of
	// i18n/builtin has those of package handlers. They are asked after FS. A locale that a
	// library lacks has that library's messages in the default locale.
	Libraries []fs.FS
	// Locales are the locales of the application, such as "de" or "pt_BR". If nil, Default
	// and all folders of Dir, or of the Libraries if FS is nil.
	Locales []string
	// Default is the locale of a request for which no Source finds one. It must be set. It
	// needs no catalogue if the messages in the source are written in its language.
	Default string
	// Sources say where the locale of a request comes from: the first that names a locale of
	// the application wins. If nil, Stored and AcceptLanguage.
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
		c.Sources = []Source{Stored, AcceptLanguage}
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
		var errs []error
		folders, errs = readFolders(c.FS, path.Join(".", c.Dir))
		mistakes = append(mistakes, errs...)
	}
	libraries := make([]map[string]string, len(c.Libraries))
	for i, library := range c.Libraries {
		if library == nil {
			report("Libraries[%d] is nil", i)
			continue
		}
		var errs []error
		libraries[i], errs = readFolders(library, ".")
		mistakes = append(mistakes, errs...)
		if c.FS == nil {
			maps.Copy(folders, libraries[i])
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
		l := &Locale{name: strings.ReplaceAll(tag.String(), "-", "_"), tag: tag, zone: zone, label: label(tag)}
		folder, ok := folders[normal(name)]
		switch {
		case c.FS != nil && ok:
			var errs []error
			l.catalogs, errs = readCatalogs(c.FS, folder, c.Domains)
			mistakes = append(mistakes, errs...)
		case c.FS == nil && len(c.Libraries) > 0 && (nearest(folders, tag) != "" || isEnglish(tag)):
		case i > 0:
			report("the locale %s has no folder: make %s/LC_MESSAGES/%s.po, or take it out of Locales", name, path.Join(c.Dir, name), c.Domains[0])
		}
		for i, folders := range libraries {
			catalogs, errs := readLibrary(c.Libraries[i], folders, tag)
			l.catalogs = append(l.catalogs, catalogs...)
			mistakes = append(mistakes, errs...)
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
		if !isEnglish(l.tag) { // for whom the message itself is better
			l.fallback = ls.list[0].catalogs
		}
	}
	ls.matcher = language.NewMatcher(tags)
	return ls, nil
}

// readFolders returns the folders of catalogues by their normalized names.
func readFolders(fsys fs.FS, dir string) (folders map[string]string, mistakes []error) {
	folders = map[string]string{}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return folders, []error{fmt.Errorf("i18n: the folder of the catalogues cannot be read: %w", err)}
	}
	if len(entries) > maxLocales {
		return folders, []error{fmt.Errorf("i18n: the folder %s has %d entries, more than %d: is it the folder of the catalogues?", dir, len(entries), maxLocales)}
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		if _, err := language.Parse(entry.Name()); err != nil {
			mistakes = append(mistakes, fmt.Errorf("i18n: the folder %s is not a locale: its name is not a language tag such as \"de\" or \"pt_BR\"", path.Join(dir, entry.Name())))
			continue
		}
		folders[normal(entry.Name())] = path.Join(dir, entry.Name())
	}
	return folders, mistakes
}

// nearest returns the folder of a locale, or of the language that it is a kind of.
func nearest(folders map[string]string, tag language.Tag) string {
	for ; tag != language.Und; tag = tag.Parent() {
		if folder := folders[normal(tag.String())]; folder != "" {
			return folder
		}
	}
	return ""
}

// readLibrary reads the catalogues of a library for a locale. In English, the library's own
// messages are the translations.
func readLibrary(fsys fs.FS, folders map[string]string, tag language.Tag) (list []*catalog, mistakes []error) {
	folder := nearest(folders, tag)
	if names := slices.Sorted(maps.Keys(folders)); folder == "" && isEnglish(tag) && len(names) > 0 {
		list, mistakes = readDomains(fsys, folders[names[0]])
		for i, c := range list {
			list[i] = c.inEnglish()
		}
		return list, mistakes
	}
	if folder == "" {
		return nil, nil
	}
	return readDomains(fsys, folder)
}

func isEnglish(tag language.Tag) bool {
	base, _ := tag.Base()
	return base.String() == "en"
}

// readDomains reads all catalogues of a folder.
func readDomains(fsys fs.FS, folder string) ([]*catalog, []error) {
	entries, err := fs.ReadDir(fsys, path.Join(folder, "LC_MESSAGES"))
	if err != nil {
		return nil, []error{fmt.Errorf("i18n: the catalogues of a library cannot be read: %w", err)}
	}
	var domains []string
	for _, entry := range entries {
		domain, extension := strings.TrimSuffix(entry.Name(), path.Ext(entry.Name())), path.Ext(entry.Name())
		if (extension == ".mo" || extension == ".po") && !slices.Contains(domains, domain) {
			domains = append(domains, domain)
		}
	}
	return readCatalogs(fsys, folder, domains)
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
