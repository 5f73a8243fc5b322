package i18n

import (
	"html/template"
	"time"

	"golang.org/x/text/language"

	"github.com/webapp2go/webapp2go/templates"
)

// A Locale translates and formats for one language and region. Its methods are safe for
// concurrent use.
type Locale struct {
	name     string
	tag      language.Tag
	catalogs []*catalog // the application's, then those of libraries
	fallback []*catalog // of the default locale; nil in English
	format   Format     // if nil, ISO 8601, and numbers with a point
	money    moneyPattern
	zone     *time.Location
	label    string
}

// Name returns the name of the locale with an underscore, "pt_BR", as folders and webapp2
// have it.
func (l *Locale) Name() string { return l.name }

// Lang returns the tag of the locale, "pt-BR", for the lang attribute of HTML.
func (l *Locale) Lang() string { return l.tag.String() }

// Dir returns the direction of the script, "ltr" or "rtl", for the dir attribute of HTML.
func (l *Locale) Dir() string {
	script, _ := l.tag.Script()
	switch script.String() {
	case "Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg", "Mand", "Samr":
		return "rtl"
	}
	return "ltr"
}

// Label returns what the speakers of the language call it, as "Deutsch" or "Português (BR)",
// for a menu of languages; the tag, if that is not known here.
func (l *Locale) Label() string { return l.label }

// In returns the locale with another time zone.
func (l *Locale) In(zone *time.Location) *Locale {
	other := *l
	other.zone = zone
	return &other
}

// T translates a message. The pairs are names and values for what is written %(name)s in it,
// printed as by fmt.Sprint.
//
//	l.T("Hello, %(name)s!", "name", user.Name)
func (l *Locale) T(message string, pairs ...any) string {
	return fill(l.lookup("", message, "", 0), pairs)
}

// N translates a message about n things, in the plural form that the language has for n. The
// two messages are those of the source's language, for one and for more. %(num)s in them is
// n.
func (l *Locale) N(one, more string, n int, pairs ...any) string {
	return fill(l.lookup("", one, more, n), append(pairs[:len(pairs):len(pairs)], "num", n))
}

// C translates a message that means different things in different places: the context says
// which, as in C("month", "May").
func (l *Locale) C(context, message string, pairs ...any) string {
	return fill(l.lookup(context, message, "", 0), pairs)
}

// NC is like N, with a context as in C.
func (l *Locale) NC(context, one, more string, n int, pairs ...any) string {
	return fill(l.lookup(context, one, more, n), append(pairs[:len(pairs):len(pairs)], "num", n))
}

// Message translates a Message.
func (l *Locale) Message(m Message) string { return m.In(l) }

// lookup returns the translation of a message or, if there is none, the message. A
// message with a plural is for n things.
func (l *Locale) lookup(context, message, plural string, n int) string {
	if n < 0 {
		n = -n
	}
	key := message
	if context != "" {
		key = context + contextMark + message
	}
	for _, list := range [2][]*catalog{l.catalogs, l.fallback} {
		for _, c := range list {
			if text := c.find(key, plural != "", n); text != "" {
				return text
			}
		}
	}
	if plural != "" && n != 1 {
		return plural
	}
	return message
}

func fill(message string, pairs []any) string { return templates.English.T(message, pairs...) }

func isLetter(c byte) bool { return c|32 >= 'a' && c|32 <= 'z' }

// A Message is translated when it is shown, by [Locale.Message], by the function t of a
// template, or as a flash of package handlers: webapp2's lazy strings. It can be kept in a
// session.
type Message = templates.Message

// Lazy makes a Message that Locale.T would translate.
func Lazy(message string, pairs ...any) Message { return templates.Lazy(message, pairs...) }

// LazyN makes a Message that Locale.N would translate.
func LazyN(one, more string, n int, pairs ...any) Message {
	return templates.LazyN(one, more, n, pairs...)
}

// Funcs returns the functions for templates: those of [templates.Functions], and number,
// percent, money, time and local, which are the methods of those names.
func (l *Locale) Funcs() template.FuncMap {
	funcs := templates.Functions(l)
	funcs["number"], funcs["percent"], funcs["money"] = l.Number, l.Percent, l.Money
	funcs["time"], funcs["local"] = l.Time, l.Local
	return funcs
}
